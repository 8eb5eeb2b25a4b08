"""`clawmark-mcp` inside a world, asked by the SDK's own client."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.test import Client

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.rest import RestApi
from pytest_clawmark.world.tools_desk import ToolsDesk

API = RestApi("desk", resources={"tickets": {"properties": {"title": {"type": "string"}}}})

EVERY = """
import asyncio, json, os, re, urllib.request
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

CALLS = [
    ("email_send", {"to": os.environ["EMAIL_ADDRESS"], "subject": "Hello", "body": "b"}),
    ("email_list", {}),
    ("email_read", {"uid": 1}),
    ("email_search", {"query": "hello"}),
    ("calendar_create_event", {"summary": "Talk", "start": "2024-03-20T14:00:00", "end": "2024-03-20T15:00:00",
                               "attendees": [os.environ["EMAIL_ADDRESS"]]}),
    ("calendar_list", {}),
    ("calendar_events", {}),
    ("calendar_update_event", {"uid": "<uid>", "summary": "Long talk"}),
    ("calendar_answer_event", {"uid": "<uid>", "answer": "accepted"}),
    ("calendar_delete_event", {"uid": "<uid>"}),
    ("notion_create_page", {"title": "Plans"}),
    ("notion_search", {"query": "Plans"}),
    ("notion_get_page", {"page": "Plans"}),
    ("notion_update_page", {"page": "Plans", "properties": {"title": "Plan"}}),
    ("notion_append_text", {"page": "Plan", "text": "more"}),
    ("notion_add_comment", {"page": "Plan", "text": "fine"}),
    ("notion_query_database", {"database": "Log"}),
    ("sheets_create", {"title": "Costs"}),
    ("sheets_list", {}),
    ("sheets_write", {"spreadsheet": "Costs", "range": "A1", "values": [["a", 1]]}),
    ("sheets_append", {"spreadsheet": "Costs", "range": "A1", "rows": [["b", 2]]}),
    ("sheets_read", {"spreadsheet": "Costs", "range": "A1:B2"}),
    ("desk_create", {"resource": "tickets", "values": {"id": "t1", "title": "x"}}),
    ("desk_list", {"resource": "tickets"}),
    ("desk_get", {"resource": "tickets", "id": "t1"}),
    ("desk_update", {"resource": "tickets", "id": "t1", "values": {"title": "y"}}),
    ("desk_delete", {"resource": "tickets", "id": "t1"}),
]

def create_database():
    body = {"parent": {"page_id": os.environ["NOTION_ROOT_PAGE_ID"]}, "title": [{"text": {"content": "Log"}}],
            "properties": {"Name": {"title": {}}}}
    headers = {"Authorization": "Bearer " + os.environ["NOTION_TOKEN"], "Notion-Version": "2022-06-28",
               "Content-Type": "application/json"}
    address = os.environ["CLAWMARK_NOTION_URL"] + "/v1/databases"
    urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers)).close()

async def main():
    create_database()
    server = StdioServerParameters(command="clawmark-mcp", env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        refused = [name for name in tools if not (await session.call_tool(name, {"nonsense": 1})).is_error]
        failed, uid = {}, ""
        for name, arguments in CALLS:
            wanted = {key: uid if value == "<uid>" else value for key, value in arguments.items()}
            answer = await session.call_tool(name, wanted)
            text = answer.content[0].text
            if answer.is_error:
                failed[name] = text
            if name == "calendar_create_event":
                uid = (re.search(r'"uid": *"([^"]+)"', text) or re.search(r"uid[: ]+(\\S+)", text))[1]
        print(json.dumps({"tools": tools, "called": [name for name, _ in CALLS], "failed": failed,
                          "not_refused": refused}))

asyncio.run(main())
"""

CLIENT = """
import asyncio, json, os
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

CALLS = [
    ("email_send", {"to": ["hr@company.example"], "subject": "s", "body": "b"}),
    ("sheets_list", {}), ("calendar_list", {}), ("email_send", {"to": 5}), ("no_such_tool", {}),
]

async def main():
    server = StdioServerParameters(command="clawmark-mcp", env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        listed = (await session.list_tools()).tools
        tools = [{"name": t.name, "parameters": t.input_schema} for t in listed]
        answers = [await session.call_tool(name, arguments) for name, arguments in CALLS]
        print(json.dumps({"tools": tools, "errors": [a.is_error for a in answers],
                          "texts": [a.content[0].text for a in answers]}))

asyncio.run(main())
"""


def desk() -> tuple[Client, Any]:
    service = API.open(
        Context(
            service="desk",
            clock=ServiceClock(datetime(2024, 3, 19, 9, tzinfo=UTC)),
            ids=Ids(1, "desk"),
            accounts=AccountBook(Account("mia", "mia@company.example")),
            audit=lambda _: None,
        )
    )
    return Client(ToolsDesk([service]).door("tools").app), service


def test_a_harness_inside_a_world_gets_the_tools_of_its_services() -> None:
    command = [sys.executable, "-m", "pytest_clawmark.cli", "world", "--", "python3", "-"]
    done = subprocess.run(command, input=CLIENT.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    names = {tool["name"].partition("_")[0] for tool in told["tools"]}
    assert names == {"email", "calendar", "notion", "sheets"}
    assert all(tool["parameters"]["type"] == "object" for tool in told["tools"])
    assert told["errors"] == [False, False, False, True, True]
    assert "wrong arguments for email_send" in told["texts"][3]
    assert "there is no tool 'no_such_tool'" in told["texts"][4]


def test_every_tool_can_be_called_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    api = tmp_path / "desk.json"
    api.write_text(json.dumps({"name": "desk", "resources": API.to_json()["resources"]}))
    command = [sys.executable, "-m", "pytest_clawmark.cli", "world", "--rest", str(api), "--", "python3", "-"]
    done = subprocess.run(command, input=EVERY.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["failed"] == {}
    assert told["not_refused"] == []
    assert set(told["tools"]) == set(told["called"])


def test_tools_over_http_are_the_services_own() -> None:
    http, service = desk()
    listed = http.get("/tools").json["tools"]
    assert [(t["name"], t["parameters"]) for t in listed] == [(t.name, t.parameters) for t in service.tools()]
    made = http.post("/tools/desk_create", json={"resource": "tickets", "values": {"title": "x"}})
    assert json.loads(made.json["text"])["title"] == "x"
    assert service.freeze()["resources"]["tickets"]["records"][0]["title"] == "x"


def test_refusals_over_http_are_texts_for_the_agent() -> None:
    http, _ = desk()
    for method, path, body, status, text in (
        ("POST", "/tools/desk_create", {"resource": "tickets"}, 422, "'values' is a required property"),
        ("POST", "/tools/desk_get", {"resource": "tickets", "id": "x"}, 422, "has no record 'x'"),
        ("POST", "/tools/other", {}, 404, "there is no tool 'other'"),
        ("GET", "/tools/desk_get", None, 405, "GET is not allowed"),
        ("GET", "/else", None, 404, "GET /tools lists"),
    ):
        answer = http.open(path, method=method, json=body)
        assert (answer.status_code, text in answer.json["error"]) == (status, True), answer.text
    assert http.post("/tools/desk_get", data=b"{no json").status_code == 422
