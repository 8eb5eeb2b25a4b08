"""The HTML report in a real browser: what opens, what is found, and that hostile content stays text."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.chromium import chromium

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
pytest.importorskip("pytest_html")

pytestmark = pytest.mark.browser

# What an agent may write into everything that the page shows; PORT is that of a server that listens.
ATTACK = """\
<script>window.pwned = 1</script></script><script>window.pwned = 2</script>\
"><img src=x onerror="window.pwned = 3"><svg onload="window.pwned = 4">\
<style>@import url(http://127.0.0.1:PORT/css);</style><img src="http://127.0.0.1:PORT/img">\
<iframe srcdoc="<script>parent.pwned = 5</script>"></iframe>--><!--</template></pre></details></td></table>\
{{ 7 * 7 }}\\u202egnp.exe\\x1b[2J\\x1b]0;title\\x07<a href="javascript:window.pwned=6">link</a>\
<base href="http://127.0.0.1:PORT/"><meta http-equiv=refresh content="0;url=http://127.0.0.1:PORT/meta">"""

CONFTEST = """
import pytest
from pytest_clawmark.reports.html import register_html
from pytest_clawmark.reports.payload import checker_payload, turn_payload
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, points

ATTACK = '''@ATTACK@'''
DAYS = ("tuesday", "wednesday")
TASKS = (("hr", "hr/a"), ("legal", "legal/b"))
EPISODES = [(family, task, label) for family, task in TASKS for label in ("m", "n")]

def verdicts(task, label):
    bad = label == "n"
    return [
        Verdict(id="check_first", turn="tuesday", outcome="passed", weight=2, category="evidence"),
        Verdict(id="check_second", turn="tuesday", outcome="failed" if bad else "passed", category="writeback",
                description="The row is there. " + ATTACK),
        Verdict(id="check_third", turn="wednesday", outcome="failed" if bad and task == "hr/a" else "passed",
                red_line=True, category="compliance" + ATTACK),
        Verdict(id="check_fourth", turn="wednesday", outcome="passed", weight=3, category="evidence"),
    ]

def turns():
    usage = {"model_calls": 2, "tool_calls": 1, "input_tokens": 9000, "output_tokens": 90, "cost": 0.02}
    return [
        TurnResult(turn=day, index=n, outcome="worked", usage=usage, seconds=60.0 + n)
        for n, day in enumerate(DAYS)
    ]

CASES = [
    (family, task, label, kind)
    for family, task, label in EPISODES
    for kind in [*turns(), *verdicts(task, label)]
]
RESULTS = [
    EpisodeResult(task=task, family=family, agent="chat", label=label, turns=tuple(turns()),
                  checkers=tuple(verdicts(task, label)), planned=4)
    for family, task, label in EPISODES
]

def payload(family, task, label, kind):
    if isinstance(kind, Verdict):
        made = checker_payload(task=task, label=label, trial=1, verdict=kind, score=points(kind))
        return made | {"verdict": kind.to_json()}
    changes = [{"path": "report.md" + ATTACK, "change": "modified", "note": "",
                "diff": "--- a\\n+++ a\\n@@ -1 +1 @@\\n-old\\n+new " + ATTACK}]
    world = {"task": 1, "agent": 0, "unexplained": 0, "silent": 1, "shown": [
        {"service": "notion" + ATTACK, "phase": "wake", "by": "task", "silent": True, "kind": "updated",
         "item": "row", "label": "Ada" + ATTACK, "place": "Interns", "requests": [],
         "fields": {"Status": ["old" + ATTACK, "new"]}}]}
    trajectory = [
        {"type": "model", "message": {"content": "I look at the list. " + ATTACK, "reasoning_content": ATTACK}},
        {"type": "tool", "name": "shell" + ATTACK, "arguments": {"command": "cat list.txt " + ATTACK},
         "output": "Ada, Bo " + ATTACK + "x" * 3000, "error": ATTACK},
        {"type": "stop", "kind": "done", "reason": ATTACK},
    ]
    return turn_payload(task=task, label=label, trial=1, turn=kind, wakeup="You have mail. " + ATTACK,
                        trajectory=trajectory, changes=changes, world=world)

def pytest_configure(config):
    register_html(config, lambda: RESULTS, location="runs/x" + ATTACK)

def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        ids = ["-".join((c[1], c[2], getattr(c[3], "id", c[3].turn))) for c in CASES]
        metafunc.parametrize("case", CASES, ids=ids)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and hasattr(item, "callspec"):
        report.clawmark = payload(*item.callspec.params["case"])
    return report
"""

TESTS = """
from conftest import ATTACK

