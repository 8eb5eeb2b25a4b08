"""How sure a figure is: 95 % intervals of means over tasks and of rates.

Tasks are what a benchmark samples, and trials of one task resemble each other, so a mean is resampled by task with
all of its trials. Both methods come from scipy, which takes a second to import and is therefore imported when the
first interval is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from typing import Any

LEVEL = 0.95
RESAMPLES = 4_999
_SEED = 20_240_319


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From `low` to `high`, at the level of `LEVEL`."""

    low: float
    high: float

    def to_json(self) -> list[float]:
        """`[low, high]`."""
        return [self.low, self.high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval and the number of tasks (of a mean) or cases (of a rate) that it rests on.

    `interval` is None where one task says nothing of how tasks differ.
    """

    value: float
    interval: Interval | None
    count: int

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        interval = self.interval.to_json() if self.interval is not None else None
        return {"value": self.value, "interval": interval, "count": self.count}


def mean(values: Mapping[str, Sequence[float]]) -> Estimate | None:
    """The mean over all values, given by task; its interval by bootstrap over tasks. None without values."""
    known = [values[task] for task in sorted(values) if values[task]]
    if not known:
        return None
    sums, counts = [fsum(group) for group in known], [len(group) for group in known]
    return Estimate(
        value=fsum(sums) / sum(counts),
        interval=_bootstrap(tuple(sums), tuple(counts)) if len(known) > 1 else None,
        count=len(known),
    )


def rate(successes: int, count: int) -> Estimate | None:
    """A rate of yes among `count` cases, with Wilson's interval. None without cases."""
    if count == 0:
        return None
    from scipy.stats import binomtest

    found = binomtest(successes, count).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Estimate(
        value=successes / count, interval=Interval(low=float(found.low), high=float(found.high)), count=count
    )


@lru_cache(maxsize=4_096)
def _bootstrap(sums: tuple[float, ...], counts: tuple[int, ...]) -> Interval:
    """The percentile interval of a ratio of sums; seeded, so that grading again gives the same digits.

    Kept, because every report of a session shows the same figures.
    """
    if all(total * counts[0] == sums[0] * count for total, count in zip(sums, counts, strict=True)):
        middle = sums[0] / counts[0]
        return Interval(low=middle, high=middle)
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap(
        (np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)),
        lambda total, count, axis: np.sum(total, axis=axis) / np.sum(count, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Interval(low=float(found.low), high=float(found.high))
