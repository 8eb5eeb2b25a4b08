"""Our part of pytest-html's report, above all that nothing an agent wrote becomes markup."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from pytest_clawmark.reports.html import HtmlReport, register_html
from pytest_clawmark.reports.html_summary import scores_html
from pytest_clawmark.reports.html_turns import Check, checks_html, turn_html
from pytest_clawmark.reports.payload import turn_payload
from pytest_clawmark.reports.transcript import MAX_STEPS, steps
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "' onmouseover='alert(1)",
    "</pre></details></div></td></tr></table>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "<style>*{display:none}</style>",
    "&lt;b&gt;",
    "</span><iframe srcdoc='x'>",
    "\x1b[31mred\x00\x9b2J\u202e",
    "\ud800",
]
ATTACK = " ".join(ATTACKS)
OURS = {
    *("div", "details", "summary", "pre", "ol", "li", "ul", "b", "span", "code", "p", "h2"),
    *("table", "thead", "tbody", "tr", "th", "td", "style", "section", "h3", "h4"),
}
SUMMARY = {
    *(OURS | {"figure", "figcaption", "button", "form", "label", "select", "option", "input", "output"}),
    *("svg", "g", "line", "text", "polyline", "circle", "rect", "title"),
}
WRITTEN = {"class", "open", "title", "style", "colspan"}
EVENTS = re.compile("on[a-z]+$")
VOID = {"input"}


class Parsed(HTMLParser):
    """Tags, attributes and text of a fragment; fails for a fragment that does not balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.titles: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.titles += [value or "" for name, value in attrs if name == "title"]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_records() -> list[Any]:
    return [
        {"type": "wakeup", "message": ATTACK},
        {
            "type": "model",
            "message": {
                "content": ATTACK,
                "reasoning_content": ATTACK,
                "tool_calls": [{"function": {"name": ATTACK, "arguments": ATTACK}}, ATTACK, None],
            },
            "usage": {"input_tokens": ATTACK, "output_tokens": ATTACK},
            "finish_reason": ATTACK,
        },
        {
            "type": "model",
            "message": {"content": [{"type": "text", "text": ATTACK}, {"type": ATTACK}, ATTACK]},
        },
        {"type": "model", "message": ATTACK, "cost": ATTACK, "seconds": ATTACK, "retries": ATTACK},
        {
            "type": "tool",
            "name": ATTACK,
            "arguments": {ATTACK: ATTACK, "b": [ATTACK]},
            "output": ATTACK,
            "error": ATTACK,
        },
        {
            "type": "tool",
            "name": ATTACK,
            "arguments": ATTACK,
            "output": ATTACK * 50,
            "image": {"bytes": ATTACK},
        },
        {"type": "stop", "kind": ATTACK, "reason": ATTACK},
        {"type": ATTACK, ATTACK: ATTACK},
        {"type": "gap", "records": ATTACK},
        {"type": [ATTACK]},
        ATTACK,
        None,
    ]


def hostile_changes() -> list[dict[str, str]]:
    return [
        {
            "path": ATTACK,
            "change": ATTACK,
            "note": ATTACK,
            "diff": f"--- a\n+++ a\n@@ 1 @@\n+{ATTACK}\n-{ATTACK}",
        }
    ]


def test_nothing_in_a_turn_becomes_markup() -> None:
    parsed = Parsed(
        turn_html({"wakeup": ATTACK, "trajectory": hostile_records(), "changes": hostile_changes()})
    )
    assert set(parsed.tags) <= OURS - {"style"}
    assert parsed.attributes <= {"class", "open"}
    for attack in ATTACKS[:8]:
        assert parsed.text.count(attack) >= 12, attack
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", parsed.text)


def test_a_payload_that_crossed_processes_is_as_harmless() -> None:
    turn = TurnResult(turn=ATTACK, index=0, outcome="stopped", stop_kind="limit", reason=ATTACK)
    payload = turn_payload(
        task=ATTACK,
        label=ATTACK,
        trial=1,
        turn=turn,
        wakeup=ATTACK,
        trajectory=hostile_records(),
        changes=hostile_changes(),
    )
    parsed = Parsed(turn_html(json.loads(json.dumps(payload))))
    assert set(parsed.tags) <= OURS - {"style"}
    assert parsed.attributes <= {"class", "open"}


