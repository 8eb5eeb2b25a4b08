"""Calendars over the wire: the caldav library and bare HTTP over a real socket."""

from __future__ import annotations

import base64
import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from clawmark_services import EvidenceError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def http(office, method, path, body="", **headers):
    with requests.Session() as session:
        return session.request(method, office.url + path, data=body.encode(), headers=headers, timeout=20)


def an_event(uid="raw", *lines):
    inner = lines or ("DTSTART:20240322T060000Z", "DTEND:20240322T070000Z", "SUMMARY:Raw")
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:x",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            *inner,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


FREE_BUSY = (
    '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">'
    '<C:time-range start="{}T000000Z" end="{}T000000Z"/></C:free-busy-query>'
)
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    "TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nTZNAME:X\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


@pytest.fixture
def client(office):
    with office.client() as client:
        yield client


def test_a_client_finds_and_reads_what_the_author_wrote(office, client):
    author = office.service.author
    author.create("Team 日程")
    author.add(
        "Team 日程",
        "Stand-up; daily, short",
        datetime(2024, 3, 20, 9, tzinfo=SHANGHAI),
        datetime(2024, 3, 20, 9, 15, tzinfo=SHANGHAI),
        description="first line\nsecond line",
        attendees=["mia", "x@y.example"],
        organizer="hrbp",
        rrule="FREQ=WEEKLY;COUNT=3",
    )
    (calendar,) = client.principal().calendars()
    assert calendar.get_display_name() == "Team 日程"
    component = calendar.events()[0].icalendar_component
    assert component["SUMMARY"] == "Stand-up; daily, short"
    assert component["DESCRIPTION"] == "first line\nsecond line"
    assert component["DTSTART"].dt == datetime(2024, 3, 20, 9, tzinfo=SHANGHAI)
    assert [str(person) for person in component["ATTENDEE"]] == [
        "mailto:mia.chen@company.example",
        "mailto:x@y.example",
    ]
    found = calendar.search(
        start=datetime(2024, 3, 18, tzinfo=SHANGHAI),
        end=datetime(2024, 4, 1, tzinfo=SHANGHAI),
        event=True,
        expand=True,
    )
    assert len(found) == 2


def test_a_client_makes_a_calendar_and_writes_changes_and_deletes_events(office, client):
    calendar = client.principal().make_calendar(name="Interviews", cal_id="interviews")
    event = calendar.save_event(
        dtstart=datetime(2024, 3, 21, 14, tzinfo=SHANGHAI),
        dtend=datetime(2024, 3, 21, 15, tzinfo=SHANGHAI),
        summary="Panel",
    )
    seen = office.view().event(summary="panel", calendar="Interviews")
    assert (seen.start, seen.end) == (
        event.icalendar_component["DTSTART"].dt,
        event.icalendar_component["DTEND"].dt,
    )
    assert seen == office.view().event(uid=seen.uid, calendar="interviews")
    event.icalendar_component["LOCATION"] = "Room 3"
    event.save()
    assert office.view().event(summary="Panel").location == "Room 3"
    event.delete()
    assert office.view().events() == ()
    calendar.delete()
    assert office.view().calendars == ()


