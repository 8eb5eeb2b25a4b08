"""Options of larger subcommands, apart from what they do: `--help` is not to load services."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

AGENT = "agent@company.example"


def add_world_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `--help` explains them."""
    several: dict[str, Any] = {"action": "extend", "nargs": "+", "default": []}
    parser.usage = "pytest-clawmark world [OPTION ...] [-- COMMAND [ARGUMENT ...]]"
    parser.add_argument(
        "--service", metavar="NAME", help="services of the world (default: all, or the seed's)", **several
    )
    parser.add_argument(
        "--rest", metavar="FILE", help="business APIs: JSON with name, resources and perhaps port", **several
    )
    parser.add_argument(
        "--account", metavar="ADDRESS", help=f"the agent, then other people (default: {AGENT})", **several
    )
    parser.add_argument("--seed", metavar="FILE", type=Path, help="begin with what --freeze has written")
    parser.add_argument("--freeze", metavar="FILE", type=Path, help="write everything to FILE at the end")
    parser.add_argument(
        "--at", metavar="TIME", help="in-universe time with a time zone, such as 2024-03-19T09:00+08:00"
    )
    parser.add_argument(
        "--faults", metavar="FILE|RATE", help="faults on purpose: a share of requests, or a TOML file"
    )
    parser.add_argument("--fault-seed", type=int, default=0, metavar="N", help="what faults are drawn from")
    parser.add_argument(
        "--mount", metavar="PATH[:ro]", help="show folders of this machine; default: writable", **several
    )
    parser.add_argument("--sandbox", default="auto", help="auto, bubblewrap, docker, docker-relay or local")
    parser.add_argument("--image", help="the Docker image to use")
    parser.add_argument("program", metavar="COMMAND", nargs="*", help="what to run (default: a shell)")
