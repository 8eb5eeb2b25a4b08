"""`--from` and `--at`: new episodes that begin after a turn of an earlier run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.scripted_model import Calls, Says, ScriptedModel

from pytest_clawmark.schemas import validate

TASK = '''
"""A diary of three days."""
import pytest
from pytest_clawmark import Account, Task

task = Task(
    role="assistant",
    prompt="Keep a diary.",
    agent=Account("mia", "mia@company.example"),
    people=[Account("boss", "boss@company.example")],
    services=["email"],
)


def begin(world):
    print(f"began {world.turn}")
    world.memory.setdefault("turns", []).append(world.turn)
    world.email.send("boss", to="mia", subject=world.turn, body="A new day.")
    return f"This is {world.turn}."


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    return begin(world)


@task.turn("2024-03-20T09:00+08:00")
def tuesday(world):
    return begin(world)


@task.turn("2024-03-21T09:00+08:00")
def wednesday(world):
    return begin(world)


@pytest.mark.turn("monday")
def check_monday(snapshot):
    assert snapshot.files.text("diary.txt") == "monday "


@pytest.mark.turn("tuesday")
def check_tuesday(snapshot, before):
    assert before.files.text("diary.txt") == "monday "
    assert snapshot.memory == {"turns": ["monday", "tuesday"]}
    assert [mail.subject for mail in snapshot.email.inbox("mia")] == ["monday", "tuesday"]


@pytest.mark.turn("wednesday")
def check_wednesday(snapshot):
    assert snapshot.files.text("diary.txt") == "monday tuesday wednesday "
'''

SOLUTION = "".join(
    f"""
def {day}(agent):
    agent.shell("printf '{day} ' >> diary.txt; cp diary.txt ~/diary.txt")
    agent.shell("ls ~ > home.txt; touch -d 2001-01-01 home.txt")
