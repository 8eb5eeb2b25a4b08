"""`clawmark-mcp`: the world's tools for harnesses that speak the Model Context Protocol, over stdio.

A bridge to the tools desk that `CLAWMARK_TOOLS_URL` names: the same names, descriptions and parameters as
agents get that call tools directly. It runs inside the world, under the toolbox's Python, and uses nothing of
this package.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

_VARIABLE = "CLAWMARK_TOOLS_URL"


class Desk:
    """The tools desk, asked over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        # No proxy knows the world's names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def tools(self) -> list[types.Tool]:
        """All tools of the world."""
        listed = self._ask("/tools")[1]["tools"]
        return [
            types.Tool(name=t["name"], description=t["description"], input_schema=t["parameters"])
            for t in listed
        ]

    def call(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """What the tool told, and whether it refused."""
        ok, body = self._ask(f"/tools/{urllib.parse.quote(name, safe='')}", json.dumps(arguments).encode())
        return (body["text"], False) if ok else (body["error"], True)

    def _ask(self, path: str, content: bytes | None = None) -> tuple[bool, dict[str, Any]]:
        request = urllib.request.Request(self._url + path, data=content)  # noqa: S310 - http, from the world
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request) as response:
                return True, json.load(response)
        except urllib.error.HTTPError as refusal:
            text = refusal.read().decode(errors="replace")
            try:
                return False, json.loads(text)
            except ValueError:
                return False, {"error": f"the tools desk failed with {refusal.code}: {text.strip()}"}


def server(desk: Desk) -> Server[Any]:
    """An MCP server that offers the desk's tools."""

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=await anyio.to_thread.run_sync(desk.tools))

    async def call_tool(_: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        text, refused = await anyio.to_thread.run_sync(desk.call, asked.name, asked.arguments or {})
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=refused)

    return Server("clawmark", on_list_tools=list_tools, on_call_tool=call_tool)


async def serve(url: str) -> None:
    """Answer until stdin ends."""
    offered = server(Desk(url))
    async with stdio_server() as (incoming, outgoing):
        await offered.run(incoming, outgoing, offered.create_initialization_options())


def main() -> int:
    """2 where there is no world around it."""
    url = os.environ.get(_VARIABLE)
    if not url:
        sys.stderr.write(f"clawmark-mcp: {_VARIABLE} is not set: it runs inside worlds only\n")
        return 2
    anyio.run(serve, url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
