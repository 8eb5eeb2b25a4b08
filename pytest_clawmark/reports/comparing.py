"""A comparison of stored runs, as values, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports import figures
from pytest_clawmark.reports.columns import Column, render
from pytest_clawmark.reports.comparability import common_tasks, contestants, differences
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.scoring import EpisodeResult
from pytest_clawmark.scoring.comparison import (
    Difference,
    Standing,
    Telling,
    difference,
    standings,
    telling,
)

MOVED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Contestants side by side, everybody against the first, and how well each task tells them apart.

    `warnings` say what differs between runs that were compared anyway.
    """

    warnings: tuple[str, ...]
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    telling: tuple[Telling, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "warnings": list(self.warnings),
            "standings": [standing.to_json() for standing in self.standings],
            "differences": [found.to_json() for found in self.differences],
            "tasks": [found.to_json() for found in self.telling],
        }


def compare(runs: Sequence[StoredRun], *, anyway: bool = False) -> Comparison:
    """Compare all contestants of these runs.

    Raises `SettingsError` where there are fewer than two contestants, and as `compared` does.
    """
    warnings, results = compared(runs, anyway=anyway)
    if len(results) < 2:
        raise SettingsError("a comparison needs two contestants: name two runs, or one of two agents")
    first, *others = results
    return Comparison(
        warnings=warnings,
        standings=standings(results),
        differences=tuple(difference(first, other, results) for other in others),
        telling=telling(results),
    )


def compared(
    runs: Sequence[StoredRun], *, anyway: bool
) -> tuple[tuple[str, ...], dict[str, list[EpisodeResult]]]:
    """What differs between runs, and the episodes of each contestant that can be set side by side.

    Raises `SettingsError` where the runs differ in what they measured, unless `anyway` asks for what is common to
    them, and where nothing is.
    """
    found = differences(runs)
    if found and not anyway:
        listed = "\n".join(f"    {text}" for text in found)
        raise SettingsError(
            f"these runs did not measure the same:\n{listed}\n    Compare what is common to them with --anyway."
        )
    tasks = common_tasks(runs) if found else None
    if tasks is not None and not tasks:
        raise SettingsError(
            "these runs have no task in common, by name and content: there is nothing to compare"
        )
    return tuple(found), {
        who.name: [
            result
            for result in who.run.results
            if result.label == who.label and (tasks is None or result.task in tasks)
        ]
        for who in contestants(runs)
    }


def lines(comparison: Comparison, *, width: int = 100) -> list[str]:
    """The comparison as text of at most `width` columns."""
    blocks = [
        _warnings(comparison),
        _standings(comparison, width),
        *(list(_difference(found, width)) for found in comparison.differences),
        _telling(comparison, width),
    ]
    return [line for block in blocks if block for line in (*block, "")][:-1]


def _warnings(comparison: Comparison) -> list[str]:
    if not comparison.warnings:
        return []
    head = "NOT THE SAME MEASUREMENT: only what is common to the runs is compared"
    return [head, *(f"  {text}" for text in comparison.warnings)]


def _standings(comparison: Comparison, width: int) -> list[str]:
    rows = comparison.standings
    return render(
        [
            Column("rank", [str(row.rank_by_score) for row in rows], right=True),
            Column("agent", [row.name for row in rows], least=12),
            Column("mean score", [figures.estimate(row.score) for row in rows]),
            Column("strict success", [figures.estimate(row.passed) for row in rows]),
            Column("rank by success", [str(row.rank_by_passed) for row in rows], right=True, short="rank"),
        ],
        width,
    )


def _difference(found: Difference, width: int) -> Iterator[str]:
    chance = "" if found.p_value is None else f", p = {figures.p_value(found.p_value)}"
    yield (
        f"{found.second} against {found.first}: {figures.estimate(found.score, signed=True)} in "
        f"{figures.counted(found.pairs, 'pair')}{chance}"
    )
    moved = [move for move in found.moves if move.by][:MOVED]
    if not moved:
        return
    table = render(
        [
            Column("  tasks that moved most", [f"  {move.task}" for move in moved], least=14),
            Column("from", [figures.share(move.before) for move in moved]),
            Column("to", [figures.share(move.after) for move in moved]),
            Column("by", [f"{move.by:+.2f}" for move in moved], right=True),
        ],
        width,
    )
    yield from table


def _telling(comparison: Comparison, width: int) -> list[str]:
    apart = [found for found in comparison.telling if found.spread > 0]
    silent = len(comparison.telling) - len(apart)
    found = []
    if apart:
        names = list(apart[0].scores)
        found = render(
            [
                Column("tasks that tell apart", [row.task for row in apart[:MOVED]], least=14),
                *(Column(name, [figures.share(row.scores[name]) for row in apart[:MOVED]]) for name in names),
                Column("spread", [figures.share(row.spread) for row in apart[:MOVED]], right=True),
            ],
            width,
        )
    return [*found, f"tasks that tell nothing: {silent} of {len(comparison.telling)}"]
