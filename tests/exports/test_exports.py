"""A stored run as CSV, Markdown and SVG."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_clawmark import cli
from pytest_clawmark.exports.figures import write_figures
from pytest_clawmark.exports.leaderboard import leaderboard
from pytest_clawmark.exports.table import COLUMNS, verdicts_csv
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict

ATTACK = '<script>alert("x")</script>|**`[a](b)'


def episode(task: str, *turns: str, label: str = "m", **fields: Any) -> EpisodeResult:
    names: dict[str, Any] = {"p": "passed", "f": "failed"}
    checkers = tuple(
        Verdict(id=f"c{number}_{place}", turn=f"t{number}", outcome=names[letter], **fields)
        for number, letters in enumerate(turns)
        for place, letter in enumerate(letters)
    )
    return EpisodeResult(
        task=task,
        family=task.partition("/")[0],
        agent="chat",
        model=label,
        label=label,
        turns=tuple(TurnResult(turn=f"t{n}", index=n, outcome="worked") for n in range(len(turns))),
        checkers=checkers,
        planned=len(checkers),
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_verdict_is_a_row() -> None:
    found = rows(verdicts_csv([episode("hr/a", "pf"), episode("hr/b", "p", label="n")]))
    assert [(row["task"], row["label"], row["checker"], row["outcome"]) for row in found] == [
        ("hr/a", "m", "c0_0", "passed"),
        ("hr/a", "m", "c0_1", "failed"),
        ("hr/b", "n", "c0_0", "passed"),
    ]
    assert tuple(found[0]) == COLUMNS


@pytest.mark.parametrize("reason", ["=HYPERLINK('x')", "+1", "-1", "@SUM(A1)"])
def test_what_an_agent_wrote_is_no_formula_in_a_spreadsheet(reason: str) -> None:
    (row,) = rows(verdicts_csv([episode("hr/a", "f", reason=reason)]))
    assert row["reason"] == f"'{reason}"


def test_a_reason_with_quotes_and_line_breaks_stays_one_cell() -> None:
    (row,) = rows(verdicts_csv([episode("hr/a", "f", reason='he said "no",\nand left')]))
    assert '"no"' in row["reason"]
    assert row["outcome"] == "failed"


def test_the_leaderboard_ranks_by_mean_score_with_intervals() -> None:
    text = leaderboard(
        {
            "low": [episode("hr/a", "pf", label="low"), episode("hr/b", "ff", label="low")],
            "high": [episode("hr/a", "pp", label="high"), episode("hr/b", "pf", label="high")],
        },
        title="Offices",
    )
    lines = text.splitlines()
    assert lines[0] == "## Offices"
    assert lines[4] == "| 1 | high | 0.75 [0.50, 1.00] | 50 % [9, 91] | - | 2/2 | - |"
    assert lines[5].startswith("| 2 | low | 0.25 [0.00, 0.50] | 0 % [0, 66] |")


def test_a_name_cannot_break_the_leaderboards_table() -> None:
    text = leaderboard({ATTACK: [episode("hr/a", "p", label=ATTACK)]})
    (row,) = [line for line in text.splitlines() if line.startswith("| 1 |")]
    assert row.replace("\\|", "").count("|") == 8
    assert "\\<script\\>" in row


def test_figures_are_wellformed_and_show_each_family_agent_and_turn(tmp_path: Path) -> None:
    results = [
        episode("hr/a", "pp", "pf", label="one"),
        episode("eda/b", "pp", "ff", label="one"),
        episode("hr/a", "ff", "ff", label="two"),
    ]
    written = write_figures(results, tmp_path / "new" / "figures")
    assert [path.name for path in written] == ["families.svg", "course.svg"]
    families, course = (ElementTree.parse(path) for path in written)
    assert {"hr", "eda", "one", "two"} <= set(families.getroot().itertext())
    assert {"turn 1", "turn 2", "one", "two"} <= set(course.getroot().itertext())


def test_no_course_is_drawn_where_there_is_one_turn(tmp_path: Path) -> None:
    assert [path.name for path in write_figures([episode("hr/a", "p")], tmp_path)] == ["families.svg"]


def test_figures_hold_no_markup_of_anybody_elses(tmp_path: Path) -> None:
    for path in write_figures([episode(f"{ATTACK}/a", "p", "p", label=ATTACK)], tmp_path):
        tree = ElementTree.parse(path)
        assert not [node for node in tree.iter() if "script" in node.tag]
        assert "alert(" in "".join(tree.getroot().itertext())


def test_the_command_writes_a_file_or_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_clawmark.reports.results import results_document, write_results

    record = {
        "schema": 1,
        "created": "2026-01-01T00:00:00+00:00",
        "command": ["pytest"],
        "versions": {},
        "sandbox": "local",
        "tasks": {"hr/a": "d"},
        "settings": {
            "agents": [],
            "models": [],
            "sandbox": "local",
            "image": None,
            "episodes": 1,
            "trials": 1,
            "seed": 0,
            "limits": {"tool_calls": 200, "tokens": None, "minutes": 120.0},
        },
        "agents": [],
    }
    run = tmp_path / "run"
    run.mkdir()
    write_results(run / "results.json", results_document(record, [episode("hr/a", "p")]))
    assert cli.main(["export", "table", str(run), "-o", str(tmp_path / "v.csv")]) == 0
    assert len(rows((tmp_path / "v.csv").read_text())) == 1
    assert cli.main(["export", "leaderboard", str(run)]) == 0
    assert "| 1 | m |" in capsys.readouterr().out
    assert cli.main(["export", "figures", str(run), "-o", str(tmp_path / "f")]) == 0
    assert "families.svg" in capsys.readouterr().out
