"""From the file of a native task to what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_clawmark.checker import PREFIX, read_checker
from pytest_clawmark.formats.contract import Declared, ReadTask, Source
from pytest_clawmark.formats.loading import load_module
from pytest_clawmark.formats.native.shape import check_materials, check_shape, solution_functions
from pytest_clawmark.task import Place, Task, reject

SOLUTION_FILE = "solution.py"


def read_native(source: Source, config: pytest.Config) -> ReadTask:
    """Raises `TaskError` for what is malformed, and passes on what the file itself raises."""
    check_shape(source)
    check_materials(source)
    module = load_module(source, config)
    task = _find_task(module, source.path)
    _refuse_unused_inject(task)
    return ReadTask(
        task=task,
        module=module,
        checkers=_checkers(module, task, source.path),
        solution=_solution(task, source.path.parent / SOLUTION_FILE),
    )


def _find_task(module: ModuleType, path: Path) -> Task:
    task = getattr(module, "task", None)
    if not isinstance(task, Task):
        raise reject(
            Place(file=str(path), line=1),
            f"`task` is {task!r}, not a Task",
            "Assign task = Task(...) at the top level of the file.",
        )
    if not task.turns:
        raise reject(
            task.place, "the task has no turn", "Declare one with @task.turn('2024-03-19T09:00+08:00')."
        )
    return task


def _checkers(module: ModuleType, task: Task, path: Path) -> Mapping[str, Declared]:
    functions: dict[str, Any] = {
        name: value for name, value in vars(module).items() if name.startswith(PREFIX) and callable(value)
    }
    if not functions:
        raise reject(task.place, "the task has no checker", f"Write a function {PREFIX}... for each turn.")
    marks = list(_module_marks(module))
    return {
        name: Declared(checker=read_checker(function, str(path), task.turns, marks), function=function)
        for name, function in functions.items()
    }


def _module_marks(module: ModuleType) -> Iterator[pytest.Mark]:
    marks = getattr(module, "pytestmark", [])
    for mark in marks if isinstance(marks, list | tuple) else [marks]:
        yield mark.mark if isinstance(mark, pytest.MarkDecorator) else mark


def _solution(task: Task, path: Path) -> Path | None:
    if not path.is_file():
        return None
    functions = solution_functions(path)
    for name in task.turns:
        if functions.get(name, 1) != 1:
            raise reject(
                Place(file=str(path), line=1),
                f"the solution's function {name!r} takes {functions[name]} arguments",
                f"Write def {name}(agent): ...",
            )
    missing = [name for name in task.turns if name not in functions]
    if missing:
        raise reject(
            Place(file=str(path), line=1),
            f"the solution has no function for the turn {missing[0]!r}",
            f"It needs one per turn: {', '.join(task.turns)}; it has {', '.join(functions) or 'none'}.",
        )
    return path


def _refuse_unused_inject(task: Task) -> None:
    folder = task.folder / "inject"
    used = {turn.inject for turn in task.turns.values()}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in used:
            raise reject(
                task.place,
                f"no turn uses inject/{path.name}",
                f"Name the folder after a turn ({', '.join(task.turns)}), or name it: "
                f"@task.turn(..., inject={path.name!r}).",
            )
