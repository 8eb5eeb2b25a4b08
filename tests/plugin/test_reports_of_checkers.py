"""What reports say of a checker: harmless to the terminal, and true to the end."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

ESCAPE = "\\x1b]0;owned\\x07"

HOSTILE = f"""

@pytest.fixture
def said():
    print("out {ESCAPE}")


@pytest.mark.turn("monday")
def check_message(snapshot, said):
    note = "note {ESCAPE}"
    assert False, "message {ESCAPE}"


@pytest.mark.turn("monday")
def check_compared(snapshot):
    raise LookupError("crash {ESCAPE}")


@pytest.mark.turn("monday")
def check_failed(snapshot):
    pytest.fail("failed {ESCAPE}", pytrace=False)
"""

ENDING = """

@pytest.fixture
def ending():
    yield
    raise OSError("no end")


@pytest.mark.turn("tuesday")
def check_ending(snapshot, ending):
    pass
"""


@pytest.mark.parametrize("arguments", [[], ["-vv", "--showlocals"], ["--tb=native"], ["--tb=line"], ["-n1"]])
def test_nothing_that_an_agent_wrote_drives_the_terminal(office, letter: str, arguments: list[str]) -> None:
    office.add(task=letter + HOSTILE)
    result = office.run("--agent=golden", "--color=no", *arguments)
    result.assert_outcomes(passed=5, failed=3)
    text = result.stdout.str()
    assert "\x1b" not in text
    assert "\x07" not in text
    if arguments != ["--tb=line"]:
        assert r"message \x1b]0;owned\x07" in text


def test_colours_of_a_comparison_are_none_of_an_agent_s(office, letter: str) -> None:
    compared = '\n\n@pytest.mark.turn("monday")\ndef check_it(snapshot):\n    assert ["\\x1b[31m"] == ["b"]\n'
    office.add(task=letter + compared)
    office.run("--agent=golden", "--color=yes", "-vv")
    tasks = json.loads((office.run_dir / "results.json").read_text())["tasks"]
    reasons = {checker["id"]: checker["reason"] for checker in tasks[0]["checkers"]}
    assert reasons["check_it"] == "assert ['\\x1b[31m'] == ['b']"


def test_a_fixture_whose_end_fails_breaks_the_checker_in_every_report(office, letter: str) -> None:
    office.add(task=letter + ENDING)
    result = office.run("--agent=golden", "--junitxml=report.xml")
    result.stdout.fnmatch_lines(["*BROKEN *check_ending*"])
    found = [
        [(p.get("name"), p.get("value")) for p in case.iter("property")]
        for case in ET.parse(office.root / "report.xml").iter("testcase")
        if case.get("name") == "check_ending[golden]"
    ]
    told = [pair for pairs in found for pair in pairs]
    assert ("outcome", "broken") in told
    assert ("outcome", "passed") not in told
    assert [value for name, value in told if name == "score"] == ["0"]
    assert ("task_score", "0.75") in told
