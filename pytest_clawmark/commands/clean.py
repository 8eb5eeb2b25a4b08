"""`pytest-clawmark clean`: remove what runs that were killed have left on this machine."""

from __future__ import annotations

import argparse

from pytest_clawmark.failures import WorldFailure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all",
        action="store_true",
        help="also containers and volumes of ours that another machine has made on a shared engine",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def run(arguments: argparse.Namespace) -> int:
    """0 when everything found is gone; an engine that does not answer is said, and is no failure."""
    from pytest_clawmark.sandboxes import leftovers

    found = leftovers.on_this_machine()
    try:
        found += leftovers.in_the_engine(everywhere=arguments.all)
    except WorldFailure as failure:
        print(f"docker: not looked at ({failure})")
    for left in found:
        print(f"{'found' if arguments.dry_run else 'removed'} {left.kind} {left.name}")
        if not arguments.dry_run:
            left.remove()
    if not found:
        print("nothing is left of earlier runs")
    return 0
