"""The Notion service as a world sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from clawmark_services.change import Change
from clawmark_services.context import Context
from clawmark_services.contract import Endpoint, Tool, Wsgi
from clawmark_services.notion.app import NotionApp
from clawmark_services.notion.author import NotionAuthor
from clawmark_services.notion.errors import unavailable
from clawmark_services.notion.store import found
from clawmark_services.notion.tools import notion_tools
from clawmark_services.notion.view import NotionView
from clawmark_services.notion.workspace import Workspace

Json = Any

ENDPOINT = Endpoint(
    key="notion", hosts=("api.notion.com",), port=443, scheme="https", variable="CLAWMARK_NOTION_URL"
)

_TOKEN_VARIABLES = ("NOTION_TOKEN", "NOTION_API_KEY", "NOTION_AGENT_KEY")


@dataclass(frozen=True, slots=True)
class NotionSpec:
    """A Notion workspace with one integration, whose token the agent holds, and one shared root page."""

    name: str = "notion"

    def open(self, context: Context) -> NotionService:
        """A fresh workspace; it holds the people of the world and an empty root page."""
        return NotionService(context)

    def view(self, state: Json) -> NotionView:
        """Read-only evidence over a frozen workspace."""
        return NotionView(state["workspace"])

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """Which tables, rows, pages and blocks differ."""
        from clawmark_services.notion.changes import changes

        return changes(before, after)

    def to_json(self) -> Json:
        """Nothing about it can be chosen but its name."""
        return {"service": "notion", "name": self.name}


class NotionService:
    """One running workspace."""

    def __init__(self, context: Context) -> None:
        self._store = found(context.ids, context.accounts, context.clock.now())
        self._app = NotionApp(context, self._store)
        self._author = NotionAuthor(context, self._store)
        self._tools = notion_tools(context, self._store)

    @property
    def name(self) -> str:
        """ "notion"."""
        return "notion"

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """`https://api.notion.com`."""
        return (ENDPOINT,)

    @property
    def author(self) -> NotionAuthor:
        """The task author's door, `world.notion`."""
        return self._author

    def door(self, key: str) -> Wsgi:
        """The HTTP interface, the only one there is."""
        if key != ENDPOINT.key:
            raise LookupError(f"notion has no endpoint {key!r}: its only one is {ENDPOINT.key!r}")
        return Wsgi(self._app)

    def tools(self) -> Sequence[Tool]:
        """The agent's typed functions."""
        return self._tools

    def refusal(self, status: int, path: str) -> Mapping[str, Any]:  # noqa: ARG002 - see `TellsFaults`
        """A fault of the service itself, as Notion words it."""
        return unavailable(status).to_json()

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - part of the contract
        """The integration's token under the names that clients look for, and the root page's id."""
        workspace = self._store.workspace
        token = dict.fromkeys(_TOKEN_VARIABLES, workspace.token)
        return {**token, "NOTION_ROOT_PAGE_ID": workspace.root_id}

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG002 - part of the contract
        """None: Notion's clients read no files."""
        return {}

    def skill(self) -> str:
        """How an agent reaches the workspace."""
        return _skill()

    def freeze(self) -> Json:
        """The workspace and how many identifiers it has drawn."""
        with self._store.lock:
            state = {"ids": self._store.ids.count, "workspace": self._store.workspace.to_json()}
            # Records share what they hold with their successors, so a frozen state must share nothing.
            return json.loads(json.dumps(state))

    def restore(self, state: Json) -> None:
        """Become what was frozen."""
        own = json.loads(json.dumps(state))
        workspace = Workspace.from_json(own["workspace"])
        with self._store.lock:
            self._store.workspace = workspace
            self._store.ids.count = own["ids"]


@cache
def _skill() -> str:
    return files("clawmark_services.notion").joinpath("SKILL.md").read_text(encoding="utf-8")
