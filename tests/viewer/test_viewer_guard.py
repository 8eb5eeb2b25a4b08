"""What the viewer refuses: other hosts, other sites, writing, and everything outside of the runs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.viewer.media import type_of
from pytest_clawmark.viewer.places import Listing, Missing, Place
from pytest_clawmark.viewer.serving import open_server

EPISODE = "/runs/first/episodes/hr/interns/eve/1"
FILE = "/runs/first/file/hr/interns/eve/1"
PANELS = ("verdicts", "changes", "email", "notion", "sheets", "calendar", "desk", "files")


def panel(name: str, day: str = "tuesday", **more: str) -> str:
    rest = "".join(f"&{key}={value}" for key, value in more.items())
    return f"/runs/first/panel/hr/interns/eve/1?day={day}&panel={name}{rest}"


def number_of(stored: Any, path: str) -> int:
    manifest = json.loads((stored.episode / "tuesday" / "snapshot.json").read_text())
    return next(number for number, entry in enumerate(manifest["files"]) if entry["path"] == path)


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8001", "evil.example:8000", ""])
def test_another_host_is_refused_so_that_no_name_can_be_bound_to_this_address(
    browser: Any, host: str
) -> None:
    assert browser.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(browser: Any, method: str) -> None:
    assert browser.ask(method, "/").status_code == 405
    assert browser.ask(method, "/static/viewer.css").status_code == 405


def test_pages_of_other_sites_may_link_to_it_but_load_nothing_of_it(browser: Any) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert browser.get("/runs/first/log", headers=foreign | {"Sec-Fetch-Dest": "image"}).status_code == 403
    visit = foreign | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert browser.get("/", headers=visit).status_code == 200
    assert browser.get("/", headers=visit | {"Sec-Fetch-Dest": "iframe"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/runs/first", EPISODE, panel("files"), "/runs/first/log", "/static/viewer.js", "/nowhere"]
)
def test_every_answer_forbids_all_but_the_viewers_own(browser: Any, path: str) -> None:
    headers = browser.get(path).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("base-uri") == "'none'"
    assert rules.pop("frame-ancestors") == "'none'"
    assert set(rules.values()) == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/runs/first",
        "/compare?run=first",
        EPISODE,
        f"{EPISODE}?day=wednesday",
        "/runs/first/steps/hr/interns/eve/1?day=tuesday",
        panel("email", box="mia@company.example", folder="Sent"),
        *map(panel, PANELS),
    ],
)
def test_what_an_agent_wrote_is_text_wherever_it_stands(browser: Any, path: str) -> None:
    page = browser.text(path)
    for character in "\x1b\x07\u202e\u2066":
        assert character not in page
    for tag, attributes in Tags(page).found:
        assert tag not in ("iframe", "object", "embed", "base")
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("href", "src", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "?", "#")), attributes
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")


@pytest.mark.parametrize("name", PANELS[1:])
def test_hostile_content_is_there_as_text(browser: Any, name: str) -> None:
    assert "&lt;script&gt;window.pwned=1" in browser.text(panel(name)) + browser.text(
        panel(name, box="mia@company.example", folder="Sent")
    )


@pytest.mark.parametrize(("name", "sort"), [("evil.svg", "text/plain"), ("evil.html", "text/plain")])
def test_markup_is_never_sent_as_markup(browser: Any, stored: Any, name: str, sort: str) -> None:
    answer = browser.get(f"{FILE}?day=tuesday&at=snapshot&n={number_of(stored, name)}")
    assert answer.mimetype == sort
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_images_and_recordings_are_sent_as_what_their_bytes_are(
    browser: Any, stored: Any, described: Any
) -> None:
    answer = browser.get(f"{FILE}?day=tuesday&n={number_of(stored, 'dot.png')}")
    assert (answer.mimetype, answer.data) == ("image/png", described["png"])
    part = browser.get(
        f"{FILE}?day=tuesday&n={number_of(stored, 'call.wav')}", headers={"Range": "bytes=0-3"}
    )
    assert (part.status_code, part.mimetype, part.data) == (206, "audio/wav", b"RIFF")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"<svg xmlns", ""),
        (b"<!doctype html>", ""),
        (b"%PDF-1.7", ""),
        (b"BMW is a car", ""),
        (b"RIFF....AVI LIST", ""),
        (b"abcdWAVE....WAVE", ""),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio/ogg"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"", ""),
    ],
)
def test_only_known_first_bytes_make_a_picture_or_a_recording(head: bytes, found: str) -> None:
    assert type_of(head) == found


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..",
        "/runs/../../etc/passwd",
        "/runs/%2e%2e/log",
        "/runs/%2Fetc/log",
        "/runs/nothing",
        "/runs/first/episodes/../../../etc/passwd",
        "/runs/first/episodes/hr/interns/eve/2",
        "/runs/first/file/hr/interns/eve/1?day=../tuesday&n=0",
        "/runs/first/file/hr/interns/eve/1?day=tuesday&at=../wake&n=0",
        "/runs/first/file/hr/interns/eve/1?day=tuesday&n=999",
        "/runs/first/file/hr/interns/eve/1?day=tuesday&n=-1",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/compare?run=../first",
    ],
)
def test_names_that_are_in_no_listing_lead_nowhere(browser: Any, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("digest", ["../../../secret", "/etc/passwd", "zz"])
def test_a_manifest_cannot_name_a_file_outside_of_the_blobs(browser: Any, stored: Any, digest: str) -> None:
    (stored.path.parent.parent / "secret").write_text("secret")
    path = stored.episode / "tuesday" / "snapshot.json"
    manifest = json.loads(path.read_text())
    manifest["files"][0] |= {"digest": digest, "size": 6}
    manifest["services"]["email"] = digest
    path.write_text(json.dumps(manifest))
    assert browser.get(f"{FILE}?day=tuesday&n=0").status_code == 404
    assert "secret</" not in browser.text(panel("files"))
    assert "is not there" in browser.text(panel("email")) or "leads out" in browser.text(panel("email"))


def test_a_blob_that_is_a_link_out_of_the_run_is_not_sent(browser: Any, stored: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    manifest = json.loads((stored.episode / "tuesday" / "snapshot.json").read_text())
    blob = stored.folder.blobs.path(manifest["files"][number_of(stored, "report.md")]["digest"])
    blob.unlink()
    blob.symlink_to(tmp_path / "secret")
    assert browser.get(f"{FILE}?day=tuesday&n={number_of(stored, 'report.md')}").status_code == 404


@pytest.mark.parametrize("name", ["trajectory.jsonl", "snapshot.json"])
def test_records_that_are_links_out_of_the_run_are_not_read(
    browser: Any, stored: Any, tmp_path: Path, name: str
) -> None:
    path = stored.episode / "tuesday" / name
    path.rename(tmp_path / name)
    path.symlink_to(tmp_path / name)
    page = browser.text(EPISODE)
    assert ("I look around" in page) == (name != "trajectory.jsonl")
    assert ("Review" in browser.text(panel("email", at="snapshot"))) == (name != "snapshot.json")


def test_a_plan_cannot_name_an_episode_outside_of_the_run(browser: Any, stored: Any) -> None:
    stored.unfinish()
    plan = json.loads((stored.path / "plan.json").read_text())
    plan["episodes"][0]["task"] = "../../../../etc"
    (stored.path / "plan.json").write_text(json.dumps(plan))
    assert "lies outside of the run" in browser.text("/runs/first")


def test_results_cannot_name_an_episode_or_a_day_outside_of_the_run(browser: Any, stored: Any) -> None:
    path = stored.path / "results.json"
    results = json.loads(path.read_text())
    entry = next(each for each in results["tasks"] if each["id"] == "hr/interns" and each["label"] == "eve")
    entry["turns"][0]["turn"] = "../../../../../../etc"
    for checker in entry["checkers"]:
        checker["turn"] = entry["turns"][1]["turn"]
    path.write_text(json.dumps(results, indent=2))
    assert "which names no folder of the episode" in browser.text(EPISODE)
    entry["id"] = "../../../../etc"
    path.write_text(json.dumps(results, indent=2))
    assert browser.get("/runs/first/episodes/../../../../etc/eve/1").status_code == 404


def test_runs_that_are_links_out_of_the_folder_are_not_listed(
    browser: Any, stored: Any, tmp_path: Path
) -> None:
    stored.path.rename(tmp_path / "moved")
    stored.path.symlink_to(tmp_path / "moved")
    assert "No runs here yet" in browser.text("/")
    assert list(Listing.of([stored.path]).places()) == ["moved"]


def test_a_place_gives_only_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "loop").symlink_to(tmp_path / "run" / "loop")
    place = Place("run", tmp_path / "run")
    for path in (tmp_path, tmp_path / "run" / "..", tmp_path / "run" / "loop", tmp_path / "run" / "none"):
        with pytest.raises(Missing):
            place.inside(path)


def test_the_server_is_bound_to_this_machine_alone(stored: Any) -> None:
    server = open_server([stored.path], 0)
    try:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(SettingsError, match="cannot be listened on"):
            open_server([stored.path], server.server_port)
    finally:
        server.server_close()


def test_what_is_no_folder_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no folder: name runs"):
        open_server([tmp_path / "nothing"], 0)


def test_the_log_is_sent_as_visible_plain_text(browser: Any) -> None:
    answer = browser.get("/runs/first/log")
    assert answer.mimetype == "text/plain"
    assert re.search(r"\\x1b\[31m", answer.text)
    assert "\x1b" not in answer.text
