"""One row per turn in pytest-html's own table, written by a real session of pytest."""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.reports import html_rows
from pytest_clawmark.reports.compressing import packed, size_that_fits, unpacked
from pytest_clawmark.reports.html_rows import Rows
from pytest_clawmark.reports.payload import turn_payload
from pytest_clawmark.scoring import TurnResult

pytest.importorskip("pytest_html")

CONFTEST = """
import pytest
from pytest_clawmark.reports.html import register_html
from pytest_clawmark.reports.payload import checker_payload, turn_payload
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, points

ATTACK = '"><img src=x onerror="alert(1)"></pre></script><script>alert(1)</script>'
TURNS = [
    TurnResult(turn=name, index=n, outcome="worked", seconds=75.0)
    for n, name in enumerate(["tuesday", "friday"])
]
VERDICTS = [
    Verdict(id="test_good", turn="tuesday", outcome="passed", weight=3, category="writeback"),
    Verdict(id="test_bad", turn="tuesday", outcome="failed", category="evidence", description="Says " + ATTACK),
    Verdict(id="test_line", turn="friday", outcome="failed", red_line=True, category="compliance"),
]
RESULT = EpisodeResult(
    task="hr/a", family="hr", agent="chat", label="m", turns=tuple(TURNS), checkers=tuple(VERDICTS), planned=3
)

def pytest_configure(config):
    register_html(config, lambda: [RESULT], location="runs/x")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        for verdict in VERDICTS:
            if verdict.id == item.name:
                payload = checker_payload(task="hr/a", label="m", trial=1, verdict=verdict, score=points(verdict))
                report.clawmark = payload | {"verdict": verdict.to_json()}
        for turn in TURNS:
            if item.name == "test_" + turn.turn:
                report.clawmark = turn_payload(
                    task="hr/a", label="m", trial=1, turn=turn, wakeup="WAKE " + ATTACK, changes=[],
                    trajectory=[{"type": "tool", "name": "shell", "output": ATTACK}],
                )
    return report
"""

TESTS = """
def test_friday(): pass
def test_line():
    print("what the checker printed")
    assert 6 * 7 == 40 + 3
def test_tuesday(): pass
def test_good(): pass
def test_bad(): assert "Ada" in ["Grace"]
def test_plain(): pass
"""


class Page(HTMLParser):
    """What pytest-html and we wrote into the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.blob = self.text = ""
        self._script: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.blob = dict(attrs).get("data-jsonblob") or self.blob
        if tag == "script":
            self._script = dict(attrs)
            self.scripts.append((self._script, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            given, text = self.scripts[-1]
            self.scripts[-1] = (given, text + data)
        self.text += data

    @property
    def tests(self) -> dict[str, Any]:
        return json.loads(self.blob)["tests"]

    def script(self, name: str) -> str:
        (text,) = [text for given, text in self.scripts if given.get("id") == name]
        return text

    def part(self, number: int) -> tuple[str, str]:
        (given,) = [given for given, _ in self.scripts if given.get("id") == f"cm-part-{number}"]
        packed = self.script(f"cm-part-{number}")
        split = len(packed) - int(given["data-checks"] or 0)
        body, checks = (
            zlib.decompress(base64.b64decode(text)).decode() for text in (packed[:split], packed[split:])
        )
        return body, checks


def written(pytester: pytest.Pytester, *options: str, conftest: str = CONFTEST) -> Page:
    pytester.makeconftest(conftest)
    pytester.makepyfile(test_it=TESTS)
    done = pytester.runpytest_subprocess(
        "-p", "no:clawmark", "--html=report.html", "--self-contained-html", *options, timeout=60
    )
    done.assert_outcomes(passed=4, failed=2)
    return Page(Path(pytester.path / "report.html").read_text("utf-8"))


def text_of(cells: list[str]) -> list[str]:
    found = re.findall("<td.*?>(.*?)</td>", "".join(cells))
    return [" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in found]


@pytest.mark.parametrize("options", [[], ["-n2"]])
def test_a_row_per_turn_holds_its_checkers_and_plain_tests_stay_as_they_are(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    page = written(pytester, *options)
    assert list(page.tests)[-2:] == ["test_it.py::test_tuesday", "test_it.py::test_friday"]
    assert set(page.tests) == {
        "test_it.py::test_tuesday",
        "test_it.py::test_friday",
        "test_it.py::test_plain",
    }
    (tuesday,) = page.tests["test_it.py::test_tuesday"]
    (friday,) = page.tests["test_it.py::test_friday"]
    assert text_of(tuesday["resultsTableRow"]) == [
        "Failed",
        "hr/a tuesday",
        "m",
        "0.75",
        "1/2",
        "",
        "1m15s",
        "",
    ]
    assert text_of(friday["resultsTableRow"])[3:6] == ["-", "0/1", "1 crossed"]
    assert (tuesday["result"], tuesday["score"], tuesday["duration"]) == ("Failed", "0.75", "75000 ms")
    assert tuesday["log"] == ""
    (plain,) = page.tests["test_it.py::test_plain"]
    assert plain["log"]
    assert plain["score"] == ""
    assert "6 tests took" in page.text


def test_what_a_row_opens_to_stands_compressed_in_the_page(pytester: pytest.Pytester) -> None:
    page = written(pytester, "-n1")
    body, checks = page.part(0)
    assert "WAKE &#34;&gt;&lt;img" in body
    assert "<img" not in body + checks
    assert "<script" not in body + checks
    assert "Says &#34;&gt;&lt;img" in checks
    assert "assert &#39;Ada&#39; in [&#39;Grace&#39;]" in checks
    assert "weight 3" in checks
    assert checks.index("test_bad") < checks.index("test_good")
    assert "[gw" not in checks
    _, line = page.part(1)
    assert "what the checker printed" in line
    assert "red line crossed" in line


def test_rows_are_found_by_family_outcome_and_red_line(pytester: pytest.Pytester) -> None:
    tuesday, friday = json.loads(written(pytester).script("cm-index"))
    assert tuesday == {
        "task": "hr/a",
        "family": "hr",
        "agent": "m",
        "trial": 1,
        "turn": "tuesday",
        "outcomes": ["failed", "passed"],
        "red": "",
        "missed": ["evidence"],
    }
    assert (friday["red"], friday["outcomes"]) == ("crossed", ["failed"])


def test_checkers_without_an_item_of_their_turn_have_a_row_all_the_same(pytester: pytest.Pytester) -> None:
    page = written(pytester, conftest=CONFTEST.replace('item.name == "test_" + turn.turn', "False"))
    (row,) = page.tests["test_it.py::test_good"]
    assert text_of(row["resultsTableRow"])[1:5] == ["hr/a tuesday", "m", "0.75", "1/2"]
    assert "test_it.py::test_bad" not in page.tests


def test_columns_of_other_plugins_stay_in_their_place(pytester: pytest.Pytester) -> None:
    page = written(
        pytester,
        conftest=CONFTEST
        + """