def test_synchronising_tells_what_changed_and_what_went(office, client):
    author = office.service.author
    author.create("Team")
    kept = author.add("Team", "Kept", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00")
    gone = author.add("Team", "Gone", "2024-03-20T11:00+08:00", "2024-03-20T12:00+08:00")
    (calendar,) = client.principal().calendars()
    mirror = calendar.objects_by_sync_token(load_objects=True)
    assert mirror.sync() == ([], [])
    kept.update(summary="Changed")
    gone.delete()
    updated, deleted = mirror.sync()
    assert [item.icalendar_component["SUMMARY"] for item in updated] == ["Changed"]
    assert len(deleted) == 1


def test_a_sync_token_of_a_calendar_since_made_anew_is_refused_as_is_an_invented_one(office):
    def sync(token):
        body = (
            f'<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level>'
            "<prop><getetag/></prop></sync-collection>"
        )
        return http(office, "REPORT", "/benchmark/team/", body)

    office.service.author.create("Team")
    token = sync("").text.partition("<sync-token>")[2].partition("</sync-token>")[0]
    assert sync(token).status_code == 207
    http(office, "DELETE", "/benchmark/team/")
    http(office, "MKCALENDAR", "/benchmark/team/")
    for unknown in (token, "http://radicale.org/ns/sync/999", "nonsense"):
        assert sync(unknown).status_code == 403
        assert "valid-sync-token" in sync(unknown).text


def test_times_in_headers_and_answers_are_the_offices(office):
    office.service.author.create("Team")
    put = http(office, "PUT", "/benchmark/team/raw.ics", an_event())
    assert put.status_code == 201
    got = http(office, "GET", "/benchmark/team/raw.ics")
    assert got.headers["Last-Modified"] == "Tue, 19 Mar 2024 01:00:02 GMT"
    assert got.headers["ETag"] == put.headers["ETag"]
    assert "DTSTAMP:20240319T010002Z" in got.text
    query = (
        '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">'
        '<C:time-range start="20240318T000000Z" end="20240325T000000Z"/></C:free-busy-query>'
    )
    for method, path, body in (
        ("REPORT", "/benchmark/team/", query),
        ("GET", "/benchmark/team/?view=freebusy", ""),
    ):
        answer = http(office, method, path, body, Depth="1")
        assert answer.status_code == 200
        assert "20240322T060000Z/20240322T070000Z" in answer.text
        now = datetime.fromisoformat(office.audit[-1]["time"]).astimezone(ZoneInfo("UTC"))
        assert f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}" in answer.text


def test_an_etag_guards_against_overwriting(office):
    office.service.author.create("Team")
    first = http(office, "PUT", "/benchmark/team/a.ics", an_event("a"))
    changed = an_event("a").replace("Raw", "Changed")
    assert http(office, "PUT", "/benchmark/team/a.ics", changed, **{"If-Match": '"other"'}).status_code == 412
    assert http(office, "PUT", "/benchmark/team/a.ics", changed, **{"If-None-Match": "*"}).status_code == 412
    done = http(office, "PUT", "/benchmark/team/a.ics", changed, **{"If-Match": first.headers["ETag"]})
    assert done.status_code == 204
    assert http(office, "PUT", "/benchmark/team/b.ics", an_event("a")).status_code == 409


def test_moving_an_event_to_another_calendar(office):
    office.service.author.create("One")
    office.service.author.create("Two")
    http(office, "PUT", "/benchmark/one/a.ics", an_event("a"))
    target = {"Destination": f"{office.url}/benchmark/two/b.ics"}
    assert http(office, "MOVE", "/benchmark/one/a.ics", **target).status_code == 201
    assert office.view().event(uid="a").calendar == "Two"
    assert http(office, "GET", "/benchmark/one/a.ics").status_code == 404


def test_uploading_a_whole_calendar_replaces_it(office):
    whole = an_event("a").replace("END:VCALENDAR", an_event("b").split("PRODID:x\r\n")[1])
    assert (
        http(office, "PUT", "/benchmark/imported/", whole, **{"Content-Type": "text/calendar"}).status_code
        == 201
    )
    assert [event.uid for event in office.view().events("imported")] == ["a", "b"]


