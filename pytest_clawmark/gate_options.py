"""The options for CI: what a run must reach, and which part of it to play. Light: every session declares them."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_gate_options(add: Callable[..., None]) -> None:
    """Declare the options."""
    add(
        "--min-score",
        type=_share,
        default=None,
        metavar="X",
        help="fail unless every agent's mean score reaches X (0 to 1)",
    )
    add(
        "--max-red-lines",
        type=_count,
        default=None,
        metavar="N",
        help="fail when an agent crosses more than N red lines",
    )
    add(
        "--min-coverage",
        type=_share,
        default=None,
        metavar="X",
        help="fail unless X (0 to 1) of every agent's planned episodes were measured",
    )
    add(
        "--baseline",
        default=None,
        metavar="RUN",
        help="fail when an agent does worse than in that run beyond the 95 %% interval of the difference",
    )
    add(
        "--budget",
        type=_dollars,
        default=None,
        metavar="USD",
        help="begin no further episode once the run has cost USD, and fail",
    )
    add(
        "--categories",
        default=None,
        metavar="FILE",
        help="give checkers categories that their corpus lacks: TOML, a category's name before patterns of "
        "task::checker",
    )
    add(
        "--shard",
        default=None,
        metavar="I/N",
        help="play the I-th of N parts of the tasks; join the runs with `pytest-clawmark merge`",
    )
    add(
        "--durations-from",
        default=None,
        metavar="RUN",
        help="an earlier run by whose durations --shard splits evenly (default: every task counts the same)",
    )
    add(
        "--exit",
        choices=("checkers", "thresholds"),
        default="checkers",
        help="what fails the session: any failed checker (default), or thresholds alone",
    )


def _share(text: str) -> float:
    return _number(text, 0.0, 1.0, "a number from 0 to 1")


def _dollars(text: str) -> float:
    return _number(text, 0.0, float("inf"), "an amount of US dollars")


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most or value == float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
