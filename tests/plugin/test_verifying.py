"""`--verify=N`: checkers run again over what was frozen, and disagreeing with themselves is found out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

# `turns` counts how often it ran, in a file, since workers are processes of their own.
COUNTING = """

def turns(name):
    import os
    with open(os.path.join({root!r}, name), "a") as file:
        file.write("x")
        return file.tell()


@pytest.mark.turn("monday")
def check_steady(snapshot):
    turns("steady")


@pytest.mark.turn("monday")
def check_failing(snapshot):
    assert not turns("failing"), "always"
"""

UNSTEADY = """

@pytest.mark.turn("monday")
def check_unsteady(snapshot):
    assert turns("unsteady") != 2
"""


def verdicts(office) -> dict[str, str]:
    tasks = json.loads((office.run_dir / "results.json").read_text())["tasks"]
    return {checker["id"]: checker["outcome"] for task in tasks for checker in task["checkers"]}


@pytest.fixture
def counting(office, letter: str) -> str:
    return letter + COUNTING.format(root=str(office.root))


def times(office, name: str) -> int:
    return (office.root / name).stat().st_size


def test_every_checker_runs_as_often_as_was_asked_and_counts_once(office, counting: str) -> None:
    office.add(task=counting)
    result = office.run("--agent=golden", "--verify=5")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(
        ["*=== verified ===*", "each of 5 checkers ran 5 times on what was frozen: all agree with themselves"]
    )
    assert (times(office, "steady"), times(office, "failing")) == (5, 5)
    assert verdicts(office)["check_failing"] == "failed"


@pytest.mark.parametrize("arguments", [[], ["-n2"]])
def test_a_checker_that_disagrees_with_itself_is_broken_and_named(
    office, counting: str, arguments: list[str]
) -> None:
    office.add(task=counting + UNSTEADY)
    result = office.run("--agent=golden", "--verify=3", *arguments)
    result.assert_outcomes(passed=6, failed=2)
    result.stdout.fnmatch_lines(
        [
            "each of 6 checkers ran 3 times on what was frozen: 1 not deterministic",
            "*check_unsteady[[]golden]: not deterministic: on the same frozen world it failed and passed",
            "BROKEN *check_unsteady[[]golden]*",
        ]
    )
    assert verdicts(office)["check_unsteady"] == "broken"
    assert times(office, "unsteady") == 3
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_order_is_shuffled_and_the_same_for_the_same_seed(office, letter: str) -> None:
    checkers = "".join(
        f'\n\n@pytest.mark.turn("monday")\ndef check_{number}(snapshot):\n    told({number})\n'
        for number in range(8)
    )
    telling = '\n\ndef told(number):\n    with open({!r}, "a") as file:\n        file.write(str(number))\n'
    orders = []
    for seed in ("1", "1", "2"):
        log = office.root / f"order-{len(orders)}"
        folder = office.add(f"hr/t{len(orders)}", task=letter + telling.format(str(log)) + checkers)
        office.run("--agent=golden", "--verify=4", f"--seed={seed}", tasks=str(folder))
        orders.append(log.read_text())
        office.run_dir.rename(office.root / f"run-{len(orders)}")
    rounds = [orders[0][place : place + 8] for place in range(0, 32, 8)]
    assert rounds[0] == "01234567"
    assert all(sorted(each) == sorted(rounds[0]) for each in rounds)
    assert len(set(rounds)) == 4
    assert orders[0] == orders[1] != orders[2]


def test_a_checker_that_lives_on_what_another_left_is_found_out(office, letter: str) -> None:
    left = (
        '\n\nLEFT = []\n\n\n@pytest.mark.turn("monday")\ndef check_leaves(snapshot):\n    LEFT.append(1)\n'
        '\n\n@pytest.mark.turn("monday")\ndef check_lives(snapshot):\n    assert LEFT.pop()\n'
    )
    office.add(task=letter + left)
    result = office.run("--agent=golden", "--verify=8")
    assert verdicts(office)["check_lives"] == "broken"
    result.stdout.fnmatch_lines(
        ["*check_lives*not deterministic: on the same frozen world it was broken and*"]
    )


def test_a_graded_run_is_verified_without_anything_to_play_on(office, counting: str) -> None:
    office.add(task=counting + UNSTEADY)
    office.run("--agent=golden")
    result = office.pytester.runpytest("tasks", "--regrade=run", "--verify=4", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(
        ["  changed *check_unsteady: passed -> broken: not*", "each of 6 checkers ran 4 times*: 1 not*"]
    )
    assert times(office, "steady") == 5


def test_what_cannot_be_measured_is_no_disagreement(office, counting: str) -> None:
    void = counting.replace('    """A silent change."""', '    """A silent change."""\n    1 / 0')
    office.add(task=void)
    result = office.run("--agent=golden", "--verify=3")
    result.stdout.fnmatch_lines(["each of 5 checkers ran 3 times*: all agree with themselves"])
    assert times(office, "steady") == 3


def test_junit_tells_of_the_unsteady_checker_with_what_the_task_is_worth_then(office, counting: str) -> None:
    office.add(task=counting + UNSTEADY)
    office.run("--agent=golden", "--verify=3", "--junitxml=report.xml")
    cases = [
        {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(office.root / "report.xml").iter("testcase")
        if case.get("name") == "check_unsteady[golden]" and case.find("failure") is not None
    ]
    assert [case["outcome"] for case in cases] == ["broken"]
    score = json.loads((office.run_dir / "results.json").read_text())["tasks"][0]["score"]
    assert float(cases[0]["task_score"]) == pytest.approx(score, abs=1e-5)


def test_a_session_that_stops_at_the_first_failure_verifies_nothing(office, counting: str) -> None:
    office.add(task=counting)
    office.run("--agent=golden", "--verify=3", "-x")
    assert times(office, "steady") == 1


@pytest.mark.parametrize("number", ["1", "0", "often"])
def test_fewer_than_two_runs_are_refused(office, number: str) -> None:
    result = office.run("--agent=golden", f"--verify={number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--verify: '*' is not a whole number of at least 2"])
