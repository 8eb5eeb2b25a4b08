"""`pytest-clawmark`: what is done outside a pytest session. Each subcommand is one `Command`."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict

from pytest_clawmark.commands.arguments import add_world_arguments
from pytest_clawmark.commands.build import add_arguments as build_arguments
from pytest_clawmark.commands.clean import add_arguments as clean_arguments
from pytest_clawmark.commands.command import Command
from pytest_clawmark.commands.compare import add_arguments as compare_arguments
from pytest_clawmark.commands.export import add_arguments as export_arguments
from pytest_clawmark.commands.merge import add_arguments as merge_arguments
from pytest_clawmark.commands.run_arguments import add_arguments as runs_arguments
from pytest_clawmark.commands.view import add_arguments as view_arguments
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.sandboxes.contract import Finding

_EXTRAS = {"pytest-html": "html", "pytest-xdist": "xdist"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status is 2 for a wrong setting or a wrong command line."""
    parsed = _parser(COMMANDS).parse_args(arguments)
    command: Command = parsed.command
    try:
        return command.run(parsed)
    except ClawmarkError as failure:
        print(f"pytest-clawmark {command.name}: {failure}", file=sys.stderr)
        return 2


def _parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-clawmark", description="Prepares and examines this machine for measuring AI coworkers."
    )
    parser.add_argument("--version", action="version", version=importlib.metadata.version("pytest-clawmark"))
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        subparser.set_defaults(command=command)
        command.add_arguments(subparser)
    return parser


def _setup(_: argparse.Namespace) -> int:
    from pytest_clawmark.toolbox import ensure

    print(f"toolbox: {ensure(lambda step: print(f'toolbox: {step}', flush=True))}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    findings, isolated = examine(arguments.image)
    if arguments.json:
        print(
            json.dumps(
                {"isolated": isolated, "findings": [asdict(finding) for finding in findings]}, indent=2
            )
        )
    else:
        print(_table(findings))
        print()
        print(_summary(isolated))
    return 0 if isolated else 1


def examine(image: str | None = None) -> tuple[list[Finding], list[str]]:
    """Everything there is to know about this machine, and the isolated sandboxes that work on it."""
    from pytest_clawmark.sandboxes import providers

    findings = [_python(), _system()]
    isolated = []
    for name, make in providers(image).items():
        provider = make()
        try:
            found = provider.check()
        finally:
            provider.close()
        findings += found
        if provider.isolated and all(finding.works for finding in found):
            isolated.append(name)
    return [*findings, _toolbox(), *map(_extra, _EXTRAS)], isolated


def _python() -> Finding:
    detail = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Finding(subject="Python", works=True, detail=detail)


def _system() -> Finding:
    return Finding(
        subject="system",
        works=sys.platform == "linux",
        detail=f"{platform.system()} {platform.release()} {platform.machine()}",
        remedy=""
        if sys.platform == "linux"
        else "run pytest inside a Linux container, for example with Docker",
    )


def _toolbox() -> Finding:
    from pytest_clawmark.toolbox import locate

    folder = locate()
    return Finding(
        subject="toolbox",
        works=folder is not None,
        detail=str(folder) if folder else "not built yet; the first run builds it",
        remedy="" if folder else "build it now with `pytest-clawmark setup`",
    )


def _extra(distribution: str) -> Finding:
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        remedy = f"only if wanted: pip install 'pytest-clawmark[{_EXTRAS[distribution]}]'"
        return Finding(subject=distribution, works=False, detail="not installed", remedy=remedy)
    return Finding(subject=distribution, works=True, detail=version)


def _table(findings: Sequence[Finding]) -> str:
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok' if finding.works else 'no'}  {finding.subject:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':2}  {'':{width}}  -> {finding.remedy}")
    return "\n".join(lines)


def _summary(isolated: Sequence[str]) -> str:
    if isolated:
        return f"Isolated worlds work here: {', '.join(isolated)}."
    return "No isolated world works here: only trusted, scripted agents can run, in --sandbox=local."


def _no_arguments(_: argparse.ArgumentParser) -> None:
    """For subcommands without options."""


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--image", help="the Docker image to look for (default: clawmark-base)")


def _world(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import world

    return world.run(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import compare

    return compare.run(arguments)


def _export(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import export

    return export.run(arguments)


def _merge(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import merge

    return merge.run(arguments)


def _runs(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import runs

    return runs.run(arguments)


def _view(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import view

    return view.run(arguments)


def _build(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import build

    return build.run(arguments)


def _clean(arguments: argparse.Namespace) -> int:
    from pytest_clawmark.commands import clean

    return clean.run(arguments)


COMMANDS = (
    Command(
        name="setup",
        help="Build the toolbox, the agents' Python, before the first run needs it.",
        add_arguments=_no_arguments,
        run=_setup,
    ),
    Command(
        name="doctor",
        help="Tell what works on this machine and how to mend the rest.",
        add_arguments=_doctor_arguments,
        run=_doctor,
    ),
    Command(
        name="build",
        help="Build the Docker image in which worlds run, or that of the services by themselves.",
        add_arguments=build_arguments,
        run=_build,
    ),
    Command(
        name="clean",
        help="Remove what killed runs have left: containers, volumes, control groups, folders, processes.",
        add_arguments=clean_arguments,
        run=_clean,
    ),
    Command(
        name="world",
        help="Run a command, or a shell, in a fresh world with services.",
        add_arguments=add_world_arguments,
        run=_world,
    ),
    Command(
        name="runs",
        help="List the stored runs with their scores and sizes, show one, or remove some.",
        add_arguments=runs_arguments,
        run=_runs,
    ),
    Command(
        name="compare",
        help="Set stored runs side by side: who is better, by how much, and where.",
        add_arguments=compare_arguments,
        run=_compare,
    ),
    Command(
        name="export",
        help="Write a stored run as CSV, Markdown or SVG.",
        add_arguments=export_arguments,
        run=_export,
    ),
    Command(
        name="merge",
        help="Join runs of different tasks, such as the shards of a CI run, into one.",
        add_arguments=merge_arguments,
        run=_merge,
    ),
    Command(
        name="view",
        help="Look at runs in the browser: scores, days, steps, mail, tables, files.",
        add_arguments=view_arguments,
        run=_view,
    ),
)


if __name__ == "__main__":
    sys.exit(main())
