"""From a rubric's entry to a checker that pytest runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

from pytest_clawmark.formats.clawmark.context import Office, Snapshots, TaskContext
from pytest_clawmark.formats.clawmark.frozen import FrozenServices
from pytest_clawmark.formats.clawmark.metadata import Metadata
from pytest_clawmark.formats.clawmark.rubric import Entry
from pytest_clawmark.formats.clawmark.sandbox import FrozenPlace

if TYPE_CHECKING:
    from pytest_clawmark.grading.desk import Grading
    from pytest_clawmark.measurement import PlayedEpisode
    from pytest_clawmark.snapshots.view import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """Runs one checker on frozen worlds, with a `ctx` of its own."""

    entry: Entry
    metadata: Metadata
    folder: Path
    services: FrozenServices

    def __call__(self, episode: PlayedEpisode, snapshot: Snapshot, grading: Grading) -> None:
        """Raises `AssertionError` when the checker's answer is not true, and passes on what it raises."""
        turn, stages = self.entry.checker.turn, tuple(episode.task.task.turns)
        manifest, contents = episode.manifest(turn), episode.run.blobs.get
        desks = self.services.desks(episode.task, self.metadata, manifest, contents)
        place = FrozenPlace(grading, turn)
        office = Office(self.metadata, self.folder, place, desks, snapshot.memory)
        seen = stages[: stages.index(turn) + 1]
        try:
            passed = asyncio.run(self._answer(office.context(Snapshots(seen, grading.workspace))))
        except Exception as error:
            error.__traceback__ = _own(error.__traceback__, self.entry.checker.place.file)
            raise
        finally:
            office.keeper.settle()
        if not passed:
            raise AssertionError(self.entry.checker.description or f"{self.entry.checker.name} is not so")

    async def _answer(self, ctx: TaskContext) -> bool:
        return bool(await self.entry.check(ctx))


def _own(trace: TracebackType | None, file: str) -> TracebackType | None:
    """A traceback from the task's own file on: how it came to be run is not news."""
    found = trace
    while found is not None and found.tb_frame.f_code.co_filename != file:
        found = found.tb_next
    return found or trace


def checker_function(run: CheckRun) -> Callable[..., None]:
    """The function that pytest runs, with the fixtures that it takes and the marks that select it."""
    checker = run.entry.checker

    def check(episode: PlayedEpisode, snapshot: Snapshot, grading: Grading) -> None:
        run(episode, snapshot, grading)

    check.__name__ = check.__qualname__ = checker.name
    check.__doc__ = checker.description
    check.place_as = run.entry.check  # type: ignore[attr-defined]  # where pytest says that a test stands
    for mark in (pytest.mark.weight(checker.weight), *((pytest.mark.red_line,) if checker.red_line else ())):
        mark(check)
    return check
