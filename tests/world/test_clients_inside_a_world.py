"""Unmodified clients find the office as they find the real services."""

from __future__ import annotations

import pytest


def test_imaplib_and_smtplib_read_and_send_mail(office) -> None:
    office.world.services["email"].author.send("boss", to="mia", subject="Grüße", body="Hallo")
    seen = office.python(
        """
import email, imaplib, os, smtplib
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlsplit

imap, smtp = (urlsplit(os.environ[f"CLAWMARK_EMAIL_{kind}_URL"]) for kind in ("IMAP", "SMTP"))
with imaplib.IMAP4(imap.hostname, imap.port) as client:
    client.login(os.environ["CLAWMARK_EMAIL_ADDRESS"], "any password")
    client.select("INBOX")
    message = email.message_from_bytes(client.fetch("1", "(RFC822)")[1][0][1], policy=default)
    print(message["Subject"], message.get_content().strip(), message["Date"].datetime.isoformat())
reply = EmailMessage()
reply["From"], reply["To"], reply["Subject"] = os.environ["CLAWMARK_EMAIL_ADDRESS"], "boss@company.example", "Re"
reply.set_content("Danke")
with smtplib.SMTP(smtp.hostname, smtp.port) as client:
    client.send_message(reply)
"""
    )
    assert seen == "Grüße Hallo 2024-03-19T09:00:01+08:00"
    assert [message.subject for message in office.world.services["email"].author.messages("boss")] == ["Re"]


ISOLATED = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


@pytest.mark.parametrize("premises", ISOLATED, indirect=True)
def test_notion_client_reads_and_writes_a_database(office) -> None:
    author = office.world.services["notion"].author
    rows = [{"Name": "Ada", "Score": 3}]
    author.create_database("interns", columns={"Name": "title", "Score": "number"}, rows=rows)
    office.python(
        """
import os
from notion_client import Client

client = Client(auth=os.environ["NOTION_TOKEN"])
source = next(r for r in client.search(query="interns")["results"] if r["object"] == "data_source")
row = client.data_sources.query(data_source_id=source["id"])["results"][0]
client.pages.update(page_id=row["id"], properties={"Score": {"number": row["properties"]["Score"]["number"] + 1}})
"""
    )
    assert author.database("interns").row(Name="Ada")["Score"] == 4


@pytest.mark.parametrize("premises", ISOLATED, indirect=True)
def test_gspread_reads_and_appends_to_a_sheet(office) -> None:
    author = office.world.services["sheets"].author
    author.create("budget", tabs={"Q1": [["Item", "Cost"], ["Pens", 12.5]]})
    seen = office.python(
        """
import os
import gspread
from google.oauth2.credentials import Credentials

credentials = Credentials.from_authorized_user_file(os.path.expanduser("~/.google/credentials.json"))
tab = gspread.authorize(credentials).open("budget").worksheet("Q1")
tab.append_row(["Ink", 3])
print(tab.get_all_records())
"""
    )
    assert seen == "[{'Item': 'Pens', 'Cost': 12.5}, {'Item': 'Ink', 'Cost': 3}]"


def test_every_service_is_found_by_its_variable_and_trusted(office) -> None:
    """Where nothing is isolated there are no names, and everything goes by these."""
    found = office.shell(
        """
curl -s -o /dev/null -w '%{http_code} ' $CLAWMARK_NOTION_URL/v1/users/me
curl -s -o /dev/null -w '%{http_code} ' $CLAWMARK_SHEETS_URL/v4/spreadsheets/x
curl -s -o /dev/null -w '%{http_code} ' -X PROPFIND -u benchmark: $CLAWMARK_CALENDAR_URL/benchmark/
curl -s -o /dev/null -w '%{http_code}' $CLAWMARK_DESK_URL/tickets
"""
    )
    assert found == "401 401 207 200"


def test_caldav_reads_and_adds_events(office) -> None:
    author = office.world.services["calendar"].author
    author.create("team")
    author.add("team", "Review", "2024-03-21T10:00+08:00", "2024-03-21T11:00+08:00")
    seen = office.python(
        """
import datetime, os
import caldav

with caldav.DAVClient(os.environ["CLAWMARK_CALENDAR_URL"], username="benchmark", password="") as client:
    calendar = client.principal().calendars()[0]
    noon = datetime.datetime(2024, 3, 22, 12, tzinfo=datetime.timezone.utc)
    calendar.save_event(dtstart=noon, dtend=noon + datetime.timedelta(hours=1), summary="Lunch")
    print(sorted(str(event.icalendar_component["SUMMARY"]) for event in calendar.events()))
"""
    )
    assert seen == "['Lunch', 'Review']"


def test_requests_and_curl_reach_a_business_api(office) -> None:
    office.python(
        "import os, requests; requests.post(os.environ['CLAWMARK_DESK_URL'] + '/tickets', json={'title': 'Toner'})"
    )
    assert '"Toner"' in office.shell("curl -s $CLAWMARK_DESK_URL/tickets")


def test_every_request_is_audited_with_its_turn_time_and_actor(office) -> None:
    office.shell("curl -s $CLAWMARK_DESK_URL/tickets; curl -s $CLAWMARK_DESK_URL/nothing")
    seen = [
        (entry["operation"], entry["status"], entry["actor"], entry["turn"], entry["time"])
        for entry in office.audit
    ]
    assert seen[0] == ("tickets.list", 200, "agent", "monday", "2024-03-19T09:00:01+08:00")
    assert seen[1][1:] == (404, "agent", "monday", "2024-03-19T09:00:02+08:00")


def test_guides_and_addresses_lie_where_the_agent_is_told(office) -> None:
    for name, path in office.world.skills.items():
        assert office.shell(f"test -s {path} && echo {name}") == name
    assert office.shell("pwd") == office.world.env["CLAWMARK_WORKSPACE"]
    assert office.shell("ls $CLAWMARK_SKILLS") == "\n".join(sorted(office.world.services))
