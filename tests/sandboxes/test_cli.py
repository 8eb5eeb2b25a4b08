"""The `pytest-clawmark` command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark import cli, sandboxes, toolbox
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes import Finding


class Fake:
    def __init__(self, *, isolated: bool, works: bool) -> None:
        self.isolated = isolated
        self.works = works

    def check(self) -> Sequence[Finding]:
        remedy = "" if self.works else "mend it"
        return [Finding(subject="a sandbox", works=self.works, detail="looked at", remedy=remedy)]

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What works on the machine; a test changes it."""
    works = {"bubblewrap": True, "docker": True, "local": True}

    def fakes(image: str | None = None) -> dict[str, Any]:
        works["image"] = image  # type: ignore[assignment]  # only to be looked at
        return {
            name: lambda name=name: Fake(isolated=name != "local", works=works[name])
            for name in ("bubblewrap", "docker", "local")
        }

    monkeypatch.setattr(sandboxes, "providers", fakes)
    return works


def test_doctor_is_content_with_one_isolated_sandbox(
    machine: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    machine["bubblewrap"] = False
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "Isolated worlds work here: docker." in printed
    assert "-> mend it" in printed


def test_doctor_fails_where_nothing_isolates(
    machine: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    machine["bubblewrap"] = machine["docker"] = False
    assert cli.main(["doctor"]) == 1
    assert "No isolated world works here" in capsys.readouterr().out


def test_doctor_looks_at_everything_there_is(machine: dict[str, Any]) -> None:
    findings, _ = cli.examine("my-image")
    subjects = [finding.subject for finding in findings]
    assert subjects == ["Python", "system", *["a sandbox"] * 3, "toolbox", "pytest-html", "pytest-xdist"]
    assert machine["image"] == "my-image"


def test_doctor_prints_json_for_programs(machine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    machine["docker"] = False
    assert cli.main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["isolated"] == ["bubblewrap"]
    assert {"subject": "a sandbox", "works": False, "detail": "looked at", "remedy": "mend it"} in told[
        "findings"
    ]


def test_doctor_names_extras_that_are_missing_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli._EXTRAS, "clawmark-no-such-extra", "nothing")
    finding = cli._extra("clawmark-no-such-extra")
    assert (finding.works, finding.detail) == (False, "not installed")
    assert "pip install 'pytest-clawmark[nothing]'" in finding.remedy


def test_setup_builds_the_toolbox_and_tells_its_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure(progress: Any) -> Path:
        progress("installing")
        return Path("/somewhere")

    monkeypatch.setattr(toolbox, "ensure", ensure)
    assert cli.main(["setup"]) == 0
    assert capsys.readouterr().out == "toolbox: installing\ntoolbox: /somewhere\n"


def test_setup_that_fails_says_why_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure(progress: Any) -> Path:
        raise SettingsError("no network: do this")

    monkeypatch.setattr(toolbox, "ensure", ensure)
    assert cli.main(["setup"]) == 2
    assert capsys.readouterr().err == "pytest-clawmark setup: no network: do this\n"


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["doctor", "--unknown"]])
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: pytest-clawmark" in capsys.readouterr().err


def test_help_lists_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert all(command.name in printed for command in cli.COMMANDS)