def pytest_html_results_table_header(cells):
    cells.insert(1, "<th>Mine</th>")

def pytest_html_results_table_row(report, cells):
    cells.insert(1, f'<td class="col-mine">{report.nodeid[-7:]}</td>')
""",
    )
    (row,) = page.tests["test_it.py::test_tuesday"]
    assert text_of(row["resultsTableRow"])[:3] == ["Failed", "tuesday", "hr/a tuesday"]


def test_extras_of_other_plugins_stay_on_the_row(pytester: pytest.Pytester) -> None:
    page = written(
        pytester,
        conftest=CONFTEST
        + """
@pytest.fixture(autouse=True)
def link(request, extras):
    from pytest_html import extras as kinds
    if request.node.name == "test_bad":
        extras.append(kinds.url("http://127.0.0.1/<x>", name="mine"))
""",
    )
    (row,) = page.tests["test_it.py::test_tuesday"]
    assert [extra["format_type"] for extra in row["extras"]] == ["html", "url"]
    assert 'href="http://127.0.0.1/&lt;x&gt;"' in row["resultsTableRow"][0]


def test_what_the_user_chose_for_pytest_html_stays(pytester: pytest.Pytester) -> None:
    assert json.loads(written(pytester).blob)["renderCollapsed"] == ["all"]
    chosen = written(pytester, "-o", "render_collapsed=failed", "-o", "initial_sort=score")
    data = json.loads(chosen.blob)
    assert (data["renderCollapsed"], data["initialSort"]) == (["failed"], "score")


def noise(seed: int, length: int) -> str:
    return base64.b85encode(random.Random(seed).randbytes(length)).decode()


def reported(nodeid: str, payload: dict[str, Any]) -> pytest.TestReport:
    report = pytest.TestReport(nodeid, ("f", 0, "n"), {}, "passed", None, "call")
    report.clawmark = payload  # type: ignore[attr-defined] # as items' reports have it
    return report


def long_turn(number: int, length: int, count: int = 40) -> dict[str, Any]:
    records = [
        {"type": "tool", "name": f"call {n}", "output": noise(number * 100 + n, length)} for n in range(count)
    ]
    return turn_payload(
        task=f"hr/task{number:02}",
        label="m",
        trial=1,
        turn=TurnResult(turn="tuesday", index=0, outcome="worked"),
        wakeup=f"message {number}",
        trajectory=records,
        changes=[],
    )


def test_the_longest_turns_are_cut_so_that_the_page_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_rows, "BUDGET", 200_000)
    rows = Rows(lambda: 1)  # fewer than there will be, so that nothing is cut beforehand
    for number in range(20):
        rows.take(reported(f"t{number}", long_turn(number, 20 if number < 10 else 1_500)))
    rows.settle([], {})
    sizes = [len(part["body"]) for part in rows.parts]
    assert sum(sizes) <= 200_000 * 1.02
    assert sum(sizes) > 100_000
    short = zlib.decompress(base64.b64decode(rows.parts[0]["body"])).decode()
    cut = zlib.decompress(base64.b64decode(rows.parts[-1]["body"])).decode()
    assert "left out" not in short
    assert "message" in cut
    assert cut.count("characters left out") > 20
    assert "call 0" in cut
    assert "call 39" in cut


def test_sizes_share_a_budget_and_the_small_ones_stay_whole() -> None:
    assert size_that_fits([10, 20, 30], 60) is None
    assert size_that_fits([10, 100, 100], 110) == 50
    assert size_that_fits([100, 100, 100], 30) == 10
    assert size_that_fits([], 0) is None


def test_what_is_packed_comes_back_and_nonsense_is_refused() -> None:
    value = {"text": "面试 \\ud800", "deep": [1, None, {"a": "<script>"}]}
    assert unpacked(packed(value)) == value
    with pytest.raises(ValueError, match="not a packed value"):
        unpacked(base64.b64encode(b"nonsense").decode())
