"""Invitations: who is invited, what they answer, and who sees it."""

from __future__ import annotations

import pytest

from clawmark_services import ToolError, acting_as

MIA, HRBP = "mia.chen@company.example", "hrbp@company.example"
INVITATION = "\r\n".join(
    [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x",
        "BEGIN:VEVENT", "UID:p", "DTSTART;TZID=Asia/Shanghai:20240320T140000", "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY;COUNT=3", "SUMMARY:Panel", f"ORGANIZER;CN=Mia:mailto:{MIA}",
        "ATTENDEE;CN=HR;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:HRBP@company.example",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:x@y.example", "SEQUENCE:4", "END:VEVENT",
        "BEGIN:VEVENT", "UID:p", "RECURRENCE-ID;TZID=Asia/Shanghai:20240327T140000", "SUMMARY:Panel, later",
        "DTSTART;TZID=Asia/Shanghai:20240327T160000", "DURATION:PT1H",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{HRBP}", "END:VEVENT",
        "END:VCALENDAR", "",
    ]
)  # fmt: skip


@pytest.fixture
def team(office):
    office.service.author.create("Team")
    return office


@pytest.fixture
def calendar(team):
    with team.client() as client:
        yield client.principal().calendar(cal_id="team")


def test_answers_to_the_agents_invitation_appear_for_everybody_and_change_nothing_else(team, calendar):
    event = calendar.add_event(INVITATION)
    event.load()
    before = event.data
    author = team.service.author
    handle = author.event("Team", uid="p")
    with acting_as("task"):
        assert author.answer(handle, "hrbp", "accepted").event.attendee(HRBP).partstat == "ACCEPTED"
        author.answer(team.view().event(uid="p"), "x@y.example", "declined")
        author.answer("p", "x@y.example", "Tentative")
    series, (later,) = team.view().event(uid="p"), team.view().changed("p")
    assert [(a.address, a.partstat, a.name) for a in series.attendees] == [
        (HRBP, "ACCEPTED", "HR"),
        ("x@y.example", "TENTATIVE", ""),
    ]
    assert later.attendee(HRBP).partstat == "ACCEPTED"
    event.load()
    answered = event.data.replace("\r\n", "\n").replace("\n ", "").splitlines()
    asked = before.replace("\r\n", "\n").replace("\n ", "").splitlines()
    assert "ATTENDEE;CN=HR;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:HRBP@company.example" in answered
    kept = {line for line in asked if not line.startswith("ATTENDEE")}
    assert {line for line in answered if not line.startswith("ATTENDEE")} == kept
    answers = [line for line in team.audit if line["operation"] == "author.answer"]
    assert [(line["request"]["who"], line["status"], line["actor"]) for line in answers] == [
        ("hrbp", 200, "task"),
        ("x@y.example", 200, "task"),
        ("x@y.example", 200, "task"),
    ]


def test_an_answer_is_news_to_a_client_that_synchronises(team, calendar):
    calendar.add_event(INVITATION)
    seen = calendar.get_objects_by_sync_token()
    assert [*calendar.get_objects_by_sync_token(seen.sync_token)] == []
    team.service.author.answer("p", "hrbp", "declined")
    assert len([*calendar.get_objects_by_sync_token(seen.sync_token)]) == 1


def test_the_agent_answers_an_invitation_by_writing_the_event(team, calendar):
    team.service.author.add(
        "Team", "Offsite", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00",
        organizer="hrbp", attendees=["mia", "x@y.example"], uid="o",
    )  # fmt: skip
    event = calendar.get_event_by_uid("o")
    event.change_attendee_status(f"mailto:{MIA}", partstat="ACCEPTED")
    event.save()
    offsite = team.view().event(uid="o")
    assert [(a.address, a.partstat) for a in offsite.attendees] == [
        (MIA, "ACCEPTED"),
        ("x@y.example", "NEEDS-ACTION"),
    ]
    assert offsite.organizer == HRBP


def test_the_agent_answers_an_invitation_by_its_tool(team):
    team.service.author.add(
        "Team", "Offsite", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00",
        attendees=["mia", "hrbp"], uid="o",
    )  # fmt: skip
    team.service.author.add("Team", "Alone", "2024-03-20", "2024-03-20", all_day=True, uid="a")
    shown = team.tool("calendar_answer_event", uid="o", answer="declined")
    assert shown["attendees"] == [f"{MIA} (DECLINED)", f"{HRBP} (NEEDS-ACTION)"]
    with pytest.raises(ToolError, match=f"{MIA} is not invited to 'Alone': there is nobody"):
        team.tool("calendar_answer_event", uid="a", answer="accepted")


def test_a_wrong_answer_is_named_and_changes_nothing(team, calendar):
    calendar.add_event(INVITATION)
    before = team.service.freeze()["collections"]
    for event, who, answer, error, text in (
        (
            "p",
            "hrbp",
            "perhaps",
            ValueError,
            "'perhaps' is no answer: use one of accepted, declined, tentative",
        ),
        ("p", "mia", "accepted", LookupError, f"{MIA} is not invited to 'Panel': there is {HRBP}, x@y"),
        ("p", "boss", "accepted", LookupError, "no account is called 'boss'"),
        ("q", "hrbp", "accepted", LookupError, "0 events have the uid 'q'"),
    ):
        with pytest.raises(error, match=text):
            team.service.author.answer(event, who, answer)
    assert team.service.freeze()["collections"] == before
