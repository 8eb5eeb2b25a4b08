"""`--faults`: the same for every agent and every time, recorded, and kept by a run that is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.scripted_model import Calls, Says, ScriptedModel

SOLUTION = """
def ask(agent):
    for number in range(12):
        agent.tool("email_list", check=False)
    agent.tool("email_send", to="boss@company.example", subject="Re", body="Done", check=False)


def monday(agent):
    ask(agent)


def tuesday(agent):
    ask(agent)
"""
FAULTS = (
    '[email]\nrate = 0.4\nkinds = ["429", "500", "dropped", "lost"]\n[model]\nat = [2]\nkinds = ["500"]\n'
)


def record(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text())


def faults(run: Path, turn: str) -> list[str | None]:
    """What each of an agent's requests in a turn met, in order."""
    (audit,) = run.rglob(f"{turn}/audit.jsonl")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [line.get("fault") for line in lines if line["actor"] == "agent"]


def frozen(run: Path) -> list[str]:
    return [path.read_text() for path in sorted(run.rglob("snapshot.json"))]


@pytest.fixture
def letter_office(office):
    office.add(solution=SOLUTION)
    (office.root / "faults.toml").write_text(FAULTS)
    return office


def test_two_runs_meet_the_same_faults_and_end_in_the_same_worlds(letter_office):
    for name in ("run", "again"):
        letter_office.run("--agent=golden", "--faults=faults.toml", "--fault-seed=5", f"--run-dir={name}")
    one, two = letter_office.root / "run", letter_office.root / "again"
    assert frozen(one) == frozen(two)
    for turn in ("monday", "tuesday"):
        assert faults(one, turn) == faults(two, turn)
        assert None in faults(one, turn)
        assert {"429", "500", "dropped", "lost"} & set(faults(one, turn))
    assert faults(one, "monday") != faults(one, "tuesday")
    assert record(one)["settings"]["faults"]["seed"] == 5


def test_every_agent_meets_the_same_schedule(letter_office):
    day = [*[Calls(("email_list", {}))] * 12, Says("Done.")]
    with ScriptedModel([*day, *day]) as model:
        (letter_office.root / "clawmark.toml").write_text(
            f'[models.m]\nbase_url = "{model.url}"\nmodel = "scripted"\n'
        )
        letter_office.run(
            "--agent=golden", "--agent=chat", "--model=m", "--faults=faults.toml", "--fault-seed=5"
        )
    found = {}
    for audit in letter_office.run_dir.rglob("monday/audit.jsonl"):
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        found[str(audit)] = [line.get("fault") for line in lines if line["actor"] == "agent"][:12]
    one, two = found.values()
    assert one == two
    assert set(one) - {None}
    (asked,) = [path for path in letter_office.run_dir.rglob("monday/trajectory.jsonl") if "500" in path.read_text()
                and '"faults"' in path.read_text()]  # fmt: skip
    models = [json.loads(line) for line in asked.read_text().splitlines() if '"type":"model"' in line]
    assert [each.get("faults") for each in models][:3] == [None, ["500"], None]


def test_a_resumed_run_keeps_its_faults_and_refuses_others(letter_office):
    letter_office.run("--agent=golden", "--faults=0.3", "--fault-seed=5")
    before = record(letter_office.run_dir)["settings"]["faults"]
    for other in ("--faults=0.4", "--fault-seed=6"):
        result = letter_office.pytester.runpytest("tasks", "--resume=run", other, "-p", "no:cacheprovider")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines("*faults is {*and was {*")
    result = letter_office.pytester.runpytest("tasks", "--resume=run", "-p", "no:cacheprovider")
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    assert record(letter_office.run_dir)["settings"]["faults"] == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--faults=2"], "*a rate is a number from 0 to 1*"),
        (["--fault-seed=2"], "*--fault-seed=2 needs --faults*"),
        (["--faults=wrong.toml"], "*wrong.toml is no service of these tasks*"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_played(letter_office, options, told):
    (letter_office.root / "wrong.toml").write_text("['wrong.toml']\nrate = 0.1\n")
    result = letter_office.run("--agent=golden", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not list(letter_office.root.rglob("audit.jsonl"))
    result.stderr.fnmatch_lines(told.replace("wrong.toml", "[[]wrong.toml[]]") if "wrong" in told else told)
