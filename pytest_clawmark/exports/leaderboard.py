"""Who stands where, as a table in Markdown: for a README, or for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_clawmark.reports import figures
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import EpisodeResult, summarise
from pytest_clawmark.scoring.comparison import Standing, standings


def leaderboard(contestants: Mapping[str, Sequence[EpisodeResult]], *, title: str = "") -> str:
    """The best mean score first; figures with their intervals, red lines, coverage and cost."""
    rows = [_row(standing, contestants[standing.name]) for standing in standings(contestants)]
    head = ["", "agent", "mean score", "strict success", "red lines crossed", "measured", "cost"]
    rule = ["--:", ":--", ":--", ":--", ":--", ":--", "--:"]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
    note = "Intervals are at 95 %: bootstrap over tasks for scores, Wilson for rates."
    return "\n\n".join([*([f"## {_inert(title)}"] if title else []), table, note]) + "\n"


def _row(standing: Standing, results: Sequence[EpisodeResult]) -> list[str]:
    totals = [label.totals for label in summarise(results).labels]
    crossed, lines = sum(t.red_lines_crossed for t in totals), sum(t.red_lines for t in totals)
    measured, planned = sum(t.episodes.measured for t in totals), sum(t.episodes.planned for t in totals)
    costs = [figures.money(t.usage.cost, unpriced=t.usage.unpriced) for t in totals]
    return [
        str(standing.rank_by_score),
        _inert(standing.name),
        figures.estimate(standing.score),
        figures.percent(standing.passed),
        figures.of(crossed, lines),
        figures.of(measured, planned),
        costs[0] if len(costs) == 1 else figures.NONE,
    ]


def _inert(text: str) -> str:
    """A name within a table: one line, and no markup of its own."""
    shown = one_line(text)
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in shown)
