"""`pytest-clawmark runs`: the stored runs, what they came to, and how to be rid of them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_clawmark.cli import main
from pytest_clawmark.commands.run_summary import RunSummary, size_of
from pytest_clawmark.commands.runs import human

TASK = '''
"""Two days."""
import pytest
from pytest_clawmark import Account, Task

task = Task(role="assistant", agent=Account("mia", "mia@company.example"))


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    world.files.write("given.txt", "x" * 50_000)
    return "Copy it."


@pytest.mark.turn("monday")
def check_copied(snapshot):
    assert "copy.txt" in snapshot.files
'''
SOLUTION = 'def monday(agent):\n    agent.shell("cp given.txt copy.txt")\n'


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs below `runs`: one of two agents, and the same graded again."""
    root = tmp_path_factory.mktemp("office")
    (root / "pytest.ini").write_text("[pytest]\n")
    for name in ("hr/one", "hr/two"):
        folder = root / "tasks" / name
        folder.mkdir(parents=True)
        (folder / "task.py").write_text(TASK)
        (folder / "solution.py").write_text(SOLUTION)
    playing = ["--agent=golden", "--agent=idle", "--sandbox=local", "--run-dir=runs/a"]
    for arguments in (playing, ["--regrade=runs/a"]):
        command = [sys.executable, "-m", "pytest", "tasks", "-p", "no:cacheprovider", *arguments]
        assert subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=False).returncode == 1
    return root


