"""Freezing: exact, canonical, and the same in every process."""

from __future__ import annotations

import json
import os
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawmark_services.calendar import CalendarSpec
from clawmark_services.calendar.ics import Component, Line, escaped, parse

CONFTEST = Path(__file__).with_name("conftest.py")

SCRIPT = """
import hashlib, json, runpy, socket, sys, urllib.request
from datetime import datetime
from zoneinfo import ZoneInfo
from clawmark_services.serving import ServiceHost
office = runpy.run_path(sys.argv[1])["make_office"]()
host = ServiceHost()
listener = socket.create_server(("127.0.0.1", 0))
serving = host.serve(listener, office.service.door("caldav"))
zone = ZoneInfo("Europe/Berlin")
author = office.service.author
author.create("Team")
author.add("Team", "a", datetime(2024, 3, 20, 9, tzinfo=zone), datetime(2024, 3, 20, 10, tzinfo=zone),
           attendees=["mia", "hrbp"], rrule="FREQ=WEEKLY;COUNT=3").update(location="x")
author.add("Team", "b", "2024-03-20", "2024-03-21", all_day=True).delete()

def http(method, path, body=""):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    request = urllib.request.Request(url, body.encode(), {"Depth": "1"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers.get("ETag"), answer.headers.get("Last-Modified")

event = "BEGIN:VCALENDAR\\nVERSION:2.0\\nPRODID:x\\n%s\\nEND:VCALENDAR\\n"
lines = (
    "BEGIN:VEVENT\\nUID:%s\\nDTSTART;TZID=Asia/Kathmandu:20240322T090000\\nSUMMARY:no stamp\\n"
    "ATTENDEE;CN=A;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:a@b\\nEND:VEVENT"
)
answers = [
    http("MKCALENDAR", "/benchmark/own/"),
    http("PUT", "/benchmark/own/a.ics", event % lines % "a"),
    http("PUT", "/benchmark/whole/", event % (lines % "b" + "\\n" + lines % "c")),
    http("PROPFIND", "/benchmark/own/", '<propfind xmlns="DAV:"><allprop/></propfind>'),
    http("GET", "/benchmark/own/a.ics"),
    http("GET", "/benchmark/own/?view=freebusy"),
]
for tool in office.service.tools():
    if tool.name == "calendar_create_event":
        tool.call(calendar="Team", summary="t", start="2024-03-20T12:00", end="2024-03-20T13:00")
serving.close()
host.close()
for thing in (office.service.freeze(), office.audit, repr(answers)):
    print(hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_bytes_freeze_alike_in_another_process_hash_seed_and_time_zone():
    printed = set()
    for seed, zone in (("1", "UTC"), ("2", "America/New_York"), ("3", "Asia/Kathmandu")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(CONFTEST)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        printed.add(done.stdout)
    assert len(printed) == 1


def make_office():
    return runpy.run_path(str(CONFTEST))["make_office"]()


days = st.integers(1, 28).map(lambda day: f"2024-03-{day:02}")
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(["Team", "日程", "Other"])),
        st.tuples(st.just("add"), texts, days, days),
        st.tuples(st.just("update"), texts, st.integers(0, 3)),
        st.tuples(st.just("delete"), st.integers(0, 3)),
    ),
    max_size=8,
)


def play(office, step):
    author = office.service.author
    try:
        match step:
            case ("create", name):
                author.create(name)
            case ("add", text, start, end):
                author.add("Team", text, start, end, all_day=True, description=text)
            case ("update", text, number):
                author.events()[number].update(summary=text)
            case ("delete", number):
                author.events()[number].delete()
    except (LookupError, ValueError):
        return


@settings(max_examples=25, deadline=None)
@given(steps)
def test_restoring_what_was_frozen_changes_nothing_and_play_goes_on_alike(played):
    office, again = make_office(), make_office()
    for step in (("create", "Team"), *played):
        play(office, step)
    state = json.loads(json.dumps(office.service.freeze()))
    again.service.restore(state)
    assert again.service.freeze() == state
    now = office.clock.now()
    for either in (office, again):
        either.clock.set(now)
        for step in played:
            play(either, step)
    assert again.service.freeze() == office.service.freeze()


def test_a_client_notices_no_restoring(offices):
    import requests

    office, again = offices(), offices()
    office.service.author.create("Team")
    office.service.author.add("Team", "x", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00", uid="x")
    again.service.restore(json.loads(json.dumps(office.service.freeze())))

    def answers(url):
        with requests.Session() as session:
            listed = session.request("PROPFIND", f"{url}/benchmark/team/", headers={"Depth": "1"}, timeout=20)
            got = session.get(f"{url}/benchmark/team/x.ics", timeout=20)
            return listed.text, got.text, got.headers["ETag"], got.headers["Last-Modified"]

    assert answers(office.url) == answers(again.url)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_survives_being_written_folded_and_read_again(text):
    plain = text.replace("\r\n", "\n").replace("\r", "")
    line = Line("DESCRIPTION", escaped(plain), (("LANGUAGE", "a,b;c:d"),))
    again = parse(Component("VCALENDAR", [line]).written())
    assert again.lines == [line]
    assert again.text("DESCRIPTION") == plain
    assert all(
        len(written.encode()) <= 75 for written in Component("VCALENDAR", [line]).written().split("\r\n")
    )


def test_the_spec_is_a_value():
    assert pickle.loads(pickle.dumps(CalendarSpec())) == CalendarSpec()
    assert CalendarSpec().to_json() == {"service": "calendar"}
