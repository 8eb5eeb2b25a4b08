"""Two contestants on the same tasks: who is better, by how much, and where.

Pairs are formed by task and trial, so that what a task is like and what its seed draws falls out of the difference.
The test asks whether the differences could as well have had the other sign (a permutation test over tasks, exact
where there are few).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from pytest_clawmark.scoring.intervals import RESAMPLES, Estimate, mean, rate
from pytest_clawmark.scoring.score import score_episode
from pytest_clawmark.scoring.verdict import EpisodeResult

_SEED = 20_240_320


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One contestant among all: its figures, and its rank by each; 1 is best, and equals share a rank."""

    name: str
    score: Estimate | None
    passed: Estimate | None
    rank_by_score: int
    rank_by_passed: int

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "name": self.name,
            "score": self.score.to_json() if self.score else None,
            "passed": self.passed.to_json() if self.passed else None,
            "rank_by_score": self.rank_by_score,
            "rank_by_passed": self.rank_by_passed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How far one task's mean score moved."""

    task: str
    before: float
    after: float

    @property
    def by(self) -> float:
        """Positive where the second contestant did better."""
        return self.after - self.before

    def to_json(self) -> dict[str, Any]:
        """With the difference."""
        return {"task": self.task, "before": self.before, "after": self.after, "by": self.by}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the second contestant adds to the first, over `pairs` pairs of episodes.

    `p_value` is two-sided, None where fewer than two tasks differ in nothing or there is one task only.
    `moves` has every task that both measured, the largest move first.
    """

    first: str
    second: str
    pairs: int
    score: Estimate | None
    passed: Estimate | None
    p_value: float | None
    moves: tuple[Move, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "first": self.first,
            "second": self.second,
            "pairs": self.pairs,
            "score": self.score.to_json() if self.score else None,
            "passed": self.passed.to_json() if self.passed else None,
            "p_value": self.p_value,
            "moves": [move.to_json() for move in self.moves],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How well one task tells contestants apart: the spread of their mean scores, 0 where it tells nothing."""

    task: str
    scores: Mapping[str, float]

    @property
    def spread(self) -> float:
        """The best mean score less the worst."""
        return max(self.scores.values()) - min(self.scores.values())

    def to_json(self) -> dict[str, Any]:
        """With the spread."""
        return {"task": self.task, "scores": dict(self.scores), "spread": self.spread}


Contestants = Mapping[str, Sequence[EpisodeResult]]
"""The episodes of each contestant, by the name that it is shown under."""


def standings(contestants: Contestants) -> tuple[Standing, ...]:
    """Everybody's figures and ranks, the best mean score first."""
    scores = {name: mean(_scores_by_task(results)) for name, results in contestants.items()}
    passed = {name: _pass_rate(results) for name, results in contestants.items()}
    by_score, by_passed = _ranks(scores), _ranks(passed)
    found = [
        Standing(
            name=name,
            score=scores[name],
            passed=passed[name],
            rank_by_score=by_score[name],
            rank_by_passed=by_passed[name],
        )
        for name in contestants
    ]
    return tuple(sorted(found, key=lambda standing: (standing.rank_by_score, standing.name)))


def difference(first: str, second: str, contestants: Contestants) -> Difference:
    """The second contestant against the first."""
    one, two = _by_pair(contestants[first]), _by_pair(contestants[second])
    common = sorted(one.keys() & two.keys())
    scores: dict[str, list[float]] = defaultdict(list)
    passed: dict[str, list[float]] = defaultdict(list)
    befores: dict[str, list[float]] = defaultdict(list)
    for key in common:
        before, after = score_episode(one[key]), score_episode(two[key])
        if before.lower is not None and after.lower is not None:
            scores[key[0]].append(after.lower - before.lower)
            befores[key[0]].append(before.lower)
        if before.success is not None and after.success is not None:
            passed[key[0]].append(float(after.success) - float(before.success))
    moves = [_move(task, befores[task], scores[task]) for task in scores]
    return Difference(
        first=first,
        second=second,
        pairs=sum(map(len, scores.values())),
        score=mean(scores),
        passed=mean(passed),
        p_value=sign_flip_test([fsum(found) / len(found) for found in scores.values()]),
        moves=tuple(sorted(moves, key=lambda move: (-abs(move.by), move.task))),
    )


def telling(contestants: Contestants) -> tuple[Telling, ...]:
    """Every task that all contestants measured, the one that separates them most first."""
    means = {
        name: {task: fsum(found) / len(found) for task, found in _scores_by_task(results).items()}
        for name, results in contestants.items()
    }
    common = set.intersection(*(set(found) for found in means.values())) if means else set()
    found = [Telling(task=task, scores={name: means[name][task] for name in means}) for task in common]
    return tuple(sorted(found, key=lambda telling: (-telling.spread, telling.task)))


def sign_flip_test(differences: Sequence[float]) -> float | None:
    """The two-sided p-value of the differences' mean under random signs; None for fewer than two.

    Exact up to 12 tasks, from seeded permutations beyond.
    """
    if len(differences) < 2:
        return None
    if not any(differences):
        return 1.0
    import numpy as np
    from scipy.stats import permutation_test

    found = permutation_test(
        (np.asarray(differences, dtype=float),),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def _move(task: str, befores: Sequence[float], differences: Sequence[float]) -> Move:
    before = fsum(befores) / len(befores)
    return Move(task=task, before=before, after=before + fsum(differences) / len(differences))


def _by_pair(results: Sequence[EpisodeResult]) -> dict[tuple[str, int], EpisodeResult]:
    return {(result.task, result.trial): result for result in results if not result.partial}


def _scores_by_task(results: Sequence[EpisodeResult]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for result in results:
        known = score_episode(result)
        if known.lower is not None and not result.partial:
            found[result.task].append(known.lower)
    return dict(found)


def _pass_rate(results: Sequence[EpisodeResult]) -> Estimate | None:
    judged = [
        known.success
        for result in results
        if not result.partial and (known := score_episode(result)).success is not None
    ]
    return rate(sum(bool(success) for success in judged), len(judged))


def _ranks(figures: Mapping[str, Estimate | None]) -> dict[str, int]:
    """1 for the best; equal figures share a rank, and those without one come last."""
    values = {name: figure.value if figure is not None else -1.0 for name, figure in figures.items()}
    return {name: 1 + sum(other > value for other in values.values()) for name, value in values.items()}
