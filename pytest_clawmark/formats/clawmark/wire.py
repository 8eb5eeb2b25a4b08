"""Requests to a service's own WSGI application, without a network between."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from clawmark_services import Service, Wsgi

Json = Any


class Refused(RuntimeError):
    """A service refused a request; `status` is that of HTTP."""

    def __init__(self, status: int, asked: str, said: str) -> None:
        super().__init__(f"{asked} was refused with {status}: {said[:500]}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Wire:
    """A client of one host of a service."""

    app: WSGIApplication
    host: str

    @classmethod
    def of(cls, service: Service, host: str) -> Wire:
        """The client of a service with a single door, which speaks HTTP."""
        (endpoint,) = service.endpoints
        door = service.door(endpoint.key)
        if not isinstance(door, Wsgi):
            raise TypeError(f"the service {service.name!r} does not speak HTTP")
        return cls(door.app, host)

    def json(self, method: str, target: str, *, headers: Mapping[str, str], body: Json = None) -> Json:
        """The answer to a request with a JSON body, None when it is empty; raises `Refused` from status 400 on."""
        content = b"" if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if content else {}
        return self.send(method, target, {**headers, **kind}, content)

    def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Json:
        """The same with a body of any kind; `target` is percent-encoded."""
        answered: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None) -> Any:
            answered.append(status)
            return lambda _: None

        chunks = self.app(_environ(self.host, method, target, headers, content), start)
        said = b"".join(chunks)
        status = int(answered[-1][:3])
        if status >= 400:
            raise Refused(status, f"{method} {target}", said.decode("utf-8", "replace"))
        return json.loads(said) if said else None


def _environ(
    host: str, method: str, target: str, headers: Mapping[str, str], content: bytes
) -> dict[str, Any]:
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
