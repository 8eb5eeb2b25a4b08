"""Whatever clients send: no fault of ours, no hang, nothing lost."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import time

import caldav
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services import EvidenceError

FUZZ = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LINES = """
DTSTART:20240320T090000Z
DTSTART;TZID=Europe/Berlin:20240320T090000
DTSTART;TZID=No/Where:20240320T090000
DTSTART;VALUE=DATE:20240320
DTSTART:99999999T999999Z
DTSTART:00010101T000000Z
DTEND:20240320T100000Z
DTEND;VALUE=DATE:20240321
DTEND:19700101T000000Z
DURATION:PT1H
DURATION:-P1W
DURATION:nonsense
RRULE:FREQ=DAILY
RRULE:FREQ=DAILY;COUNT=3
RRULE:FREQ=WEEKLY;UNTIL=20240501
RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30
RRULE:FREQ=YEARLY;BYWEEKNO=53
RRULE:FREQ=HOURLY;INTERVAL=0
RRULE:COUNT=3
EXRULE:FREQ=DAILY
EXDATE:20240321T090000Z
EXDATE;VALUE=DATE:20240321
RDATE:20240325T090000Z
RDATE;VALUE=PERIOD:20240325T090000Z/PT1H
RECURRENCE-ID:20240321T090000Z
RECURRENCE-ID;RANGE=THISANDFUTURE:20240321T090000Z
ATTENDEE;PARTSTAT=ACCEPTED;CN="A: B":mailto:a@b
ORGANIZER:mailto:
STATUS:CANCELLED
TRANSP:TRANSPARENT
SUMMARY;LANGUAGE=en:caf\u00e9\\, \\n
DESCRIPTION
:
BEGIN:VALARM
END:VALARM
END:VEVENT
BEGIN:VTODO
BEGIN:VEVENT
""".strip().split("\n")
lines = st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=8)), max_size=8)
METHODS = "GET HEAD PUT DELETE PROPFIND PROPPATCH REPORT MKCALENDAR MKCOL MOVE OPTIONS POST"
methods = st.sampled_from(METHODS.split(" "))
paths = st.sampled_from(
    ["/", "/benchmark/", "/benchmark/team/", "/benchmark/team/a.ics", "/benchmark/team/%00", "//", "/benchmark/..",
     "/benchmark/new/", "/other/x/", "/benchmark/team/a.ics/deeper", "/\xff\xfe", "/.well-known/caldav"]
)  # fmt: skip
FILTER = (
    '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><prop><getetag/><C:calendar-data>'
    '<C:expand start="{0}" end="{1}"/></C:calendar-data></prop><C:filter><C:comp-filter name="VCALENDAR">'
    '<C:comp-filter name="VEVENT"><C:time-range start="{0}" end="{1}"/></C:comp-filter></C:comp-filter></C:filter>'
    "</C:calendar-query>"
)
FREE_BUSY = (
    '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="{0}" end="{1}"/>'
    "</C:free-busy-query>"
)
bodies = st.one_of(
    st.builds(
        str.format,
        st.sampled_from([FILTER, FREE_BUSY]),
        st.sampled_from(["20240301T000000Z", "00010101T000000Z", "20240301", "x", ""]),
        st.sampled_from(["20240401T000000Z", "99991231T235959Z", "19700101T000000Z", "x"]),
    ),
    st.sampled_from(
        ['<sync-collection xmlns="DAV:"><sync-token>{}</sync-token><prop/></sync-collection>', "<a", "<!DOCTYPE a>",
         '<propfind xmlns="DAV:"><allprop/></propfind>', '<propertyupdate xmlns="DAV:"><set/></propertyupdate>',
         '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/></resourcetype></prop></set></mkcol>', "\x00"]
    ),
    lines.map(lambda chosen: event("f", chosen)),
)  # fmt: skip


def event(uid, chosen):
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", f"UID:{uid}"]
    return "\r\n".join([*head, *chosen, "END:VEVENT", "END:VCALENDAR", ""])


def ask(office, method, path, body="", **headers):
    """The status of a request made without a socket."""
    raw = body.encode("utf-8", "replace")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": headers.pop("query", ""),
        "SCRIPT_NAME": "",
        "SERVER_NAME": "radicale",
        "SERVER_PORT": "5232",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    answered: list[str] = []
    list(office.service.door("caldav").app(environ, lambda status, *_: answered.append(status)))
    return int(answered[0][:3])


def faults(caplog):
    """What we logged; vobject also logs each time zone that it does not know."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("clawmark")]


@pytest.fixture
def team(office):
    office.service.author.create("Team")
    return office


@FUZZ
@given(lines, st.sampled_from(["20240301T000000Z", "00010101T000000Z"]))
def test_no_event_is_a_fault_to_write_to_query_or_to_view(team, caplog, chosen, start):
    caplog.set_level(logging.ERROR)
    before = time.process_time()
    assert ask(team, "PUT", "/benchmark/team/fuzz.ics", event("f", chosen)) < 500
    for body in (FILTER, FREE_BUSY):
        assert (
            ask(team, "REPORT", "/benchmark/team/", body.format(start, "20250101T000000Z"), depth="1") < 500
        )
    assert ask(team, "GET", "/benchmark/team/", query="view=freebusy") < 500
    assert time.process_time() - before < 20
    team.service.author.events()
    # What a view cannot read is the agent's failure, and said so.
    with contextlib.suppress(EvidenceError):
        team.view().at("2024-03-21")
    assert faults(caplog) == []


@FUZZ
@given(methods, paths, bodies, st.sampled_from(["0", "1", "infinity", "-1", "x"]))
def test_no_request_is_a_fault(team, caplog, method, path, body, depth):
    caplog.set_level(logging.ERROR)
    target = {"destination": "http://radicale:5232/benchmark/team/b.ics"} if method == "MOVE" else {}
    assert ask(team, method, path, body, depth=depth, **target) < 500
    assert faults(caplog) == []
    team.service.author.calendars()


def test_sixteen_clients_and_the_author_at_once_lose_nothing(team):
    failures = []

    def write(worker):
        try:
            with team.client() as client, requests.Session() as session:
                calendar = client.principal().calendar(cal_id="team")
                for number in range(3):
                    name = f"{worker}-{number}"
                    calendar.add_event(
                        event(name, ["DTSTAMP:20240320T090000Z", *LINES[:1], f"SUMMARY:{name}"])
                    )
                    team.service.author.add(
                        "Team", name, "2024-03-20", "2024-03-20", all_day=True, uid=f"a{name}"
                    )
                    url = f"{team.url}/benchmark/team/{name}.ics"
                    assert session.get(url, timeout=30).status_code == 200
        except (AssertionError, OSError, caldav.lib.error.DAVError) as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    names = sorted(f"{worker}-{number}" for worker in range(16) for number in range(3))
    assert sorted(found.summary for found in team.view().events("Team")) == sorted(names * 2)
    assert len({line["time"] for line in team.audit}) == len(team.audit)
