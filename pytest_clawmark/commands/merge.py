"""`pytest-clawmark merge`: the parts of a sharded run as one."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `--help` explains them."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders of runs, such as shards")
    parser.add_argument(
        "--into", metavar="RUN", type=Path, required=True, help="the folder to write; a new one"
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge, and print the joint scores. Raises `SettingsError` for runs that do not belong together."""
    from pytest_clawmark.merging import merge
    from pytest_clawmark.reports.reading import StoredRun
    from pytest_clawmark.reports.terminal import table

    merged = merge([StoredRun.read(path) for path in arguments.runs], arguments.into.absolute())
    width = shutil.get_terminal_size((100, 24)).columns
    print("\n".join(table(merged.results, width=width, location=str(merged.path))))
    return 0
