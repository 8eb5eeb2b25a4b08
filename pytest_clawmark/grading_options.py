"""The options for grading what was frozen."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_grading_options(add: Callable[..., Any]) -> None:
    """Declare them; `add` is a group's `addoption`."""
    add(
        "--regrade",
        default=None,
        metavar="RUN",
        help="grade the frozen worlds of an earlier run again, with the checkers of today: no agent, model or "
        "sandbox. Prints what changed; the result lies beside the run (default: <RUN>.regrade-<n>)",
    )
    add(
        "--verify",
        type=_at_least_two,
        default=None,
        metavar="N",
        help="run every checker N times on the frozen worlds, in shuffled order, and report those that "
        "disagree with themselves",
    )


def _at_least_two(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 2")
    return int(text)
