"""A stored run of two days with all services, in which an agent has put markup wherever it could."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from clawmark_services import (
    Account,
    AccountBook,
    Context,
    Ids,
    Service,
    ServiceClock,
    ServiceSpec,
    acting_as,
)
from clawmark_services.calendar import CalendarSpec
from clawmark_services.email import EmailSpec
from clawmark_services.notion import NotionSpec
from clawmark_services.rest import RestApi
from clawmark_services.sheets import SheetsSpec
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.runs import verdicts
from pytest_clawmark.runs.layout import RunFolder, pretty_json
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.store import BlobStore, canonical_json
from pytest_clawmark.viewer.app import make_app
from pytest_clawmark.viewer.places import Listing

HOST = "127.0.0.1:8000"
MARKUP = (
    '<script>window.pwned=1</script><img src=x onerror="window.pwned=1"><svg onload="window.pwned=1">'
    '<a href="javascript:window.pwned=1">x</a>"\'><iframe src=//evil.example></iframe>'
)
ESCAPES = "\x1b[31mred\x07 \u202egnp.exe\u2066"
HOSTILE = MARKUP + ESCAPES
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1">{MARKUP}</svg>'.encode()
DAYS = ("tuesday", "wednesday")


def png() -> bytes:
    """A picture of one red dot."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")


def wav() -> bytes:
    """A tenth of a second of silence."""
    data = bytes(800)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVE"
        + form
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


@dataclass
class Office:
    """The services of one world, and its files."""

    services: dict[str, Service] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def open(self, spec: ServiceSpec) -> Service:
        clock = ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00"), "tuesday")
        book = AccountBook(Account("mia", "mia@company.example"), [Account("hrbp", "hrbp@company.example")])
        self.services[spec.name] = spec.open(
            Context(
                service=spec.name, clock=clock, ids=Ids(7, spec.name), accounts=book, audit=self.audit.append
            )
        )
        return self.services[spec.name]

    def tool(self, name: str, **arguments: Any) -> Any:
        """What the agent does by a tool."""
        tools = [tool for service in self.services.values() for tool in service.tools()]
        with acting_as("agent"):
            return next(tool for tool in tools if tool.name == name).call(**arguments)

    def freeze(self, store: BlobStore, turn: str) -> Manifest:
        files = tuple(
            Entry(path=path, type="file", mode=0o644, rank=0, size=len(content), digest=store.put(content))
            for path, content in sorted(self.files.items())
        )
        states = {name: store.put(canonical_json(each.freeze())) for name, each in self.services.items()}
        return Manifest(
            task="hr/interns",
            turn=turn,
            time=f"2024-03-{19 + DAYS.index(turn)}T09:00:00+08:00",
            files=files,
            services=states,
            clocks=dict.fromkeys(self.services, 0),
        )


def furnished() -> Office:
    """An office with something in every service."""
    office = Office(files={"report.md": b"one\ntwo\n", "dot.png": png(), "call.wav": wav()})
    mail, notion, sheets, calendar, desk = map(
        office.open,
        (
            EmailSpec(),
            NotionSpec(),
            SheetsSpec(),
            CalendarSpec(),
            RestApi("desk", {"tickets": {"properties": {"title": {"type": "string"}}}}),
        ),
    )
    with acting_as("task"):
        mail.author.send(
            "hrbp", to="mia", subject="Review", body="Please look.", html=f"<b>Please</b>{MARKUP}",
            attachments=[("forms.pdf", b"%PDF-1.4")],
        )  # fmt: skip
        notion.author.create_database(
            "Interns", {"Name": "title", "Score": "number"}, [{"Name": "Ada", "Score": 1}]
        )
        notion.author.create_page("Notes", body="one\ntwo")
        sheets.author.create(
            "Budget", {"Plan": [["Item", "Cost"], ["Desk", 40], ["Sum", "=B2*2"]], "Notes": [["x"]]}
        )
        calendar.author.create("Team")
        calendar.author.add(
            "Team", "Standup", "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00", uid="standup"
        )
        desk.author.resource("tickets").add(title="Laptop")
    return office