@pytest.mark.parametrize("user", ["benchmark", "mia", "mia.chen@company.example"])
def test_any_user_is_let_in(office, user):
    with office.client(user) as client:
        client.principal().make_calendar(name="Mine")
    assert office.view().calendars == ("Mine",)


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"nocolon").decode(), ""]
)
def test_odd_credentials_break_nothing(office, header):
    office.service.author.create("Team")
    headers = {"Authorization": header} if header else {}
    assert http(office, "PROPFIND", "/benchmark/", **headers, Depth="1").status_code == 207
    assert http(office, "PROPFIND", "/benchmark/", Depth="1").status_code == 207


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/benchmark/team/x.ics", "nonsense", 400),
        ("PUT", "/benchmark/team/x.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", 400),
        ("PUT", "/benchmark/team/x.ics", an_event("x").replace("UID:x\r\n", ""), 400),
        ("PUT", "/benchmark/missing/x.ics", an_event("x"), 409),
        ("GET", "/benchmark/team/none.ics", "", 404),
        ("DELETE", "/benchmark/team/none.ics", "", 404),
        ("REPORT", "/benchmark/team/", "<no-xml", 400),
        ("MKCALENDAR", "/benchmark/team/", "", 409),
        ("PATCH", "/benchmark/team/", "", 405),
        ("PROPPATCH", "/", '<propertyupdate xmlns="DAV:"><set/></propertyupdate>', 403),
        ("GET", "/benchmark/../../etc/passwd", "", 404),
    ],
)
def test_requests_that_make_no_sense_are_refused_and_change_nothing(office, method, path, body, status):
    office.service.author.create("Team")
    http(office, "PROPFIND", "/")
    before = office.service.freeze()
    assert http(office, method, path, body).status_code == status
    assert office.audit[-1]["status"] == status
    assert office.service.freeze() == before


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31", 400),
        ("FREQ=SECONDLY;BYSETPOS=2", 400),
        ("FREQ=SECONDLY;BYHOUR=0;BYMINUTE=0;BYSECOND=0;COUNT=9999", 400),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU;COUNT=5000", 400),
        ("FREQ=DAILY\r\nEXRULE:FREQ=DAILY", 400),
        ("FREQ=DAILY;BYHOUR=9,17;COUNT=2000", 201),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20290322T060000Z", 201),
        ("FREQ=MINUTELY;INTERVAL=30;BYHOUR=9,10,11;COUNT=60", 201),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 201),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", 201),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", 201),
        ("FREQ=DAILY;BYMONTH=13", 400),
    ],
)
def test_a_series_that_takes_too_long_to_work_out_is_refused_and_what_offices_write_is_not(
    office, rule, status
):
    office.service.author.create("Team")
    body = an_event("x", "DTSTART:20240322T060000Z", f"RRULE:{rule}", "SUMMARY:x")
    before = office.service.freeze()["collections"]
    assert http(office, "PUT", "/benchmark/team/x.ics", body).status_code == status
    assert (office.service.freeze()["collections"] == before) == (status == 400)


