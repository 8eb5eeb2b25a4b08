"""The reference against the code: whatever an author or an agent can call is there, and its examples run."""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import clawmark_services.calendar.author as calendar_author
import clawmark_services.calendar.view as calendar_view
import clawmark_services.email.author as email_author
import clawmark_services.email.view as email_view
import clawmark_services.notion.author as notion_author
import clawmark_services.notion.view as notion_view
import clawmark_services.rest.author as rest_author
import clawmark_services.rest.view as rest_view
import clawmark_services.sheets.author as sheets_author
import clawmark_services.sheets.view as sheets_view
import pytest_clawmark.snapshots.records as records
from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock, Tool
from clawmark_services.calendar.event import Attendee, Event
from clawmark_services.email.message import Attachment, Message
from clawmark_services.rest import RestApi
from pytest_clawmark.agents.arguments import signature
from pytest_clawmark.agents.sandbox_tools import SandboxTools
from pytest_clawmark.agents.scripted import Worker
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.cli import COMMANDS
from pytest_clawmark.snapshots.files import Files
from pytest_clawmark.snapshots.view import Snapshot
from pytest_clawmark.world.author import AuthorWorld
from pytest_clawmark.world.files import WorkspaceFiles

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")

# What each section of the reference is about.
SECTIONS: dict[str, tuple[type, ...]] = {
    "### world": (AuthorWorld,),
    "### world.files": (WorkspaceFiles,),
    "### world.email": (email_author.EmailAuthor,),
    "### world.calendar": (calendar_author.CalendarAuthor, calendar_author.EventHandle),
    "### world.notion": (
        notion_author.NotionAuthor,
        notion_author.PageHandle,
        notion_author.DatabaseHandle,
        notion_author.RowHandle,
    ),
    "### world.sheets": (
        sheets_author.SheetsAuthor,
        sheets_author.SpreadsheetHandle,
        sheets_author.TabHandle,
        sheets_author.RowHandle,
    ),
    "### world.desk": (rest_author.RestAuthor, rest_author.ResourceAuthor),
    "### snapshot": (Snapshot,),
    "### snapshot.files": (Files,),
    "### snapshot.email": (email_view.EmailView, email_view.Messages, Message, Attachment),
    "### snapshot.calendar": (calendar_view.CalendarView, Event, Attendee),
    "### snapshot.notion": (
        notion_view.NotionView,
        notion_view.DatabaseView,
        notion_view.PageView,
        notion_view.FileView,
    ),
    "### snapshot.sheets": (
        sheets_view.SheetsView,
        sheets_view.SpreadsheetView,
        sheets_view.TabView,
        sheets_view.RowView,
    ),
    "### snapshot.rest": (rest_view.RestView, rest_view.ResourceView),
    "### snapshot.audit": (records.Audit,),
    "### snapshot.trajectory": (records.Trajectory,),
    "## A solution": (Worker,),
}

# Public to other modules of the same part, not to authors: what handles are made of.
INTERNAL = {
    calendar_author.CalendarAuthor: {"change", "remove"},
    calendar_author.EventHandle: {"author"},
    notion_author.NotionAuthor: {"working", "workspace_title", "text_of", "value_of", "values_of"},
    Attachment: {"part"},
    Message: {"root"},
    Worker: {"failure"},
}

DESK = RestApi("desk", {"tickets": {"properties": {"id": {"type": "integer"}}}})

TASK = """
import re
from datetime import datetime

import pytest
from pytest_clawmark import Account, RestApi, Task

{rest}

task = Task(
    role="Assistant",
    agent=Account("kim", "agent@example.com"),
    people=[Account("rita", "rita@harbour.example"), Account("bo", "bo@harbour.example")],
    services=["email", "calendar", "notion", "sheets", DESK],
)

@task.turn("2025-03-03T09:00+01:00")
def monday(world):
{doors}
    return "Go."

@pytest.mark.turn("monday")
def check_everything(snapshot):
{views}
"""


