"""`--resume`: an interrupted run goes on where it was, and nothing of it can tell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.scripted_model import Calls, Says, ScriptedModel

from pytest_clawmark.runs.claiming import Claim
from pytest_clawmark.schemas import validate

# Every turn leaves marks in all that a world is made of, and says so once per time that it is run.
TASK = '''
"""A diary of three days."""
import os
from pathlib import Path

import pytest
from pytest_clawmark import Account, RestApi, Task

task = Task(
    role="assistant",
    prompt="Keep a diary.",
    agent=Account("mia", "mia@company.example"),
    people=[Account("boss", "boss@company.example")],
    services=["email", RestApi("desk", resources={"tickets": {"properties": {"title": {"type": "string"}}}})],
)


def begin(world):
    print(f"began {world.turn}")
    world.memory.setdefault("turns", []).append(world.turn)
    world.email.send("boss", to="mia", subject=world.turn, body="A new day.")
    world.desk.tickets.add(title=f"task {world.turn}")
    world.files.write(f"{world.turn}.txt", "given")
    if os.environ.get("BROKEN") == world.turn:
        raise RuntimeError("the task's fault")
    return f"It is {world.turn}."


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    return begin(world)


@task.turn("2024-03-20T09:00+08:00")
def tuesday(world):
    return begin(world)


@task.turn("2024-03-21T09:00+08:00")
def wednesday(world):
    return begin(world)


def graded(name):
    with open(os.environ["GRADED"], "a") as file:
        file.write(name + " ")


@pytest.mark.turn("monday")
def check_monday(snapshot):
    graded("monday")
    assert snapshot.memory == {"turns": ["monday"]}


@pytest.mark.turn("tuesday")
def check_tuesday(snapshot, before):
    graded("tuesday")
    assert snapshot.files.text("diary.txt") == "monday tuesday "
    assert before.files.text("diary.txt") == "monday "


@pytest.mark.turn("wednesday")
def check_wednesday(snapshot):
    graded("wednesday")
    assert snapshot.files.text("diary.txt") == "monday tuesday wednesday "
    assert snapshot.files.text("notes.txt") == "monday tuesday wednesday "
    assert snapshot.memory == {"turns": ["monday", "tuesday", "wednesday"]}
    assert [ticket["title"] for ticket in snapshot.rest.desk.tickets] == [
        title for day in ("monday", "tuesday", "wednesday") for title in (f"task {day}", f"agent {day}")
    ]
    assert len(snapshot.audit.requests(service="desk", actor="agent", operation="tickets.create")) == 3
'''

SOLUTION = """
import os
import signal


def work(agent):
    print(f"works {agent.turn}")
    agent.shell(f"printf '{agent.turn} ' >> ~/diary; cp ~/diary diary.txt")
    agent.shell(f"printf '{agent.turn} ' >> $TMPDIR/notes; cp $TMPDIR/notes notes.txt")
    agent.tool("desk_create", resource="tickets", values={"title": f"agent {agent.turn}"})
    agent.tool("email_send", to="boss@company.example", subject="Re", body=agent.turn)
    if os.environ.get("KILLED_IN") == agent.turn:
        os.kill(os.getpid(), signal.SIGKILL)


def monday(agent):
    work(agent)


def tuesday(agent):
    work(agent)


def wednesday(agent):
    work(agent)
"""

# Ends the process at the very moment when a file of the run has been, or is about to be, renamed into place.
KILLER = """
import os
import signal

import pytest_clawmark.runs.layout as layout

write = layout.replace_file


def replace_file(path, content, **options):
    name = f"{path.parent.name}/{path.name}"
    if os.environ.get("KILLED_BEFORE") == name:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, content, **options)
    if os.environ.get("KILLED_AFTER") == name:
        os.kill(os.getpid(), signal.SIGKILL)


