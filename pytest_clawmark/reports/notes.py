"""What spoils a number, told one line per case: red lines crossed, broken checkers, void episodes, changes
that nobody made, and what models could not be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_clawmark.reports.figures import void_reason
from pytest_clawmark.reports.world_changes import unexplained
from pytest_clawmark.scoring import EpisodeResult


@dataclass(frozen=True, slots=True)
class Note:
    """A kind of trouble; `texts` are as foreign as the reasons in them."""

    title: str
    tone: Literal["bad", "odd"]
    texts: tuple[str, ...]


def notes(results: Sequence[EpisodeResult]) -> tuple[Note, ...]:
    """All cases, in the order of the results; a broken red line is told twice."""
    verdicts = [(result, verdict) for result in results for verdict in result.checkers]
    told = [
        (verdict, f"{_who(result)} {verdict.turn}::{verdict.id}: {verdict.reason or verdict.description}")
        for result, verdict in verdicts
    ]
    return (
        Note("red lines crossed", "bad", tuple(text for verdict, text in told if verdict.crossed)),
        Note("broken checkers", "odd", tuple(text for verdict, text in told if verdict.outcome == "broken")),
        Note("void episodes", "odd", tuple(_void(result) for result in results if result.void)),
        Note("unexplained changes", "odd", tuple(_unexplained(results))),
        Note("not shown to the model", "odd", tuple(_unread(results))),
    )


def _unexplained(results: Sequence[EpisodeResult]) -> Iterator[str]:
    for result in results:
        for turn in result.turns:
            for line in unexplained(turn.changes):
                yield f"{_who(result)} {turn.turn}: {line}"


def _unread(results: Sequence[EpisodeResult]) -> Iterator[str]:
    for result in results:
        for turn in result.turns:
            for told in turn.unread:
                yield f"{_who(result)} {turn.turn}: {told['what']} ({told['why']})"


def _who(result: EpisodeResult) -> str:
    trial = f"-{result.trial}" if result.trial > 1 else ""
    return f"{result.task}[{result.label}{trial}]"


def _void(result: EpisodeResult) -> str:
    tries = f" ({len(result.attempts)} tries)" if len(result.attempts) > 1 else ""
    return f"{_who(result)}{tries}: {void_reason(result)}"
