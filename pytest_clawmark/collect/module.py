"""The collector of one task's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_clawmark.checker import PREFIX, Checker, parameter_sets, read_checker
from pytest_clawmark.collect import FIXTURES, NEEDS_SOLUTION
from pytest_clawmark.collect.finding import Source
from pytest_clawmark.collect.items import CheckerItem, TurnCollector, TurnItem
from pytest_clawmark.collect.loading import find_task, load_module
from pytest_clawmark.collect.registry import offered_services, refuse_unknown_tools, resolve_services
from pytest_clawmark.collect.source import check_materials, check_shape, solution_functions
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
            check_shape(self._source)
            check_materials(self._source)
            return load_module(self._source, self.config)
        except TaskError as error:
            raise self.CollectError(str(error)) from None
        except SyntaxError as error:
            raise self.CollectError(f"{self.path}:{error.lineno}: not valid Python: {error.msg}") from None
        except (pytest.UsageError, KeyboardInterrupt):
            raise
        except BaseException as error:  # pytest.skip and sys.exit must not make a task vanish
            line = _line_in(self.path, error)
            raise self.CollectError(
                f"{self.path}:{line}: importing the task failed: {type(error).__name__}: {error}"
            ) from error

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The task's turns in order, each followed by its checkers."""
        manager = self.session._fixturemanager  # noqa: SLF001 - as pytest.Module.collect does
        manager.parsefactories(holder=self.config.stash[FIXTURES], node=self)
        manager.parsefactories(self)
        try:
            task = find_task(self.obj, self.path)
            _refuse_unused_inject(task)
            checkers = self._checkers(task)
            services = resolve_services(task, offered_services(self.config))
            refuse_unknown_tools(task, services)
            self.loaded = LoadedTask(
                id=task_id(self.path),
                family=self.path.parent.parent.name,
                path=self.path,
                task=task,
                services=services,
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
        marks = [mark for mark in self.own_markers if mark.name != "usefixtures"]
        return {name: read_checker(f, str(self.path), task.turns, marks) for name, f in functions.items()}

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


def task_of(item: pytest.Item) -> LoadedTask | None:
    """The task that an item belongs to, None for anybody else's item."""
    if not isinstance(item, (TurnItem, CheckerItem)):
        return None
    module = item.getparent(TaskModule)
    return module.loaded if isinstance(module, TaskModule) else None


def task_id(path: Path) -> str:
    """`hr/interns` for `.../tasks/hr/interns/task.py`, wherever pytest was started.

    It is the path below the innermost folder called `tasks`; without one, the last two folders.
    """
    parts = path.parent.parts
    below = parts[len(parts) - parts[::-1].index("tasks") :] if "tasks" in parts[:-1] else parts[-2:]
    return "/".join(below)


def _line_in(path: Path, error: BaseException) -> int:
    """The last line of `path` that was executing when `error` was raised."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
