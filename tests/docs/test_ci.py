"""The workflows of the page on CI: their commands must be ones that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pytest_clawmark.cli import COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOWS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PYTEST = re.compile(r"^ +(pytest tasks .*?)(?=^ +(?:- |\w+:))", re.MULTILINE | re.DOTALL)


def commands(workflow: str) -> list[list[str]]:
    """Every call of pytest, as arguments."""
    texts = [" ".join(found.split()) for found in PYTEST.findall(workflow)]
    return [shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", text)) for text in texts]


def test_both_workflows_are_there() -> None:
    assert [len(commands(workflow)) for workflow in WORKFLOWS] == [1, 2]


@pytest.mark.parametrize("number", [0, 1])
def test_every_option_of_their_pytest_calls_exists(pytester: pytest.Pytester, number: int) -> None:
    pytest.importorskip("pytest_html")
    known = set(re.findall(r"--[a-z][a-z-]+", pytester.runpytest("--help").stdout.str()))
    for command in commands(WORKFLOWS[number]):
        options = {argument.partition("=")[0] for argument in command if argument.startswith("--")}
        assert options <= known
        assert "--exit" in options


def test_every_command_of_ours_exists() -> None:
    named = re.findall(r"pytest-clawmark ([a-z]+)", PAGE)
    assert {"setup", "export", "merge"} <= set(named)
    assert set(named) <= {command.name for command in COMMANDS}
