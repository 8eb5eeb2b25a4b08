"""A Notion workspace without a world around it, spoken to over WSGI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from notion_client import Client as NotionClient
from werkzeug.test import Client

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock, acting_as
from clawmark_services.notion import NotionService, NotionSpec

MCP_SERVER = "@notionhq/notion-mcp-server@2.5.2"
TUESDAY = "2024-03-19T09:00+08:00"


@dataclass
class Office:
    """One workspace, its audit, and a bare HTTP client with the agent's token."""

    seed: int = 7
    time: str = TUESDAY
    version: str = "2022-06-28"
    audit: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        people = [Account("hrbp", "hrbp@company.example"), Account("lee", "lee@company.example")]
        self.clock = ServiceClock(datetime.fromisoformat(self.time), "tuesday")
        self.service: NotionService = NotionSpec().open(
            Context(
                service="notion",
                clock=self.clock,
                ids=Ids(self.seed, "notion"),
                accounts=AccountBook(Account("mia", "mia.chen@company.example"), people),
                audit=self.audit.append,
            )
        )
        self.http = Client(self.as_from_inside)

    def as_from_inside(self, environ: Any, start_response: Any) -> Any:
        """The service as a world serves it: on a thread where nobody says that the task is acting."""
        with acting_as("agent"):
            return self.service.door("notion").app(environ, start_response)

    @property
    def token(self) -> str:
        return self.service.environment({})["NOTION_TOKEN"]

    @property
    def root(self) -> str:
        return self.service.environment({})["NOTION_ROOT_PAGE_ID"]

    @property
    def view(self) -> Any:
        return NotionSpec().view(self.service.freeze())

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """The status and JSON of one request to `/v1/<path>`."""
        said = {"Authorization": f"Bearer {self.token}", "Notion-Version": version or self.version}
        said |= headers or {}
        given = {} if body is None else {"json": body}
        response = self.http.open(f"/v1/{path}", method=method, headers=said, **given)
        return response.status_code, response.json

    def ok(self, method: str, path: str, body: Any = None, *, version: str | None = None) -> Any:
        """The JSON of a request that succeeds."""
        status, answer = self.send(method, path, body, version=version)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None, *, version: str | None = None) -> str:
        """The message of a request that is refused as invalid."""
        status, answer = self.send(method, path, body, version=version)
        assert (status, answer["code"]) == (400, "validation_error"), answer
        return str(answer["message"])

    def database(self, title: str = "Staff", **columns: Any) -> Any:
        """A database with a title column `Name` and these columns, as requests spell them."""
        body = {
            "parent": {"page_id": self.root},
            "title": words(title),
            "properties": {"Name": {"title": {}}, **columns},
        }
        return self.ok("POST", "databases", body)

    def row(self, database: Any, name: str = "row", **values: Any) -> Any:
        body = {"parent": {"database_id": database["id"]}, "properties": {"Name": title(name), **values}}
        return self.ok("POST", "pages", body)

    def names(self, database: Any, **query: Any) -> list[str]:
        """The titles of the rows that a query finds, in its order."""
        answer = self.ok("POST", f"databases/{database['id']}/query", query)
        return [said(page["properties"]["Name"]["title"]) for page in answer["results"]]

    def client(self, **options: Any) -> NotionClient:
        """The vendor's Python client, with the workspace instead of a network."""
        transport = httpx.WSGITransport(app=self.as_from_inside)
        return NotionClient(auth=self.token, client=httpx.Client(transport=transport), **options)


def words(text: str) -> list[Any]:
    return [{"text": {"content": text}}]


def title(text: str) -> Any:
    return {"title": words(text)}


def rich(text: str) -> Any:
    return {"rich_text": words(text)}


def said(runs: list[Any]) -> str:
    return "".join(run["plain_text"] for run in runs)


def paragraph(text: str, **more: Any) -> Any:
    return {"paragraph": {"rich_text": words(text), **more}}


@pytest.fixture
def office() -> Office:
    """A fresh workspace, on a Tuesday morning."""
    return Office()


@pytest.fixture
def author(office: Office):
    """The task's door of that workspace, with the task acting."""
    with acting_as("task"):
        yield office.service.author


@pytest.fixture
def spell() -> Any:
    """How requests spell texts: `title`, `rich`, `words`, `paragraph`; and `said`, the way back."""
    return type(
        "Spell",
        (),
        {
            "title": staticmethod(title),
            "rich": staticmethod(rich),
            "words": staticmethod(words),
            "paragraph": staticmethod(paragraph),
            "said": staticmethod(said),
        },
    )


@pytest.fixture
def new_office() -> type[Office]:
    """Makes further workspaces: `new_office(seed=...)`."""
    return Office


@pytest.fixture(scope="session")
def mcp_server() -> Path:
    """The script of the vendor's MCP server, in a cache, so that only the first run downloads it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm and node are needed: install Node.js 18 or newer")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "pytest-clawmark" / "clients" / MCP_SERVER.rpartition("/")[2]
    script = folder / "node_modules" / "@notionhq" / "notion-mcp-server" / "bin" / "cli.mjs"
    if not script.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), MCP_SERVER]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {MCP_SERVER}: {done.stderr[-300:]}")
    return script
