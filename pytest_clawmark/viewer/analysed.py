"""The analysis that a run has stored, so that looking at it does not work it out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_clawmark.scoring import LabelAnalysis, Summary
from pytest_clawmark.scoring.course import Course
from pytest_clawmark.scoring.efficiency import TurnEffort
from pytest_clawmark.scoring.intervals import Estimate, Interval
from pytest_clawmark.scoring.summary import LabelSummary
from pytest_clawmark.scoring.taxonomy import Failures
from pytest_clawmark.scoring.trials import TrialRates

Json = Mapping[str, Any]


def analysed(stored: Sequence[Json], summary: Summary) -> tuple[LabelAnalysis, ...]:
    """`analysis` of `results.json`, in the order of the summary.

    Raises `KeyError`, `TypeError`, `ValueError` or `AttributeError` for what is no such thing.
    """
    known = {(entry["label"], entry["agent"], entry["model"]): entry for entry in stored}
    return tuple(_of(label, known[label.label, label.agent, label.model]) for label in summary.labels)


def _of(label: LabelSummary, entry: Json) -> LabelAnalysis:
    return LabelAnalysis(
        summary=label,
        score=_estimate(entry["score"]),
        success=_estimate(entry["success"]),
        families={family: _estimate(found) for family, found in entry["families"].items()},
        trials=tuple(map(_rates, entry["trials"])),
        courses=tuple(map(_course, entry["courses"])),
        categories=tuple(map(_failures, entry["categories"])),
        announced=tuple(map(_failures, entry["announced"])),
        efforts=tuple(TurnEffort(**effort) for effort in entry["efforts"]),
    )


def _estimate(entry: Json | None) -> Estimate | None:
    return _figure(entry) if entry is not None else None


def _figure(entry: Json) -> Estimate:
    interval = entry["interval"]
    return Estimate(
        value=float(entry["value"]),
        interval=Interval(low=float(interval[0]), high=float(interval[1])) if interval is not None else None,
        count=int(entry["count"]),
    )


def _rates(entry: Json) -> TrialRates:
    return TrialRates(
        k=int(entry["k"]),
        average=_estimate(entry["avg@k"]),
        any_passes=_estimate(entry["pass@k"]),
        all_pass=_estimate(entry["pass^k"]),
    )


def _course(entry: Json) -> Course:
    return Course(
        turns=int(entry["turns"]),
        scores=tuple(map(_estimate, entry["scores"])),
        second=_estimate(entry["second_minus_first"]),
        last=_estimate(entry["last_minus_first"]),
    )


def _failures(entry: Json) -> Failures:
    return Failures(**{**entry, "rate": _figure(entry["rate"])})
