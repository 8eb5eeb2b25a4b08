"""`ctx.notion`: pages and databases through Notion's own interface, version 2022-06-28."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clawmark_services import Service
from pytest_clawmark.formats.clawmark.adapters.desk import Desk
from pytest_clawmark.formats.clawmark.wire import Refused, Wire

Json = Any
Memory = dict[str, Any]

_TEXTS = {
    "paragraph": "",
    "heading_1": "# ",
    "heading_2": "## ",
    "heading_3": "### ",
    "bulleted_list_item": "",
    "numbered_list_item": "",
}


class NotionAdapter:
    """Works on the page that was made or copied last, as the published manager does: that is its memory.

    Refusals of Notion are `Refused`; working without a page is `RuntimeError`, reading without one finds nothing.
    """

    def __init__(self, desk: Desk, memory: Memory) -> None:
        self._desk, self._memory = desk, memory
        self._api = _Api(desk)

    async def create_page(self, title: str) -> dict[str, str]:
        """A new page; its `page_id` and `page_url`."""
        made = self._api.post(
            "pages",
            {
                "parent": {"page_id": self._api.root},
                "properties": {"title": {"title": [{"text": {"content": title}}]}},
            },
        )
        return self._settle(made["id"], made.get("url", ""))

    async def copy_page(self, template: str) -> dict[str, str]:
        """A copy of a page that lies directly in the workspace, by title; its `page_id` and `page_url`."""
        from pytest_clawmark.formats.clawmark.adapters.notion_copy import copy_page

        for child in list(self._api.children(self._api.root)):
            if child["type"] == "child_page" and child["child_page"]["title"] == template:
                return self._settle(copy_page(self._api, child["id"], template, self._api.root), "")
        raise RuntimeError(f"Template '{template}' not found under source hub.")

    async def create_database(self, title: str, properties_schema: Mapping[str, Json]) -> str:
        """A database in the current page; its id."""
        made = self._api.post(
            "databases",
            {
                "parent": {"type": "page_id", "page_id": self._page("create_database")},
                "title": [{"text": {"content": title}}],
                "properties": properties_schema,
            },
        )
        return str(made["id"])

    async def add_database_row(self, db_title: str, properties: Mapping[str, Json]) -> str:
        """A row in a database of the current page; its id."""
        database = self._database(self._page("add_database_row"), db_title)
        if database is None:
            raise RuntimeError(f"Database '{db_title}' not found in page")
        parent = {"type": "database_id", "database_id": database}
        return str(self._api.post("pages", {"parent": parent, "properties": properties})["id"])

    async def query_db(self, db_title: str) -> list[Json]:
        """All rows of a database of the current page as Notion gives them; none where it is not found."""
        page = self._memory.get("page")
        database = self._database(page, db_title) if page else None
        return list(self._api.query(database)) if database else []

    async def update_db_row(self, page_id: str, properties: Mapping[str, Json]) -> None:
        """Change properties of a row."""
        self._api.patch(f"pages/{page_id}", {"properties": properties})

    async def update_property(self, properties: Mapping[str, Json]) -> None:
        """Change properties of the current page."""
        self._api.patch(f"pages/{self._page('update_property')}", {"properties": properties})

    async def append_blocks(self, blocks: Sequence[Json]) -> None:
        """Add blocks at the end of the current page; what Notion refuses is left out in silence, as published."""
        page = self._page("append_blocks")
        try:
            self._api.patch(f"blocks/{page}/children", {"children": blocks})
        except Refused:
            return

    async def read_page(self) -> str:
        """The texts of the current page; headings are marked."""
        page = self._memory.get("page")
        texts = (_block_text(block) for block in self._api.children(page)) if page else ()
        return "\n\n".join(text for text in texts if text is not None)

    def _settle(self, page: str, url: str) -> dict[str, str]:
        self._memory["page"] = page
        return {"page_id": page, "page_url": url or f"https://www.notion.so/{page.replace('-', '')}"}

    def _page(self, wanted: str) -> str:
        page = self._memory.get("page")
        if not page:
            raise RuntimeError(f"No active page for {wanted}: call create_page() or copy_page() first")
        return str(page)

    def _database(self, page: str, title: str) -> str | None:
        """The first database in a page whose title contains these words, in whatever case."""
        for child in self._api.children(page):
            if (
                child["type"] == "child_database"
                and title.lower() in child["child_database"]["title"].lower()
            ):
                return str(child["id"])
        return None


class _Api:
    """Notion's interface with the integration's token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wire = Wire.of(desk.service, "api.notion.com")
        variables = _variables(desk.service)
        self.root = variables["NOTION_ROOT_PAGE_ID"]
        self._headers = {
            "Authorization": f"Bearer {variables['NOTION_TOKEN']}",
            "Notion-Version": "2022-06-28",
        }

    def post(self, endpoint: str, body: Json) -> Json:
        self._desk.write()
        return self._send("POST", endpoint, body)

    def patch(self, endpoint: str, body: Json) -> Json:
        self._desk.write()
        return self._send("PATCH", endpoint, body)

    def children(self, parent: str) -> Iterator[Json]:
        """The blocks directly in a page or block."""
        cursor = ""
        while True:
            more = f"&start_cursor={cursor}" if cursor else ""
            found = self._read("GET", f"blocks/{parent}/children?page_size=100{more}")
            yield from found.get("results", [])
            if not found.get("has_more"):
                return
            cursor = found["next_cursor"]

    def query(self, database: str) -> Iterator[Json]:
        """The rows of a database."""
        body: dict[str, str] = {}
        while True:
            found = self._read("POST", f"databases/{database}/query", body)
            yield from found.get("results", [])
            if not found.get("has_more"):
                return
            body = {"start_cursor": found["next_cursor"]}

    def read(self, endpoint: str) -> Json:
        """Anything that is there."""
        return self._read("GET", endpoint)

    def _read(self, method: str, endpoint: str, body: Json = None) -> Json:
        asked = f"{method} {endpoint} {json.dumps(body)}"
        return self._desk.read(asked, lambda: self._send(method, endpoint, body))

    def _send(self, method: str, endpoint: str, body: Json) -> Json:
        return self._wire.json(method, f"/v1/{_encoded(endpoint)}", headers=self._headers, body=body)


def _variables(service: Service) -> Mapping[str, str]:
    return service.environment({endpoint.key: "" for endpoint in service.endpoints})


def _encoded(endpoint: str) -> str:
    return re.sub(
        r"[^\w./?&=%-]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), endpoint
    )


def _block_text(block: Json) -> str | None:
    kind = block.get("type", "")
    if kind not in _TEXTS:
        return None
    runs = block.get(kind, {}).get("rich_text", [])
    text = "".join(run.get("plain_text", "") or run.get("text", {}).get("content", "") for run in runs)
    return f"{_TEXTS[kind]}{text}" if text.strip() else None


NotionApi = _Api
