"""The vendor's own MCP server, unmodified, in front of a served workspace: every tool, granted and refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clawmark_services.authority import Authority
from clawmark_services.notion.service import ENDPOINT
from clawmark_services.serving import ServiceHost

pytestmark = [pytest.mark.clients, pytest.mark.slow]

NOWHERE = "00000000-0000-0000-0000-000000000000"


class McpServer:
    """The server's process, spoken to in lines of JSON-RPC."""

    def __init__(self, script: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["node", str(script)],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._count = 0
        client = {"name": "test", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self._say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _say(self, message: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        self._count += 1
        self._say({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]
        raise AssertionError("the server has ended")

    def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers, as JSON."""
        (content,) = self.ask("tools/call", name=f"API-{tool}", arguments=arguments)["content"]
        return json.loads(content["text"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def start(office: Any, mcp_server: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts a server in front of the office; what is given comes into its environment."""
    authority, host = Authority(), ServiceHost()
    listener = socket.create_server(("127.0.0.1", 0))
    serving = host.serve(listener, office.service.door("notion"), authority.server_context(ENDPOINT.hosts))
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(authority.pem)
    here = {
        "BASE_URL": f"https://localhost:{listener.getsockname()[1]}",
        "NODE_EXTRA_CA_CERTS": str(bundle),
    }
    servers: list[McpServer] = []

    def started(**environment: str) -> McpServer:
        servers.append(McpServer(mcp_server, here | environment))
        return servers[-1]

    yield started
    for server in servers:
        server.close()
    serving.close()
    host.close()


@pytest.fixture
def mcp(office: Any, start: Any) -> McpServer:
    return start(NOTION_TOKEN=office.token)


def test_a_comment_needs_the_version_that_the_server_forgets(office: Any, start: Any, spell: Any) -> None:
    """Its issue 328: of all requests, this one goes without a version, and Notion refuses that.

    Whoever configures the headers, as its README shows, can comment.
    """
    arguments = {"parent": {"page_id": office.root}, "rich_text": spell.words("seen")}
    refusal = start(NOTION_TOKEN=office.token).call("create-a-comment", **arguments)
    assert refusal["code"] == "missing_version"
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": "2025-09-03"}
    server = start(OPENAPI_MCP_HEADERS=json.dumps(headers))
    comment = server.call("create-a-comment", **arguments)
    assert server.call("retrieve-a-comment", block_id=office.root)["results"][0]["id"] == comment["id"]


def test_every_tool_works_and_every_tool_tells_what_is_wrong(office: Any, mcp: McpServer, spell: Any) -> None:
    tools = {tool["name"].removeprefix("API-") for tool in mcp.ask("tools/list")["tools"]}
    granted: set[str] = set()

    def ok(tool: str, **arguments: Any) -> Any:
        granted.add(tool)
        answer = mcp.call(tool, **arguments)
        assert answer.get("object") != "error", (tool, answer)
        return answer

    page = ok("post-page", parent={"page_id": office.root}, properties=spell.title("Plans"))
    block = ok("patch-block-children", block_id=page["id"], children=[spell.paragraph("first")])["results"][0]
    database = office.ok(
        "POST",
        "databases",
        {"parent": {"page_id": page["id"]}, "title": spell.words("Log")},
        version="2025-09-03",
    )
    source = ok(
        "create-a-data-source",
        parent={"type": "database_id", "database_id": database["id"]},
        properties={"Name": {"title": {}}, "N": {"number": {}}},
        title=spell.words("Second"),
    )
    other = ok("post-page", parent={"page_id": office.root}, properties=spell.title("Elsewhere"))
    ok("get-self")
    user = ok("get-users")["results"][0]
    assert ok("get-user", user_id=user["id"])["id"] == user["id"]
    assert ok("post-search", query="Plans")["results"]
    assert ok("get-block-children", block_id=page["id"])["results"]
    assert ok("retrieve-a-block", block_id=block["id"])["type"] == "paragraph"
    ok(
        "update-a-block",
        block_id=block["id"],
        type={"paragraph": {}},
        paragraph={"rich_text": spell.words("x")},
    )
    assert ok("retrieve-a-page", page_id=page["id"])["id"] == page["id"]
    ok("patch-page", page_id=page["id"], icon={"emoji": "🛠"})
    ok("retrieve-a-page-property", page_id=page["id"], property_id="title")
    assert ok("retrieve-a-comment", block_id=page["id"])["results"] == []
    assert ok("query-data-source", data_source_id=source["id"])["results"] == []
    assert ok("retrieve-a-data-source", data_source_id=source["id"])["id"] == source["id"]
    ok("update-a-data-source", data_source_id=source["id"], title=spell.words("Renamed"))
    assert ok("list-data-source-templates", data_source_id=source["id"])["templates"] == []
    assert ok("retrieve-a-database", database_id=database["id"])["id"] == database["id"]
    ok(
        "update-page-markdown",
        page_id=page["id"],
        type="insert_content",
        insert_content={"content": "## More"},
    )
    assert "## More" in ok("retrieve-page-markdown", page_id=page["id"])["markdown"]
    assert (
        ok("move-page", page_id=page["id"], parent={"page_id": other["id"]})["parent"]["page_id"]
        == other["id"]
    )
    assert ok("delete-a-block", block_id=block["id"])["in_trash"] is True
    assert granted | {"create-a-comment"} == tools, "a tool of the server has not been tried"

    ids = dict.fromkeys(("user_id", "block_id", "page_id", "data_source_id", "database_id"), NOWHERE)
    bodies = {
        "post-search": {"filter": {"property": "object", "value": "nothing"}},
        "get-users": {"page_size": 1000},
        "post-page": {"parent": {"page_id": NOWHERE}, "properties": {}},
        "create-a-comment": {"parent": {"page_id": NOWHERE}, "rich_text": spell.words("x")},
        "create-a-data-source": {"parent": {"database_id": NOWHERE}, "properties": {}},
        "move-page": {"parent": {"page_id": NOWHERE}},
        "patch-block-children": {"children": []},
        "update-page-markdown": {"type": "replace_content", "replace_content": {"new_str": "x"}},
        "retrieve-a-page-property": {"property_id": "title"},
    }
    schemas = {
        tool["name"].removeprefix("API-"): tool["inputSchema"] for tool in mcp.ask("tools/list")["tools"]
    }
    for tool in sorted(tools - {"get-self"}):
        named = {name: ids[name] for name in ids if name in schemas[tool].get("properties", {})}
        answer = mcp.call(tool, **named, **bodies.get(tool, {}))
        assert answer["object"] == "error", (tool, answer)
        assert answer["status"] in (400, 404), (tool, answer)


def test_the_server_passes_on_that_its_token_is_not_valid(office: Any, mcp: McpServer) -> None:
    office.service.restore({**office.service.freeze(), **_with_other_token(office)})
    assert mcp.call("get-self")["code"] == "unauthorized"


def _with_other_token(office: Any) -> dict[str, Any]:
    state = office.service.freeze()
    state["workspace"]["token"] = "ntn_other"
    return {"workspace": state["workspace"]}
