"""`pytest-clawmark compare`: stored runs side by side."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `--help` explains them."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", type=Path, help="folders of runs; the first is the base"
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="compare what is common to runs whose tasks, checkers, services or settings differ",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison. Raises `SettingsError` for runs that cannot be compared."""
    from pytest_clawmark.reports.comparing import compare, lines
    from pytest_clawmark.reports.reading import StoredRun

    comparison = compare([StoredRun.read(path) for path in arguments.runs], anyway=arguments.anyway)
    if arguments.json:
        print(json.dumps(comparison.to_json(), indent=1))
    else:
        print("\n".join(lines(comparison, width=shutil.get_terminal_size((100, 24)).columns)))
    return 0
