"""`ctx`'s clients, over services of their own: live ones, and frozen ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar

import pytest

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock, acting_as
from clawmark_services.calendar import CalendarSpec
from clawmark_services.email import EmailSpec
from clawmark_services.notion import NotionSpec
from clawmark_services.sheets import SheetsSpec
from pytest_clawmark.formats.clawmark.adapters.calendar import CalendarAdapter
from pytest_clawmark.formats.clawmark.adapters.desk import Desk
from pytest_clawmark.formats.clawmark.adapters.email import EmailAdapter
from pytest_clawmark.formats.clawmark.adapters.notion import NotionAdapter
from pytest_clawmark.formats.clawmark.adapters.sheets import SheetsAdapter
from pytest_clawmark.formats.clawmark.wire import Refused

T = TypeVar("T")
USERS = {
    "mia": {"email": "mia@company.example", "password": "x"},
    "boss": {"email": "boss@company.example", "name": "The Boss"},
}
OLD = "Mon, 03 Feb 2025 10:00:00 +0000"
NOON = datetime(2025, 3, 4, 12)  # noqa: DTZ001 - as tasks write it


def now(awaited: Awaitable[T]) -> T:
    async def wait() -> T:
        return await awaited

    return asyncio.run(wait())


class Bench:
    """A service, its audit, and a way to freeze it into another one."""

    def __init__(self, spec: Any) -> None:
        self.spec, self.audit = spec, []
        self.service = self._open(self.audit.append)
        self.desk = Desk(service=self.service)

    def _open(self, audit: Callable[[Any], None]) -> Any:
        accounts = AccountBook(
            Account("mia", "mia@company.example"), [Account("boss", "boss@company.example")]
        )
        clock = ServiceClock(datetime(2025, 3, 3, 9, tzinfo=timezone(timedelta(hours=8))), "stage0")
        return self.spec.open(
            Context(
                service=self.spec.name,
                clock=clock,
                ids=Ids(1, self.spec.name),
                accounts=accounts,
                audit=audit,
            )
        )

    def frozen(self) -> Desk:
        service = self._open(lambda _: None)
        service.restore(json.loads(json.dumps(self.service.freeze())))
        return Desk(service=service, frozen=True)


@pytest.fixture
def mail() -> Bench:
    return Bench(EmailSpec())


@pytest.fixture
def calendars() -> Bench:
    return Bench(CalendarSpec())


@pytest.fixture
def notes() -> Bench:
    return Bench(NotionSpec())


@pytest.fixture
def drive() -> Bench:
    return Bench(SheetsSpec())


# Mail ----------------------------------------------------------------------------------------------


def test_mail_is_shown_as_dicts_in_the_order_of_the_mailbox(mail):
    email = EmailAdapter(mail.desk, USERS)
    assert now(email.send_email("boss", "mia@company.example", "Eins 一", "Grüße\n二"))
    assert now(
        email.send_email(
            from_user="mia",
            to="mia@company.example, Bo <boss@company.example>",
            subject="Two",
            body="<b>2</b>",
            content_type="html",
            sender_name="米亚",
        )
    )
    first, second = now(email.get_emails("mia"))
    assert first.keys() == {"subject", "from", "to", "cc", "date", "body"}
    assert (first["subject"], first["body"]) == ("Eins 一", "Grüße\n二")
    assert (first["from"], first["to"], first["cc"]) == (
        "The Boss <boss@company.example>",
        "mia@company.example",
        "",
    )
    assert second["body"] == "<b>2</b>"
    assert second["from"] == "=?utf-8?b?57Gz5Lqa?= <mia@company.example>"
    assert [found["subject"] for found in now(email.get_emails("boss"))] == ["Two"]


def test_mail_is_found_by_words_of_its_sender_and_subject(mail):
    email = EmailAdapter(mail.desk, USERS)
    for subject in ("Budget 2025", "Lunch"):
        now(email.send_email("boss", "mia@company.example", subject, "x"))
    assert [found["subject"] for found in now(email.find_emails("mia", subject="BUDGET"))] == ["Budget 2025"]
    assert len(now(email.find_emails("mia", sender="the boss"))) == 2
    assert now(email.find_emails("mia", sender="nobody")) == []


def test_the_plain_text_of_a_mail_is_preferred_and_attachments_are_passed_over(mail):
    raw = (
        b"From: a@b.example\r\nTo: mia@company.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nATTACHED\r\n"
        b"--x\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain \xe4\xb8\x80\r\n--x--\r\n"
    )
    mail.service.author.submit(raw, sender="a@b.example", recipients=["mia@company.example"])
    (found,) = now(EmailAdapter(mail.desk, USERS).get_emails("mia"))
    assert (found["subject"], found["body"]) == ("Grüße", "plain 一")


def test_a_mail_to_nobody_is_not_sent_and_a_stranger_cannot_send(mail):
    email = EmailAdapter(mail.desk, USERS)
    assert not now(email.send_email("boss", "no address", "x", "y"))
    with pytest.raises(ValueError, match=r"Unknown user: eve. Available: \['mia', 'boss'\]"):
        now(email.send_email("eve", "mia@company.example", "x", "y"))
    with pytest.raises(ValueError, match="Unknown user: eve"):
        now(email.get_emails("eve"))


def test_folders_that_do_not_exist_are_empty_and_folders_can_be_cleared(mail):
    email = EmailAdapter(mail.desk, USERS)
    now(email.send_email("boss", "mia@company.example", "x", "y"))
    assert now(email.get_emails("mia", "Elsewhere")) == []
    now(email.clear_folder("mia", "Elsewhere"))
    now(email.clear_all_folders("mia"))
    assert now(email.get_emails("mia")) == []


def test_a_backup_is_imported_mail_by_mail(mail, tmp_path):
    backup = tmp_path / "mails.json"
    entries = [
        {
            "from_addr": '"Ann" <ann@x.example>',
            "subject": "Old",
            "body_text": "t",
            "date": "Mon, 03 Feb 2025 10:00:00 +0000",
        },
        {"from_addr": "bob@x.example", "body_html": "<i>h</i>", "body_text": "t"},
        {"from_addr": "bob@x.example", "to_addr": "nowhere"},
    ]
    backup.write_text(json.dumps({"emails": entries}))
    email = EmailAdapter(mail.desk, USERS)
    assert now(email.import_backup("mia", backup)) == 2
    first, second = now(email.get_emails("mia"))
    assert (first["from"], first["date"]) == ("Ann <ann@x.example>", OLD)
    assert (second["subject"], second["from"], second["body"]) == (
        "(no subject)",
        "bob@x.example",
        "<i>h</i>",
    )
    with pytest.raises(FileNotFoundError, match="Backup file not found"):
        now(email.import_backup("mia", tmp_path / "none.json"))


def test_what_the_task_sends_is_the_same_in_every_run_and_on_record_as_its_own(mail):
    with acting_as("task"):
        now(EmailAdapter(mail.desk, USERS).send_email("boss", "mia@company.example", "x", "y"))
    other = Bench(EmailSpec())
    with acting_as("task"):
        now(EmailAdapter(other.desk, USERS).send_email("boss", "mia@company.example", "x", "y"))
    assert mail.service.freeze() == other.service.freeze()
    assert {(line["operation"], line["actor"]) for line in mail.audit} == {("author.send", "task")}


def test_the_mail_is_the_one_that_pythons_own_client_hands_in(mail, monkeypatch):
    handed: list[bytes] = []
    monkeypatch.setattr(mail.service.author, "submit", lambda raw, **_: handed.append(raw))
    now(
        EmailAdapter(mail.desk, USERS).send_email(
            "boss", "mia@company.example", "Long 一 " * 20, "From me\n.\n..\n"
        )
    )
    assert handed
    assert handed[0].endswith(b"\r\n")
    assert b"\n" not in handed[0].replace(b"\r\n", b"")


# Notion --------------------------------------------------------------------------------------------

SCHEMA = {
    "Case": {"title": {}},
    "Amount": {"number": {}},
    "State": {"select": {"options": [{"name": "open"}]}},
}


def title(text: str) -> dict[str, Any]:
    return {"title": [{"text": {"content": text}}]}


def rows(found: list[Any]) -> list[str]:
    return [row["properties"]["Case"]["title"][0]["plain_text"] for row in found]


def test_rows_are_those_of_notions_interface_newest_first(notes):
    notion = NotionAdapter(notes.desk, {})
    page = now(notion.create_page("Cases"))
    assert page["page_url"].endswith(page["page_id"].replace("-", ""))
    now(notion.create_database("case_table", SCHEMA))
    made = [now(notion.add_database_row("case_table", {"Case": title(name)})) for name in ("a", "b")]
    found = now(notion.query_db("CASE"))
    assert rows(found) == ["b", "a"]
    assert [row["id"] for row in found] == made[::-1]
    assert found[0]["properties"]["State"]["select"] is None
    now(notion.update_db_row(made[0], {"Amount": {"number": 189.0}}))
    assert now(notion.query_db("case_table"))[1]["properties"]["Amount"]["number"] == 189


def test_more_rows_than_fit_into_one_answer_are_all_given(notes):
    notion = NotionAdapter(notes.desk, {})
    now(notion.create_page("Cases"))
    now(notion.create_database("t", SCHEMA))
    for number in range(101):
        now(notion.add_database_row("t", {"Case": title(str(number))}))
    assert len(now(notion.query_db("t"))) == 101


def test_without_a_page_reading_finds_nothing_and_writing_is_refused(notes):
    notion = NotionAdapter(notes.desk, {})
    assert now(notion.query_db("case_table")) == []
    assert now(notion.read_page()) == ""
    for writing in (
        notion.create_database("t", {}),
        notion.add_database_row("t", {}),
        notion.append_blocks([]),
    ):
        with pytest.raises(RuntimeError, match=r"No active page for \w+"):
            now(writing)
    now(notion.create_page("Cases"))
    assert now(notion.query_db("case_table")) == []
    with pytest.raises(RuntimeError, match="Database 'case_table' not found in page"):
        now(notion.add_database_row("case_table", {}))


def test_what_notion_refuses_is_an_error_that_says_so(notes):
    notion = NotionAdapter(notes.desk, {})
    with pytest.raises(Refused, match=r"PATCH /v1/pages/.* was refused with 404"):
        now(notion.update_db_row("00000000-0000-4000-8000-000000000000", {}))


def test_the_page_is_remembered_across_adapters(notes):
    memory: dict[str, Any] = {}
    now(NotionAdapter(notes.desk, memory).create_page("Cases"))
    later = NotionAdapter(notes.desk, json.loads(json.dumps(memory)))
    now(later.append_blocks([{"heading_1": {"rich_text": [{"text": {"content": "Top"}}]}}, {"divider": {}}]))
    now(later.append_blocks([{"paragraph": {"rich_text": [{"text": {"content": "Text"}}]}}]))
    now(later.append_blocks([{"nonsense": {}}]))
    assert now(later.read_page()) == "# Top\n\nText"
    now(later.update_property({"title": title("Renamed")}))
    assert notes.service.author.page("Renamed")


def test_a_page_is_copied_with_its_texts_tables_and_subpages(notes):
    notion = NotionAdapter(notes.desk, {})
    now(notion.create_page("Template"))
    bullet = {"bulleted_list_item": {"rich_text": [{"text": {"content": "one"}}]}}
    now(notion.append_blocks([bullet]))
    now(notion.create_database("t", SCHEMA))
    for name in ("a", "b"):
        now(notion.add_database_row("t", {"Case": title(name), "State": {"select": {"name": "open"}}}))
    copy = now(notion.copy_page("Template"))
    assert now(notion.read_page()) == "one"
    found = now(notion.query_db("t"))
    assert rows(found) == ["b", "a"]
    assert found[0]["properties"]["State"]["select"]["name"] == "open"
    assert found[0]["id"] not in json.dumps(copy)
    with pytest.raises(RuntimeError, match="Template 'Nothing' not found"):
        now(notion.copy_page("Nothing"))


# Spreadsheets --------------------------------------------------------------------------------------


def spreadsheets(bench: Bench) -> SheetsAdapter:
    adapter = SheetsAdapter(bench.desk, {}, "office_task1")
    adapter.prepare()
    return adapter


def test_values_are_written_as_they_are_and_read_as_they_are_shown(drive):
    sheets = spreadsheets(drive)
    made = now(sheets.create_spreadsheet("budget's"))
    assert made["sheet_url"] == f"https://docs.google.com/spreadsheets/d/{made['sheet_id']}"
    assert now(sheets.get_spreadsheet_id("budget's")) == made["sheet_id"]
    assert now(sheets.get_spreadsheet_id("other")) is None
    now(sheets.update_values(made["sheet_id"], "Sheet1!A1:B2", [["Item", "Cost"], ["=1+1", 5000]]))
    now(sheets.append_rows(made["sheet_id"], "Sheet1!A:B", [["Chair", "0042"]]))
    assert now(sheets.read_values(made["sheet_id"], "Sheet1!A1:C9")) == [
        ["Item", "Cost"],
        ["=1+1", "5000"],
        ["Chair", "0042"],
    ]
    assert now(sheets.read_values(made["sheet_id"], "Sheet1!F1:G9")) == []


def test_a_row_is_found_by_the_number_of_its_column_from_0(drive):
    sheets = spreadsheets(drive)
    sheet = now(sheets.create_spreadsheet("s"))["sheet_id"]
    assert now(sheets.find_row(sheet, "Sheet1", 0, "x")) is None
    now(sheets.update_values(sheet, "Sheet1!A1:B3", [["Item", "Cost"], ["Desk"], ["Chair", "7"]]))
    assert now(sheets.find_row(sheet, "Sheet1", 1, "7")) == {"Item": "Chair", "Cost": "7"}
    assert now(sheets.find_row(sheet, "Sheet1", 0, "Desk")) == {"Item": "Desk"}
    assert now(sheets.find_row(sheet, "Sheet1", 0, "Item")) is None


def test_only_what_lies_in_the_tasks_folder_is_found(drive):
    sheets = spreadsheets(drive)
    drive.service.author.create("budget")
    assert now(sheets.get_spreadsheet_id("budget")) is None


def test_a_spreadsheet_is_copied_by_its_address(drive):
    sheets = spreadsheets(drive)
    sheet = now(sheets.create_spreadsheet("original"))["sheet_id"]
    now(sheets.update_values(sheet, "Sheet1!A1", [["x"]]))
    copy = now(sheets.copy_template(f"https://docs.google.com/spreadsheets/d/{sheet}/edit?usp=sharing#gid=0"))
    assert copy["sheet_id"] != sheet
    assert now(sheets.read_values(copy["sheet_id"], "Sheet1!A1")) == [["x"]]
    with pytest.raises(ValueError, match="Invalid spreadsheet URL or ID: nonsense"):
        now(sheets.copy_template("nonsense"))
    with pytest.raises(Refused, match="404"):
        now(sheets.copy_template("1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"))


# Calendars -----------------------------------------------------------------------------------------


def test_events_are_dicts_with_the_moments_as_they_were_written(calendars):
    calendar = CalendarAdapter(calendars.desk)
    url = now(calendar.create_calendar("Team"))
    assert now(calendar.list_calendars()) == [{"name": "Team", "url": url}]
    uid = now(
        calendar.add_event(
            "Team", "Review; a, b", NOON, NOON + timedelta(hours=1), description="d\n1", location="l"
        )
    )
    now(calendar.add_event("Team", "Day", date(2025, 3, 5), date(2025, 3, 6), uid="day"))
    now(calendar.add_event("Team", "Utc", NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC), uid="utc"))
    found = {event["uid"]: event for event in now(calendar.get_events("Team"))}
    assert found[uid] == {
        "uid": uid,
        "summary": "Review; a, b",
        "dtstart": "2025-03-04T12:00:00",
        "dtend": "2025-03-04T13:00:00",
        "description": "d\n1",
        "location": "l",
    }
    assert found["day"] == {"uid": "day", "summary": "Day", "dtstart": "2025-03-05", "dtend": "2025-03-06"}
    assert found["utc"]["dtstart"] == "2025-03-04T12:00:00+00:00"
    assert [event["uid"] for event in now(calendar.find_events("Team", "rEVIEW"))] == [uid]


def test_a_period_gives_what_takes_place_in_it(calendars):
    calendar = CalendarAdapter(calendars.desk)
    now(calendar.create_calendar("Team"))
    now(calendar.add_event("Team", "Noon", NOON, NOON + timedelta(hours=1)))
    series = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Daily\r\n"
        "DTSTART:20250303T080000\r\nDTEND:20250303T083000\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendars.service.author.texts.put("benchmark/team", "s.ics", series)

    def between(start: datetime, end: datetime) -> list[str]:
        return sorted(event["dtstart"] for event in now(calendar.get_events("Team", start=start, end=end)))

    assert between(NOON, NOON + timedelta(hours=1)) == ["2025-03-04T12:00:00"]
    assert between(NOON + timedelta(hours=1), NOON + timedelta(hours=2)) == []
    assert between(datetime(2025, 3, 4), datetime(2025, 3, 6)) == [  # noqa: DTZ001 - as tasks write it
        "2025-03-04T08:00:00",
        "2025-03-04T12:00:00",
        "2025-03-05T08:00:00",
    ]
    assert len(now(calendar.get_events("Team", start=NOON))) == 2


def test_events_and_calendars_are_deleted_and_what_is_not_there_is_told(calendars):
    calendar = CalendarAdapter(calendars.desk)
    now(calendar.create_calendar("Team"))
    now(calendar.create_calendar("Team"))
    now(calendar.add_event("Team", "x", NOON, NOON, uid="a/b"))
    now(calendar.add_event("Team", "y", NOON, NOON, uid="a/b"))
    assert [event["summary"] for event in now(calendar.get_events("Team"))] == ["y"]
    now(calendar.delete_event("Team", "a/b"))
    assert now(calendar.get_events("Team")) == []
    with pytest.raises(LookupError, match="a/b not found"):
        now(calendar.delete_event("Team", "a/b"))
    now(calendar.delete_calendar("Team"))
    assert len(now(calendar.list_calendars())) == 1
    with pytest.raises(ValueError, match="Calendar not found: Other"):
        now(calendar.get_events("Other"))


def test_a_seed_file_makes_calendars_with_their_events(calendars, tmp_path):
    seed = tmp_path / "seed.json"
    event = {"summary": "s", "dtstart": "2025-03-04T09:00:00", "dtend": "2025-03-04T10:00:00", "uid": "u"}
    seed.write_text(json.dumps({"calendars": [{"name": "Work", "events": [event]}, {"name": "Home"}]}))
    calendar = CalendarAdapter(calendars.desk)
    assert now(calendar.seed_data(seed)) == {"calendars": 2, "events": 1}
    assert now(calendar.get_events("Work")) == [event]
    with pytest.raises(FileNotFoundError, match="Seed file not found"):
        now(calendar.seed_data(tmp_path / "none.json"))


def test_uids_of_events_are_different_and_the_same_in_every_run(calendars):
    def made(bench: Bench) -> list[str]:
        calendar = CalendarAdapter(bench.desk)
        now(calendar.create_calendar("Team"))
        return [now(calendar.add_event("Team", "same", NOON, NOON)) for _ in range(3)]

    first = made(calendars)
    assert len(set(first)) == 3
    assert made(Bench(CalendarSpec())) == first


def test_what_the_task_does_to_calendars_is_on_record_as_its_own(calendars):
    calendar = CalendarAdapter(calendars.desk)
    with acting_as("task"):
        now(calendar.create_calendar("Team"))
        now(calendar.add_event("Team", "x", NOON, NOON, uid="u"))
    written = [(line["operation"], line["actor"], line["request"]["path"]) for line in calendars.audit]
    assert ("calendar.put", "task", "/benchmark/team/u.ics") in written


# Frozen --------------------------------------------------------------------------------------------


def test_a_frozen_service_answers_like_the_live_one_and_every_answer_is_the_callers_own(notes):
    memory: dict[str, Any] = {}
    live = NotionAdapter(notes.desk, memory)
    now(live.create_page("Cases"))
    now(live.create_database("t", SCHEMA))
    now(live.add_database_row("t", {"Case": title("a")}))
    frozen = NotionAdapter(notes.frozen(), memory)
    found = now(frozen.query_db("t"))
    assert found == now(live.query_db("t"))
    found[0]["properties"].clear()
    assert now(frozen.query_db("t")) == now(live.query_db("t"))


def test_a_frozen_service_that_was_written_into_tells_what_was_written(mail):
    desk = mail.frozen()
    email = EmailAdapter(desk, USERS)
    assert now(email.get_emails("mia")) == []
    assert not desk.touched
    now(email.send_email("boss", "mia@company.example", "x", "y"))
    assert desk.touched
    assert len(now(email.get_emails("mia"))) == 1
