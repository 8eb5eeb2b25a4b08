"""What is restored is what was frozen, whatever was done by CalDAV, tools and the author before."""

from __future__ import annotations

import contextlib
import json

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services import ToolError

names = st.sampled_from(["a", "b", "é"])
calendars = st.sampled_from(["team", "own", "new"])
days = st.integers(10, 28)
extras = st.sampled_from(
    [
        "",
        "RRULE:FREQ=WEEKLY;COUNT=3\r\n",
        "RRULE:FREQ=DAILY\r\nEXDATE:20240312T090000Z\r\n",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:hrbp@company.example\r\n",
        "RDATE:20240330T090000Z\r\n",
    ]
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), calendars, names, days, extras),
        st.tuples(st.just("delete"), calendars, names),
        st.tuples(st.just("move"), calendars, names, calendars),
        st.tuples(st.just("make"), calendars),
        st.tuples(st.just("drop"), calendars),
        st.tuples(st.just("rename"), calendars, names),
        st.tuples(st.just("add"), names, days),
        st.tuples(st.just("answer"), names, st.sampled_from(["accepted", "declined"])),
        st.tuples(st.just("tool"), names, days),
    ),
    max_size=10,
)
ALL = '<propfind xmlns="DAV:"><allprop/></propfind>'
SYNC = '<sync-collection xmlns="DAV:"><sync-token/><prop><getetag/></prop></sync-collection>'


def play(office, played):
    with requests.Session() as session:
        for step in played:
            # What makes no sense is refused: that is a step like any other.
            with contextlib.suppress(LookupError, ValueError, ToolError):
                one(office, session, step)


def one(office, session, step):
    def http(method, path, body="", **headers):
        session.request(method, office.url + path, data=body.encode(), headers=headers, timeout=20)

    match step:
        case ("put", calendar, name, day, extra):
            http("PUT", f"/benchmark/{calendar}/{name}.ics", event(name, day, extra))
        case ("delete", calendar, name):
            http("DELETE", f"/benchmark/{calendar}/{name}.ics")
        case ("move", calendar, name, to):
            target = f"{office.url}/benchmark/{to}/moved.ics"
            http("MOVE", f"/benchmark/{calendar}/{name}.ics", Destination=target)
        case ("make", calendar):
            http("MKCALENDAR", f"/benchmark/{calendar}/")
        case ("drop", calendar):
            http("DELETE", f"/benchmark/{calendar}/")
        case ("rename", calendar, name):
            http("PROPPATCH", f"/benchmark/{calendar}/", RENAME.format(name))
        case ("add", name, day):
            office.service.author.add(
                "Team", name, f"2024-03-{day}", f"2024-03-{day}", all_day=True, uid=name
            )
        case ("answer", name, answer):
            office.service.author.answer(name, "hrbp", answer)
        case ("tool", name, day):
            at = f"2024-03-{day}T10:00"
            office.tool("calendar_create_event", calendar="Team", summary=name, start=at, end=at)


RENAME = '<propertyupdate xmlns="DAV:"><set><prop><displayname>{}</displayname></prop></set></propertyupdate>'


def event(name, day, extra):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\n"
        f"UID:{name}\r\nDTSTART:202403{day}T090000Z\r\nDURATION:PT1H\r\nSUMMARY:{name}\r\n{extra}"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def told(office):
    """Everything that a client can see of the calendars."""
    with requests.Session() as session:

        def http(method, path, body):
            url = office.url + path
            return session.request(method, url, data=body, headers={"Depth": "1"}, timeout=20).text

        seen = [http("PROPFIND", "/benchmark/", ALL)]
        for calendar in ("team", "own", "new"):
            seen.append(http("PROPFIND", f"/benchmark/{calendar}/", ALL))
            seen.append(http("REPORT", f"/benchmark/{calendar}/", SYNC))
            seen.append(http("GET", f"/benchmark/{calendar}/", ""))
            seen.append(http("GET", f"/benchmark/{calendar}/?view=freebusy", ""))
        return seen


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps, steps)
def test_a_restored_world_looks_alike_to_every_client_and_goes_on_alike(offices, before, after):
    office, again = offices(), offices()
    office.service.author.create("Team")
    play(office, before)
    state = json.loads(json.dumps(office.service.freeze(), sort_keys=True))
    again.service.restore(state)
    assert again.service.freeze() == state
    now = office.clock.now()
    for either in (office, again):
        either.clock.set(now)
    assert told(again) == told(office)
    for either in (office, again):
        play(either, after)
    assert again.service.freeze() == office.service.freeze()
