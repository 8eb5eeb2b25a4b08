"""The tutorial's task, built from the page itself: what a reader copies must work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"

# A caption is a line with nothing but a path in backquotes, followed by the file's text in a fence.
CAPTIONED = re.compile(r"^`(?P<path>[\w./-]+)`:\n\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

FILES = {match["path"]: match["text"] for match in CAPTIONED.finditer(TUTORIAL.read_text(encoding="utf-8"))}
PARTS = ("assets/guests.csv", "inject/tuesday/late-guests.csv", "task.py", "solution.py")


@pytest.fixture
def office(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder in which a reader has followed the tutorial."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    for name, text in FILES.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pytester


def play(office: pytest.Pytester, *arguments: str) -> tuple[pytest.RunResult, dict]:
    """Run pytest as a reader would, and the only entry of results.json."""
    fixed = ("--sandbox=local", "--run-dir=run", "-p", "no:cacheprovider")
    result = office.runpytest("tasks", *fixed, *arguments)
    (task,) = json.loads((office.path / "run" / "results.json").read_text(encoding="utf-8"))["tasks"]
    return result, task


def test_the_tutorial_shows_every_file_of_its_task() -> None:
    assert {f"tasks/office/badges/{part}" for part in PARTS} | {"clawmark.toml"} == set(FILES)


def test_the_tutorials_solution_scores_one(office: pytest.Pytester) -> None:
    result, task = play(office, "--agent=golden")
    result.assert_outcomes(passed=6)
    assert (task["score"], task["success"], task["planned"]) == (1.0, True, 4)


def test_sitting_still_earns_nothing_in_the_tutorials_task(office: pytest.Pytester) -> None:
    _, task = play(office, "--agent=idle")
    outcomes = [checker["outcome"] for checker in task["checkers"]]
    assert (task["score"], outcomes.count("failed"), outcomes.count("passed")) == (0.0, 3, 1)


def test_one_checker_of_tuesday_plays_monday_too(office: pytest.Pytester) -> None:
    result, task = play(office, "--agent=golden", "-k", "dropped")
    result.assert_outcomes(passed=1, deselected=5)
    assert [turn["turn"] for turn in task["turns"]] == ["monday", "tuesday"]


def test_missing_the_silent_change_costs_what_the_tutorial_says(office: pytest.Pytester) -> None:
    solution = office.path / "tasks/office/badges/solution.py"
    text = solution.read_text(encoding="utf-8")
    solution.write_text(
        re.sub(
            r"def tuesday\(agent\):.*",
            'def tuesday(agent):\n    agent.shell("echo Emil Sato >> badges.txt")\n',
            text,
            flags=re.DOTALL,
        ),
        encoding="utf-8",
    )
    _, task = play(office, "--agent=golden")
    assert task["score"] == 0.4


@pytest.mark.parametrize("said", ["Noted on 3 March.", "13 badges.", "4 badges, not 3."])
def test_ritas_mail_must_say_the_number_and_not_merely_hold_it(office: pytest.Pytester, said: str) -> None:
    solution = office.path / "tasks/office/badges/solution.py"
    text = solution.read_text(encoding="utf-8")
    assert 'f"{len(coming)} badges."' in text
    solution.write_text(text.replace('f"{len(coming)} badges."', repr(said)), encoding="utf-8")
    _, task = play(office, "--agent=golden")
    failed = [checker["id"] for checker in task["checkers"] if checker["outcome"] == "failed"]
    assert [each for each in failed if "check_rita_knows_the_number" not in each] == []
    assert len(failed) == 1
