"""What authors and tools write and checkers read."""

from __future__ import annotations

import urllib.request
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from clawmark_services import EvidenceError, ToolError, acting_as
from clawmark_services.calendar.event import read_events

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def team(office):
    office.service.author.create("Team")
    return office


def test_the_author_adds_finds_changes_and_deletes_events(team):
    author = team.service.author
    author.add(
        "Team", "Review", "2024-03-20T14:00+08:00", "2024-03-20T15:00+08:00", attendees=["mia"], uid="r-1"
    )
    handle = author.event("Team", uid="r-1").update(
        summary="Big review", start="2024-03-20T16:00+08:00", attendees=["mia", "hrbp"]
    )
    assert handle.event.end == datetime.fromisoformat("2024-03-20T17:00+08:00")
    event = team.view().event(summary="big REVIEW")
    assert [attendee.address for attendee in event.attendees] == [
        "mia.chen@company.example",
        "hrbp@company.example",
    ]
    assert event.attendee("MIA.chen@company.example").partstat == "NEEDS-ACTION"
    with acting_as("task", silently=True):
        author.event("Team", summary="Big review").delete()
    assert (team.audit[-1]["operation"], team.audit[-1]["silent"]) == ("author.delete", True)
    assert author.events("Team") == ()
    with pytest.raises(LookupError, match="not there any more"):
        handle.update(summary="x")
    with pytest.raises(LookupError, match="not there any more"):
        handle.delete()


def test_what_a_client_wrote_survives_a_change_by_the_author(team):
    from clawmark_services.calendar.ics import parse

    handle = team.service.author.add("Team", "Review", "2024-03-20T14:00+08:00", "2024-03-20T15:00+08:00")
    item = team.service._store.collection("benchmark/team").items[handle.event.href]
    item.text = item.text.replace(
        "END:VEVENT",
        'X-OWN;LABEL="a,b":kept\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:hrbp@company.example\r\nEND:VEVENT',
    )
    handle.update(attendees=["hrbp", "mia"])
    text = team.service._store.collection("benchmark/team").items[handle.event.href].text
    component = parse(text).within("VEVENT")[0]
    assert component.line("X-OWN").parameter("LABEL") == "a,b"
    assert component.text("SEQUENCE") == "1"
    assert team.view().events()[0].attendee("hrbp@company.example").partstat == "ACCEPTED"


def test_a_series_keeps_its_hour_over_a_change_of_the_clocks(team):
    author = team.service.author
    author.add(
        "Team",
        "Weekly",
        datetime(2024, 3, 27, 9, tzinfo=BERLIN),
        datetime(2024, 3, 27, 10, tzinfo=BERLIN),
        rrule="FREQ=WEEKLY;UNTIL=20240410",
    )
    author.event("Team", summary="Weekly").update(start="2024-03-27T10:00+01:00")
    event = team.view().event(summary="Weekly")
    starts = [
        start
        for start, _ in event.occurrences(
            datetime(2024, 3, 1, tzinfo=BERLIN), datetime(2024, 5, 1, tzinfo=BERLIN)
        )
    ]
    assert [start.isoformat() for start in starts] == [
        "2024-03-27T10:00:00+01:00",
        "2024-04-03T10:00:00+02:00",
        "2024-04-10T10:00:00+02:00",
    ]
    assert team.view().at("2024-04-03") == (event,)
    assert team.view().at(date(2024, 4, 4)) == ()
    assert team.view().at("2024-04-10T10:30+02:00") == (event,)
    assert (
        team.view().free(datetime(2024, 4, 3, 10, tzinfo=BERLIN), datetime(2024, 4, 3, 11, tzinfo=BERLIN))
        is False
    )
    assert team.view().free(datetime(2024, 4, 3, 11, tzinfo=BERLIN), datetime(2024, 4, 3, 12, tzinfo=BERLIN))