def section(heading: str) -> str:
    """The text below a heading, as far as the next one of the same or a higher level."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{2,{len(level)}}} |\Z)", REFERENCE, re.M | re.S)
    assert found, f"the reference has no heading {heading!r}"
    return found[1]


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """What is public of a class, fields of a dataclass included."""
    names = {*vars(owner), *getattr(owner, "__dataclass_fields__", {})}
    for base in owner.__mro__[1:]:
        names |= (
            set(vars(base)) if base.__module__.startswith(("clawmark_services", "pytest_clawmark")) else set()
        )
    for name in sorted(names - INTERNAL.get(owner, set())):
        if not name.startswith("_"):
            yield name, getattr(owner, name, None)


def missing(text: str, name: str, member: Any) -> str | None:
    """What the text does not say of a member: its name, or which argument."""
    code = re.sub(r"^```python\n.*?^```$", "", text, flags=re.M | re.S)
    if not inspect.isfunction(member):
        return None if re.search(rf"`(\w+\(\.\.\.\)\.)?{name}\b[^`]*`", code) else name
    calls = re.findall(rf"`[^`]*?\b{name}\(([^`]*)\)[^`]*`", code)
    arguments = [each for each in inspect.signature(member).parameters if each != "self"]
    for call in calls:
        if all(re.search(rf"\b{argument}\b", call) for argument in arguments):
            return None
    return f"{name}({', '.join(arguments)})"


def tools(kind: str) -> Sequence[Tool]:
    """The tools of a service, or those that every world has (`sandbox`)."""
    if kind == "sandbox":
        sandbox: Any = SimpleNamespace(paths={"workspace": "/workspace"})
        own = SandboxTools(sandbox, {}, command_seconds=120.0, longest_seconds=600.0, image_bytes=1)
        return own.tools()
    spec = DESK if kind == "desk" else pytest_clawmark_services()[kind]()
    context = Context(
        service=kind,
        clock=ServiceClock(datetime.fromisoformat("2025-03-03T09:00+01:00"), "monday"),
        ids=Ids(0, kind),
        accounts=AccountBook(Account("kim", "kim@harbour.example"), []),
        audit=lambda _: None,
    )
    return spec.open(context).tools()


def table(kind: str) -> str:
    """What the reference has to show of one kind of tools."""
    rows = (f"| `{tool.name}` | {signature(tool)} |" for tool in tools(kind))
    return "\n".join(["| tool | arguments |", "|---|---|", *rows])


def examples(heading: str) -> str:
    return "".join(re.findall(r"^```python\n(.*?)^```$", section(heading), re.M | re.S))


def indented(code: str) -> str:
    return "".join(f"    {line}" for line in code.splitlines(keepends=True))


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_reference_names_every_member_and_every_argument(heading: str) -> None:
    text = section(heading)
    wanting = [
        f"{owner.__name__}.{lack}"
        for owner in SECTIONS[heading]
        for name, member in members(owner)
        if (lack := missing(text, name, member))
    ]
    assert not wanting, f"reference.md, {heading!r}: add {', '.join(wanting)}"


@pytest.mark.parametrize("kind", ["sandbox", *pytest_clawmark_services(), "desk"])
def test_the_reference_has_every_tool_with_its_arguments(kind: str) -> None:
    wanted = table(kind)
    assert wanted in section("## Tools of the agent"), (
        f"reference.md must show the tools of {kind}:\n{wanted}"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_reference_has_every_option_of_the_command(command: Any) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = re.findall(r"--[a-z]+", parser.format_help())
    text = section("## The command")
    assert f"pytest-clawmark {command.name}" in text
    assert [option for option in options if option != "--help" and option not in text] == []


def test_every_part_of_a_world_has_members_to_look_for() -> None:
    assert all(list(members(owner)) for owners in SECTIONS.values() for owner in owners)


def test_a_member_that_is_not_there_is_missed() -> None:
    def send(self: Any, who: str, *, stamp: str) -> None: ...

    assert missing("`send(who: str)`", "send", send) == "send(who, stamp)"
    assert missing("`send(who: str, *, stamp)`", "send", send) is None
    assert missing("no word of it", "title", None) == "title"


def test_the_examples_of_the_reference_run(pytester: pytest.Pytester) -> None:
    folder = pytester.path / "tasks/office/reference"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets/rooms.csv").write_text("room,seats\nHeron,4\n", encoding="utf-8")
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    task = TASK.format(
        rest=examples("## A task"),
        doors=indented(examples("## Doors of the author")),
        views=indented(examples("## Views")),
    )
    (folder / "task.py").write_text(task, encoding="utf-8")
    (folder / "solution.py").write_text(examples("## A solution"), encoding="utf-8")
    result = pytester.runpytest(
        "tasks", "--agent=golden", "--sandbox=local", "--run-dir=run", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=2)
    results = json.loads((pytester.path / "run/results.json").read_text(encoding="utf-8"))
    assert results["tasks"][0]["score"] == 1.0
