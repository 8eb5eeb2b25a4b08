"""What a session leaves: verdicts, scores, reports, and a record."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from support.pages import page_told

from pytest_clawmark.schemas import validate

ODD_CHECKERS = """

@pytest.mark.turn("monday")
@pytest.mark.category("evidence")
def check_missing(snapshot):
    snapshot.files.text("no-such-file")


@pytest.mark.turn("monday")
def check_fail(snapshot):
    pytest.fail("said so")


@pytest.mark.turn("monday")
def check_skip(snapshot):
    pytest.skip("not today")


@pytest.mark.turn("monday")
def check_xfail(snapshot):
    pytest.xfail("expected")


@pytest.mark.turn("monday")
@pytest.mark.skip
def check_marked_skip(snapshot):
    pass


@pytest.mark.turn("monday")
@pytest.mark.xfail
def check_marked_xfail(snapshot):
    assert False


@pytest.mark.turn("monday")
@pytest.mark.xfail
def check_marked_xfail_passes(snapshot):
    pass


@pytest.mark.turn("monday")
def check_crash(snapshot):
    {}["missing"]


@pytest.mark.turn("monday")
@pytest.mark.red_line
def check_crashing_red_line(snapshot):
    {}["missing"]


@pytest.mark.turn("monday")
def check_unknown_fixture(snapshoot):
    pass
"""


@pytest.fixture
def verdicts(office, letter: str) -> dict[str, tuple[str, str]]:
    office.add(task=letter + ODD_CHECKERS)
    office.run("--agent=golden")
    task = json.loads((office.run_dir / "results.json").read_text())["tasks"][0]
    return {checker["id"]: (checker["outcome"], checker["reason"]) for checker in task["checkers"]}


def test_only_assertions_and_missing_evidence_are_the_agents_failures(verdicts) -> None:
    failed = {name for name, (outcome, _) in verdicts.items() if outcome == "failed"}
    assert failed == {"check_missing", "check_fail"}
    assert verdicts["check_fail"][1] == "said so"
    assert "there is no file 'no-such-file'" in verdicts["check_missing"][1]


def test_whatever_else_a_checker_does_is_broken(verdicts) -> None:
    broken = {name for name, (outcome, _) in verdicts.items() if outcome == "broken"}
    assert broken == {
        "check_skip",
        "check_xfail",
        "check_marked_skip",
        "check_marked_xfail",
        "check_marked_xfail_passes",
        "check_crash",
        "check_crashing_red_line",
        "check_unknown_fixture",
    }
    assert verdicts["check_crash"][1] == "KeyError: 'missing'"


def test_broken_checkers_earn_nothing_and_the_upper_bound_stands_beside(office, letter: str) -> None:
    office.add(task=letter + ODD_CHECKERS)
    office.run("--agent=golden").stdout.fnmatch_lines(["hr/letter *0.20..0.83*no*"])
    entry = json.loads((office.run_dir / "results.json").read_text())["tasks"][0]
    # 3 of weight are passed; 12 are in the denominator; the crossed red line adds 3.
    assert entry["score"] == pytest.approx(3 / 15)
    assert entry["score_upper"] == pytest.approx(10 / 12)


def test_a_broken_checker_is_shown_as_broken(office, letter: str) -> None:
    office.add(task=letter + ODD_CHECKERS)
    result = office.run("--agent=golden", "-v")
    result.stdout.fnmatch_lines(["*check_skip[[]golden[]] BROKEN*", "*broken checker: Skipped: not today*"])


@pytest.mark.parametrize("document", ["run", "plan", "results"])
def test_what_is_written_follows_its_schema(office, document: str) -> None:
    office.add()
    office.run("--agent=golden", "--agent=idle")
    validate(document, json.loads((office.run_dir / f"{document}.json").read_text()))


def test_every_episodes_record_follows_its_schema(office) -> None:
    office.add()
    office.run("--agent=golden")
    folder = office.run_dir / "episodes/hr/letter/golden/1"
    validate("episode", json.loads((folder / "episode.json").read_text()))
    for day in ("monday", "tuesday"):
        for name in ("wake", "snapshot"):
            validate(name, json.loads((folder / day / f"{name}.json").read_text()))
        for name in ("audit", "trajectory"):
            for line in (folder / day / f"{name}.jsonl").read_text().splitlines():
                validate(name, json.loads(line))


def test_results_are_the_same_whatever_the_order_of_agents(office) -> None:
    office.add()
    office.run("--agent=golden", "--agent=idle")
    first = json.loads((office.run_dir / "results.json").read_text())
    office.run_dir.rename(office.root / "first")
    office.run("--agent=idle", "--agent=golden")
    second = json.loads((office.run_dir / "results.json").read_text())

    def verdicts(document: dict) -> list:
        return [(task["id"], task["agent"], task["checkers"], task["score"]) for task in document["tasks"]]

    assert verdicts(first) == verdicts(second)


def test_junit_carries_weight_turn_red_line_and_score(office) -> None:
    office.add()
    office.run("--agent=golden", "--junitxml=junit.xml")
    cases = {case.get("name"): case for case in ET.parse(office.root / "junit.xml").iter("testcase")}

    def properties(name: str) -> dict[str, str]:
        return {p.get("name"): p.get("value") for p in cases[name].iter("property")}

    assert (
        properties("check_copied[golden]").items() >= {"weight": "2", "turn": "monday", "score": "2"}.items()
    )
    last = properties("check_nothing_sent[golden]")
    assert last["red_line"] == "true"
    assert last["task_score"] == "1"


def test_the_html_report_shows_message_transcript_files_and_score(office) -> None:
    office.add()
    office.run("--agent=golden", "--html=report.html", "--self-contained-html")
    page = page_told(office.root / "report.html")
    for expected in ("Check your email.", "cp given.txt out.txt", "out.txt", "hr/letter", "1.00"):
        assert expected in page


def test_the_run_names_tasks_agents_and_versions_by_digest(office) -> None:
    folder = office.add()
    office.run("--agent=golden")
    first = json.loads((office.run_dir / "run.json").read_text())
    office.run_dir.rename(office.root / "first")
    (folder / "assets" / "given.txt").write_text("other\n")
    office.run("--agent=golden")
    second = json.loads((office.run_dir / "run.json").read_text())
    assert first["tasks"].keys() == {"hr/letter"}
    assert first["tasks"] != second["tasks"]
    assert first["agents"] == second["agents"]
    assert first["sandbox"] == "local"


def test_nothing_that_a_checker_does_changes_the_snapshot(office, letter: str) -> None:
    spoiler = """