def test_an_occurrence_moved_or_left_out_by_a_client_counts_where_it_really_is(team):
    zoned = "TZID=Europe/Berlin:2024"
    text = "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x",
            "BEGIN:VEVENT", "UID:s", f"DTSTART;{zoned}0318T090000", f"DTEND;{zoned}0318T100000",
            "RRULE:FREQ=DAILY;COUNT=4", f"EXDATE;{zoned}0319T090000", "SUMMARY:Series", "END:VEVENT",
            "BEGIN:VEVENT", "UID:s", f"RECURRENCE-ID;{zoned}0320T090000", f"DTSTART;{zoned}0325T090000",
            f"DTEND;{zoned}0325T100000", "SUMMARY:Moved", "END:VEVENT",
            "END:VCALENDAR", "",
        ]
    )  # fmt: skip
    put = urllib.request.Request(f"{team.url}/benchmark/team/s.ics", text.encode(), method="PUT")
    with urllib.request.urlopen(put) as answer:
        assert answer.status == 201
    view = team.view()
    on = {day: [event.summary for event in view.at(f"2024-03-{day}")] for day in range(18, 26)}
    assert {day: found for day, found in on.items() if found} == {
        18: ["Series"],
        21: ["Series"],
        25: ["Moved"],
    }
    assert [event.summary for event in view.events()] == ["Series"]
    assert [event.summary for event in view.changed("s")] == ["Moved"]
    listed = team.tool("calendar_events", start="2024-03-20")
    assert [(event["summary"], event.get("occurrences"), event.get("instead_of")) for event in listed] == [
        ("Series", ["2024-03-21T09:00:00+01:00"], None),
        ("Moved", None, "2024-03-20T09:00:00+01:00"),
    ]


def put(team, uid, *lines):
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{uid}",
         *lines, "END:VEVENT", "END:VCALENDAR", ""]
    )  # fmt: skip
    request = urllib.request.Request(f"{team.url}/benchmark/team/{uid}.ics", text.encode(), method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def times(team, uid):
    event = team.view().event(uid=uid)
    found = event.occurrences(datetime(2024, 1, 1, tzinfo=BERLIN), datetime(2025, 1, 1, tzinfo=BERLIN))
    return [(f"{start:%m-%d %H:%M}", (end - start).seconds // 60) for start, end in found]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["RDATE:20240320T080000Z", "RDATE:20240322T080000Z,20240321T080000Z"],
            [("03-18 09:00", 60), ("03-20 08:00", 60), ("03-21 08:00", 60), ("03-22 08:00", 60)],
        ),
        (
            [
                "RRULE:FREQ=WEEKLY;COUNT=3",
                "RDATE:20240320T080000Z,20240325T080000Z",
                "EXDATE:20240318T080000Z",
            ],
            [("03-20 08:00", 60), ("03-25 09:00", 60), ("04-01 09:00", 60)],
        ),
        (
            ["RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3"],
            [("03-18 09:00", 60), ("03-20 09:00", 60), ("03-27 09:00", 60)],
        ),
        (
            ["RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=DAILY;UNTIL=20240320T080000Z"],
            [("03-18 09:00", 60), ("03-19 09:00", 60), ("03-20 09:00", 60), ("03-25 09:00", 60)],
        ),
    ],
)
def test_single_dates_several_rules_and_a_first_day_beside_the_rule_all_count(team, lines, expected):
    put(team, "s", "DTSTART;TZID=Europe/Berlin:20240318T090000", "DURATION:PT1H", *lines)
    assert times(team, "s") == expected


