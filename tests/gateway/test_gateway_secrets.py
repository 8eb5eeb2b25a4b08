"""Known secrets, in whatever is written or shown."""

from __future__ import annotations

import json
import logging

import pytest

from pytest_clawmark.gateway.secrets import Scrubber, secrets_in
from pytest_clawmark.grading.answers import Answers
from pytest_clawmark.log import keep_logs, logged_to, say
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.runs.lines import JsonLines

KEY = 'sk-"quoted"\\n-ä-0123456789'


@pytest.mark.parametrize(
    "record",
    [
        {"type": "tool", "output": f"it is {KEY}."},
        {"type": "tool", KEY: [{"deep": (1, KEY)}]},
        {"type": "tool", "output": KEY + KEY[:4] + KEY},
    ],
)
def test_a_line_holds_no_secret_whatever_has_to_be_escaped_in_it(tmp_path, record):
    lines = JsonLines(Scrubber([KEY]))
    lines.open(tmp_path / "a.jsonl")
    lines({"type": "wakeup", "message": "hello"})
    lines(record)
    lines.close()
    first, second = (tmp_path / "a.jsonl").read_text().splitlines()
    assert json.loads(first)["message"] == "hello"
    assert json.loads(second) == Scrubber([KEY]).json(record)
    assert json.dumps(KEY)[1:-1] not in second
    assert "(key)" in second


def test_a_secret_that_begins_within_an_escape_spoils_no_line(tmp_path):
    lines = JsonLines(Scrubber(["nabcdefgh"]))
    lines.open(tmp_path / "a.jsonl")
    lines({"type": "tool", "output": "\nabcdefgh"})
    lines.close()
    assert json.loads((tmp_path / "a.jsonl").read_text())["output"] == "\nabcdefgh"


def test_a_position_counts_what_was_written_and_not_what_was_told(tmp_path):
    lines = JsonLines(Scrubber([KEY]))
    lines.open(tmp_path / "a.jsonl")
    lines({"type": "tool", "output": KEY})
    assert lines.position == (tmp_path / "a.jsonl").stat().st_size
    lines.close()


def test_a_record_that_nests_too_deeply_holds_no_secret_either(tmp_path):
    deep: dict = {}
    for _ in range(100_000):
        deep = {"a": deep}
    lines = JsonLines(Scrubber([KEY]))
    lines.open(tmp_path / "a.jsonl")
    lines({"type": "tool", "name": KEY, "arguments": deep})
    lines.close()
    assert json.loads((tmp_path / "a.jsonl").read_text())["name"] == "(key)"


def test_logs_and_prints_hold_no_secret(tmp_path):
    scrub = Scrubber([KEY])
    end = keep_logs(tmp_path / "log.txt", scrub)
    try:
        raise ValueError(KEY)
    except ValueError:
        logging.getLogger("pytest_clawmark.test").exception("with %s", KEY)
    end()
    with logged_to(tmp_path / "said.txt", scrub):
        say("it is", KEY, flush=True)
    logged = (tmp_path / "log.txt").read_text()
    assert KEY not in logged
    assert "with (key)" in logged
    assert "ValueError: (key)" in logged
    assert (tmp_path / "said.txt").read_text() == "it is (key)\n"


def test_what_a_run_says_of_itself_holds_no_secret(tmp_path):
    run = RunFolder(tmp_path / "run", scrub=Scrubber([KEY]))
    run.create({"command": ["pytest", f"--x={KEY}"]})
    run.write_plan({"tasks": {"a": f"malformed: {KEY}"}})
    run.episode("hr/x", "m", 1).write({"void_reason": f"model: {KEY}"})
    assert run.read()["command"] == ["pytest", "--x=(key)"]
    assert run.read_plan()["tasks"] == {"a": "malformed: (key)"}
    assert run.episode("hr/x", "m", 1).read() == {"void_reason": "model: (key)"}


def test_placeholders_are_ordinary_words():
    scrub = secrets_in(["A", "B", "NONE", None], {"A": "EMPTY", "B": " sk-longer \n"})
    assert scrub("EMPTY or sk-longer") == "EMPTY or (key)"


def test_what_checkers_were_told_holds_no_secret(tmp_path):
    answers = Answers(tmp_path, scrub=Scrubber([KEY]))
    assert answers.ask(["judge", KEY], lambda: {"said": KEY}) == {"said": "(key)"}
    assert answers.ask(["judge", KEY], lambda: pytest.fail("it was asked again")) == {"said": "(key)"}
    (record,) = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    assert (record["question"], record["answer"]) == (["judge", "(key)"], {"said": "(key)"})
