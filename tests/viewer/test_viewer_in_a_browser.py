"""The pages in a real browser: what is pressed, what is played, and that hostile content stays text."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.viewer.serving import open_server

if os.environ.get("CLAWMARK_REQUIRE_BROWSER"):
    playwright = import_module("playwright.sync_api")
else:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds that a busy machine may take for what is expected."""
EPISODE = "/runs/first/episodes/hr/interns/eve/1"


def chromium() -> str:
    """An installed Chromium; skips where there is none, unless CLAWMARK_REQUIRE_BROWSER is set."""
    named = os.environ.get("CLAWMARK_CHROMIUM")
    names = (
        [named]
        if named
        else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell"]
    )
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        told = f"there is no Chromium ({', '.join(names)}); install one, or name it by CLAWMARK_CHROMIUM"
        if os.environ.get("CLAWMARK_REQUIRE_BROWSER"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    """One browser for all tests of this file."""
    path = chromium()
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


@pytest.fixture
def address(stored: Any) -> Iterator[str]:
    """A real server over the folder of runs."""
    server = open_server([stored.path.parent], 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tab(engine: Any, address: str) -> Iterator[Any]:
    """A fresh page. At the end: no script of an agent ran, nothing failed, and no request left this server."""
    context = engine.new_context(viewport={"width": 1400, "height": 900}, base_url=address)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    context.on("page", lambda opened: troubles.append(f"opened: {opened.url}"))
    yield page
    assert page.evaluate("window.pwned") is None
    assert [url for url in asked if not url.startswith(f"{address}/")] == []
    assert troubles == []
    context.close()


def current(tab: Any) -> str:
    """The id of the step that the player stands on."""
    found: str = tab.locator(".step.now").get_attribute("id")
    return found


def expect(thing: Any) -> Any:
    return playwright.expect(thing)


def test_runs_open_and_lists_are_filtered_by_what_stands_in_the_address(tab: Any) -> None:
    tab.goto("/")
    tab.get_by_role("link", name="first", exact=True).click()
    rows = tab.locator("tr[data-row]")
    expect(rows).to_have_count(4)
    tab.get_by_label("Family", exact=True).select_option("legal")
    expect(rows.locator("visible=true")).to_have_count(2)
    tab.get_by_label("Outcome", exact=True).select_option("passed")
    expect(rows.locator("visible=true")).to_have_count(1)
    assert "family=legal" in tab.url
    tab.reload()
    expect(rows.locator("visible=true")).to_have_count(1)
    tab.keyboard.press("/")
    tab.keyboard.type("nothing of this name")
    expect(rows.locator("visible=true")).to_have_count(0)
    tab.get_by_role("button", name="Show all").click()
    expect(rows.locator("visible=true")).to_have_count(4)
    tab.get_by_label("red line crossed").check()
    expect(rows.locator("visible=true")).to_have_count(1)


def test_columns_sort_the_tasks(tab: Any) -> None:
    tab.goto("/runs/first")
    head = tab.locator("th[data-sort]", has_text="score")
    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    values = tab.locator("td.score[data-value]").evaluate_all(
        "cells => cells.map(cell => +cell.dataset.value)"
    )
    assert values == sorted(values)


def test_chosen_runs_are_compared(tab: Any, another: Any) -> None:
    another("second")
    tab.goto("/")
    button = tab.locator("#compare")
    expect(button).to_be_disabled()
    tab.get_by_label("compare first").check()
    tab.get_by_label("compare second").check()
    expect(button).to_have_text("Compare 2 runs")
    button.click()
    expect(tab.get_by_role("heading", name="Standings")).to_be_visible()
    assert tab.locator("h2", has_text="against").count() == 3


def test_keys_walk_through_steps_and_days(tab: Any) -> None:
    tab.goto(EPISODE)
    for key, step in (("j", "tuesday-0"), ("j", "tuesday-1"), ("ArrowDown", "tuesday-2"), ("k", "tuesday-1")):
        tab.keyboard.press(key)
        expect(tab.locator(".step.now")).to_have_id(step)
    assert tab.url.endswith("?day=tuesday#tuesday-1")
    tab.keyboard.press("j")
    expect(tab.locator("#tuesday-2 details")).to_have_attribute("open", "")
    tab.keyboard.press("o")
    expect(tab.locator("#tuesday-2 details")).not_to_have_attribute("open", "")
    tab.keyboard.press("n")
    tab.wait_for_url("**day=wednesday*")
    expect(tab.locator(".timeline [aria-current]")).to_contain_text("wednesday")
    tab.keyboard.press("p")
    tab.wait_for_url("**day=tuesday*")
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_be_visible()
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_be_hidden()


def test_a_link_to_a_step_opens_there_whatever_day_it_was_taken_on(tab: Any) -> None:
    tab.goto(f"{EPISODE}#wednesday-2")
    tab.wait_for_url("**day=wednesday*")
    expect(tab.locator(".step.now")).to_have_id("wednesday-2")
    expect(tab.locator("#wednesday-2 details")).to_have_attribute("open", "")


def test_a_link_to_a_step_far_down_brings_its_page(tab: Any, stored: Any) -> None:
    lines = [json.dumps({"type": "tool", "name": f"t{number}", "output": ""}) for number in range(900)]
    (stored.episode / "tuesday" / "trajectory.jsonl").write_text("\n".join(lines) + "\n")
    tab.goto(f"{EPISODE}?day=tuesday#tuesday-700")
    expect(tab.locator(".step.now")).to_have_id("tuesday-700")
    expect(tab.locator(".step.now")).to_be_in_viewport()
    tab.get_by_role("button", name="steps 480 to 679").click()
    expect(tab.locator("#tuesday-480")).to_be_attached()


def test_playing_goes_through_the_steps_and_on_to_the_next_day(tab: Any) -> None:
    tab.goto(f"{EPISODE}?day=tuesday")
    tab.get_by_label("Speed").select_option("fast")
    tab.locator("body").click(position={"x": 5, "y": 5})
    tab.keyboard.press(" ")
    tab.wait_for_url("**day=wednesday*")
    expect(tab.locator(".step.now")).to_be_attached()
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Play", exact=True)).to_have_attribute("aria-pressed", "false")
    assert current(tab).startswith("wednesday-")


def test_the_slider_and_a_click_choose_a_step(tab: Any) -> None:
    tab.goto(EPISODE)
    tab.locator("#slider").fill("3")
    expect(tab.locator(".step.now")).to_have_id("tuesday-3")
    tab.locator("#tuesday-1 .no").click()
    expect(tab.locator(".step.now")).to_have_id("tuesday-1")


def test_panels_open_in_place_and_stay_in_the_address(tab: Any) -> None:
    tab.goto(f"{EPISODE}?day=tuesday#tuesday-2")
    tab.keyboard.press("3")
    expect(tab.locator("#panel .mail")).to_be_visible()
    assert "panel=email" in tab.url
    assert tab.url.endswith("#tuesday-2")
    tab.locator(".folders a", has_text="sent by the agent").click()
    expect(tab.locator(".letter .from")).to_have_text(["to hrbp@company.example"])
    tab.locator(".letter summary").click()
    expect(tab.locator(".letter .said")).to_contain_text("<script>window.pwned=1</script>")
    tab.reload()
    expect(tab.locator(".letter .from")).to_have_text(["to hrbp@company.example"])
    tab.locator(".tabs a", has_text="sheets").click()
    expect(tab.locator("table.sheet")).to_contain_text("<script>")
    tab.locator(".choices a", has_text="Notes").click()
    expect(tab.locator("table.sheet td")).to_have_text(["x"])


def test_pictures_are_shown_and_recordings_can_be_played(tab: Any) -> None:
    tab.goto(f"{EPISODE}?day=tuesday&panel=files")
    tab.locator("details.file", has_text="dot.png").locator("summary").click()
    picture = tab.locator("img.picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    tab.locator("details.file", has_text="call.wav").locator("summary").click()
    length = tab.locator("audio").evaluate(
        "sound => new Promise((done) => { sound.onloadedmetadata = () => done(sound.duration); sound.load(); "
        "sound.preload = 'metadata'; })"
    )
    assert length == pytest.approx(0.1)


@pytest.mark.parametrize(
    "panel", ["verdicts", "changes", "email", "notion", "sheets", "calendar", "desk", "files"]
)
def test_hostile_content_runs_nothing_and_asks_for_nothing(tab: Any, panel: str) -> None:
    tab.goto(f"{EPISODE}?day=tuesday&panel={panel}")
    tab.get_by_role("button", name="open all").click()
    tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    expect(tab.locator("#tuesday-2 .output")).to_contain_text("<script>window.pwned=1</script>")
    tab.wait_for_load_state("networkidle")


def test_an_svg_file_is_saved_and_never_opened(tab: Any) -> None:
    tab.goto(f"{EPISODE}?day=tuesday&panel=files")
    entry = tab.locator("details.file", has_text="evil.svg")
    entry.locator("summary").first.click()
    with tab.expect_download() as saved:
        entry.get_by_role("link", name="save").click()
    assert saved.value.suggested_filename == "evil.svg"
    assert EPISODE in tab.url


def test_the_theme_follows_the_system_until_one_is_chosen(tab: Any) -> None:
    def ground() -> str:
        found: str = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return found

    tab.emulate_media(color_scheme="dark")
    tab.goto("/")
    dark = ground()
    tab.emulate_media(color_scheme="light")
    light = ground()
    assert dark != light
    tab.keyboard.press("t")
    assert ground() == dark
    tab.goto("/runs/first")
    assert ground() == dark


def test_a_run_stays_current_while_it_is_played(tab: Any, stored: Any) -> None:
    results = (stored.path / "results.json").read_bytes()
    stored.unfinish()
    descriptor = os.open(stored.path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    tab.goto("/runs/first")
    expect(tab.locator("[data-live=ended]")).to_have_text("0")
    path: Path = stored.episode / "episode.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "ended"}))
    expect(tab.locator("[data-live=ended]")).to_have_text("1")
    expect(tab.locator('tr[data-outcome="failed"]')).to_have_count(1)
    (stored.path / "results.json").write_bytes(results)
    os.close(descriptor)
    expect(tab.locator("#live")).to_have_count(0)
    expect(tab.locator('tr[data-outcome="failed"]')).to_have_count(2)
