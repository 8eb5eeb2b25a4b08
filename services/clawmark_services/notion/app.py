"""The wire: how requests are read, whom they come from, and how refusals become responses."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from clawmark_services.context import Context
from clawmark_services.notion import quota
from clawmark_services.notion.abridge import abridged
from clawmark_services.notion.errors import (
    MISSING,
    NotionError,
    invalid_json,
    mismatch,
    unauthorized,
    unknown_request,
)
from clawmark_services.notion.grammar import alternatives
from clawmark_services.notion.javascript import js_json
from clawmark_services.notion.operations.call import Call, Reply, SentFile
from clawmark_services.notion.routes import ROUTES, Route
from clawmark_services.notion.store import Store
from clawmark_services.notion.wire import VERSIONS
from clawmark_services.notion.workspace import Present

Json = Any

BODY_LIMIT = 500 * 1024
"""Bytes in one request that is JSON (request limits of the API reference)."""


@cache
def _url_map() -> Map:
    """The routes, compiled once per process."""
    rules = [Rule(route.path, methods=[route.method], endpoint=place) for place, route in enumerate(ROUTES)]
    return Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)


class NotionApp:
    """The WSGI application of one workspace."""

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """Answer one request, whatever it is; each is one line of the audit."""
        asked = _read(request)
        with self._store.lock, self._context.exchange(asked.name, asked.said()) as exchange:
            try:
                reply = self._answer(request, asked, exchange.at)
            except NotionError as refusal:
                reply = Reply(refusal.to_json(), status=refusal.status)
            except RecursionError:
                reply = Reply(invalid_json().to_json(), status=400)
            exchange.status = reply.status
            request_id = self._request_id(asked.name, exchange.at)
        response = _response(reply, request_id)
        response.headers["x-notion-request-id"] = request_id
        return response

    def _answer(self, request: Request, asked: _Asked, now: datetime) -> Reply:
        route = asked.route
        self._store.workspace.meet(Present(now, request.host_url.rstrip("/")))
        if route is None or not route.public:
            self._authorize(request)
        version = VERSIONS[-1] if route is not None and route.public else _version(request)
        if route is None or version not in route.versions:
            raise unknown_request()
        if asked.trouble is not None:
            raise asked.trouble
        if not isinstance(asked.body, dict):
            raise mismatch("body", "an object", asked.body)
        call = Call(
            store=self._store,
            version=version,
            now=now,
            path=asked.path,
            query=asked.query,
            body=asked.body,
            authorization=request.headers.get("Authorization", ""),
        )
        sent = 0 if route.reading or request.files else request.content_length or 0
        quota.check_sent(self._store.sent + sent if sent else 0)
        # What is refused leaves no trace, however far it came.
        with nullcontext() if route.method == "GET" else self._store.whole():
            answer = route.answer(call)
        self._store.sent += sent
        return answer if isinstance(answer, Reply) else Reply(answer)

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token.strip() != self._store.workspace.token:
            raise unauthorized()

    def _request_id(self, name: str, at: datetime) -> str:
        """Different for every request of a world, and the same when the world is played again."""
        seed = f"{self._store.workspace.token} {name} {at.isoformat()}".encode()
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a request says; `trouble` is why its body cannot be read."""

    name: str
    route: Route | None
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Json
    trouble: NotionError | None

    def said(self) -> Json:
        """The parameters, for the audit."""
        body = self.body
        if isinstance(body, dict) and any(isinstance(part, SentFile) for part in body.values()):
            body = {name: getattr(part, "said", part) for name, part in body.items()}
        return abridged({"path": dict(self.path), "query": dict(self.query), "body": body})


def _read(request: Request) -> _Asked:
    route, path = _match(request)
    body, trouble = _body(request)
    name = route.name if route else f"unknown: {request.method} {request.path[:200]}"
    return _Asked(name=name, route=route, path=path, query=_query(request), body=body, trouble=trouble)


def _match(request: Request) -> tuple[Route | None, Mapping[str, str]]:
    try:
        place, path = _url_map().bind("api.notion.com").match(request.path, request.method)
    except HTTPException:
        return None, {}
    return ROUTES[place], path


def _query(request: Request) -> dict[str, list[str]]:
    """The query string; a name may be repeated, with or without `[]`."""
    found: dict[str, list[str]] = {}
    for name, given in request.args.lists():
        found.setdefault(name.removesuffix("[]"), []).extend(given)
    return found


def _body(request: Request) -> tuple[Json, NotionError | None]:
    """The body and what is wrong with it; one that is not there is an empty object."""
    if request.mimetype == "multipart/form-data":
        return _form(request)
    request.max_content_length = BODY_LIMIT
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        return None, mismatch("body.length", f"≤ `{BODY_LIMIT}`", request.content_length)
    if not raw.strip():
        return {}, None
    try:
        return _parsed(raw), None
    except (ValueError, RecursionError):
        return None, invalid_json()


def _form(request: Request) -> tuple[Json, NotionError | None]:
    """The fields of a form, the file among them."""
    try:
        sent = {name: _sent(file) for name, file in request.files.items()}
        return {**request.form.to_dict(), **sent}, None
    except HTTPException:
        return None, mismatch("body", "a valid form", MISSING)
    finally:
        request.close()


def _sent(file: FileStorage) -> SentFile:
    return SentFile(filename=file.filename or "", content_type=file.mimetype, content=file.read())


def _parsed(raw: bytes) -> Json:
    body = json.loads(raw, parse_constant=_no_constant)
    if b"\\ud" in raw.lower():
        # Halves of surrogate pairs can be written in JSON but not stored as text.
        whole = json.dumps(body, ensure_ascii=False).encode("utf-16", "surrogatepass")
        body = json.loads(whole.decode("utf-16", "replace"))
    return body


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _version(request: Request) -> str:
    version = request.headers.get("Notion-Version")
    if version is None:
        raise NotionError(
            400,
            "missing_version",
            "Notion-Version header failed validation: Notion-Version header should be defined, instead was "
            "`undefined`.",
        )
    if version not in VERSIONS:
        allowed = alternatives(VERSIONS)
        raise NotionError(
            400,
            "validation_error",
            f"Notion-Version header failed validation: Notion-Version header should be {allowed}, instead was "
            f'`"{version}"`.',
        )
    return version


def _response(reply: Reply, request_id: str) -> Response:
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, content_type=reply.content_type)
    body = reply.body | {"request_id": request_id} if reply.with_request_id else reply.body
    return Response(js_json(body), reply.status, content_type="application/json; charset=utf-8")
