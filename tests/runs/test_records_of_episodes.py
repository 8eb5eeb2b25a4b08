"""What is on record of an episode, and where it goes on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_clawmark.failures import ModelFailure, SettingsError, TaskFailure, WorldFailure
from pytest_clawmark.runs.claiming import sweep
from pytest_clawmark.runs.episodes import (
    EpisodeRecord,
    EpisodeSpec,
    Inherited,
    Resumption,
    recorded_episode,
)
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder
from pytest_clawmark.runs.lines import JsonLines
from pytest_clawmark.runs.resuming import Beginning, anew, forget_beyond, interrupted
from pytest_clawmark.runs.sameness import refuse_other_agents, refuse_other_plan
from pytest_clawmark.schemas import validate
from pytest_clawmark.scoring.verdict import Attempt, TurnResult
from pytest_clawmark.snapshots.store import DamagedRun

TURNS = ["monday", "tuesday", "wednesday"]


def turn(name: str, outcome: str = "worked") -> TurnResult:
    return TurnResult(turn=name, index=TURNS.index(name), outcome=outcome)  # type: ignore[arg-type]


RECORD = EpisodeRecord(
    spec=EpisodeSpec(task="hr/interns", label="m", trial=1, seed=5, turns=3),
    agent="chat",
    model="m",
    state="running",
    turns=(turn("tuesday"),),
    attempts=(Attempt(origin="world", reason="gone"),),
    inherited=Inherited(run="earlier", label="other", trial=2, turns=(turn("monday"),)),
    resumed=(Resumption(turn="tuesday", moment="wake", lost=("/tmp/sock: a socket or device",)),),
    seconds=1.5,
)


@pytest.mark.parametrize(
    ("origin", "failure"), [("world", WorldFailure), ("model", ModelFailure), ("task", TaskFailure)]
)
def test_a_record_is_read_as_it_was_written(tmp_path: Path, origin: str, failure: type) -> None:
    void = replace(
        RECORD,
        state="void",
        void=failure("it broke"),
        attempts=(*RECORD.attempts, Attempt(origin=origin, reason="it broke")),  # type: ignore[arg-type]
    )
    folder = EpisodeFolder(tmp_path)
    assert recorded_episode(folder) is None
    for record in (RECORD, void):
        folder.write(record.to_json())
        validate("episode", record.to_json())
        found = recorded_episode(folder)
        assert found is not None
        assert found.to_json() == record.to_json()
    assert found is not None
    assert type(found.void) is failure


def test_void_turns_do_not_lie_behind_the_agent() -> None:
    assert RECORD.played == 2
    assert replace(RECORD, turns=(turn("tuesday", "void"),)).played == 1


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


@pytest.mark.parametrize(
    ("there", "beginning"),
    [
        ([], Beginning(turns=2, moment="snapshot")),
        (["wednesday/wake.private.json"], Beginning(turns=2, moment="snapshot")),
        (["wednesday/wake.private.json", "wednesday/wake.json"], Beginning(turns=2, moment="wake")),
    ],
)
def test_an_interrupted_episode_goes_on_from_the_last_whole_moment(
    tmp_path: Path, there: list[str], beginning: Beginning
) -> None:
    for name in there:
        touch(tmp_path / name)
    assert interrupted(RECORD, EpisodeFolder(tmp_path), TURNS) == beginning


def test_a_new_attempt_begins_at_the_start_or_at_the_fork() -> None:
    assert anew(RECORD) == Beginning(turns=1, moment="snapshot")
    assert anew(replace(RECORD, inherited=None)) == Beginning(turns=0, moment="start")


def test_only_what_is_yet_to_be_played_is_forgotten(tmp_path: Path) -> None:
    for day in TURNS:
        for name in ("wake", "wake.private", "snapshot", "snapshot.private"):
            touch(tmp_path / day / f"{name}.json")
    touch(tmp_path / "log.txt")
    forget_beyond(Beginning(turns=1, moment="wake"), EpisodeFolder(tmp_path), TURNS)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "log.txt",
        "monday/snapshot.json",
        "monday/snapshot.private.json",
        "monday/wake.json",
        "monday/wake.private.json",
        "tuesday/wake.json",
        "tuesday/wake.private.json",
    ]


def test_lines_after_a_recorded_position_are_cut_off(tmp_path: Path) -> None:
    path, lines = tmp_path / "a/audit.jsonl", JsonLines()
    lines.open(path)
    lines({"n": 1, "text": "Grüße"})
    kept = lines.position
    lines({"n": 2})
    lines.open(path, keep=kept)
    lines({"n": 3})
    lines.close()
    assert [json.loads(line)["n"] for line in path.read_bytes().splitlines()] == [1, 3]
    assert lines.position == path.stat().st_size
    with pytest.raises(DamagedRun, match=f"holds {path.stat().st_size} bytes: 999 were recorded"):
        lines.open(path, keep=999)
    lines.open(path)
    lines.close()
    assert path.read_bytes() == b""


PLAN = {
    "tasks": {"hr/a": "1", "hr/b": "2"},
    "services": {"hr/a": {"email": "x"}, "hr/b": {"email": "x", "desk": "y"}},
    "checkers": {"p::c[m]": {"key": ["hr/a", "m", 1], "verdict": {"id": "check_c"}}},
}


def test_a_plan_of_the_same_things_elsewhere_is_the_same() -> None:
    moved = {f"elsewhere/{name}": checker for name, checker in PLAN["checkers"].items()}
    refuse_other_plan(Path("run"), PLAN, {**PLAN, "checkers": moved})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tasks": {"hr/a": "1", "hr/b": "3"}}, ["the task hr/b was changed since"]),
        (
            {"tasks": {"hr/a": "1", "hr/c": "2"}},
            ["the task hr/b was selected and is not now", "the task hr/c is selected now and was not"],
        ),
        (
            {"services": {"hr/a": {"email": "z"}, "hr/b": {"email": "z", "desk": "y"}}},
            ["the service email was changed since (in hr/a and 1 more)"],
        ),
        ({"checkers": {}}, ["the checker check_c of hr/a[m] was selected and is not now"]),
    ],
)
def test_every_difference_of_a_plan_is_named(change: dict, told: list[str]) -> None:
    with pytest.raises(SettingsError) as refusal:
        refuse_other_plan(Path("run"), PLAN, {**PLAN, **change})
    assert [line.strip() for line in str(refusal.value).splitlines()[1:-1]] == told


def test_a_model_may_be_reached_elsewhere_but_must_be_the_same() -> None:
    before = {"label": "m", "agent": "chat", "model": {"base_url": "http://a", "parameters": {"top_p": 1}}}
    moved = {**before, "model": {"base_url": "http://b", "parameters": {"top_p": 1}}}
    refuse_other_agents(Path("run"), [before], [moved])
    other = {**before, "model": {"base_url": "http://a", "parameters": {"top_p": 0.5}}}
    with pytest.raises(SettingsError, match=r"m\.model\.parameters\.top_p is 0\.5 and was 1"):
        refuse_other_agents(Path("run"), [before], [other])


def test_sweeping_leaves_what_is_whole_and_what_is_not_ours(tmp_path: Path) -> None:
    for name in (
        ".gitignore",
        "run.json",
        ".run.json.12.34",
        "plan.proposed.json",
        "blobs/.incoming.1.2",
        "episodes/a/.x.json.1.2",
    ):
        touch(tmp_path / name)
    sweep(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".gitignore", "run.json"]


def test_a_folder_that_holds_something_is_no_place_for_a_new_run(tmp_path: Path) -> None:
    touch(tmp_path / "run.json")
    with pytest.raises(SettingsError, match=r"already holds something.*--resume="):
        RunFolder(tmp_path).create({})