layout.replace_file = replace_file
"""


class Diary:
    """An office with the task of the diary, and runs of it."""

    def __init__(self, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.office, self.root, self._monkeypatch = office, office.root, monkeypatch
        self.folder = office.add("office/diary", task=TASK, solution=SOLUTION)
        monkeypatch.setenv("GRADED", str(self.root / "graded.txt"))

    def play(self, *arguments: str, run: str = "run") -> pytest.RunResult:
        return self._pytest(f"--run-dir={run}", "--agent=golden", "--sandbox=local", *arguments)

    def resume(self, *arguments: str, run: str = "run") -> pytest.RunResult:
        return self._pytest(f"--resume={run}", *arguments)

    def _pytest(self, *arguments: str) -> pytest.RunResult:
        (self.root / "graded.txt").write_text("")
        return self.office.pytester.runpytest(
            "tasks", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cacheprovider", *arguments
        )

    def killed(self, **when: str) -> None:
        """Play in a process of its own that is killed at that moment."""
        done = self.elsewhere("--run-dir=run", "--agent=golden", "--sandbox=local", **when)
        assert done.returncode == -9, done.stdout + done.stderr

    def elsewhere(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        (self.root / "conftest.py").write_text(KILLER)
        (self.root / "graded.txt").write_text("")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "tasks", "-p", "no:cacheprovider", "-p", "no:anyio", *arguments],
            cwd=self.root,
            env={**os.environ, "TMPDIR": str(self.temporary), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @property
    def temporary(self) -> Path:
        folder = self.root / "temporary"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def graded(self) -> list[str]:
        """Which checkers really ran in the last session."""
        return (self.root / "graded.txt").read_text().split()

    def episode(self, run: str = "run") -> Path:
        return self.root / run / "episodes/office/diary/golden/1"

    def record(self, run: str = "run") -> dict[str, Any]:
        return json.loads((self.episode(run) / "episode.json").read_text())

    def log(self, run: str = "run") -> list[str]:
        return (self.episode(run) / "log.txt").read_text().splitlines()

    def interrupt(self, turn: str, moment: str, run: str = "run") -> None:
        """Make a run that has ended look as if it had been interrupted after that moment of that turn."""
        folder, record = self.episode(run), self.record(run)
        turns = ["monday", "tuesday", "wednesday"]
        behind = turns.index(turn)
        record |= {"state": "running", "turns": record["turns"][:behind]}
        (folder / "episode.json").write_text(json.dumps(record))
        (folder / "verdicts.jsonl").unlink()
        (self.root / run / "results.json").unlink()
        for later in turns[behind + 1 :]:
            shutil.rmtree(folder / later)
        for name in ("snapshot", *(["wake"] if moment == "begun" else [])):
            for suffix in ("json", "private.json"):
                (folder / turn / f"{name}.{suffix}").unlink()


def findings(run: Path) -> dict[str, Any]:
    """All that must not depend on an interruption."""
    results = json.loads((run / "results.json").read_text())
    found: dict[str, Any] = {
        checker["id"]: (checker["outcome"], checker["reason"])
        for task in results["tasks"]
        for checker in task["checkers"]
    }
    for path in run.glob("episodes/**/*.json"):
        document = json.loads(path.read_text())
        if path.name in ("wake.json", "snapshot.json"):
            found[str(path.relative_to(run))] = (document["digest"], document["clocks"])
        if path.name == "episode.json":
            assert "turns" in document
            validate("episode", document, source=str(path))
        if path.name.endswith(".private.json"):
            validate("private", document, source=str(path))
    for path in run.glob("episodes/**/audit.jsonl"):
        found[str(path.relative_to(run))] = path.read_text()
    return found


@pytest.fixture
def diary(office, monkeypatch: pytest.MonkeyPatch) -> Diary:
    return Diary(office, monkeypatch)


@pytest.fixture
def whole(diary: Diary) -> Path:
    """A run that was not interrupted."""
    diary.play().assert_outcomes(passed=6)
    shutil.copytree(diary.root / "run", diary.root / "whole")
    return diary.root / "whole"


def test_an_episode_that_was_awake_goes_on_from_its_wake_up(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "awake")
    (diary.episode() / "log.txt").unlink()
    with (diary.episode() / "tuesday/trajectory.jsonl").open("a") as trajectory:
        trajectory.write('{"type": "tool", "name": "sh')
    diary.resume().assert_outcomes(passed=6)
    assert diary.log() == ["works tuesday", "began wednesday", "works wednesday"]
    assert diary.record()["resumed"] == [{"turn": "tuesday", "moment": "wake", "lost": []}]
    assert findings(diary.root / "run") == findings(whole)


def test_an_episode_that_was_not_awake_yet_goes_on_from_the_turn_before(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "begun")
    (diary.episode() / "log.txt").unlink()
    diary.resume().assert_outcomes(passed=6)
    assert diary.log() == ["began tuesday", "works tuesday", "began wednesday", "works wednesday"]
    assert diary.record()["resumed"] == [{"turn": "tuesday", "moment": "snapshot", "lost": []}]
    assert findings(diary.root / "run") == findings(whole)


def test_what_has_ended_is_kept_and_graded_no_second_time(diary: Diary, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in diary.episode().rglob("*")}
    result = diary.resume("-v")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*::tuesday::check_tuesday*PASSED*"])
    assert diary.graded == []
    assert {path: path.stat().st_mtime_ns for path in diary.episode().rglob("*")} == before
    assert findings(diary.root / "run") == findings(whole)
    run = json.loads((diary.root / "run/run.json").read_text())
    validate("run", run)
    assert run["created"] == json.loads((whole / "run.json").read_text())["created"]
    assert ["--resume=run" in each["command"] for each in run["resumed"]] == [True]


def test_what_is_void_is_tried_again_and_its_failure_stays_on_record(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "tuesday")
    diary.play().assert_outcomes(passed=2, errors=4)
    assert (diary.record()["state"], len(diary.record()["turns"])) == ("void", 2)
    monkeypatch.delenv("BROKEN")
    diary.resume().assert_outcomes(passed=6)
    assert [attempt["origin"] for attempt in diary.record()["attempts"]] == ["task"]
    assert diary.record()["state"] == "ended"
    assert diary.log().count("began monday") == 2


def test_only_what_is_missing_is_played(diary: Diary) -> None:
    diary.office.add("office/other", task=TASK, solution=SOLUTION)
    diary.play().assert_outcomes(passed=12)
    diary.interrupt("wednesday", "awake")
    diary.resume().assert_outcomes(passed=12)
    assert diary.graded == ["monday", "tuesday", "wednesday"]
    other = json.loads((diary.root / "run/episodes/office/other/golden/1/episode.json").read_text())
    assert "resumed" not in other


def test_a_run_can_be_moved_and_its_tasks_too(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "awake")
    (diary.root / "far/away").mkdir(parents=True)
    (diary.root / "run").rename(diary.root / "far/away/moved")
    (diary.root / "tasks").rename(diary.root / "far/tasks")
    (diary.root / "graded.txt").write_text("")
    result = diary.office.pytester.runpytest("far/tasks", "--resume=far/away/moved", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=6)
    assert findings(diary.root / "far/away/moved") == findings(whole)


def test_settings_come_from_the_run_and_others_are_refused_by_name(diary: Diary) -> None:
    diary.play("--seed=7", "--max-tool-calls=50", "--turn-timeout=task").assert_outcomes(passed=6)
    diary.interrupt("wednesday", "awake")
    before = findings_of_refusal(diary)
    result = diary.resume("--seed=8", "--trials=2", "--max-tool-calls=51", "--turn-timeout=5", "--agent=idle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*--resume=run: a run goes on with the settings it began with, and these differ:",
            "*agents is ?'idle'? and was ?'golden'?",
            "*minutes is 5.0 and was 120.0",
            "*seed is 8 and was 7",
            "*tasks_minutes is None and was True",
            "*tool_calls is 51 and was 50",
            "*trials is 2 and was 1",
            "*Leave the options out, or start a new run.",
        ]
    )
    assert findings_of_refusal(diary) == before
    diary.resume("--episodes=1", "--seed=7", "--agent=golden").assert_outcomes(passed=6)


def findings_of_refusal(diary: Diary) -> dict[str, bytes]:
    """All bytes of the run: a refusal changes none."""
    run = diary.root / "run"
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_other_tasks_and_checkers_are_refused_by_name_and_the_run_stays_as_it_is(
    diary: Diary, whole: Path
) -> None:
    diary.interrupt("tuesday", "awake")
    before = findings_of_refusal(diary)
    (diary.folder / "assets/given.txt").write_text("changed")
    diary.office.add("office/other", task=TASK, solution=SOLUTION)
    result = diary.resume()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*the task office/diary was changed since", "*the task office/other is selected now and was not"]
    )
    shutil.rmtree(diary.root / "tasks/office/other")
    (diary.folder / "assets/given.txt").write_text("first\n")
    result = diary.resume("-k", "not check_tuesday")
    result.stderr.fnmatch_lines(["*check_tuesday of office/diary?golden? was selected and is not now"])
    after = findings_of_refusal(diary)
    del before["run.json"], after["run.json"]
    assert after == before
    diary.resume().assert_outcomes(passed=6)


def test_changed_services_are_refused_by_name(
    diary: Diary, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary.interrupt("tuesday", "awake")
    plan = diary.root / "run/plan.json"
    recorded = json.loads(plan.read_text())
    recorded["services"]["office/diary"]["email"] = "ab" * 32
    plan.write_text(json.dumps(recorded))
    result = diary.resume()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the service email was changed since (in office/diary)"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--resume=nowhere"],
            "*--resume=*nowhere: there is no run here: *run.json cannot be read (No such*",
        ),
        (["--resume=run", "--run-dir=other"], "*--run-dir cannot be given with --resume*"),
        (["--resume=run", "--from=run", "--at=monday"], "*--from cannot be given with --resume*"),
    ],
)
def test_a_wrong_use_is_a_usage_error(diary: Diary, arguments: list[str], text: str) -> None:
    (diary.root / "run").mkdir()
    result = diary._pytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


def test_a_run_that_is_still_being_played_is_left_alone(
    diary: Diary, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_clawmark.runs.claiming.PATIENCE", 0.0)
    claim = Claim(diary.root / "run")
    result = diary.resume()
    claim.release()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--resume=*run: another session is playing it*"])
    diary.resume().assert_outcomes(passed=6)


@pytest.mark.parametrize("name", ["audit.jsonl", "wake.private.json", "blob"])
def test_a_damaged_record_makes_the_episode_begin_anew_and_is_told(
    diary: Diary, whole: Path, name: str
) -> None:
    diary.interrupt("tuesday", "awake")
    turn = diary.episode() / "tuesday"
    if name == "blob":
        digest = json.loads((turn / "wake.json").read_text())["services"]["email"]
        (diary.root / "run/blobs" / digest[:2] / digest).write_bytes(b"{}")
    else:
        (turn / name).write_bytes(b"")
    diary.resume().assert_outcomes(passed=6)
    [attempt] = diary.record()["attempts"]
    assert attempt["origin"] == "world"
    assert "tuesday" in attempt["reason"] or "blob" in attempt["reason"]
    assert findings(diary.root / "run") == findings(whole)


def test_drafts_that_a_kill_left_are_swept_up(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "awake")
    drafts = [
        diary.root / "run/blobs/.incoming.123.456",
        diary.root / "run/.run.json.123.456",
        diary.episode() / ".episode.json.123.456",
        diary.episode() / "tuesday/.wake.json.123.456",
    ]
    for draft in drafts:
        draft.write_bytes(b"half")
    diary.resume().assert_outcomes(passed=6)
    assert [draft for draft in drafts if draft.exists()] == []


def test_workers_resume_too(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "awake")
    diary.resume("-n", "2").assert_outcomes(passed=6)
    assert diary.record()["resumed"] == [{"turn": "tuesday", "moment": "wake", "lost": []}]
    assert findings(diary.root / "run") == findings(whole)


def test_workers_refuse_other_tasks_too(diary: Diary, whole: Path) -> None:
    diary.interrupt("tuesday", "awake")
    before = (diary.root / "run/plan.json").read_bytes()
    (diary.folder / "assets/given.txt").write_text("changed")
    result = diary.resume("-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the task office/diary was changed since"])
    assert (diary.root / "run/plan.json").read_bytes() == before
    assert not (diary.root / "run/plan.proposed.json").exists()


def test_a_model_goes_on_with_its_conversation(office, monkeypatch: pytest.MonkeyPatch) -> None:
    day = [Calls(("shell", {"command": "cp given.txt out.txt"})), Says("Copied.")]
    office.add()
    with ScriptedModel(day * 2) as model:
        (office.root / "clawmark.toml").write_text(
            f'[models.good]\nbase_url = "{model.url}"\nmodel = "scripted"\ncontext_window = 100000\n'
        )
        office.run("--model=good").assert_outcomes(passed=5)
        asked = [request.messages for request in model.requests]
        folder = office.run_dir / "episodes/hr/letter/good/1"
        record = json.loads((folder / "episode.json").read_text())
        record |= {"state": "running", "turns": record["turns"][:1]}
        (folder / "episode.json").write_text(json.dumps(record))
        (folder / "verdicts.jsonl").unlink()
        model.requests.clear()
        result = office.pytester.runpytest("tasks", "--resume=run", "-p", "no:cacheprovider")
        result.assert_outcomes(passed=5)
        again = [request.messages for request in model.requests]
    assert len(again) == 2
    assert [without_paths(messages) for messages in again] == [without_paths(m) for m in asked[2:]]


def without_paths(messages: Any) -> list[Any]:
    """Not isolated, each world lies in a folder of its own."""
    return [message for message in messages if message["role"] != "system"]


MOMENTS = [
    {"KILLED_BEFORE": "monday/wake.private.json"},
    {"KILLED_BEFORE": "monday/wake.json"},
    {"KILLED_AFTER": "tuesday/wake.json"},
    {"KILLED_IN": "tuesday"},
    {"KILLED_AFTER": "tuesday/snapshot.private.json"},
    {"KILLED_AFTER": "tuesday/snapshot.json"},
    {"KILLED_BEFORE": "wednesday/wake.json"},
    {"KILLED_AFTER": "wednesday/snapshot.json"},
    {"KILLED_BEFORE": "run/plan.json"},
    {"KILLED_AFTER": "run/plan.json"},
    {"KILLED_AFTER": "run/run.json"},
]


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: "-".join(*moment.items()).lower())
def test_a_killed_run_resumes_without_playing_finished_turns_again(
    diary: Diary, whole: Path, moment: dict[str, str]
) -> None:
    shutil.rmtree(diary.root / "run")
    diary.killed(**moment)
    known = [turn["turn"] for turn in diary.record()["turns"]] if diary.episode().exists() else []
    days = ("monday", "tuesday", "wednesday")
    awake = [day for day in days if (diary.episode() / day / "wake.json").exists()]
    (diary.episode() / "log.txt").unlink(missing_ok=True)
    done = diary.elsewhere("--resume=run")
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert findings(diary.root / "run") == findings(whole)
    played = [line.split()[1] for line in diary.log() if line.startswith("works")]
    assert (*known, *played) == days
    begun = [line.split()[1] for line in diary.log() if line.startswith("began")]
    assert (*awake, *begun) == days
    assert list(diary.temporary.glob("clawmark-*")) == []
    assert [path for path in (diary.root / "run").rglob(".*") if path.is_file()] == []