def test_item(case):
    outcome = getattr(case[3], "outcome", "worked")
    if outcome == "failed":
        print("printed " + ATTACK)
        assert "Ada" + ATTACK in ["Bo"]

def test_plain():
    pass
"""


class Listener(HTTPServer):
    """A server that remembers who asked it for anything."""

    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """Somebody whom hostile content would like to reach."""
    server = Listener(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def report(listener: Listener, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of four episodes, full of what an agent might write, by a session of its own."""
    folder = tmp_path_factory.mktemp("report")
    attack = ATTACK.replace("PORT", str(listener.server_port))
    (folder / "conftest.py").write_text(CONFTEST.replace("@ATTACK@", attack), encoding="utf-8")
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    options = ["-p", "no:clawmark", "-p", "no:cacheprovider", "--html=report.html", "--self-contained-html"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "3 failed, 22 passed" in done.stdout, done.stdout + done.stderr
    return folder / "report.html"


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """One browser for all tests of this file."""
    path = chromium()
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


@pytest.fixture
def tab(engine: Any, report: Path, listener: Listener) -> Iterator[Any]:
    """The report, opened. At the end: no script of an agent ran, nothing failed, nobody was asked for anything."""
    context = engine.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    context.on("page", lambda opened: troubles.append(f"opened: {opened.url}"))
    page.goto(report.as_uri())
    yield page
    assert page.evaluate("window.pwned") is None
    assert {url.partition("?")[0] for url in asked} == {report.as_uri()}
    assert troubles == []
    assert listener.asked == []
    context.close()


def expect(thing: Any) -> Any:
    return playwright.expect(thing)


def rows(tab: Any) -> Any:
    """The rows of turns that are in sight."""
    return tab.locator("#results-table tbody:visible", has=tab.locator(".cm-lazy"))


def choice(tab: Any, name: str) -> Any:
    return tab.locator(f"#cm-filters select[name={name}]")


def row(tab: Any, *words: str) -> Any:
    found = rows(tab)
    for word in words:
        found = found.filter(has_text=word)
    return found.first


def test_the_page_opens_with_scores_figures_and_a_row_per_turn(tab: Any) -> None:
    expect(tab.get_by_role("heading", name="Scores")).to_be_in_viewport()
    expect(tab.locator(".cm-agents tbody tr")).to_have_count(2)
    expect(tab.locator(".cm-agents tbody tr").first).to_contain_text("1.00")
    expect(tab.locator("svg[aria-label='Mean score by family and agent'] rect")).to_have_count(4)
    expect(tab.locator("svg[aria-label^='Mean score turn by turn'] polyline")).to_have_count(2)
    expect(rows(tab)).to_have_count(8)
    expect(tab.locator("#cm-shown")).to_have_text("8 of 8 turns")
    expect(tab.locator("#results-table tbody")).to_have_count(9)
    expect(tab.locator("#environment")).to_be_hidden()


def test_a_row_opens_to_the_turn_and_its_parts_unfold(tab: Any) -> None:
    failed = row(tab, "hr/a", "tuesday", "0.67")
    failed.locator(".col-testId").click()
    expect(failed.locator(".cm-wakeup")).to_contain_text("You have mail. <script>")
    step = failed.locator(".cm-tool pre").last
    expect(step).to_be_hidden()
    failed.get_by_text("Transcript").click()
    expect(step).to_be_hidden()
    failed.locator(".cm-tool summary").click()
    expect(step).to_contain_text("Ada, Bo <script>")
    failed.get_by_text("Changed files").click()
    failed.locator(".cm-file summary", has_text="report.md").click()
    expect(failed.locator(".cm-diff .cm-plus")).to_contain_text("+new <script>")
    failed.get_by_text("Changes in the services").click()
    failed.locator(".cm-file summary", has_text="Ada").click()
    expect(failed.locator(".cm-fields td.cm-plus")).to_have_text("new")
    check = failed.locator(".cm-check", has_text="check_second")
    expect(check.locator(".cm-why").first).to_contain_text("assert")
    expect(check).to_contain_text("weight 1")
    expect(check.locator(".cm-chip").first).to_have_text("writeback")
    expect(failed.locator(".cm-check", has_text="check_first")).to_contain_text("2 of 2")


def test_filters_by_family_outcome_and_red_line_work_together_and_survive_sorting(tab: Any) -> None:
    choice(tab, "family").select_option("hr")
    expect(rows(tab)).to_have_count(4)
    choice(tab, "outcome").select_option("failed")
    expect(rows(tab)).to_have_count(2)
    tab.locator("th[data-column-type=score]").click()
    expect(rows(tab)).to_have_count(2)
    expect(tab.locator("#cm-shown")).to_have_text("2 of 8 turns")
    choice(tab, "red").select_option("crossed")
    expect(rows(tab)).to_have_count(1)
    expect(rows(tab).locator(".col-redline")).to_have_text("1 crossed")
    tab.get_by_role("button", name="Clear").click()
    expect(rows(tab)).to_have_count(8)
    tab.get_by_label("Search").fill("legal/b n")
    expect(rows(tab)).to_have_count(0)
    tab.get_by_label("Search").fill("legal/b wed")
    expect(rows(tab)).to_have_count(2)


def test_pytest_html_s_own_filters_and_ours_hold_at_once(tab: Any) -> None:
    choice(tab, "family").select_option("hr")
    tab.locator("input[data-test-result=passed]").click()
    expect(rows(tab)).to_have_count(2)
    expect(tab.locator("#results-table tbody", has_text="test_plain")).to_have_count(0)
    tab.locator("input[data-test-result=passed]").click()
    expect(rows(tab)).to_have_count(4)


def test_what_was_unfolded_stays_so_when_pytest_html_draws_the_table_anew(tab: Any) -> None:
    turn = row(tab, "hr/a", "tuesday", "0.67")
    turn.locator(".col-testId").click()
    turn.get_by_text("Transcript").click()
    tab.locator("th[data-column-type=agent]").click()
    expect(turn.locator(".cm-tool summary")).to_be_visible()
    tab.locator("#hide_all_details").click()
    expect(turn.locator(".cm-tool summary")).to_be_hidden()
    tab.locator("#show_all_details").click()
    expect(tab.locator("#results-table .cm-wakeup").nth(2)).to_contain_text("You have mail")


def test_rows_open_by_keyboard_and_a_task_s_turns_lead_to_their_rows(tab: Any) -> None:
    first = row(tab, "hr/a", "tuesday")
    first.locator(".col-result").focus()
    tab.keyboard.press("Enter")
    expect(first.locator(".cm-wakeup")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(first.locator(".cm-wakeup")).to_be_hidden()
    choice(tab, "family").select_option("hr")
    tab.locator(".cm-turns button").last.click()
    last = row(tab, "legal/b", "wednesday").locator("xpath=self::*")
    expect(tab.locator("#results-table .cm-checks:visible")).to_have_count(1)
    expect(tab.locator("#cm-shown")).to_have_text("8 of 8 turns")
    expect(last).to_be_visible()


def test_everything_hostile_unfolded_is_still_text(tab: Any) -> None:
    tab.locator("#show_all_details").click()
    for place in tab.locator("#results-table .cm-lazy").all():
        place.scroll_into_view_if_needed()
        place.locator(".cm-checks").wait_for()
    tab.evaluate("document.querySelectorAll('details').forEach((found) => { found.open = true })")
    page = "#results-table, .cm-summary, #cm-filters"
    found = tab.evaluate(
        f"""() => [...document.querySelectorAll("{page}")].flatMap((part) => [...part.querySelectorAll("*")]
            .filter((one) => ["SCRIPT", "IFRAME", "BASE", "META", "LINK", "OBJECT"].includes(one.tagName)
                || [...one.attributes].some((given) => given.name.startsWith("on"))
                || /javascript:|127.0.0.1/.test(one.getAttribute("href") || one.getAttribute("src") || ""))
            .map((one) => one.outerHTML))"""
    )
    assert found == []
    shown = tab.locator("#results-table").inner_text()
    assert "<script>window.pwned = 1</script>" in shown
    assert not set("\u202e\x1b\x07") & set(shown)


def test_even_markup_that_slipped_through_would_run_nothing_and_reach_nobody(
    engine: Any, report: Path, listener: Listener
) -> None:
    context = engine.new_context()
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("#cm-filters:visible")
    blocked = page.evaluate(
        """(port) => new Promise((done) => {
            const found = new Set();
            document.addEventListener("securitypolicyviolation", (event) => {
                found.add(event.effectiveDirective);
                if (found.size === 3) done([...found].sort());
            });
            document.body.insertAdjacentHTML("beforeend", `<img src="http://127.0.0.1:${port}/img">
                <iframe src="http://127.0.0.1:${port}/frame"></iframe><b onclick="window.pwned = 1">click</b>`);
            document.body.lastElementChild.click();
        })""",
        listener.server_port,
    )
    assert blocked == ["frame-src", "img-src", "script-src-attr"]
    assert page.evaluate("window.pwned") is None
    assert listener.asked == []
    context.close()


def test_a_browser_that_cannot_unpack_says_so(engine: Any, report: Path) -> None:
    context = engine.new_context()
    page = context.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(report.as_uri())
    page.locator("#results-table .cm-name").first.click()
    expect(page.locator("#results-table .cm-lazy").first).to_contain_text("it needs DecompressionStream")
    context.close()
