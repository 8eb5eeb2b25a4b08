"""Parts of a run in several CI jobs, and the whole made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_clawmark import cli
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sharding import Shard, split


def test_the_longest_tasks_are_dealt_first_so_that_parts_end_together() -> None:
    seconds = {"a": 60.0, "b": 30.0, "c": 20.0, "d": 10.0}
    assert split(seconds, seconds, 2) == [frozenset("a"), frozenset("bcd")]


def test_a_task_of_unknown_length_counts_as_the_middle_one() -> None:
    assert split("abcx", {"a": 10.0, "b": 4.0, "c": 4.0}, 2) == [frozenset("a"), frozenset("bcx")]


@pytest.mark.parametrize("count", range(1, 9))
def test_every_task_is_in_one_part_whatever_is_known_of_it(count: int) -> None:
    tasks = [f"hr/{number}" for number in range(7)]
    parts = split(tasks, {"hr/3": 9.0, "hr/gone": 1.0}, count)
    assert len(parts) == count
    assert sorted(task for part in parts for task in part) == tasks


def test_parts_of_tasks_that_count_the_same_differ_by_one_at_most() -> None:
    assert sorted(map(len, split(map(str, range(10)), {}, 3))) == [3, 3, 4]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_a_part_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"--shard={text}: write it like 2/5"):
        Shard.parse(text)


@pytest.fixture
def tasks(office):
    for name in ("letter", "note", "memo"):
        office.add(f"hr/{name}")
    return office


def results(run: Path) -> dict[str, float]:
    document = json.loads((run / "results.json").read_text())
    return {task["id"]: task["score"] for task in document["tasks"]}


def test_parts_hold_different_tasks_and_merge_into_the_whole(
    tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    (tasks.root / "tasks" / "test_other.py").write_text("def test_other():\n    pass\n")
    for number in (1, 2):
        tasks.run("--agent=golden", f"--shard={number}/2", f"--run-dir=part{number}")
    tasks.run("--agent=golden", "--run-dir=whole")
    parts = [results(tasks.root / f"part{number}") for number in (1, 2)]
    assert sorted(map(len, parts)) == [1, 2]
    capsys.readouterr()
    parts_given = [str(tasks.root / f"part{number}") for number in (1, 2)]
    assert cli.main(["merge", *parts_given, "--into", str(tasks.root / "joined")]) == 0
    assert "mean score" in capsys.readouterr().out
    assert results(tasks.root / "joined") == results(tasks.root / "whole")
    joined = tasks.root / "joined"
    assert {path.name for path in (joined / "episodes" / "hr").iterdir()} == {"letter", "note", "memo"}
    assert json.loads((joined / "run.json").read_text())["merged_from"] == ["part1", "part2"]


def test_tests_that_are_no_tasks_run_in_the_first_part_alone(tasks) -> None:
    (tasks.root / "tasks" / "test_other.py").write_text("def test_other():\n    pass\n")
    for number, ran in ((1, True), (2, False)):
        result = tasks.run("--agent=golden", f"--shard={number}/2", f"--run-dir=part{number}", "-v")
        assert ("test_other.py::test_other PASSED" in result.stdout.str()) is ran


def test_parts_are_split_by_the_durations_of_an_earlier_run(tasks) -> None:
    tasks.run("--agent=golden", "--run-dir=before")
    document = json.loads((tasks.root / "before" / "results.json").read_text())
    for task in document["tasks"]:
        for turn in task["turns"]:
            turn["seconds"] = 50.0 if task["id"] == "hr/note" else 1.0
    (tasks.root / "before" / "results.json").write_text(json.dumps(document))
    tasks.run("--agent=golden", "--shard=1/2", "--durations-from=before", "--run-dir=part")
    assert set(results(tasks.root / "part")) == {"hr/note"}


def test_a_part_is_played_under_xdist_too(tasks) -> None:
    tasks.run("--agent=golden", "--shard=1/3", "--run-dir=part", "-n2")
    assert len(results(tasks.root / "part")) == 1


def test_runs_that_hold_the_same_episode_or_were_made_otherwise_are_not_merged(
    tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks.run("--agent=golden", "--run-dir=one", "-k", "letter")
    tasks.run("--agent=golden", "--run-dir=two", "-k", "letter")
    tasks.run("--agent=golden", "--run-dir=three", "-k", "note", "--seed=9")
    one, two, three = (str(tasks.root / name) for name in ("one", "two", "three"))
    assert cli.main(["merge", one, two, "--into", str(tasks.root / "m")]) == 2
    assert "both hold hr/letter[golden], trial 1" in capsys.readouterr().err
    assert cli.main(["merge", one, three, "--into", str(tasks.root / "m")]) == 2
    assert "three and one cannot be one run: settings is" in capsys.readouterr().err
    assert not (tasks.root / "m").exists()
    assert cli.main(["merge", one, "--into", two]) == 2
    assert "already holds something" in capsys.readouterr().err
