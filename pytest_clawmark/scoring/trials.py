"""What repeated trials of a task say: how good on average, whether ever, whether always.

With n trials of a task, c of them successful, k drawn without putting back:

    avg@k   the mean score of the trials
    pass@k  1 - C(n-c, k) / C(n, k)   at least one of k succeeds (Chen et al. 2021, arXiv 2107.03374)
    pass^k  C(c, k) / C(n, k)         all of k succeed (Yao et al. 2024, arXiv 2406.12045)

At k = n these are "any trial succeeded" and "every trial succeeded".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Any

from pytest_clawmark.scoring.intervals import Estimate, mean
from pytest_clawmark.scoring.score import score_episode
from pytest_clawmark.scoring.verdict import EpisodeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRates:
    """The figures for one k, each a mean over the tasks that have at least k judged trials."""

    k: int
    average: Estimate | None
    any_passes: Estimate | None
    all_pass: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """`avg@k`, `pass@k` and `pass^k` under these names."""
        return {
            "k": self.k,
            "avg@k": self.average.to_json() if self.average else None,
            "pass@k": self.any_passes.to_json() if self.any_passes else None,
            "pass^k": self.all_pass.to_json() if self.all_pass else None,
        }


def pass_at_k(trials: int, successes: int, k: int) -> float:
    """The chance that at least one of `k` drawn trials succeeded; raises `ValueError` where there are not `k`."""
    _check(trials, successes, k)
    return 1.0 - comb(trials - successes, k) / comb(trials, k)


def pass_hat_k(trials: int, successes: int, k: int) -> float:
    """The chance that all of `k` drawn trials succeeded; raises `ValueError` where there are not `k`."""
    _check(trials, successes, k)
    return comb(successes, k) / comb(trials, k)


def trial_rates(results: Iterable[EpisodeResult]) -> tuple[TrialRates, ...]:
    """The figures for every k from 1 to the most trials of a task; nothing where nothing was judged."""
    scores: dict[str, list[float]] = defaultdict(list)
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        known = score_episode(result)
        if known.lower is not None and not result.partial:
            scores[result.task].append(known.lower)
        if known.success is not None and not result.partial:
            outcomes[result.task].append(known.success)
    most = max((len(judged) for judged in outcomes.values()), default=0)
    return tuple(_rates(k, scores, outcomes) for k in range(1, most + 1))


def _rates(k: int, scores: dict[str, list[float]], outcomes: dict[str, list[bool]]) -> TrialRates:
    enough = {task: judged for task, judged in outcomes.items() if len(judged) >= k}
    return TrialRates(
        k=k,
        average=mean({task: [sum(found) / len(found)] for task, found in scores.items() if len(found) >= k}),
        any_passes=mean({task: [pass_at_k(len(j), sum(j), k)] for task, j in enough.items()}),
        all_pass=mean({task: [pass_hat_k(len(j), sum(j), k)] for task, j in enough.items()}),
    )


def _check(trials: int, successes: int, k: int) -> None:
    if not 0 <= successes <= trials or not 1 <= k <= trials:
        raise ValueError(
            f"k={k} of {trials} trials with {successes} successes: k must be from 1 to the number of trials"
        )
