"""The wire: which request is which operation, and how refusals become responses."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from clawmark_services.context import Context
from clawmark_services.notion.abridge import abridged
from clawmark_services.notion.errors import (
    NotionError,
    invalid_json,
    mismatch,
    unauthorized,
    unknown_request,
)
from clawmark_services.notion.operations import content, databases, pages, people, search
from clawmark_services.notion.operations.call import Call, Operation
from clawmark_services.notion.store import Store
from clawmark_services.notion.wire import NEW_VERSION, OLD_VERSION, VERSIONS

Json = Any

BODY_LIMIT = 500 * 1024
"""Bytes in one request (request limits of the API reference)."""


@dataclass(frozen=True, slots=True)
class Route:
    """A request that exists: its method and path, its name in the audit, and what answers it."""

    method: str
    path: str
    name: str
    answer: Operation
    versions: tuple[str, ...] = VERSIONS


ROUTES = (
    Route("POST", "/v1/pages", "pages.create", pages.create),
    Route("GET", "/v1/pages/<page_id>", "pages.retrieve", pages.retrieve),
    Route("PATCH", "/v1/pages/<page_id>", "pages.update", pages.update),
    Route(
        "GET",
        "/v1/pages/<page_id>/properties/<property_id>",
        "pages.properties.retrieve",
        pages.retrieve_property,
    ),
    Route("POST", "/v1/databases", "databases.create", databases.create),
    Route("GET", "/v1/databases/<database_id>", "databases.retrieve", databases.retrieve),
    Route("PATCH", "/v1/databases/<database_id>", "databases.update", databases.update),
    Route("POST", "/v1/databases/<database_id>/query", "databases.query", databases.query, (OLD_VERSION,)),
    Route("POST", "/v1/data_sources", "data_sources.create", databases.create_source, (NEW_VERSION,)),
    Route(
        "GET",
        "/v1/data_sources/<data_source_id>",
        "data_sources.retrieve",
        databases.retrieve_source,
        (NEW_VERSION,),
    ),
    Route(
        "PATCH",
        "/v1/data_sources/<data_source_id>",
        "data_sources.update",
        databases.update_source,
        (NEW_VERSION,),
    ),
    Route(
        "POST",
        "/v1/data_sources/<data_source_id>/query",
        "data_sources.query",
        databases.query_source,
        (NEW_VERSION,),
    ),
    Route("GET", "/v1/blocks/<block_id>", "blocks.retrieve", content.retrieve),
    Route("PATCH", "/v1/blocks/<block_id>", "blocks.update", content.update),
    Route("DELETE", "/v1/blocks/<block_id>", "blocks.delete", content.delete),
    Route("GET", "/v1/blocks/<block_id>/children", "blocks.children.list", content.list_children),
    Route("PATCH", "/v1/blocks/<block_id>/children", "blocks.children.append", content.append),
    Route("POST", "/v1/search", "search", search.search),
    Route("GET", "/v1/users", "users.list", people.list_users),
    Route("GET", "/v1/users/me", "users.me", people.me),
    Route("GET", "/v1/users/<user_id>", "users.retrieve", people.retrieve_user),
    Route("POST", "/v1/comments", "comments.create", people.create_comment),
    Route("GET", "/v1/comments", "comments.list", people.list_comments),
)
"""Every request that this service knows; any other is answered as Notion answers an unknown one."""


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
                answer = self._answer(request, asked, exchange.at)
            except NotionError as refusal:
                exchange.status = refusal.status
                answer = refusal.to_json()
            except RecursionError:
                exchange.status = 400
                answer = invalid_json().to_json()
            status = int(exchange.status)
            request_id = self._request_id(asked.name, exchange.at)
        text = json.dumps(answer | {"request_id": request_id}, ensure_ascii=False, separators=(",", ":"))
        response = Response(text, status, content_type="application/json; charset=utf-8")
        response.headers["x-notion-request-id"] = request_id
        return response

    def _answer(self, request: Request, asked: _Asked, now: datetime) -> Json:
        self._authorize(request)
        version = _version(request)
        if asked.route is None or version not in asked.route.versions:
            raise unknown_request()
        if asked.trouble is not None:
            raise asked.trouble
        if not isinstance(asked.body, dict):
            raise mismatch("body", "an object", asked.body)
        call = Call(
            store=self._store, version=version, now=now, path=asked.path, query=asked.query, body=asked.body
        )
        return asked.route.answer(call)

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
        return abridged({"path": dict(self.path), "query": dict(self.query), "body": self.body})


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
    """The JSON of a request, or why there is none. No body counts as an empty object."""
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
        allowed = " or ".join(f'`"{known}"`' for known in VERSIONS)
        raise NotionError(
            400,
            "validation_error",
            f"Notion-Version header failed validation: Notion-Version header should be {allowed}, instead was "
            f'`"{version}"`.',
        )
    return version
