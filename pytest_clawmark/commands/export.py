"""`pytest-clawmark export`: a stored run as CSV, Markdown or SVG."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_clawmark.reports.reading import StoredRun

KINDS = ("table", "leaderboard", "figures")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `--help` explains them."""
    parser.add_argument(
        "kind",
        choices=KINDS,
        help="table: every verdict as CSV; leaderboard: a table in Markdown; figures: SVG files",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders of runs")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        type=Path,
        help="the file to write (default: standard output); for figures the folder (default: figures)",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="put runs on one leaderboard that did not measure the same"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the export. Raises `SettingsError` for runs that cannot be read or do not belong together."""
    from pytest_clawmark.exports.figures import write_figures
    from pytest_clawmark.exports.table import verdicts_csv
    from pytest_clawmark.reports.reading import StoredRun

    runs = [StoredRun.read(path) for path in arguments.runs]
    results = [result for run in runs for result in run.results]
    if arguments.kind == "figures":
        for path in write_figures(results, arguments.output or Path("figures")):
            print(path)
        return 0
    text = verdicts_csv(results) if arguments.kind == "table" else _leaderboard(runs, anyway=arguments.anyway)
    if arguments.output is None:
        print(text, end="")
    else:
        arguments.output.write_text(text, encoding="utf-8")
    return 0


def _leaderboard(runs: list[StoredRun], *, anyway: bool) -> str:
    from pytest_clawmark.exports.leaderboard import leaderboard
    from pytest_clawmark.reports.comparing import compared

    warnings, results = compared(runs, anyway=anyway)
    text = leaderboard(results)
    if not warnings:
        return text
    listed = "\n".join(f"- {warning}" for warning in warnings)
    return f"**Not the same measurement**: only what is common to the runs counts.\n\n{listed}\n\n{text}"
