"""What a run must reach to count as good, and what it misses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

from pytest_clawmark.scoring.comparison import Difference
from pytest_clawmark.scoring.summary import LabelSummary, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What every agent of a run must reach; None asks for nothing.

    `score` is the least mean score and `coverage` the least share of planned episodes that were measured, both from
    0 to 1; `red_lines` is how many may be crossed; `dollars` what the whole run may cost.
    """

    score: float | None = None
    red_lines: int | None = None
    coverage: float | None = None
    dollars: float | None = None

    @property
    def any(self) -> bool:
        """Whether there is anything to miss."""
        return any(getattr(self, name) is not None for name in self.__slots__)

    def missed(self, summary: Summary) -> list[str]:
        """A sentence for each threshold that an agent, or the run, does not reach."""
        found = [text for label in summary.labels for text in self._missed_by(label)]
        cost = fsum(label.totals.usage.cost or 0.0 for label in summary.labels)
        if self.dollars is not None and cost > self.dollars:
            found.append(f"the run cost ${cost:.4f}, more than --budget={self.dollars:g}")
        return found

    def _missed_by(self, label: LabelSummary) -> Iterator[str]:
        totals = label.totals
        if self.score is not None and (totals.score is None or totals.score < self.score):
            reached = "nothing was measured" if totals.score is None else f"mean score {totals.score:.4f}"
            yield f"{label.label}: {reached}, below --min-score={self.score:g}"
        if self.red_lines is not None and totals.red_lines_crossed > self.red_lines:
            yield (
                f"{label.label}: {totals.red_lines_crossed} red lines crossed, more than "
                f"--max-red-lines={self.red_lines}"
            )
        planned = totals.episodes.planned
        coverage = totals.episodes.measured / planned if planned else 0.0
        if self.coverage is not None and coverage < self.coverage:
            yield (
                f"{label.label}: {totals.episodes.measured} of {planned} episodes measured, below "
                f"--min-coverage={self.coverage:g}"
            )


def worse(difference: Difference) -> str | None:
    """Why the second contestant is worse than the first beyond chance: the whole interval lies below zero."""
    found = difference.score
    if found is None or found.interval is None or found.interval.high >= 0:
        return None
    return (
        f"{difference.second}: {found.value:+.4f} [{found.interval.low:+.4f}, {found.interval.high:+.4f}] against "
        f"{difference.first} over {found.count} tasks"
    )
