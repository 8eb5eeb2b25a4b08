"""The services' tools over HTTP, for programs inside the world: `http://tools:8010`.

`GET /tools` answers `{"tools": [{"name", "description", "parameters"}]}`. `POST /tools/NAME` with the
arguments as a JSON object answers `{"text": ...}`, what an agent is shown; a refusal is 422 (wrong arguments
or the tool's own no), 404 (no such tool) or 405, each `{"error": ...}` with a text for the agent.
Calls have the agent's rights, like every other request that comes out of the world.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from clawmark_services import Endpoint, Service, Tool, ToolError, Wsgi
from pytest_clawmark.agents.arguments import parse, validate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ENDPOINT = Endpoint(key="tools", hosts=("tools",), port=8010, scheme="http", variable="CLAWMARK_TOOLS_URL")

Answer = tuple[HTTPStatus, Mapping[str, Any]]


class ToolsDesk:
    """Offers the tools of all services of one world."""

    name = "tools"
    endpoints = (ENDPOINT,)

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = tuple(services)

    def door(self, key: str) -> Wsgi:
        """The HTTP interface, the only one there is."""
        if key != ENDPOINT.key:
            raise LookupError(f"the tools have no endpoint {key!r}, only {ENDPOINT.key!r}")
        return Wsgi(self._answer)

    @cached_property
    def _tools(self) -> Mapping[str, Tool]:
        return {tool.name: tool for service in self._services for tool in service.tools()}

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, body = self._route(environ)
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [content]

    def _route(self, environ: WSGIEnvironment) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/")
        folder, _, name = path.partition("/")
        if folder != "tools":
            return HTTPStatus.NOT_FOUND, {"error": "GET /tools lists the tools, POST /tools/NAME calls one"}
        if method != ("POST" if name else "GET"):
            return HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"{method} is not allowed at /{path}"}
        if not name:
            return HTTPStatus.OK, {"tools": [_described(tool) for tool in self._tools.values()]}
        tool = self._tools.get(name)
        if tool is None:
            return HTTPStatus.NOT_FOUND, {
                "error": f"there is no tool {name!r}, only {', '.join(self._tools)}"
            }
        return _called(tool, environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _described(tool: Tool) -> Mapping[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def _called(tool: Tool, content: bytes) -> Answer:
    try:
        arguments = parse(content.decode("utf-8", "replace"))
        validate(tool, arguments)
        answer = tool.call(**arguments)
    except ToolError as refusal:
        return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(refusal)}
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, indent=1)
    return HTTPStatus.OK, {"text": text}
