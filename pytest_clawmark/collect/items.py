"""pytest's items of a task: a turn, and a checker below it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# A collector whose functions pytest itself parametrizes must be one of these; it has no public name.
from _pytest.python import PyCollector

from pytest_clawmark.checker import Checker, refined
from pytest_clawmark.failures import TaskError, VoidError
from pytest_clawmark.formats.contract import Declared
from pytest_clawmark.task import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Who plays an episode, for which time; `label` and `trial` make the bracket of a node id."""

    label: str
    trial: int

    @property
    def bracket(self) -> str:
        """`nemotron-49b` for the first trial, `nemotron-49b-2` for the second."""
        return self.label if self.trial == 1 else f"{self.label}-{self.trial}"


class EpisodeItem(pytest.Function):
    """What turns and checkers share: the episode that they need, and how a void one reads."""

    @property
    def contestant(self) -> Contestant | None:
        """Who plays; None when items are only collected."""
        callspec = getattr(self, "callspec", None)
        return callspec.params.get("episode") if callspec is not None else None

    @property
    def turn_name(self) -> str:
        """The turn that must have been played."""
        raise NotImplementedError

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """End at the author's own line: how a view finds out that evidence is missing is not news."""
        traceback = super()._traceback_filter(excinfo)
        own = [entry for entry in traceback if not _is_ours(entry.frame.code.raw.co_filename)]
        return type(traceback)(own) if own else traceback

    def _repr_failure_py(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, VoidError):
            return f"void ({excinfo.value.origin}): {excinfo.value}"
        return super()._repr_failure_py(excinfo, style)


@cache
def _is_ours(file_name: str) -> bool:
    parts = Path(file_name).parts
    return "pytest_clawmark" in parts or "clawmark_services" in parts


class TurnItem(EpisodeItem):
    """Plays one turn: passes if the agent worked and stopped of its own accord."""

    turn: Turn

    @classmethod
    def of(cls, parent: PyCollector, turn: Turn) -> Iterator[TurnItem]:
        """One item per contestant."""

        def play(episode: Any) -> None:
            result = episode.turn_result(turn.name)
            if result.outcome != "worked":
                pytest.fail(f"the agent was stopped ({result.stop_kind}): {result.reason}", pytrace=False)

        for function in parent._genfunctions(turn.name, play):  # noqa: SLF001 - see the import
            item = cls.from_parent(parent, callobj=play, **_as_generated(function))
            item.turn = turn
            yield item

    @property
    def turn_name(self) -> str:
        """The turn itself."""
        return self.turn.name

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The turn function's place in the task."""
        return Path(self.turn.place.file), self.turn.place.line - 1, self.name


class CheckerItem(EpisodeItem):
    """Runs one checker on the frozen state of its turn."""

    checker: Checker

    @property
    def turn_name(self) -> str:
        """The turn that it looks at."""
        return self.checker.turn

    @property
    def checker_id(self) -> str:
        """The function's name with its parameters, without the contestant."""
        callspec = getattr(self, "callspec", None)
        if callspec is None or self.contestant is None:
            return self.name
        own = callspec.id.removesuffix(self.contestant.bracket).removesuffix("-")
        return f"{self.originalname}[{own}]" if own else self.originalname


class CheckersCollector(PyCollector):
    """The checkers of one turn, or of a group that a format names."""

    def __init__(self, *, declared: Mapping[str, Declared], **options: Any) -> None:
        super().__init__(**options)
        self._declared = declared

    def _getobj(self) -> SimpleNamespace:
        return SimpleNamespace(**{name: declared.function for name, declared in self._declared.items()})

    def collect(self) -> Iterator[CheckerItem]:
        """One item per checker, parameter set and contestant, in the order of the file."""
        for name, declared in self._declared.items():
            for generated in self._genfunctions(name, declared.function):
                item = CheckerItem.from_parent(self, callobj=declared.function, **_as_generated(generated))
                callspec = getattr(item, "callspec", None)
                try:
                    item.checker = (
                        refined(declared.checker, callspec.marks)
                        if callspec is not None
                        else declared.checker
                    )
                except TaskError as error:
                    raise self.CollectError(str(error)) from None
                yield item


def _as_generated(function: pytest.Function) -> dict[str, Any]:
    """What pytest worked out for a function, to make an item of our own class from it."""
    callspec = getattr(function, "callspec", None)
    return {
        "name": function.name,
        "callspec": callspec,
        "fixtureinfo": function._fixtureinfo,  # noqa: SLF001 - there is no other way to hand it on
        "keywords": {callspec.id: True} if callspec is not None else None,
        "originalname": function.originalname,
    }