def test_nothing_in_a_checker_becomes_markup() -> None:
    check = Check(
        id=ATTACK,
        outcome="failed",
        category=ATTACK,
        description=ATTACK,
        explanation=f"> {ATTACK}\nE {ATTACK}\n{ATTACK}",
        printed=((ATTACK, ATTACK),),
    )
    parsed = Parsed(checks_html([check, replace(check, explanation="", reason=ATTACK, outcome=ATTACK)]))
    assert set(parsed.tags) <= OURS - {"style"}
    assert parsed.attributes <= {"class", "open"}
    for attack in ATTACKS[:8]:
        assert parsed.text.count(attack) >= 8, attack


def test_nothing_in_the_scores_becomes_markup() -> None:
    verdicts = tuple(
        Verdict(id=ATTACK, turn=ATTACK, outcome=outcome, red_line=red, reason=ATTACK, category=ATTACK)
        for outcome in ("passed", "failed", "broken")
        for red in (True, False)
    )
    results = [
        EpisodeResult(task=ATTACK, family=ATTACK, agent="a", label=ATTACK, checkers=verdicts, planned=6),
        EpisodeResult(task=ATTACK, family=ATTACK, agent=ATTACK, label=ATTACK, planned=6, void_reason=ATTACK),
    ]
    parsed = Parsed(scores_html(results, location=ATTACK))
    assert set(parsed.tags) <= SUMMARY
    assert parsed.tags["style"] == 1
    assert not any(EVENTS.match(name) for name in parsed.attributes)
    assert not parsed.attributes & {"href", "src", "srcdoc", "action", "formaction"}
    assert ATTACKS[0] in "".join(parsed.titles)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", parsed.text)


def test_the_scores_show_agents_tasks_and_what_spoilt_them() -> None:
    checkers = (
        Verdict(id="check_a", turn="tuesday", outcome="passed", weight=3),
        Verdict(id="check_b", turn="tuesday", outcome="broken"),
        Verdict(id="check_c", turn="wednesday", outcome="failed", red_line=True, reason="it was converted"),
    )
    text = Parsed(
        scores_html(
            [
                EpisodeResult(
                    task="hr/a", family="hr", agent="chat", label="m", checkers=checkers, planned=3
                ),
                EpisodeResult(
                    task="hr/b", family="hr", agent="chat", label="m", planned=3, void_reason="no mail"
                ),
            ],
            location="runs/x",
        )
    ).text
    words = " ".join(text.split())
    for said in ("0.43..0.57", "1/2", "0 % [0, 79] (0/1)", "hr/a", "0.75", "void", "Run: runs/x"):
        assert said in words, said
    assert "1 red lines crossed" in words
    assert "hr/a[m] wednesday::check_c: it was converted" in words
    assert "hr/b[m]: no mail" in words


def test_a_turn_shows_message_steps_and_changes_in_order() -> None:
    records = [
        {"type": "wakeup", "message": "not twice"},
        {
            "type": "model",
            "message": {
                "content": "I look.",
                "tool_calls": [{"function": {"name": "shell", "arguments": "{}"}}],
            },
            "usage": {"input_tokens": 1500, "output_tokens": 20},
            "retries": 1,
            "finish_reason": "tool_calls",
        },
        {
            "type": "tool",
            "name": "shell",
            "arguments": {"command": "ls -l"},
            "output": "a.txt",
            "error": False,
        },
        {"type": "stop", "kind": "done", "reason": ""},
    ]
    changes = [
        {"path": "a.txt", "change": "added", "diff": "--- a.txt\n+++ a.txt\n@@ -0,0 +1 @@\n+hi", "note": ""}
    ]
    usage = {"model_calls": 1, "tool_calls": 1, "input_tokens": 1500, "output_tokens": 20, "cost": 0.5}
    parsed = Parsed(
        turn_html({"wakeup": "You have mail.", "trajectory": records, "changes": changes, "usage": usage})
    )
    words = " ".join(parsed.text.split())
    order = [
        "You have mail.",
        "1 model answer, 1 tool call, 1.5k tokens in, 20 out, $0.5000",
        "1.5k in, 20 out",
    ]
    order += [
        "tried again 1x",
        "I look.",
        "shell",
        "ls -l",
        "a.txt",
        "stop: done",
        "Changed files",
        "added",
        "+hi",
    ]
    places = [words.index(said) for said in order]
    assert places == sorted(places)
    assert "not twice" not in words
    assert "shell({})" not in words
    assert "--- a.txt" not in words
    assert "finish:" not in words


