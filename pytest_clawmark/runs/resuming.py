"""Where an episode goes on that was interrupted, or that was forked from another."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_clawmark.runs.episodes import EpisodeRecord
from pytest_clawmark.runs.layout import EpisodeFolder

Moment = Literal["start", "snapshot", "wake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where the playing of an episode begins: `turns` lie behind the agent.

    `moment` is `wake` when the next turn goes on from its own wake-up, `snapshot` when the world is that of the
    turn before, `start` when nothing has happened in it.
    """

    turns: int
    moment: Moment


def anew(record: EpisodeRecord) -> Beginning:
    """The beginning of an episode's first attempt, and of each after one that came to nothing."""
    inherited = len(record.inherited.turns) if record.inherited else 0
    return Beginning(turns=inherited, moment="snapshot" if inherited else "start")


def interrupted(record: EpisodeRecord, folder: EpisodeFolder, turns: Sequence[str]) -> Beginning:
    """Where an episode goes on that has turns left to play; `turns` are the names of all."""
    played = record.played
    if folder.turn(turns[played]).has("wake"):
        return Beginning(turns=played, moment="wake")
    return Beginning(turns=played, moment="snapshot" if played else "start")


def forget_beyond(beginning: Beginning, folder: EpisodeFolder, turns: Sequence[str]) -> None:
    """Remove what is on record of turns that are yet to be played, but for the wake-up that one goes on from."""
    kept = set(turns[: beginning.turns])
    woken = turns[beginning.turns] if beginning.moment == "wake" else None
    for path in folder.path.iterdir() if folder.path.is_dir() else ():
        if path.name == woken:
            folder.turn(woken).forget("snapshot")
        elif path.is_dir() and path.name not in kept:
            shutil.rmtree(path)
