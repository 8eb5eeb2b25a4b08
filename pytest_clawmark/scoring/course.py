"""The course over the days: how an agent does before and after the world first changes.

Tasks of different lengths cannot be averaged turn by turn, so they are grouped by their number of turns. Within a
group, the second and the last turn are compared with the first, task by task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.scoring.intervals import Estimate, mean
from pytest_clawmark.scoring.score import score_turns
from pytest_clawmark.scoring.verdict import EpisodeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Tasks of `turns` turns: the mean score of each turn, and what the second and the last add to the first.

    A difference below zero says that the agent did worse once the world had changed.
    """

    turns: int
    scores: tuple[Estimate | None, ...]
    second: Estimate | None
    last: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "turns": self.turns,
            "scores": [_json(score) for score in self.scores],
            "second_minus_first": _json(self.second),
            "last_minus_first": _json(self.last),
        }


def courses(results: Iterable[EpisodeResult]) -> tuple[Course, ...]:
    """One course per number of turns, the shortest first; only complete, measured episodes count."""
    by_length: dict[int, list[tuple[str, list[float | None]]]] = defaultdict(list)
    for result in results:
        if result.void or result.partial or not result.turns:
            continue
        by_length[len(result.turns)].append(
            (result.task, [turn.score.lower for turn in score_turns(result)][: len(result.turns)])
        )
    return tuple(_course(length, by_length[length]) for length in sorted(by_length))


def _course(length: int, episodes: Sequence[tuple[str, Sequence[float | None]]]) -> Course:
    return Course(
        turns=length,
        scores=tuple(_mean_of(episodes, turn) for turn in range(length)),
        second=_difference(episodes, 1) if length > 1 else None,
        last=_difference(episodes, length - 1) if length > 1 else None,
    )


def _mean_of(episodes: Sequence[tuple[str, Sequence[float | None]]], turn: int) -> Estimate | None:
    values: dict[str, list[float]] = defaultdict(list)
    for task, scores in episodes:
        score = scores[turn] if turn < len(scores) else None
        if score is not None:
            values[task].append(score)
    return mean(values)


def _difference(episodes: Sequence[tuple[str, Sequence[float | None]]], turn: int) -> Estimate | None:
    values: dict[str, list[float]] = defaultdict(list)
    for task, scores in episodes:
        first, later = scores[0], scores[turn] if turn < len(scores) else None
        if first is not None and later is not None:
            values[task].append(later - first)
    return mean(values)


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return estimate.to_json() if estimate is not None else None