def test_an_endless_transcript_is_cut() -> None:
    found = steps({"type": "tool", "name": str(n)} for n in range(10**6))
    assert len(found) == MAX_STEPS + 1
    assert found[-1].kind == "gap"


def test_a_turn_without_anything_is_still_a_turn() -> None:
    assert "Wake-up message" in Parsed(turn_html({})).text


def report(nodeid: str, when: str = "call", **attributes: Any) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("f", 0, "n"), {}, "passed", None, when, **attributes)  # type: ignore[arg-type] # when is one of three


def row(plugin: HtmlReport, of: pytest.TestReport) -> list[str]:
    cells = ["result", "test", "duration", "links"]
    plugin.pytest_html_results_table_row(of, cells)
    assert cells[:2] + cells[6:] == ["result", "test", "duration", "links"]
    return [re.sub("<[^>]*>", "", cell) for cell in cells[2:6]]


@pytest.mark.parametrize(
    ("payload", "cells"),
    [
        ({"kind": "turn", "outcome": "worked", "label": "m"}, ["m", "worked"]),
        (
            {"kind": "turn", "outcome": "stopped", "stop_kind": "context", "label": "m"},
            ["m", "stopped: context"],
        ),
        ({"kind": "checker", "outcome": "passed", "score": 2.0, "weight": 2, "label": "m"}, ["m", "2 of 2"]),
        (
            {"kind": "checker", "outcome": "broken", "score": 0.0, "weight": 0.5, "label": "m", "trial": 2},
            ["m #2", "0 of 0.5, broken"],
        ),
        ({"kind": "checker", "outcome": "void", "score": None, "weight": 1, "label": "m"}, ["m", "void"]),
        ({"kind": "checker", "outcome": "passed", "red_line": True, "label": "m"}, ["m", "red line held"]),
        (
            {"kind": "checker", "outcome": "broken", "red_line": True, "label": "m"},
            ["m", "red line crossed, broken"],
        ),
    ],
)
def test_while_a_run_goes_on_each_item_has_cells_of_its_own(
    payload: dict[str, Any], cells: list[str]
) -> None:
    plugin = HtmlReport(list)
    item = report("n", clawmark=payload)
    plugin.pytest_runtest_logreport(item)
    assert row(plugin, item) == [*cells, "", ""]


def test_a_plain_test_has_empty_cells() -> None:
    plugin = HtmlReport(list)
    plain = report("n")
    plugin.pytest_runtest_logreport(plain)
    assert row(plugin, plain) == ["", "", "", ""]
    assert not hasattr(plain, "extras")


def test_hostile_cells_are_escaped() -> None:
    plugin = HtmlReport(list)
    item = report("n", clawmark={"kind": "checker", "outcome": ATTACK, "label": ATTACK, "category": ATTACK})
    plugin.pytest_runtest_logreport(item)
    cells = ["result", "test", "duration", "links"]
    plugin.pytest_html_results_table_row(item, cells)
    for cell in cells[2:6]:
        assert set(Parsed(cell).tags) == {"td"}
        assert "\n" not in cell


@pytest.mark.parametrize("html", [None, "report.html"])
@pytest.mark.parametrize("worker", [False, True])
def test_our_part_joins_only_where_a_report_is_written(
    pytester: pytest.Pytester, html: str | None, worker: bool
) -> None:
    pytest.importorskip("pytest_html")
    pytester.plugins = []
    config = pytester.parseconfig("-p", "no:clawmark", *([f"--html={html}"] if html else []))
    if worker:
        config.workerinput = {}  # type: ignore[attr-defined] # as xdist does
    joined = register_html(config, list)
    assert (joined is not None) is (html is not None and not worker)
    assert config.pluginmanager.hasplugin("clawmark-html") is (joined is not None)