@pytest.fixture
def office(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the place to be."""
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def told(office: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    capsys.readouterr()

    def tell(*arguments: str, status: int = 0) -> list[str]:
        assert main(["runs", *arguments]) == status
        found = capsys.readouterr()
        return (found.out + found.err).splitlines()

    return tell


def interrupt(run: Path) -> None:
    (run / "results.json").unlink()
    shutil.rmtree(run / "episodes/hr/two/idle")
    episode = run / "episodes/hr/two/golden/1/episode.json"
    episode.write_text(json.dumps({**json.loads(episode.read_text()), "state": "running", "turns": []}))


def test_runs_are_listed_with_state_agents_scores_and_size(told) -> None:
    header, first, second, _, total = told("list")
    assert header.split() == ["run", "date", "state", "agents", "tasks", "score", "size"]
    assert first.split()[0] == "a"
    assert " ended " in first
    assert " golden, idle " in first
    assert " 1.00, 0.00 " in first
    assert second.split()[0] == "a.regrade-1"
    assert " regraded " in second
    assert total.startswith("2 runs, ")


def test_a_list_for_programs_has_the_same(told, office: Path) -> None:
    first, second = json.loads("\n".join(told("list", "--json")))
    assert first["scores"] == {"golden": 1.0, "idle": 0.0}
    assert first["tasks"] == ["hr/one", "hr/two"]
    assert first["episodes"] == {"planned": 4, "ended": 4}
    assert first["bytes"] == size_of(office / "runs/a", set()) > 50_000
    assert (first["state"], second["state"], second["derived_from"]) == ("ended", "regraded", "a")


def test_what_is_no_run_is_not_listed(told, office: Path) -> None:
    (office / "runs/notes").mkdir()
    (office / "runs/notes/run.json").write_text("{}")
    (office / "runs/broken").mkdir()
    (office / "runs/broken/run.json").write_text("{")
    (office / "runs/link").symlink_to("a")
    assert len(told("list")) == 5
    assert told("list", "--dir", "tasks") == ["no runs in tasks"]
    assert told("list", "--dir", "none") == ["no runs in none"]


def test_files_of_several_names_count_once(office: Path) -> None:
    alone = size_of(office / "runs/a", set())
    blob = next(path for path in (office / "runs/a/blobs").rglob("*") if path.is_file())
    os.link(blob, office / "runs/a/blobs/again")
    assert size_of(office / "runs/a", set()) - alone < blob.stat().st_size
    (office / "runs/b").mkdir()
    os.link(blob, office / "runs/b/blob")
    seen: set[tuple[int, int]] = set()
    size_of(office / "runs/a", seen)
    assert size_of(office / "runs/b", seen) < blob.stat().st_size


def test_a_run_is_shown_with_the_scores_of_its_tasks(told) -> None:
    lines = told("show", "a")
    assert "agents       golden, idle" in lines
    assert any(line.split()[:2] == ["hr/two", "idle"] for line in lines)
    assert any(line.startswith("mean score (episodes)  1.00 (2/2)") for line in lines)
    assert told("show", "runs/a") == lines
    assert "state        regraded, from a" in told("show", "a.regrade-1")


def test_an_interrupted_run_is_shown_with_how_far_it_came(told, office: Path) -> None:
    interrupt(office / "runs/a")
    assert " interrupted " in told("list")[1]
    rows = [line.split() for line in told("show", "a")]
    assert ["hr/one", "golden", "1", "ended", "1/1"] in rows
    assert ["hr/two", "golden", "1", "running", "0/1"] in rows
    assert ["hr/two", "idle", "1", "not", "begun", "-"] in rows
    assert rows[-1] == ["go", "on", "with", "it:", "--resume=runs/a"]
    (office / "runs/a/plan.json").unlink()
    assert told("show", "a")[-1] == "nothing was planned yet when it ended"


def test_a_run_is_shown_to_programs_with_its_verdicts(told) -> None:
    shown = json.loads("\n".join(told("show", "a", "--json")))
    assert shown["run"]["settings"]["agents"] == ["golden", "idle"]
    assert [e["checkers"][0]["outcome"] for e in shown["episodes"] if e["label"] == "idle"] == ["failed"] * 2


def test_a_run_is_removed_when_it_is_said_so(told, office: Path) -> None:
    lines = told("rm", "a", "--yes")
    assert lines[0] == "a.regrade-1: derived from a, and cannot be graded again without it"
    assert lines[1].startswith("removed runs/a (")
    assert [path.name for path in (office / "runs").iterdir()] == ["a.regrade-1"]
    told("rm", "runs/a.regrade-1", "--yes")
    assert not list((office / "runs").iterdir())


@pytest.mark.parametrize(("answer", "left"), [("y", 1), ("YES", 1), ("n", 2), ("", 2)])
def test_one_is_asked_before_anything_is_removed(
    told, office: Path, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)
    told("rm", "a.regrade-1", status=0 if left == 1 else 1)
    assert len(list((office / "runs").iterdir())) == left
    assert asked[0].startswith("remove runs/a.regrade-1 (")


def test_where_nobody_can_be_asked_nothing_is_removed(told, office: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert "give --yes" in told("rm", "a", status=2)[-1]
    assert (office / "runs/a/run.json").is_file()


def test_only_runs_are_removed(told, office: Path) -> None:
    (office / "runs/link").symlink_to("a")
    for name in ("tasks", "runs", "none", "runs/link", "link"):
        assert "is no run" in told("rm", name, "--yes", status=2)[0]
    assert "are: a, a.regrade-1" in told("rm", "none", "--yes", status=2)[0]
    assert (office / "runs/a/run.json").is_file()
    assert (office / "tasks/hr/one/task.py").is_file()


def test_one_wrong_name_keeps_all(told, office: Path) -> None:
    told("rm", "a", "none", "--yes", status=2)
    assert (office / "runs/a/results.json").is_file()


def test_a_run_that_is_being_played_is_told_and_kept(told, office: Path) -> None:
    descriptor = os.open(office / "runs/a", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        assert " playing " in told("list")[1]
        assert "is being played" in told("rm", "a", "--yes", status=2)[0]
    finally:
        os.close(descriptor)
    assert RunSummary.read(office / "runs/a").state == "ended"


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (12_345_678, "12 MB"), (5 * 10**15, "5000 TB")],
)
def test_sizes_are_said_as_people_say_them(size: int, said: str) -> None:
    assert human(size) == said
