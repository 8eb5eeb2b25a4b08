"""From an asynchronous stage to the plugin's turn function."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import TaskFailure
from pytest_clawmark.formats.clawmark.context import Office, Snapshots, live_desks
from pytest_clawmark.formats.clawmark.metadata import Metadata
from pytest_clawmark.formats.clawmark.sandbox import LivePlace
from pytest_clawmark.formats.clawmark.task import spoken
from pytest_clawmark.grading.thawing import thaw
from pytest_clawmark.world.author import AuthorWorld

Stage = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun:
    """Runs one stage on a world. `index` counts stages from 0."""

    stage: Stage
    index: int
    metadata: Metadata
    folder: Path

    def __call__(self, world: AuthorWorld) -> str:
        """What the agent is told; raises `TaskFailure` where the stage returned no message."""
        desks = live_desks(self.metadata, world.service)
        place = LivePlace(world, self.folder)
        office = Office(self.metadata, self.folder, place, desks, world.memory)
        ended = tuple(f"stage{number}" for number in range(self.index))
        with tempfile.TemporaryDirectory(prefix="clawmark-stage-") as scratch:
            ctx = office.context(Snapshots(ended, _Workspaces(world, Path(scratch)).folder))
            answer = asyncio.run(_awaited(self.stage, ctx))
        office.keeper.settle()
        office.remember(ctx, world.memory)
        message = spoken(answer)
        if message is None:
            raise TaskFailure(
                f"stage{self.index} returned {answer!r}: it must return a text, or a dict with the text under "
                "'notification' and the 'time'"
            )
        return message


@dataclass(frozen=True, slots=True)
class _Workspaces:
    """The frozen workspaces of the stages before, written out below a folder when they are asked for."""

    world: AuthorWorld
    root: Path

    def folder(self, stage: str) -> Path:
        """The workspace of one stage."""
        found = self.root / stage
        if not found.exists():
            found.mkdir()
            descriptor = os.open(found, os.O_RDONLY | os.O_DIRECTORY)
            try:
                thaw(descriptor, *self.world.earlier(stage))
            finally:
                os.close(descriptor)
        return found


async def _awaited(function: Stage, ctx: Any) -> Any:
    return await function(ctx)