def test_single_dates_with_lengths_of_their_own_keep_them():
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:s", "DTSTART:20240318T080000Z", "DURATION:PT1H",
         "RDATE;VALUE=PERIOD:20240320T080000Z/PT15M,20240321T080000Z/20240321T083000Z",
         "END:VEVENT", "END:VCALENDAR", ""]
    )  # fmt: skip
    (event,) = read_events(text, written=datetime(2024, 3, 1, tzinfo=BERLIN), calendar="", path="", href="")
    found = event.occurrences(datetime(2024, 3, 20, 8, 10, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC))
    assert [(end - start).seconds // 60 for start, end in found] == [15, 30]


def test_a_series_of_single_days_is_told_one_by_one(team):
    put(team, "s", "DTSTART;VALUE=DATE:20240318", "RDATE;VALUE=DATE:20240320")
    days = {day: bool(team.view().at(f"2024-03-{day}")) for day in range(17, 22)}
    assert [day for day, on in days.items() if on] == [18, 20]
    (listed,) = team.tool("calendar_events", start="2024-03-18", end="2024-03-21")
    assert listed["occurrences"] == ["2024-03-18T00:00:00+08:00", "2024-03-20T00:00:00+08:00"]


def test_an_event_that_repeats_without_end_hangs_nobody(team):
    team.service.author.add(
        "Team", "Forever", "2020-03-20T09:00+08:00", "2020-03-20T09:01+08:00", rrule="FREQ=SECONDLY"
    )
    with pytest.raises(EvidenceError, match="repeats more than 100000 times"):
        team.view().at("2024-03-20")
    with pytest.raises(ToolError, match="repeats more than"):
        team.tool("calendar_events", start="2024-03-20")


def test_all_day_events_last_from_their_first_to_their_last_day(team):
    team.service.author.add("Team", "Fair", "2024-03-20", "2024-03-21", all_day=True)
    event = team.view().event(summary="Fair")
    assert event.all_day
    assert [bool(team.view().at(f"2024-03-{day}")) for day in (19, 20, 21, 22)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"calendar": "Nope"}, "no calendar 'Nope': there are 'Team'"),
        ({"start": "2024-03-20T14:00"}, "needs a time zone"),
        ({"end": "2024-03-20T13:00+08:00"}, "ends before it begins"),
        ({"end": "2024-03-21"}, "must both be days or both be moments"),
        ({"attendees": ["boss"]}, "no account is called 'boss'"),
        ({"rrule": "FREQ=SOMETIMES"}, "SOMETIMES"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "take too many steps"),
        ({"uid": "taken"}, "event 'taken' in this calendar already"),
    ],
)
def test_a_slip_of_the_author_is_named_and_changes_nothing(team, arguments, error):
    author = team.service.author
    author.add("Team", "x", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00", uid="taken")
    before = team.service.freeze()["collections"]
    whole = {
        "calendar": "Team",
        "summary": "s",
        "start": "2024-03-20T14:00+08:00",
        "end": "2024-03-20T15:00+08:00",
    } | arguments
    with pytest.raises((LookupError, ValueError), match=error):
        author.add(**whole)
    assert team.service.freeze()["collections"] == before
    with pytest.raises(ValueError, match="no field 'colour': use one of summary"):
        author.event("Team", uid="taken").update(colour="red")
    with pytest.raises(ValueError, match="a calendar 'Team' already"):
        author.create("Team")


def test_calendars_are_found_by_name_and_by_path_whatever_their_script(team):
    author = team.service.author
    path = author.create("日程")
    author.add("日程", "a", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00")
    author.add(path, "b", "2024-03-20T10:00+08:00", "2024-03-20T11:00+08:00")
    author.create("team!")
    view = team.view()
    assert set(view.calendars) == {"Team", "日程", "team!"} == set(author.calendars())
    assert (
        [event.summary for event in view.events("日程")]
        == ["a", "b"]
        == [event.summary for event in view.events(f"/{path}/")]
    )


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (lambda view: view.event(summary="none"), "0 events fit 'none': there is 'Twice', 'Twice'"),
        (lambda view: view.event(summary="Twice"), "2 events fit"),
        (lambda view: view.events("Nope"), "no calendar 'Nope'"),
        (lambda view: view.events()[0].attendee("x@y.example"), "not invited to 'Twice': there is nobody"),
    ],
)
def test_missing_or_ambiguous_evidence_is_the_agents_failure(team, find, text):
    for _ in range(2):
        team.service.author.add("Team", "Twice", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00")
    with pytest.raises(EvidenceError, match=text):
        find(team.view())


def test_tools_make_a_calendar_on_first_use_and_read_what_they_wrote(office):
    made = office.tool(
        "calendar_create_event",
        summary="Lunch",
        start="2024-03-20T12:00:00",
        end="2024-03-20T13:00:00",
        attendees=["x@y.example"],
    )
    assert made["start"] == "2024-03-20T12:00:00+08:00"
    assert office.view().calendars == ("Calendar",)
    assert office.view().event(summary="Lunch").start == datetime.fromisoformat("2024-03-20T12:00+08:00")
    assert office.tool("calendar_list")[0]["events"] == 1
    office.tool("calendar_create_event", summary="Off", start="2024-03-25", end="2024-03-26")
    assert [
        event["summary"] for event in office.tool("calendar_events", start="2024-03-20", end="2024-03-20")
    ] == ["Lunch"]
    assert [event["end"] for event in office.tool("calendar_events", start="2024-03-26")] == ["2024-03-26"]
    changed = office.tool(
        "calendar_update_event", uid=made["uid"], location="Canteen", start="2024-03-20T12:30+08:00"
    )
    assert changed["location"] == "Canteen"
    assert office.view().event(summary="Lunch").end == datetime.fromisoformat("2024-03-20T13:30+08:00")
    office.tool("calendar_delete_event", uid=made["uid"])
    assert [event.summary for event in office.view().events()] == ["Off"]


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("calendar_events", {"calendar": "Nope"}, "no calendar 'Nope'"),
        ("calendar_events", {"start": "tomorrow"}, "isoformat"),
        ("calendar_update_event", {"uid": "x", "summary": "y"}, "no event with uid 'x'"),
        ("calendar_delete_event", {"uid": "x"}, "no event with uid 'x'"),
        (
            "calendar_create_event",
            {"summary": "s", "start": "2024-03-20T12:00", "end": "2024-03-20T11:00"},
            "say which calendar",
        ),
        (
            "calendar_create_event",
            {"calendar": "Team", "summary": "s", "start": "2024-03-20T12:00", "end": "2024-03-20T11:00"},
            "ends before",
        ),
        (
            "calendar_create_event",
            {
                "calendar": "Team",
                "summary": "s",
                "start": "2024-03-20T12:00",
                "end": "2024-03-20T13:00",
                "rrule": "NO",
            },
            r"RRULE|rrule|unpack|rule",
        ),
    ],
)
def test_a_tool_refuses_what_makes_no_sense_and_changes_nothing(team, name, arguments, text):
    team.service.author.create("Other")
    before = team.service.freeze()["collections"]
    with pytest.raises(ToolError, match=text):
        team.tool(name, **arguments)
    assert team.audit[-1]["status"] == 400
    assert team.service.freeze()["collections"] == before


def test_the_environment_names_what_the_skill_uses(office):
    environment = office.service.environment({"caldav": "http://radicale:5232"})
    assert environment == {
        "CALDAV_URL": "http://radicale:5232",
        "CALDAV_USERNAME": "benchmark",
        "CALDAV_PASSWORD": "",
    }
    assert all(name in office.service.skill() for name in (*environment, "CLAWMARK_CALENDAR_URL"))


def test_the_skills_example_runs_as_it_stands(team, monkeypatch):
    team.service.author.add(
        "Team",
        "Series",
        "2024-03-19T09:00+08:00",
        "2024-03-19T10:00+08:00",
        uid="the-uid",
        rrule="FREQ=DAILY;COUNT=3",
    )
    for name, value in team.service.environment({"caldav": team.url}).items():
        monkeypatch.setenv(name, value)
    names: dict[str, object] = {}
    exec(team.service.skill().split("```python")[1].partition("```")[0], names)
    names["client"].close()
    (left,) = team.view().events("Team")
    assert (left.summary, left.location) == ("Panel: platform team", "Room 3")
