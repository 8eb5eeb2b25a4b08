"""Agents that send the same bytes leave identical snapshots, wherever and whenever they do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TASK = '''
"""Every service is written to, by the task and by the agent."""
import pytest
from pytest_clawmark import Account, RestApi, Task

task = Task(
    role="assistant",
    agent=Account("mia", "mia@company.example"),
    people=[Account("boss", "boss@company.example")],
    services=[
        "email",
        "calendar",
        "notion",
        "sheets",
        RestApi("desk", resources={"tickets": {"type": "object", "properties": {"title": {"type": "string"}}}}),
    ],
)


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    world.email.send("boss", to="mia", subject="Grüße", body="Anlage", attachments=[("a.bin", bytes(range(256)))])
    world.calendar.create("team")
    world.calendar.add("team", "Review", "2024-03-21T10:00+08:00", "2024-03-21T11:00+08:00")
    world.notion.create_database("plans", columns={"Name": "title", "Done": "checkbox"}, rows=[{"Name": "one"}])
    world.sheets.create("budget", tabs={"Q1": [["Item", "Cost"], ["Pens", 12.5]]})
    world.desk.tickets.add(title="Printer")
    return "Begin."


@task.turn("2024-03-20T09:00+08:00")
def tuesday(world):
    with world.silently():
        world.notion.database("plans").row(Name="one").update(Done=True)
    return "Go on."


@pytest.mark.turn("tuesday")
def check_any(snapshot):
    assert snapshot.notion.database("plans").row(Name="one")["Done"] is True
'''

SOLUTION = '''
SCRIPT = """
import imaplib, json, os, smtplib, urllib.request
from email.message import EmailMessage
from urllib.parse import urlsplit

imap = urlsplit(os.environ["CLAWMARK_EMAIL_IMAP_URL"])
with imaplib.IMAP4(imap.hostname, imap.port) as client:
    client.login("mia@company.example", "any")
    client.select("INBOX")
    client.store("1", "+FLAGS", "Flagged")
    client.append("Drafts", None, None, b"Subject: draft" + bytes([13, 10, 13, 10]) + b"text")
smtp = urlsplit(os.environ["CLAWMARK_EMAIL_SMTP_URL"])
message = EmailMessage()
message["To"], message["From"], message["Subject"] = "boss@company.example", "mia@company.example", "Done"
message.set_content("All done.")
with smtplib.SMTP(smtp.hostname, smtp.port, local_hostname="desk") as client:
    client.send_message(message)
request = urllib.request.Request(
    os.environ["CLAWMARK_DESK_URL"] + "/tickets",
    data=json.dumps({"title": "Toner"}).encode(),
    headers={"Content-Type": "application/json"},
)
urllib.request.urlopen(request).read()
"""


def monday(agent):
    agent.tool("write_file", path="work.py", content=SCRIPT)
    agent.shell("python3 work.py && ln -s /etc/passwd link && mkdir -p deep/er && echo x > deep/er/file")


def tuesday(agent):
    agent.tool("notion_create_page", title="Note", text="From the agent")
    agent.tool("sheets_append", spreadsheet="budget", range="Q1", rows=[["Paper", 3]])
    agent.tool("calendar_create_event", calendar="team", summary="Call", start="2024-03-22T10:00+08:00",
               end="2024-03-22T10:30+08:00")
    agent.tool("email_send", to="boss@company.example", subject="More", body="Also done.")
'''


def snapshots(run: Path) -> dict[str, dict]:
    found = {}
    for path in sorted(run.rglob("*.json")):
        if path.name in ("wake.json", "snapshot.json"):
            document = json.loads(path.read_text())
            for entry in document["files"]:
                del entry["rank"]
            found[str(path.relative_to(run))] = document
    return found


@pytest.mark.slow
def test_two_episodes_in_different_processes_freeze_to_the_same_state(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "demo" / "all"
    folder.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (folder / "task.py").write_text(TASK)
    (folder / "solution.py").write_text(SOLUTION)
    seen = []
    for number, (hash_seed, zone) in enumerate([("0", "UTC"), ("4711", "Asia/Tokyo")]):
        run = tmp_path / f"run{number}"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "tasks",
                "--agent=golden",
                "--sandbox=local",
                f"--run-dir={run}",
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        seen.append(snapshots(run))
    assert len(seen[0]) == 4
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_another_seed_gives_other_ids(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "demo" / "all"
    folder.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (folder / "task.py").write_text(TASK)
    (folder / "solution.py").write_text(SOLUTION)
    digests = []
    for seed in (1, 2):
        run = tmp_path / f"run{seed}"
        command = ["tasks", "--agent=golden", "--sandbox=local", f"--run-dir={run}", f"--seed={seed}"]
        subprocess.run([sys.executable, "-m", "pytest", *command], cwd=tmp_path, check=True, timeout=120)
        digests.append(json.loads(next(run.rglob("tuesday/snapshot.json")).read_text())["services"])
    assert digests[0]["notion"] != digests[1]["notion"]
