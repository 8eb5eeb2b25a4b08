"""The collector of one task's file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_clawmark.checker import parameter_sets
from pytest_clawmark.collect import FIXTURES, NEEDS_SOLUTION
from pytest_clawmark.collect.finding import Claim
from pytest_clawmark.collect.items import CheckerItem, CheckersCollector, TurnItem
from pytest_clawmark.collect.registry import offered_services, refuse_unknown_tools, resolve_services
from pytest_clawmark.failures import TaskError
from pytest_clawmark.formats.contract import ReadTask
from pytest_clawmark.task import LoadedTask, Place, reject


class TaskModule(pytest.Module):
    """A task's file: one `TurnItem` per turn, each followed by its checkers."""

    def __init__(self, *, claim: Claim, **options: Any) -> None:
        super().__init__(**options)
        self._claim = claim
        self.add_marker(pytest.mark.usefixtures("episode"))

    def _getobj(self) -> ModuleType:
        self._read = self._read_file()
        return self._read.module

    def _read_file(self) -> ReadTask:
        try:
            return self._claim.format.read(self._claim.source, self.config)
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
        """The task's turns in order, each followed by its checkers, and by those that see the last turn's end."""
        manager = self.session._fixturemanager  # noqa: SLF001 - as pytest.Module.collect does
        manager.parsefactories(holder=self.config.stash[FIXTURES], node=self)
        manager.parsefactories(self)
        try:
            self.loaded = self._load()
        except TaskError as error:
            raise self.CollectError(str(error)) from None
        for mark in self._read.marks:
            self.add_marker(mark)
        turns = self.loaded.task.turns
        for turn in turns.values():
            # pytest looks an item's function up by name, and a format's turns need not be functions of a module.
            vars(self.obj).setdefault(turn.name, turn.function)
            yield from TurnItem.of(self, turn)
            yield self._checkers(turn.name)
        groups = dict.fromkeys(declared.checker.group for declared in self._read.checkers.values())
        yield from (self._checkers(group) for group in groups if group not in turns)

    def _load(self) -> LoadedTask:
        read = self._read
        services = resolve_services(read.task, offered_services(self.config))
        refuse_unknown_tools(read.task, services)
        if read.solution is None and self.config.stash[NEEDS_SOLUTION]:
            raise reject(
                Place(file=str(self.path.parent / "solution.py"), line=1),
                "--agent=golden needs the task's solution, and there is none",
                f"Write solution.py with a function per turn: {', '.join(read.task.turns)}.",
            )
        return LoadedTask(
            id=task_id(self.path),
            family=self.path.parent.parent.name,
            path=self.path,
            task=read.task,
            services=services,
            solution=read.solution,
            planned=sum(parameter_sets(declared.function) for declared in read.checkers.values()),
        )

    def _checkers(self, group: str) -> CheckersCollector:
        mine = {name: found for name, found in self._read.checkers.items() if found.checker.group == group}
        collector: CheckersCollector = CheckersCollector.from_parent(self, name=group, declared=mine)
        return collector


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
