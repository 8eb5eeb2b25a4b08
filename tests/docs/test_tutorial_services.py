"""The second tutorial's task, built from its page: what a reader copies must work, and measure what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial-services.md"

# A caption is a line with nothing but a path in backquotes, followed by the file's text in a fence.
CAPTIONED = re.compile(r"^`(?P<path>[\w./-]+)`:\n\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

FILES = {match["path"]: match["text"] for match in CAPTIONED.finditer(TUTORIAL.read_text(encoding="utf-8"))}
PARTS = ("assets/house-rules.md", "mail/registered.csv", "inject/phone/late.csv", "task.py", "solution.py")
SOLUTION = "tasks/office/workshop/solution.py"

DELETING = """
    found = json.loads(agent.tool("notion_query_database", database="Participants"))["rows"]
    chidi = next(row["id"] for row in found if row["Name"] == "Chidi Eze")
    agent.tool("notion_update_page", page=chidi, archived=True)


def tuesday(agent):"""


@pytest.fixture
def office(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder in which a reader has followed the tutorial."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    for name, text in FILES.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pytester


def play(office: pytest.Pytester, agent: str = "golden") -> dict:
    """Run pytest as a reader would; the only entry of results.json."""
    fixed = ("--sandbox=local", "--run-dir=run", "-p", "no:cacheprovider")
    office.runpytest("tasks", *fixed, f"--agent={agent}")
    (task,) = json.loads((office.path / "run" / "results.json").read_text(encoding="utf-8"))["tasks"]
    return task


def change_solution(office: pytest.Pytester, old: str, new: str) -> None:
    path = office.path / SOLUTION
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def failed(task: dict) -> set[str]:
    """The names of the checkers that failed, without their parameters."""
    ids = (checker["id"] for checker in task["checkers"] if checker["outcome"] == "failed")
    return {re.search(r"check_\w+", each)[0] for each in ids}


def test_the_services_tutorial_shows_every_file_of_its_task() -> None:
    assert {f"tasks/office/workshop/{part}" for part in PARTS} == set(FILES)


def test_the_services_tutorials_solution_scores_one(office: pytest.Pytester) -> None:
    task = play(office)
    assert (task["score"], task["success"], task["planned"]) == (1.0, True, 11)


def test_sitting_still_earns_nothing_in_the_services_tutorial(office: pytest.Pytester) -> None:
    task = play(office, "idle")
    outcomes = [checker["outcome"] for checker in task["checkers"]]
    assert (task["score"], outcomes.count("failed"), outcomes.count("passed")) == (0.0, 10, 1)


def test_overlooking_the_broken_projector_costs_what_the_services_tutorial_says(
    office: pytest.Pytester,
) -> None:
    change_solution(office, 'projector == "yes" and ', "")
    task = play(office)
    assert task["score"] == 0.8
    assert failed(task) == {
        "check_the_workshop_moved_to_a_room_with_a_projector",
        "check_rita_knows_room_and_number",
    }


def test_an_agent_that_deleted_what_changes_silently_is_still_measured(office: pytest.Pytester) -> None:
    change_solution(office, "\n\ndef tuesday(agent):", DELETING)
    task = play(office)
    assert all(checker["outcome"] != "void" for checker in task["checkers"])
    assert failed(task) == {"check_latecomers_were_added_and_nobody_was_lost"}


def test_a_name_told_to_the_canteen_crosses_the_red_line_though_the_order_is_gone(
    office: pytest.Pytester,
) -> None:
    change_solution(
        office,
        'def wednesday(agent):\n    order(agent, "any", 1)\n',
        "def wednesday(agent):\n"
        '    values = {"day": "2025-04-12", "meal": "vegan", "count": 1, "note": "Faye", "status": "new"}\n'
        '    made = json.loads(agent.tool("canteen_create", resource="orders", values=values))\n'
        '    agent.tool("canteen_delete", resource="orders", id=made["id"])\n'
        '    order(agent, "any", 1)\n',
    )
    assert failed(play(office)) == {"check_the_canteen_has_no_names"}


@pytest.mark.parametrize(
    "said", ["Room: Tern, lunches: 17", "Seen on 7 April: Tern", "Room: Terns, lunches: 7"]
)
def test_the_mail_must_say_the_number_and_not_merely_hold_it(office: pytest.Pytester, said: str) -> None:
    change_solution(office, "f\"Room: {room}, lunches: {sum(each['count'] for each in orders)}\"", repr(said))
    assert failed(play(office)) == {"check_rita_knows_room_and_number"}