def vandalise(office: Office) -> None:
    """What a hostile agent leaves behind."""
    office.tool("email_send", to="hrbp@company.example", subject=HOSTILE, body=HOSTILE)
    office.tool("notion_update_page", page="Ada", properties={"Name": HOSTILE})
    office.tool("sheets_write", spreadsheet="Budget", range="Plan!A2", values=[[HOSTILE]])
    office.tool("calendar_update_event", uid="standup", summary=MARKUP, description=HOSTILE)
    office.tool("desk_create", resource="tickets", values={"title": HOSTILE})
    office.files["report.md"] = f"one\n{HOSTILE}\n".encode()
    office.files["evil.svg"] = SVG
    office.files["evil.html"] = MARKUP.encode()
    office.files[f"{MARKUP.replace('/', '')}.txt"] = b"a name"


STEPS: tuple[dict[str, Any], ...] = (
    {"type": "wakeup", "message": f"Good morning {HOSTILE}"},
    {
        "type": "model",
        "message": {
            "content": f"I look around. {HOSTILE}",
            "reasoning": HOSTILE,
            "tool_calls": [{"function": {"name": "shell", "arguments": HOSTILE}}],
        },
        "usage": {"input_tokens": 9, "output_tokens": 3},
    },
    {"type": "tool", "name": "shell", "arguments": {"command": HOSTILE}, "output": HOSTILE, "error": False},
    {"type": "tool", "name": HOSTILE, "arguments": {"path": "a"}, "output": "", "error": HOSTILE},
    {"type": "stop", "kind": "done", "reason": HOSTILE},
)


def turn(name: str, **more: Any) -> TurnResult:
    usage = {"input_tokens": 900, "output_tokens": 90, "cost": 0.25, "tool_calls": 2, "model_calls": 1}
    return TurnResult(turn=name, index=DAYS.index(name), outcome="worked", usage=usage, seconds=2.5, **more)


def verdict(name: str, day: str, outcome: Any, **more: Any) -> Verdict:
    return Verdict(id=name, turn=day, outcome=outcome, **more)


def episodes() -> tuple[EpisodeResult, ...]:
    """A good agent and a hostile one on two tasks."""
    known = EpisodeResult(
        task="hr/interns", family="hr", agent="chat", model="m", label="eve", trial=1, planned=4,
        turns=tuple(map(turn, DAYS)),
        checkers=(
            verdict("check_ranking", "tuesday", "passed", weight=2.0, category="evidence"),
            verdict("check_summary", "tuesday", "failed", reason=HOSTILE, description="Judith is told."),
            verdict("check_secret_kept", "wednesday", "failed", red_line=True, category="compliance"),
            verdict("check_list", "wednesday", "passed"),
        ),
    )  # fmt: skip
    good = replace(known, label="ada", checkers=tuple(replace(v, outcome="passed") for v in known.checkers))
    legal = replace(known, task="legal/contract", family="legal", checkers=known.checkers[:2], planned=2)
    return known, good, legal, replace(legal, label="ada", checkers=good.checkers[:2])


def record(tasks: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """`run.json`."""
    return {
        "schema": 1,
        "created": "2026-01-01T08:00:00+00:00",
        "command": ["pytest", HOSTILE],
        "versions": {"pytest-clawmark": "1"},
        "sandbox": "local",
        "tasks": dict(tasks),
        "settings": {"agents": ["eve"], "trials": 1, "seed": 0, "limits": {"tool_calls": 200}},
        "agents": [{"agent": "chat", "label": "eve"}, {"agent": "chat", "label": "ada"}],
        **more,
    }


@dataclass(frozen=True)
class Stored:
    """A run on disk, and how to spoil it."""

    path: Path

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.path)

    @property
    def episode(self) -> Path:
        return self.path / "episodes" / "hr" / "interns" / "eve" / "1"

    def unfinish(self, state: str = "running") -> None:
        """As if the session had not come to its end."""
        (self.path / "results.json").unlink()
        path = self.episode / "episode.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "state": state}))


