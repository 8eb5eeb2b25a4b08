"""A resumed session reports what an earlier one came to, without running it again."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.pages import page_told

from pytest_clawmark.runs.layout import EpisodeFolder
from pytest_clawmark.runs.verdicts import FILE, Settled, append, read
from pytest_clawmark.scoring import Verdict

COUNTED = """

@pytest.mark.turn("monday")
def check_counted(snapshot, request):
    request.node.user_properties.append(("seen", "by the author"))
    with open({log!r}, "a") as file:
        file.write("ran ")
    assert False, "said why"
"""


class Resumed:
    def __init__(self, office, letter: str) -> None:
        self.office, self.log = office, office.root / "ran.txt"
        self.task = letter + COUNTED.format(log=str(self.log))

    def again(self, *arguments: str) -> pytest.RunResult:
        return self.office.pytester.runpytest(
            "tasks", "--resume=run", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments
        )

    @property
    def runs(self) -> int:
        return len(self.log.read_text().split())

    def results(self) -> dict:
        return json.loads((self.office.run_dir / "results.json").read_text())

    def verdict_file(self, agent: str = "golden") -> Path:
        return self.office.run_dir / "episodes/hr/letter" / agent / "1" / FILE


@pytest.fixture
def resumed(office, letter: str) -> Resumed:
    return Resumed(office, letter)


@pytest.mark.parametrize("arguments", [[], ["-n2"]])
def test_verdicts_are_kept_and_nothing_is_run_twice(office, resumed: Resumed, arguments: list[str]) -> None:
    office.add(task=resumed.task)
    office.run("--agent=golden", "--agent=idle").assert_outcomes(passed=8, failed=4)
    before = resumed.results()
    resumed.again(*arguments).assert_outcomes(passed=8, failed=4)
    assert resumed.runs == 2
    after = resumed.results()
    assert after["verdicts"] == before["verdicts"]
    assert after["tasks"] == before["tasks"]


def test_what_is_reported_again_reads_as_before(office, resumed: Resumed) -> None:
    office.add(task=resumed.task)
    office.run("--agent=golden", "--junitxml=first.xml", "--html=first.html")
    result = resumed.again("--junitxml=second.xml", "--html=second.html")
    result.stdout.fnmatch_lines(
        ['*assert False, "said why"', "*AssertionError: said why", "FAILED *check_counted*"]
    )
    assert cases(office.root / "second.xml") == cases(office.root / "first.xml")
    assert cases(office.root / "second.xml")["check_counted[golden]"]["seen"] == "by the author"
    assert "cp given.txt out.txt" in page_told(office.root / "second.html")


def cases(path: Path) -> dict[str, dict[str, str]]:
    return {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        | {"failure": "".join(failure.text for failure in case.iter("failure"))}
        for case in ET.parse(path).iter("testcase")
    }


def test_checkers_that_had_not_run_yet_run_now(office, resumed: Resumed) -> None:
    office.add(task=resumed.task)
    office.run("--agent=golden")
    before = resumed.results()
    lines = resumed.verdict_file().read_text().splitlines(keepends=True)
    resumed.verdict_file().write_text("".join(line for line in lines if "check_counted" not in line))
    (office.run_dir / "results.json").unlink()
    resumed.again().assert_outcomes(passed=5, failed=1)
    assert resumed.runs == 2
    assert resumed.results()["verdicts"] == before["verdicts"]
    assert read(EpisodeFolder(resumed.verdict_file().parent))["check_counted"].verdict.outcome == "failed"


def test_a_void_verdict_is_tried_again(office, resumed: Resumed) -> None:
    office.add(task=resumed.task)
    office.run("--agent=golden")
    text = resumed.verdict_file().read_text()
    resumed.verdict_file().write_text(
        text.replace('"outcome":"failed","weight"', '"outcome":"void","weight"')
    )
    resumed.again()
    assert resumed.runs == 2


def test_verdicts_of_an_unfinished_episode_are_forgotten(office, resumed: Resumed) -> None:
    office.add(task=resumed.task)
    office.run("--agent=golden")
    record = resumed.verdict_file().parent / "episode.json"
    known = json.loads(record.read_text())
    record.write_text(json.dumps({**known, "state": "running", "turns": known["turns"][:1]}))
    resumed.again().assert_outcomes(passed=5, failed=1)
    assert resumed.runs == 2
    assert len(resumed.verdict_file().read_text().splitlines()) == 4


def test_modules_of_one_session_are_set_up_between_what_is_reported_again(office, resumed: Resumed) -> None:
    office.add("hr/letter", task=resumed.task)
    office.add("sales/other")
    (office.root / "tasks" / "test_plain.py").write_text("def test_plain(): pass\n")
    office.run("--agent=golden").assert_outcomes(passed=11, failed=1)
    resumed.again().assert_outcomes(passed=11, failed=1)


def test_a_checker_that_ended_its_process_is_not_run_again(office, letter: str) -> None:
    pytest.importorskip("xdist")
    resumed = Resumed(office, letter)
    crash = resumed.task.replace('assert False, "said why"', "import os; file.close(); os._exit(3)")
    office.add(task=crash)
    office.run("--agent=golden", "-n1")
    outcomes = {c["id"]: c["outcome"] for c in resumed.results()["tasks"][0]["checkers"]}
    assert outcomes["check_counted"] == "broken"
    before = resumed.runs
    resumed.again()
    assert resumed.runs == before
    assert {c["id"]: c["outcome"] for c in resumed.results()["tasks"][0]["checkers"]} == outcomes


def settled(name: str, outcome: str = "passed") -> Settled:
    return Settled(verdict=Verdict(id=name, turn="monday", outcome=outcome), reports=({"when": "call"},))


def test_a_line_that_a_kill_cut_short_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    folder = EpisodeFolder(tmp_path)
    append(folder, settled("a"))
    append(folder, settled("b"))
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-9])
    assert set(read(folder)) == {"a"}
    append(folder, settled("c"))
    append(folder, settled("a", "failed"))
    found = read(folder)
    assert {name: each.verdict.outcome for name, each in found.items()} == {"a": "failed", "c": "passed"}


def test_nothing_on_record_is_nothing(tmp_path: Path) -> None:
    assert read(EpisodeFolder(tmp_path)) == {}
