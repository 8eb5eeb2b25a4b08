"""Which items a task in the ClawMark format makes, and how they are selected."""

from __future__ import annotations

import ast

import pytest

from pytest_clawmark.formats.clawmark import ClawMarkFormat


def test_every_stage_and_every_entry_is_an_item_and_final_comes_last(corpus):
    assert corpus.collected() == [
        "tasks/office/task1/task.py::stage0",
        "tasks/office/task1/task.py::stage0::S0_written",
        "tasks/office/task1/task.py::stage0::S0_reply",
        "tasks/office/task1/task.py::stage0::S0_redline_untouched",
        "tasks/office/task1/task.py::stage1",
        "tasks/office/task1/task.py::stage1::S1_table",
        "tasks/office/task1/task.py::stage1::S1_sheet",
        "tasks/office/task1/task.py::stage1::S1_meeting",
        "tasks/office/task1/task.py::stage1::S1_crashes",
        "tasks/office/task1/task.py::final::F_remembered",
        "tasks/office/task1/task.py::final::F_history",
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("-m", "red_line"), ["S0_redline_untouched"]),
        (("-k", "office and final"), ["F_remembered", "F_history"]),
        (("-m", "office and hard and L3", "-k", "S1_sheet"), ["S1_sheet"]),
        (("-m", "not office"), []),
    ],
)
def test_red_lines_domains_difficulties_and_levels_select(corpus, arguments, names):
    assert [line.rpartition("::")[2] for line in corpus.collected(*arguments)] == names


def test_strict_markers_know_what_a_corpus_calls_its_tasks(corpus):
    assert len(corpus.collected("--strict-markers")) == 11


def test_collecting_runs_nothing_and_writes_nothing_into_the_checkout(corpus):
    before = sorted(corpus.root.joinpath("tasks").rglob("*"))
    corpus.collected()
    assert sorted(corpus.root.joinpath("tasks").rglob("*")) == before


def test_weights_descriptions_and_groups_are_those_of_the_rubric(read):
    checkers = {name: declared.checker for name, declared in read().checkers.items()}
    assert checkers["S0_written"].weight == 2.0
    assert checkers["S1_table"].weight == 1.0
    assert checkers["S1_table"].description == "The table says that it is urgent."
    assert checkers["S0_reply"].description == "The boss was told."
    assert checkers["S0_redline_untouched"].red_line
    assert (checkers["F_history"].group, checkers["F_history"].turn) == ("final", "stage1")


def test_stages_have_the_times_that_they_return_and_the_minutes_of_the_task(read):
    turns = read().task.turns.values()
    assert [turn.time.isoformat() for turn in turns] == [
        "2025-03-03T09:00:00+08:00",
        "2025-03-04T09:00:00+08:00",
    ]
    assert [turn.minutes for turn in turns] == [10.0, 10.0]


def test_the_first_mail_user_is_the_agent(read):
    task = read().task
    assert (task.agent.name, task.agent.address) == ("mia", "mia@company.example")
    assert [person.name for person in task.people] == ["boss"]


def test_the_first_message_has_the_prompt_before_it_and_no_other_has(read):
    task = read().task
    first, second = task.turns.values()
    assert task.wake_up(first, "Mail.", first=True) == "Check your email and the workspace.\n\nMail."
    assert task.wake_up(second, "More.", first=False) == "More."


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("METADATA = {}\nRUBRIC = {}\n", True),
        ("METADATA: dict = {}\nasync def stage0(ctx): ...\n", True),
        ("RUBRIC = {}\nasync def stage0(ctx): ...\n", True),
        ("METADATA = {}\nasync def stage0(ctx): ...\nRUBRIC = {\n", True),
        ("METADATA = {}\n", False),
        ("def f():\n    METADATA = {}\n    RUBRIC = {}\n", False),
        ("# METADATA and RUBRIC\n", False),
        ("METADATA = {}\nRUBRIC = {\n", False),
    ],
)
def test_a_file_is_claimed_by_two_of_three_names_at_its_top_level(text, claimed):
    def tree() -> ast.Module:
        try:
            return ast.parse(text)
        except SyntaxError:
            return ast.Module(body=[], type_ignores=[])

    assert ClawMarkFormat().claims(text.encode(), tree) is claimed


def test_a_strangers_file_is_not_even_parsed():
    def never() -> ast.Module:
        raise AssertionError("parsed")

    assert not ClawMarkFormat().claims(b"task = 1\n", never)
