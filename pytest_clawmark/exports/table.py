"""Every verdict as a row of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from pytest_clawmark.reports.text import visible
from pytest_clawmark.scoring import EpisodeResult

COLUMNS = (
    "task",
    "family",
    "label",
    "agent",
    "model",
    "trial",
    "turn",
    "checker",
    "category",
    "weight",
    "red_line",
    "outcome",
    "reason",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def verdicts_csv(results: Iterable[EpisodeResult]) -> str:
    """One row per verdict, with a header line; rows in the order of `results.json`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        for verdict in result.checkers:
            writer.writerow(
                [
                    _inert(result.task),
                    _inert(result.family),
                    _inert(result.label),
                    _inert(result.agent),
                    _inert(result.model or ""),
                    result.trial,
                    _inert(verdict.turn),
                    _inert(verdict.id),
                    _inert(verdict.category),
                    f"{verdict.weight:g}",
                    "yes" if verdict.red_line else "no",
                    verdict.outcome,
                    _inert(verdict.reason),
                ]
            )
    return text.getvalue()


def _inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a reason may quote what an agent wrote."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
