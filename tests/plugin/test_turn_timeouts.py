"""`--turn-timeout`: minutes for every turn, or what the task itself allows."""

from __future__ import annotations

import json

import pytest

# A format may give a turn a limit of its own; here the first has next to none, and the second says nothing.
OWN_LIMIT = """

import dataclasses

task.turns["monday"] = dataclasses.replace(task.turns["monday"], minutes=1e-9)
"""


def stops(office) -> list[str]:
    record = json.loads((office.run_dir / "episodes/hr/letter/golden/1/episode.json").read_text())
    return [turn["stop_kind"] for turn in record["turns"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["", ""]),
        (["--turn-timeout=5"], ["", ""]),
        (["--turn-timeout=task"], ["limit", ""]),
        (["--turn-minutes=task"], ["limit", ""]),
        (["--turn-timeout=0.000000001"], ["limit", "limit"]),
    ],
)
def test_the_tasks_own_limit_binds_when_asked_for(office, letter: str, options: list[str], expected) -> None:
    office.add(task=letter + OWN_LIMIT)
    office.run("--agent=golden", *options)
    assert stops(office) == expected


def test_the_configuration_file_may_ask_for_it_too(office, letter: str) -> None:
    (office.root / "clawmark.toml").write_text('turn_timeout = "task"\n')
    office.add(task=letter + OWN_LIMIT)
    office.run("--agent=golden")
    assert stops(office) == ["limit", ""]
    settings = json.loads((office.run_dir / "run.json").read_text())["settings"]
    assert settings["limits"]["tasks_minutes"] is True


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_anything_else_is_a_usage_error(office, value: str) -> None:
    result = office.run("--agent=golden", f"--turn-timeout={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{value!r} is neither a positive number of minutes nor 'task'*"])