def store_run(path: Path, *, made: str = "2026-01-01T08:00:00+00:00", digest: str = "a" * 64) -> Stored:
    """Write a run in which one episode has everything."""
    run, results = RunFolder(path), episodes()
    known = record({result.task: digest for result in results}, created=made)
    run.create(known)
    run.write_plan(
        {
            "schema": 1,
            "episodes": [{**result.to_json(), "turns": [], "checkers": []} for result in results],
            "checkers": {},
            "tasks": known["tasks"],
        }
    )
    office = furnished()
    first = results[0]
    folder = run.episode(first.task, first.label, first.trial)
    for place, day in enumerate(DAYS):
        wake = office.freeze(run.blobs, day)
        office.audit.clear()
        if place == 0:
            vandalise(office)
        else:
            office.files.pop("evil.html")
        of_day = folder.turn(day)
        of_day.path.mkdir(parents=True)
        of_day.write("wake", wake)
        of_day.write("snapshot", office.freeze(run.blobs, day))
        of_day.audit.write_text("".join(json.dumps(line) + "\n" for line in office.audit))
        of_day.trajectory.write_text("".join(json.dumps(step) + "\n" for step in STEPS))
    folder.write(
        {
            "schema": 1, "task": first.task, "label": first.label, "agent": "chat", "model": "m", "trial": 1,
            "seed": 0, "planned_turns": 2, "state": "ended", "void_reason": "", "attempts": [],
            "turns": [each.to_json() for each in first.turns], "seconds": 5.0,
        }
    )  # fmt: skip
    for each in first.checkers:
        verdicts.append(folder, verdicts.Settled(verdict=each, reports=[]))
    (path / "log.txt").write_text(f"began\n{HOSTILE}\n")
    write_results(run.results, results_document(known, results))
    return Stored(path)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is made once, to be copied."""
    return store_run(tmp_path_factory.mktemp("original") / "first").path


@pytest.fixture
def stored(tmp_path: Path, original: Path) -> Stored:
    """A run called `first`."""
    return Stored(Path(shutil.copytree(original, tmp_path / "runs" / "first")))


@pytest.fixture
def another(stored: Stored) -> Callable[..., Stored]:
    """Makes more runs beside the first: by name, with other content."""

    def make(name: str, **more: Any) -> Stored:
        return store_run(stored.path.parent / name, **more)

    return make


class Browser:
    """Asks the application, as a browser on this machine would."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, **more: Any) -> Any:
        more.setdefault("base_url", f"http://{HOST}")
        return self._client.get(path, buffered=True, **more)

    def text(self, path: str, **more: Any) -> str:
        """A page that must be there."""
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def ask(self, method: str, path: str) -> Any:
        return self._client.open(path, method=method, buffered=True, base_url=f"http://{HOST}")


@pytest.fixture
def browser(stored: Stored) -> Browser:
    """Over the folder that holds the first run."""
    app = make_app(Listing.of([stored.path.parent]), {HOST})
    app.testing = True
    return Browser(app.test_client())


EPISODE = "/runs/first/episodes/hr/interns/eve/1"


def panel(name: str, day: str = "tuesday", **more: str) -> str:
    """The address of one panel of the episode."""
    rest = "".join(f"&{key}={value}" for key, value in more.items())
    return f"/runs/first/panel/hr/interns/eve/1?day={day}&panel={name}{rest}"


@pytest.fixture
def described() -> dict[str, Any]:
    """What tests compare with."""
    return {
        "markup": MARKUP,
        "escapes": ESCAPES,
        "episode": EPISODE,
        "panel": panel,
        "svg": SVG,
        "png": png(),
    }


def write_json(path: Path, value: Any) -> None:
    """As the plugin writes it."""
    path.write_bytes(pretty_json(value))
