"""Episodes over several processes: dealt whole, played once, recorded by the controller."""

from __future__ import annotations

import json

import pytest

from pytest_clawmark.dealing import episode_scope

pytest.importorskip("xdist")


def results(office) -> dict:
    return json.loads((office.run_dir / "results.json").read_text())


def test_workers_reach_the_same_results_as_one_process(office) -> None:
    for name in ("hr/a", "hr/b", "hr/c"):
        office.add(name)
    office.run("--agent=golden", "--agent=idle").assert_outcomes(passed=24, failed=6)
    alone = results(office)
    office.run_dir.rename(office.root / "alone")
    office.run("--agent=golden", "--agent=idle", "-n2").assert_outcomes(passed=24, failed=6)
    together = results(office)
    for document in (alone, together):
        for task in document["tasks"]:
            for turn in task["turns"]:
                del turn["seconds"]
            del task["attempts"]
    assert together["tasks"] == alone["tasks"]
    assert together["run"]["tasks"] == alone["run"]["tasks"]


COUNTING = """
def monday(agent):
    with open({log!r}, "a") as log:
        log.write("played\\n")


def tuesday(agent): pass
"""


def test_no_episode_is_played_twice(office) -> None:
    log = office.root / "played.txt"
    for name in ("hr/a", "hr/b", "hr/c", "hr/d", "hr/e"):
        office.add(name, solution=COUNTING.format(log=str(log)))
    office.run("--agent=golden", "-n2")
    assert log.read_text().splitlines() == ["played"] * 5


def test_naming_nobody_is_a_usage_error_under_xdist_too(office) -> None:
    office.add()
    result = office.run("-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: tasks/hr/letter/task.py*--model=NAME*--agent=NAME*"])


def test_a_malformed_task_is_told_under_xdist_too(office, letter: str) -> None:
    office.add("hr/bad", task=letter.replace('["email"]', '["emall"]'))
    office.add("hr/good")
    result = office.run("--agent=golden", "-n2")
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(["*unknown service 'emall'", "mean score (episodes)  1.00 (1/2)"])


def test_a_checker_that_ends_its_process_is_broken(office, letter: str) -> None:
    office.add(
        task=letter.replace('assert snapshot.files.text("out.txt") == "first\\n"', "import os; os._exit(3)")
    )
    office.run("--agent=golden", "-n1")
    verdicts = {checker["id"]: checker["outcome"] for checker in results(office)["tasks"][0]["checkers"]}
    assert verdicts["check_copied"] == "broken"
    assert verdicts["check_copied_again"] == "passed"


def test_a_message_that_is_no_unicode_arrives(office, letter: str) -> None:
    spoiler = """

@pytest.mark.turn("monday")
def check_odd(snapshot):
    assert not "odd \\udcff name"
"""
    office.add(task=letter + spoiler)
    office.run("--agent=golden", "-n1").assert_outcomes(passed=5, failed=1)


def test_a_plain_suite_is_dealt_as_before(office) -> None:
    plain = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_one(n): pass"
    office.pytester.makepyfile(test_plain=plain)
    office.pytester.runpytest("test_plain.py", "-n2").assert_outcomes(passed=9)


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tasks/hr/a/task.py::monday[mini]", "tasks/hr/a/task.py[mini]"),
        ("tasks/hr/a/task.py::monday::check_x[p-mini]", "tasks/hr/a/task.py[mini]"),
        ("tasks/hr/a/task.py::monday::check_x[gpt-mini]", "tasks/hr/a/task.py[gpt-mini]"),
        ("tasks/hr/a/task.py::monday::check_x[mini-2]", "tasks/hr/a/task.py[mini-2]"),
        ("tests/test_a.py::test_x[mini]", "tests/test_a.py::test_x[mini]"),
        ("tests/test_a.py::test_x", "tests/test_a.py::test_x"),
    ],
)
def test_items_of_one_episode_share_a_scope(nodeid: str, scope: str) -> None:
    assert episode_scope(nodeid, ["gpt-mini", "mini-2", "mini"], {"task.py"}) == scope
