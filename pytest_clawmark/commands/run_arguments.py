"""The command line of `pytest-clawmark runs`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its three commands; `--help` explains them."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="list|show|rm")
    listing = commands.add_parser("list", help="all runs: when, who, how far, what they came to, how large")
    _dir(listing)
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    show = commands.add_parser("show", help="one run: its settings, and the scores of its tasks")
    show.add_argument("run", metavar="RUN", help="its folder, or its name below --dir")
    _dir(show)
    show.add_argument("--json", action="store_true", help="print JSON instead of text")
    remove = commands.add_parser("rm", help="remove runs with all that was recorded of them")
    remove.add_argument("runs", metavar="RUN", nargs="+", help="folders, or names below --dir")
    _dir(remove)
    remove.add_argument("--yes", action="store_true", help="do not ask")


def _dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, default=Path("runs"), metavar="DIR", help="where the runs are (default: runs)"
    )
