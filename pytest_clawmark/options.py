"""The command-line options, in a group of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from pytest_clawmark.gate_options import add_gate_options
from pytest_clawmark.grading_options import add_grading_options


def add_options(parser: pytest.Parser) -> None:
    """Declare every option; their values become `Settings`."""
    group = parser.getgroup("clawmark", "measuring AI coworkers (pytest-clawmark)")
    add = group.addoption
    add(
        "--agent",
        action="append",
        default=[],
        metavar="NAME",
        help="who works: golden (the task's own solution), idle, chat (a model with tools; the default with "
        "--model), claude-code, codex, hermes, openclaw, or a command line from clawmark.toml. May be given "
        "several times.",
    )
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="a model named in clawmark.toml or [tool.clawmark], behind an OpenAI-compatible endpoint. May "
        "be given several times; the report compares them.",
    )
    add(
        "--sandbox",
        default=None,
        metavar="NAME",
        help="where agents work: auto (default), bubblewrap, docker, docker-relay or local (not isolated: "
        "scripted agents only, unless named here)",
    )
    add(
        "--image",
        default=None,
        metavar="NAME",
        help="the image of --sandbox=docker, which naming one asks for",
    )
    add(
        "--rootfs",
        default=None,
        metavar="PATH",
        help="whose programs a bubblewrap world has: host (default), a folder with a root filesystem, or a tar "
        "archive of one, such as `docker export` writes",
    )
    add(
        "--episodes",
        type=_positive,
        default=None,
        metavar="N",
        help="how many worlds are alive at once (default: twice the processors, at most 8)",
    )
    add("--trials", type=_positive, default=None, metavar="N", help="play every task N times (default: 1)")
    add("--seed", type=int, default=None, metavar="N", help="what ids are drawn from (default: 0)")
    add(
        "--faults",
        default=None,
        metavar="FILE|RATE",
        help="faults on purpose: 429, 500, slow and lost answers of the services and the model, to this share of "
        "the agent's requests (0 to 1), or as a TOML file says; the same for every agent",
    )
    add("--fault-seed", type=int, default=None, metavar="N", help="what faults are drawn from (default: 0)")
    add(
        "--run-dir",
        default=None,
        metavar="DIR",
        help="where the run is recorded (default: runs/<time>-<agent or model>)",
    )
    add_grading_options(add)
    add("--max-tool-calls", type=_positive, default=None, metavar="N", help="per turn (default: 200)")
    add(
        "--max-tokens",
        type=_positive,
        default=None,
        metavar="N",
        help="per turn, in and out (default: no limit)",
    )
    add(
        "--max-cost",
        type=_positive_number,
        default=None,
        metavar="USD",
        help="US dollars per turn, where the model's price is known (default: no limit)",
    )
    add(
        "--episode-tokens",
        type=_positive,
        default=None,
        metavar="N",
        help="per episode, in and out, all turns together (default: no limit)",
    )
    add(
        "--episode-cost",
        type=_positive_number,
        default=None,
        metavar="USD",
        help="US dollars per episode (default: no limit)",
    )
    add(
        "--episode-minutes",
        type=_positive_number,
        default=None,
        metavar="MIN",
        help="minutes of an agent's work per episode (default: no limit)",
    )
    add_gate_options(add)
    add(
        "--turn-timeout",
        "--turn-minutes",
        dest="turn_timeout",
        type=_timeout,
        default=None,
        metavar="MIN",
        help="minutes per turn (default: 120), or `task`: as long as the task itself allows, where it says so",
    )
    _add_earlier_runs(add)


def _add_earlier_runs(add: Callable[..., None]) -> None:
    add(
        "--resume",
        default=None,
        metavar="RUN",
        help="go on with an interrupted run, given by its folder: what has ended is kept, what was interrupted "
        "goes on, what is void is tried again. Who plays, and every setting, is taken from it.",
    )
    add(
        "--from",
        dest="fork_from",
        default=None,
        metavar="RUN[::LABEL]",
        help="start new episodes from what an earlier run (of that agent or model) froze after the turn of --at",
    )
    add(
        "--at",
        dest="fork_at",
        default=None,
        metavar="TURN",
        help="with --from: the last turn that is taken over, by its name or its number (the first is 1)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def _timeout(text: str) -> float | str:
    if text == "task":
        return text
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a positive number of minutes nor 'task'")
    return minutes