def test_a_time_zone_that_takes_too_long_to_work_out_is_refused(office):
    office.service.author.create("Team")
    summer = (
        "BEGIN:DAYLIGHT\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=SECONDLY;BYMONTH=1\r\n"
        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n"
    )
    zone = ZONE.format(name="Hell", offset="+0100").replace("END:VTIMEZONE", summer + "END:VTIMEZONE")
    body = an_event("x", "DTSTART;TZID=Hell:20240322T060000", "SUMMARY:x")
    answer = http(office, "PUT", "/benchmark/team/x.ics", body.replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT"))
    assert (answer.status_code, "too many steps" in answer.text) == (400, True)


def test_a_calendar_uploaded_whole_with_one_series_too_long_replaces_nothing(office):
    office.service.author.create("Team")
    assert http(office, "PUT", "/benchmark/team/a.ics", an_event("a")).status_code == 201
    before = office.service.freeze()["collections"]
    lines = ("DTSTART:20240322T060000Z", "SUMMARY:x", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
    whole = (
        an_event("b").replace("END:VCALENDAR\r\n", "") + an_event("c", *lines).partition("PRODID:x\r\n")[2]
    )
    assert http(office, "PUT", "/benchmark/team/", whole).status_code == 400
    assert office.service.freeze()["collections"] == before


def test_a_report_over_series_that_take_too_long_together_is_refused(office, monkeypatch):
    office.service.author.create("Team")
    for uid in ("a", "b"):
        body = an_event(uid, "DTSTART:20240322T060000Z", "SUMMARY:x", "RRULE:FREQ=DAILY;COUNT=3000")
        assert http(office, "PUT", f"/benchmark/team/{uid}.ics", body).status_code == 201
    monkeypatch.setattr("clawmark_services.calendar.repetitions.STEPS", 8_000)
    answer = http(office, "REPORT", "/benchmark/team/", FREE_BUSY.format("20240301", "20340101"))
    assert (answer.status_code, "too many steps" in answer.text) == (400, True)


def test_no_world_waits_for_the_calendar_of_another(office, offices):
    from clawmark_services.calendar.radicale_storage import own_time_zones

    other = offices()
    other.service.author.create("Team")
    with office.service._store.lock, own_time_zones():
        assert http(other, "PUT", "/benchmark/team/a.ics", an_event("a")).status_code == 201
        other.service.author.add("Team", "x", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00")


def test_each_request_is_one_audit_line(office):
    http(office, "MKCALENDAR", "/benchmark/team/")
    http(
        office,
        "PUT",
        "/benchmark/team/%E6%97%A5.ics",
        an_event("x"),
        Authorization="Basic " + base64.b64encode(b"mia:").decode(),
    )
    http(office, "REPORT", "/benchmark/none/", "<x/>")
    lines = [(line["operation"], line["request"], line["status"], line["actor"]) for line in office.audit]
    assert lines == [
        ("calendar.mkcalendar", {"path": "/benchmark/team/", "user": "benchmark"}, 201, "agent"),
        ("calendar.put", {"path": "/benchmark/team/日.ics", "user": "mia"}, 201, "agent"),
        ("calendar.report", {"path": "/benchmark/none/", "user": "benchmark"}, 404, "agent"),
    ]


def test_what_one_worlds_client_calls_a_time_zone_means_nothing_in_another(offices):
    berlin = an_event(
        "a", "DTSTART;TZID=Europe/Berlin:20240322T090000", "DTSTAMP:20240319T010000Z", "SUMMARY:x"
    )
    alone, liar, beside = offices(), offices(), offices()
    for office in (alone, liar, beside):
        office.service.author.create("Team")
    http(alone, "PUT", "/benchmark/team/a.ics", berlin)
    lie = ZONE.format(name="Europe/Berlin", offset="+1100")
    http(liar, "PUT", "/benchmark/team/a.ics", berlin.replace("BEGIN:VEVENT", lie + "BEGIN:VEVENT"))
    http(beside, "PUT", "/benchmark/team/a.ics", berlin)
    assert beside.service.freeze() == alone.service.freeze()
    assert "+1100" in str(liar.service.freeze())


def test_zones_defined_by_the_client_zones_unknown_and_floating_times_are_understood(office):
    office.service.author.create("Team")
    own = ZONE.format(name="Head Office", offset="+0530")
    bodies = {
        "own": an_event(
            "own", "DTSTART;TZID=Head Office:20240322T090000", "DURATION:PT90M", "SUMMARY:own"
        ).replace("BEGIN:VEVENT", own + "BEGIN:VEVENT"),
        "unknown": an_event("unknown", "DTSTART;TZID=Nowhere:20240322T090000", "SUMMARY:unknown"),
        "floating": an_event(
            "floating", "DTSTART:20240322T090000", "DTEND:20240322T100000", "SUMMARY:floating"
        ),
        "day": an_event("day", "DTSTART;VALUE=DATE:20240322", "SUMMARY:day"),
    }
    for uid, body in bodies.items():
        assert http(office, "PUT", f"/benchmark/team/{uid}.ics", body).status_code == 201
    view = office.view()
    own_event = view.event(uid="own")
    assert own_event.start == datetime.fromisoformat("2024-03-22T09:00+05:30")
    assert own_event.end - own_event.start == timedelta(minutes=90)
    for uid in ("unknown", "floating"):
        assert view.event(uid=uid).start == datetime.fromisoformat("2024-03-22T09:00+08:00")
    day = view.event(uid="day")
    assert day.all_day
    assert (day.start.isoformat(), day.end.date()) == ("2024-03-22T00:00:00+08:00", date(2024, 3, 23))


def test_many_clients_at_once_lose_nothing(office):
    office.service.author.create("Team")
    failures = []

    def write(worker):
        try:
            for number in range(8):
                uid = f"{worker}-{number}"
                assert http(office, "PUT", f"/benchmark/team/{uid}.ics", an_event(uid)).status_code == 201
                office.service.author.add("Team", uid, "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(office.view().events("Team")) == 64
    assert len({line["time"] for line in office.audit}) == len(office.audit)


def test_an_item_that_no_view_can_read_is_the_agents_failure_but_never_the_authors(office):
    office.service.author.create("Team")
    http(office, "PUT", "/benchmark/team/a.ics", an_event("a", "SUMMARY:no start"))
    assert office.service.author.events() == ()
    if office.service.freeze()["collections"]["benchmark/team"]["items"]:
        with pytest.raises(EvidenceError, match=r"a\.ics of calendar 'Team' is unreadable"):
            office.view().events()
