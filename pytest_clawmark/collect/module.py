"""The collector of one task's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_clawmark.checker import PREFIX, Checker, parameter_sets, read_checker
from pytest_clawmark.collect import NEEDS_SOLUTION
from pytest_clawmark.collect.finding import Source
from pytest_clawmark.collect.items import CheckerItem, TurnCollector, TurnItem
from pytest_clawmark.collect.loading import find_task, load_module
from pytest_clawmark.collect.registry import offered_services, resolve_services
from pytest_clawmark.collect.source import check_materials, solution_functions
from pytest_clawmark.failures import TaskError
from pytest_clawmark.task import LoadedTask, Place, Task, reject

SOLUTION_FILE = "solution.py"


class TaskModule(pytest.Module):
    """A `task.py`: one `TurnItem` and one `TurnCollector` of checkers per turn."""

    def __init__(self, *, source: Source, **options: Any) -> None:
        super().__init__(**options)
        self._source = source
        self.add_marker(pytest.mark.usefixtures("episode"))

    def _getobj(self) -> ModuleType:
        return self._importtestmodule()

    def _importtestmodule(self) -> ModuleType:
        try:
            check_materials(self._source)
            return load_module(self._source, self.config)
        except TaskError as error:
            raise self.CollectError(str(error)) from None
        except SyntaxError as error:
            raise self.CollectError(f"{self.path}:{error.lineno}: not valid Python: {error.msg}") from None
        except pytest.UsageError:
            raise
        except Exception as error:
            line = _line_in(self.path, error)
            raise self.CollectError(
                f"{self.path}:{line}: importing the task failed: {type(error).__name__}: {error}"
            ) from error

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The task's turns in order, each followed by its checkers."""
        self.session._fixturemanager.parsefactories(self)  # noqa: SLF001 - as pytest.Module.collect does
        try:
            task = find_task(self.obj, self.path)
            checkers = self._checkers(task)
            self.loaded = LoadedTask(
                id=task_id(self.path, self.config.rootpath),
                family=self.path.parent.parent.name,
                path=self.path,
                task=task,
                services=resolve_services(task, offered_services(self.config)),
                solution=self._solution(task),
                planned=sum(parameter_sets(getattr(self.obj, name)) for name in checkers),
            )
        except TaskError as error:
            raise self.CollectError(str(error)) from None
        for turn in task.turns.values():
            yield from TurnItem.of(self, turn)
            mine = {name: checker for name, checker in checkers.items() if checker.turn == turn.name}
            yield TurnCollector.from_parent(self, name=turn.name, checkers=mine)

    def _checkers(self, task: Task) -> Mapping[str, Checker]:
        functions: dict[str, Callable[..., Any]] = {
            name: value
            for name, value in vars(self.obj).items()
            if name.startswith(PREFIX) and callable(value)
        }
        if not functions:
            raise reject(
                task.place, "the task has no checker", f"Write a function {PREFIX}... for each turn."
            )
        return {name: read_checker(f, str(self.path), task.turns) for name, f in functions.items()}

    def _solution(self, task: Task) -> Path | None:
        path = self.path.parent / SOLUTION_FILE
        if not path.is_file():
            if self.config.stash[NEEDS_SOLUTION]:
                raise reject(
                    Place(file=str(path), line=1),
                    "--agent=golden needs the task's solution, and there is none",
                    f"Write {SOLUTION_FILE} with a function per turn: {', '.join(task.turns)}.",
                )
            return None
        functions = solution_functions(path)
        missing = [name for name in task.turns if name not in functions]
        if missing:
            raise reject(
                Place(file=str(path), line=1),
                f"the solution has no function for the turn {missing[0]!r}",
                f"It needs one per turn: {', '.join(task.turns)}; it has {', '.join(functions) or 'none'}.",
            )
        return path


def task_of(item: pytest.Item) -> LoadedTask | None:
    """The task that an item belongs to, None for anybody else's item."""
    if not isinstance(item, (TurnItem, CheckerItem)):
        return None
    module = item.getparent(TaskModule)
    return module.loaded if isinstance(module, TaskModule) else None


def task_id(path: Path, root: Path) -> str:
    """`hr/interns` for `tasks/hr/interns/task.py`; outside the project, the last two folders."""
    folder = path.parent
    if folder.is_relative_to(root):
        parts = folder.relative_to(root).parts
        return "/".join(parts[1:] if parts[:1] == ("tasks",) else parts) or folder.name
    return f"{folder.parent.name}/{folder.name}"


def _line_in(path: Path, error: BaseException) -> int:
    """The last line of `path` that was executing when `error` was raised."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
