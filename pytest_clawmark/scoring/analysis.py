"""What can be said of each agent of a run beyond its totals, with how sure it is.

Means are over complete, measured episodes, as in the summary; where all scored episodes of a run are partial, over
those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.scoring.course import Course, courses
from pytest_clawmark.scoring.efficiency import TurnEffort, efforts
from pytest_clawmark.scoring.intervals import Estimate, mean, rate
from pytest_clawmark.scoring.score import score_episode
from pytest_clawmark.scoring.summary import LabelSummary, Summary, summarise
from pytest_clawmark.scoring.taxonomy import Failures, announced, taxonomy
from pytest_clawmark.scoring.trials import TrialRates, trial_rates
from pytest_clawmark.scoring.verdict import EpisodeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnalysis:
    """One agent. `families` has its mean score per family; `trials` is empty where each task was played once."""

    summary: LabelSummary
    score: Estimate | None
    success: Estimate | None
    families: Mapping[str, Estimate | None]
    trials: tuple[TrialRates, ...]
    courses: tuple[Course, ...]
    categories: tuple[Failures, ...]
    announced: tuple[Failures, ...]
    efforts: tuple[TurnEffort, ...]

    def to_json(self) -> dict[str, Any]:
        """The layout of `analysis[]` in `results.json`."""
        return {
            "label": self.summary.label,
            "agent": self.summary.agent,
            "model": self.summary.model,
            "score": _json(self.score),
            "success": _json(self.success),
            "families": {family: _json(found) for family, found in self.families.items()},
            "trials": [rates.to_json() for rates in self.trials],
            "courses": [course.to_json() for course in self.courses],
            "categories": [failures.to_json() for failures in self.categories],
            "announced": [failures.to_json() for failures in self.announced],
            "efforts": [effort.to_json() for effort in self.efforts],
        }


def analyse(results: Iterable[EpisodeResult], summary: Summary | None = None) -> tuple[LabelAnalysis, ...]:
    """One analysis per agent, in the order of the summary, which is worked out where it is not given."""
    known = list(results)
    found = summary or summarise(known)
    grouped: dict[tuple[str, str, str | None], list[EpisodeResult]] = defaultdict(list)
    for result in known:
        grouped[result.label, result.agent, result.model].append(result)
    return tuple(
        _analyse(label, grouped[label.label, label.agent, label.model], partial=found.partial)
        for label in found.labels
    )


def _analyse(label: LabelSummary, results: Sequence[EpisodeResult], *, partial: bool) -> LabelAnalysis:
    entering = [result for result in results if partial or not result.partial]
    several = any(result.trial > 1 for result in results)
    return LabelAnalysis(
        summary=label,
        score=_mean_score(entering),
        success=rate(label.totals.successes, label.totals.judged),
        families={
            family: _mean_score([result for result in entering if result.family == family])
            for family, _ in label.families
        },
        trials=trial_rates(results) if several else (),
        courses=courses(results),
        categories=taxonomy(results),
        announced=announced(results),
        efforts=efforts(results),
    )


def _mean_score(results: Sequence[EpisodeResult]) -> Estimate | None:
    values: dict[str, list[float]] = defaultdict(list)
    for result in results:
        score = score_episode(result).lower
        if score is not None:
            values[result.task].append(score)
    return mean(values)


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return estimate.to_json() if estimate is not None else None
