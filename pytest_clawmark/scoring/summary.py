"""Totals of a run, per agent and per family of tasks.

Every planned episode counts, so that nothing drops out of a mean in silence: `planned` is the fixed
denominator of coverage, and an episode that is void, partial or was never reached is planned but not
measured. Partial episodes (some checkers deselected or never reached) have scores over a different set of
checkers, so they stay out of the means, unless all scored episodes of the run are partial, as with
`-k one_checker`: then the means are over those, and the summary is marked partial. Success is strict, over
every checker of a task, so it has no rate in a partial summary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum
from typing import Any

from pytest_clawmark.scoring.score import score_episode
from pytest_clawmark.scoring.verdict import EpisodeResult, Outcome

_TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "model_calls", "tool_calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Episodes:
    """How many episodes were planned, and what became of them: the four others sum to `planned`.

    `measured` ones are complete and not void, whatever came of them.
    """

    planned: int
    measured: int
    void: int
    partial: int
    unreached: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What all turns used together; `cost` in US dollars is None where no price is known.

    `unpriced` counts turns that called a model without a price: with a cost, it is then too low.
    """

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    model_calls: int
    tool_calls: int
    cost: float | None
    unpriced: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The figures of one set of episodes.

    `score` and `score_upper` are means over `scored` episodes; `success_rate` is over `judged` episodes, of
    which `successes` succeeded. `checkers` are verdicts per outcome, of `checkers_planned`.
    """

    score: float | None
    score_upper: float | None
    scored: int
    success_rate: float | None
    successes: int
    judged: int
    red_lines: int
    red_lines_crossed: int
    episodes: Episodes
    checkers_planned: int
    checkers: dict[Outcome, int]
    usage: Usage

    @property
    def checkers_measured(self) -> int:
        """Verdicts that are not void."""
        return sum(self.checkers.values()) - self.checkers["void"]

    def to_json(self) -> dict[str, Any]:
        """The layout of `summary` in `results.json`."""
        return {
            "score": self.score,
            "score_upper": self.score_upper,
            "scored": self.scored,
            "success_rate": self.success_rate,
            "successes": self.successes,
            "judged": self.judged,
            "red_lines": self.red_lines,
            "red_lines_crossed": self.red_lines_crossed,
            "episodes": _slots(self.episodes),
            "checkers": {
                "planned": self.checkers_planned,
                "measured": self.checkers_measured,
                **self.checkers,
            },
            "usage": _slots(self.usage),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSummary:
    """One agent's totals: over everything, and per family in alphabetical order."""

    label: str
    agent: str
    model: str | None
    totals: Totals
    families: tuple[tuple[str, Totals], ...]

    def to_json(self) -> dict[str, Any]:
        """The layout of `summary.labels[]` in `results.json`."""
        return {
            "label": self.label,
            "agent": self.agent,
            "model": self.model,
            **self.totals.to_json(),
            "families": [{"family": family, **totals.to_json()} for family, totals in self.families],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run's totals, one per agent, in alphabetical order of labels."""

    partial: bool
    labels: tuple[LabelSummary, ...]

    def to_json(self) -> dict[str, Any]:
        """The layout of `summary` in `results.json`."""
        return {"partial": self.partial, "labels": [label.to_json() for label in self.labels]}


def summarise(results: Iterable[EpisodeResult]) -> Summary:
    """Totals of all planned episodes of a run, given in any order."""
    known = sorted(results, key=lambda result: (*_who(result), result.family, result.task, result.trial))
    graded = [result for result in known if result.checkers and not result.void]
    partial = bool(graded) and all(result.partial for result in graded)
    return Summary(
        partial=partial,
        labels=tuple(_label(tuple(group), partial=partial) for _, group in groupby(known, key=_who)),
    )


def _who(result: EpisodeResult) -> tuple[str, str, str]:
    return (result.label, result.agent, result.model or "")


def _label(results: Sequence[EpisodeResult], *, partial: bool) -> LabelSummary:
    families = groupby(results, key=lambda result: result.family)
    return LabelSummary(
        label=results[0].label,
        agent=results[0].agent,
        model=results[0].model,
        totals=totals(results, partial=partial),
        families=tuple((family, totals(tuple(group), partial=partial)) for family, group in families),
    )


def totals(results: Sequence[EpisodeResult], *, partial: bool = False) -> Totals:
    """The figures of these episodes; `partial` lets the partial ones into the means."""
    scores = [(result, score_episode(result)) for result in results]
    entering = [known for result, known in scores if partial or not result.partial]
    lower = [known.lower for known in entering if known.lower is not None]
    upper = [known.upper for known in entering if known.upper is not None]
    judged = [known.success for result, known in scores if known.success is not None and not result.partial]
    counts = Counter(verdict.outcome for result in results for verdict in result.checkers)
    return Totals(
        score=_mean(lower),
        score_upper=_mean(upper),
        scored=len(lower),
        success_rate=_mean([float(success) for success in judged]),
        successes=sum(judged),
        judged=len(judged),
        red_lines=sum(known.red_lines for _, known in scores),
        red_lines_crossed=sum(known.crossed for _, known in scores),
        episodes=_episodes(results),
        checkers_planned=sum(result.planned for result in results),
        checkers={
            "passed": counts["passed"],
            "failed": counts["failed"],
            "broken": counts["broken"],
            "void": counts["void"],
        },
        usage=_usage(results),
    )


def _episodes(results: Sequence[EpisodeResult]) -> Episodes:
    states = Counter(_state(result) for result in results)
    return Episodes(
        planned=len(results),
        measured=states["measured"],
        void=states["void"],
        partial=states["partial"],
        unreached=states["unreached"],
    )


def _state(result: EpisodeResult) -> str:
    if not result.reached:
        return "unreached"
    if result.void:
        return "void"
    return "partial" if result.partial else "measured"


def _usage(results: Sequence[EpisodeResult]) -> Usage:
    turns = [turn for result in results for turn in result.turns]
    counts = {key: sum(int(turn.usage.get(key) or 0) for turn in turns) for key in _TOKENS}
    costs = [cost for turn in turns if (cost := turn.usage.get("cost")) is not None]
    return Usage(
        **counts,
        cost=fsum(costs) if costs else None,
        unpriced=sum(
            bool(turn.usage.get("model_calls")) and turn.usage.get("cost") is None for turn in turns
        ),
        seconds=fsum(turn.seconds for turn in turns),
    )


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _slots(value: Episodes | Usage) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__slots__}