@pytest.mark.turn("monday")
def check_a_spoils(snapshot):
    snapshot.audit[0]["service"] = "spoilt"
    snapshot.trajectory[0]["type"] = "spoilt"
    for message in snapshot.email.inbox("mia"):
        try:
            message.subject = "spoilt"
        except AttributeError:
            pass
    snapshot.files._entries.clear()


@pytest.mark.turn("monday")
def check_b_sees_all(snapshot):
    assert snapshot.audit[0]["service"] == "email"
    assert snapshot.trajectory[0]["type"] == "wakeup"
    assert [message.subject for message in snapshot.email.inbox("mia")] == ["Hello"]
    assert "out.txt" in snapshot.files
"""
    office.add(task=letter + spoiler)
    office.run("--agent=golden").assert_outcomes(passed=7)


def test_a_fixture_that_fails_at_its_end_breaks_the_checker(office, letter: str) -> None:
    spoiler = """

@pytest.fixture
def ending():
    yield
    assert False, "too late"


@pytest.mark.turn("monday")
def check_ending(snapshot, ending):
    pass
"""
    office.add(task=letter + spoiler)
    office.run("--agent=golden")
    task = json.loads((office.run_dir / "results.json").read_text())["tasks"][0]
    outcomes = {checker["id"]: checker["outcome"] for checker in task["checkers"]}
    assert outcomes["check_ending"] == "broken"


def test_a_mapping_file_gives_checkers_their_categories(office) -> None:
    office.add()
    (office.root / "categories.toml").write_text('communication = ["hr/letter::check_copied"]\n')
    result = office.run("--agent=idle", "--categories=categories.toml")
    (task,) = json.loads((office.run_dir / "results.json").read_text())["tasks"]
    categories = {checker["id"]: checker["category"] for checker in task["checkers"]}
    assert categories["check_copied"] == "communication"
    assert categories["check_copied_again"] == "silent_change", "what no pattern names keeps its own"
    result.stdout.fnmatch_lines(["communication *100 %*"])


def test_a_mapping_file_that_is_not_there_is_a_usage_error(office) -> None:
    office.add()
    result = office.run("--agent=idle", "--categories=nowhere.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--categories=*nowhere.toml: it cannot be read*"])
