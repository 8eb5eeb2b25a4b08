"""Stored runs, read back and set side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark import cli
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports.comparing import compare, lines
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict


def episode(task: str, letters: str, *, label: str = "m", trial: int = 1) -> EpisodeResult:
    names: dict[str, Any] = {"p": "passed", "f": "failed", "v": "void"}
    return EpisodeResult(
        task=task,
        family=task.partition("/")[0],
        agent="chat",
        model=label,
        label=label,
        trial=trial,
        turns=(TurnResult(turn="t", index=0, outcome="worked", usage={"cost": 0.5}),),
        checkers=tuple(
            Verdict(id=f"c{n}", turn="t", outcome=names[letter]) for n, letter in enumerate(letters)
        ),
        planned=len(letters),
    )


def stored(path: Path, *results: EpisodeResult, **record: Any) -> Path:
    tasks = {result.task: record.get("digest", "same") for result in results}
    known = {
        "schema": 1,
        "created": "2026-01-01T00:00:00+00:00",
        "command": ["pytest"],
        "versions": {"pytest-clawmark": record.get("version", "1")},
        "sandbox": "local",
        "tasks": tasks,
        "settings": {
            "agents": [],
            "models": [],
            "sandbox": "local",
            "image": None,
            "episodes": 1,
            "trials": 1,
            "seed": record.get("seed", 0),
            "limits": {"tool_calls": 200, "tokens": None, "minutes": 120.0},
        },
        "agents": [],
    }
    path.mkdir()
    write_results(path / "results.json", results_document(known, results))
    return path


def two(folder: Path, **second: Any) -> list[StoredRun]:
    old = stored(folder / "old", episode("hr/a", "pf", label="old"), episode("hr/b", "ff", label="old"))
    new = stored(
        folder / "new", episode("hr/a", "pp", label="new"), episode("hr/b", "ff", label="new"), **second
    )
    return [StoredRun.read(old), StoredRun.read(new)]


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    results = (episode("hr/a", "pfv"), episode("hr/b", "p", trial=2))
    run = StoredRun.read(stored(tmp_path / "run", *results))
    assert run.results == results
    assert run.name == "run"
    assert run.record["sandbox"] == "local"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "there is no run at"),
        (lambda path: path.mkdir(), "is no run: it has no run.json"),
        (lambda path: (path.mkdir(), (path / "run.json").write_text("{}")), "--resume="),
        (lambda path: (path.mkdir(), (path / "results.json").write_text("{")), "is damaged"),
        (lambda path: (path.mkdir(), (path / "results.json").write_text("{}")), "results.json at"),
    ],
)
def test_what_is_no_finished_run_is_refused_with_what_to_do(tmp_path: Path, make: Any, expected: str) -> None:
    make(tmp_path / "run")
    with pytest.raises(SettingsError, match=expected):
        StoredRun.read(tmp_path / "run")


def test_runs_of_the_same_tasks_are_compared_pair_by_pair(tmp_path: Path) -> None:
    text = "\n".join(lines(compare(two(tmp_path))))
    assert "new against old: +0.25 [+0.00, +0.50] in 2 pairs" in text
    assert "tasks that tell nothing: 1 of 2" in text
    assert text.index("new ") < text.index("old "), "the better one comes first"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"digest": "changed"}, "the files of hr/a, hr/b differ"),
        ({"seed": 7}, "seed is 7 in one and 0 in the other"),
        ({"version": "2"}, "pytest-clawmark is 2 in one and 1 in the other"),
    ],
)
def test_runs_that_measured_something_else_are_refused_naming_what(
    tmp_path: Path, second: dict[str, Any], expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected):
        compare(two(tmp_path, **second))


def test_other_checkers_and_missing_tasks_are_differences(tmp_path: Path) -> None:
    old = stored(tmp_path / "old", episode("hr/a", "pf"), episode("hr/b", "p"))
    new = stored(tmp_path / "new", episode("hr/a", "pff"))
    with pytest.raises(SettingsError) as refused:
        compare([StoredRun.read(old), StoredRun.read(new)])
    assert "new did not play hr/b" in str(refused.value)
    assert "other checkers ran on hr/a" in str(refused.value)


def test_anyway_compares_what_is_common_and_says_so_first(tmp_path: Path) -> None:
    old = stored(tmp_path / "old", episode("hr/a", "pf"), episode("hr/b", "p"))
    new = stored(tmp_path / "new", episode("hr/a", "pp"))
    comparison = compare([StoredRun.read(old), StoredRun.read(new)], anyway=True)
    assert lines(comparison)[0].startswith("NOT THE SAME MEASUREMENT")
    assert [found.task for found in comparison.telling] == ["hr/a"]
    assert comparison.differences[0].pairs == 1


def test_runs_with_nothing_in_common_cannot_be_compared_anyhow(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no task in common"):
        compare(two(tmp_path, digest="changed"), anyway=True)


def test_one_contestant_is_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="two contestants"):
        compare([StoredRun.read(stored(tmp_path / "run", episode("hr/a", "p")))])


def test_agents_of_one_run_are_compared_and_equal_labels_are_told_apart(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", episode("hr/a", "p", label="x"), episode("hr/a", "f", label="y"))
    assert [s.name for s in compare([StoredRun.read(one)]).standings] == ["x", "y"]
    two = stored(tmp_path / "two", episode("hr/a", "p", label="x"))
    names = {s.name for s in compare([StoredRun.read(one), StoredRun.read(two)]).standings}
    assert names == {"x (one)", "y", "x (two)"}


def test_the_command_prints_tables_json_and_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two(tmp_path)
    assert cli.main(["compare", str(tmp_path / "old"), str(tmp_path / "new")]) == 0
    assert "new against old" in capsys.readouterr().out
    assert cli.main(["compare", "--json", str(tmp_path / "old"), str(tmp_path / "new")]) == 0
    assert json.loads(capsys.readouterr().out)["differences"][0]["pairs"] == 2
    assert cli.main(["compare", str(tmp_path / "gone")]) == 2
    assert "there is no run at" in capsys.readouterr().err