"""
    for day in ("monday", "tuesday", "wednesday")
)


class Forked:
    """An office with a run of the golden agent, and forks of it."""

    def __init__(self, office: Any) -> None:
        self.office, self.root = office, office.root
        self.folder = office.add("office/diary", task=TASK, solution=SOLUTION)

    def fork(self, *arguments: str, source: str = "run", at: str = "monday") -> pytest.RunResult:
        return self.pytest(f"--from={source}", f"--at={at}", "--run-dir=fork", "--sandbox=local", *arguments)

    def pytest(self, *arguments: str) -> pytest.RunResult:
        return self.office.pytester.runpytest(
            "tasks", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cacheprovider", *arguments
        )

    def episode(self, run: str = "fork", label: str = "golden") -> Path:
        return self.root / run / "episodes/office/diary" / label / "1"

    def record(self, label: str = "golden") -> dict[str, Any]:
        return json.loads((self.episode(label=label) / "episode.json").read_text())

    def results(self) -> dict[str, Any]:
        return json.loads((self.root / "fork/results.json").read_text())


@pytest.fixture
def forked(office) -> Forked:
    forked = Forked(office)
    office.run("--agent=golden").assert_outcomes(passed=6)
    return forked


def test_a_fork_plays_only_the_turns_that_come_after(forked: Forked) -> None:
    result = forked.fork("--agent=golden", "-v")
    result.assert_outcomes(passed=4, deselected=2)
    result.stdout.no_fnmatch_line("*monday*")
    [task] = forked.results()["tasks"]
    assert (task["planned"], [turn["turn"] for turn in task["turns"]]) == (2, ["tuesday", "wednesday"])
    assert (forked.episode() / "log.txt").read_text().split() == ["began", "tuesday", "began", "wednesday"]
    record = forked.record()
    validate("episode", record)
    inherited = record["inherited"]
    assert (inherited["run"], inherited["label"], inherited["trial"]) == ("run", "golden", 1)
    assert [turn["turn"] for turn in inherited["turns"]] == ["monday"]
    for moment in ("tuesday/wake.json", "wednesday/snapshot.json"):
        before, after = (
            json.loads((forked.episode(run) / moment).read_text())["services"] for run in ("run", "fork")
        )
        assert before == after


def test_another_agent_begins_afresh_in_the_world_of_the_first(forked: Forked) -> None:
    look = Calls(("shell", {"command": "ls ~; cat diary.txt; stat -c %y home.txt"}))
    with ScriptedModel([look, Says("Seen."), Says("Nothing.")]) as model:
        (forked.root / "clawmark.toml").write_text(
            f'[models.other]\nbase_url = "{model.url}"\nmodel = "scripted"\ncontext_window = 100000\n'
        )
        result = forked.fork("--model=other")
        asked = [request.messages for request in model.requests]
    result.assert_outcomes(passed=3, failed=1, deselected=2)
    first = asked[0][1:]
    assert [message["role"] for message in first] == ["user"]
    assert first[0]["content"].startswith("Keep a diary.\n\nThis is tuesday.")
    assert asked[-1][-1]["content"].startswith("This is wednesday.")
    seen = asked[1][-1]["content"]
    assert "skills\nmonday 2001-01-01" in seen
    assert "other" in forked.record("other")["label"]


def test_a_turn_may_be_numbered(forked: Forked) -> None:
    forked.fork("--agent=idle", at="2").assert_outcomes(passed=1, failed=1, deselected=4)


def test_a_fork_needs_its_source_no_more(forked: Forked) -> None:
    forked.fork("--agent=golden").assert_outcomes(passed=4, deselected=2)
    shutil.rmtree(forked.root / "run")
    record = forked.record() | {"state": "running", "turns": []}
    (forked.episode() / "episode.json").write_text(json.dumps(record))
    (forked.episode() / "verdicts.jsonl").unlink()
    forked.pytest("--resume=fork").assert_outcomes(passed=4, deselected=2)
    assert forked.record()["resumed"] == [{"turn": "tuesday", "moment": "wake", "lost": []}]
    shutil.rmtree(forked.episode() / "tuesday")
    (forked.episode() / "episode.json").write_text(json.dumps(record))
    forked.pytest("--resume=fork").assert_outcomes(passed=4, deselected=2)
    assert forked.record()["resumed"] == [{"turn": "tuesday", "moment": "snapshot", "lost": []}]


def test_blobs_are_shared_on_disk_where_that_can_be(forked: Forked) -> None:
    forked.fork("--agent=golden")
    digest = json.loads((forked.episode() / "monday/snapshot.json").read_text())["services"]["email"]
    source, target = (forked.root / run / "blobs" / digest[:2] / digest for run in ("run", "fork"))
    assert source.samefile(target)


def test_blobs_are_copied_where_they_cannot_be_shared(
    forked: Forked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    forked.fork("--agent=golden").assert_outcomes(passed=4, deselected=2)


def test_a_void_attempt_begins_again_at_the_fork(forked: Forked) -> None:
    record = json.loads((forked.episode("run") / "episode.json").read_text())
    forked.fork("--agent=golden").assert_outcomes(passed=4, deselected=2)
    void = forked.record() | {"state": "void", "void_reason": "gone"}
    void["attempts"] = [{"origin": "world", "reason": "gone"}]
    (forked.episode() / "episode.json").write_text(json.dumps(void))
    (forked.episode() / "verdicts.jsonl").unlink()
    (forked.episode() / "log.txt").unlink()
    forked.pytest("--resume=fork").assert_outcomes(passed=4, deselected=2)
    assert (forked.episode() / "log.txt").read_text().split() == ["began", "tuesday", "began", "wednesday"]
    assert forked.record()["seed"] == record["seed"]


def test_workers_fork_too(forked: Forked) -> None:
    forked.fork("--agent=golden", "-n", "2").assert_outcomes(passed=4)
    assert forked.results()["tasks"][0]["planned"] == 2


def test_a_label_tells_whose_episode_is_forked(forked: Forked) -> None:
    forked.office.pytester.runpytest(
        "tasks",
        "--agent=golden",
        "--agent=idle",
        "--run-dir=both",
        "--sandbox=local",
        "-p",
        "no:cacheprovider",
    ).assert_outcomes(passed=9, failed=3)
    forked.fork("--agent=idle", source="both::golden").assert_outcomes(passed=3, failed=1, deselected=2)
    assert forked.record("idle")["inherited"]["label"] == "golden"
    shutil.rmtree(forked.root / "fork")
    forked.fork("--agent=idle", source="both").assert_outcomes(passed=2, failed=2, deselected=2)
    assert forked.record("idle")["inherited"]["label"] == "idle"


REFUSED = [
    (["--from=run", "--agent=golden"], "*--from=run needs --at=TURN*"),
    (["--at=monday", "--agent=golden"], "*--at=monday needs --from=RUN*"),
    (["--from=run", "--at=monday"], "*--from=run needs somebody who goes on: name --agent or --model*"),
    (["--from=none", "--at=monday", "--agent=golden"], "*--from=*none: there is no run here*"),
    (
        ["--from=run", "--at=friday", "--agent=golden"],
        "*office/diary: it has no turn 'friday': its turns are monday, tuesday, wednesday",
    ),
    (
        ["--from=run::x", "--at=monday", "--agent=golden"],
        "*office/diary: the run has episodes of golden, none of x",
    ),
    (
        ["--from=run", "--at=monday", "--agent=golden", "--seed=5"],
        "*--seed=5: the run of --from has the seed 0*",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED)
def test_what_cannot_be_forked_is_a_usage_error(forked: Forked, arguments: list[str], text: str) -> None:
    result = forked.pytest("--sandbox=local", "--run-dir=fork", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])
    assert not list(forked.root.glob("fork/episodes/*"))


def test_workers_tell_what_cannot_be_forked(forked: Forked) -> None:
    result = forked.fork("--agent=golden", "-n", "2", at="friday")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*office/diary: it has no turn 'friday'*"])


def test_an_episode_that_never_got_there_cannot_be_forked(forked: Forked) -> None:
    record = json.loads((forked.episode("run") / "episode.json").read_text())
    record |= {"state": "running", "turns": record["turns"][:1]}
    (forked.episode("run") / "episode.json").write_text(json.dumps(record))
    result = forked.fork("--agent=golden", at="tuesday")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*office/diary: golden did not get to the end of 'tuesday' there"])
