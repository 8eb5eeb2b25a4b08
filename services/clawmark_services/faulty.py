"""A service that meets faults on purpose: its HTTP endpoints and its tools. Mail meets them where it is spoken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from clawmark_services.context import Context
from clawmark_services.contract import Door, Service, Tool, ToolError, Wsgi
from clawmark_services.faults import UNPROCESSED, Fault, TellsFaults, noting
from clawmark_services.http import DELAY, CutError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_NO_ANSWER = "the connection was closed before an answer came"


class FaultyService:
    """All that the service is; what an agent asks of it meets the faults of its context first."""

    def __init__(self, service: Service, context: Context) -> None:
        self._service, self._context = service, context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def door(self, key: str) -> Door:
        """See `Service.door`."""
        door = self._service.door(key)
        return Wsgi(_FaultyApp(door.app, self._service, self._context)) if isinstance(door, Wsgi) else door

    def tools(self) -> Sequence[Tool]:
        """See `Service.tools`."""
        return [self._faulty(tool) for tool in self._service.tools()]

    def _faulty(self, tool: Tool) -> Tool:
        context = self._context

        def call(**arguments: Any) -> Any:
            fault = context.meet()
            if fault is None:
                return tool.call(**arguments)
            if fault.kind in UNPROCESSED:
                status = int(fault.kind) if fault.kind.isdecimal() else fault.kind
                context.tell_unprocessed(f"tool.{tool.name}", arguments, status, fault)
                raise ToolError(self._told(fault))
            with noting(fault):
                answer = tool.call(**arguments)
            if fault.kind == "lost":
                raise ToolError(_NO_ANSWER)
            time.sleep(fault.seconds)
            return answer

        return replace(tool, call=call)

    def _told(self, fault: Fault) -> str:
        if fault.kind == "dropped":
            return _NO_ANSWER
        status = HTTPStatus(int(fault.kind))
        told = f"HTTP {status.value} {status.phrase}: {_text(self._service, status, '')}"
        return f"{told} (Retry-After: {fault.seconds:g})" if status == HTTPStatus.TOO_MANY_REQUESTS else told


class _FaultyApp:
    """A service's WSGI application behind its faults."""

    def __init__(self, app: WSGIApplication, service: Service, context: Context) -> None:
        self._app, self._service, self._context = app, service, context

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        fault = self._context.meet()
        if fault is None:
            return self._app(environ, start_response)
        if fault.kind in UNPROCESSED:
            return self._unprocessed(fault, environ, start_response)
        with noting(fault):
            answer = b"".join(self._app(environ, start_response))
        if fault.kind == "lost":
            raise CutError
        environ[DELAY] = fault.seconds
        return [answer]

    def _unprocessed(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        status = int(fault.kind) if fault.kind.isdecimal() else fault.kind
        operation = f"http.{environ['REQUEST_METHOD'].lower()}"
        request = {"path": path, "query": environ["QUERY_STRING"]}
        self._context.tell_unprocessed(operation, request, status, fault)
        if not isinstance(status, int):
            raise CutError
        kind = "application/json" if isinstance(self._service, TellsFaults) else "text/plain; charset=utf-8"
        headers = [("Content-Type", kind)]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers.append(("Retry-After", f"{fault.seconds:.0f}"))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [_text(self._service, status, path).encode() + b"\n"]


def _text(service: Service, status: int, path: str) -> str:
    body: Mapping[str, Any] | None = (
        service.refusal(status, path) if isinstance(service, TellsFaults) else None
    )
    return HTTPStatus(status).phrase if body is None else json.dumps(body)


def with_faults(service: Service, context: Context) -> Service:
    """The service itself where its context has no faults."""
    return service if context.faults is None else cast("Service", FaultyService(service, context))
