"""The WSGI application that answers for all of Google's names; the path alone tells the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from clawmark_services.context import Context, Exchange
from clawmark_services.sheets import masks, multipart, routes_drive, routes_oauth, routes_sheets, uploads
from clawmark_services.sheets.calls import Call, Raw, Route, parse_body, shortened
from clawmark_services.sheets.errors import (
    GoogleError,
    OAuthError,
    bad_field,
    bad_parameter,
    invalid,
    too_large,
    unauthenticated,
)
from clawmark_services.sheets.messages import method, read, table, unknown_paths
from clawmark_services.sheets.oauth import Credentials
from clawmark_services.sheets.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROUTES = (*routes_sheets.ROUTES, *routes_drive.ROUTES, *routes_oauth.ROUTES)

_PRETTY = 20_000
_SLASHED = re.compile(r"^(/v4/spreadsheets/[^/]+)/:")
MAX_BODY = 64 * 1024 * 1024
MAX_PAYLOAD = 10 * 1024 * 1024
"""Bytes of a request to the Sheets API, as Google has it; uploads to Drive may be longer."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request after Google's override of the method was looked at."""

    method: str
    path: str
    query: MultiDict[str, str]
    content: bytes
    form: MultiDict[str, str]
    authorization: str
    content_type: str

    @classmethod
    def of(cls, request: Request) -> Incoming:
        method, query = request.method, MultiDict(request.args)
        content = b"" if _is_form(request) else request.get_data()
        form = MultiDict(request.form) if _is_form(request) else MultiDict[str, str]()
        override = request.headers.get("X-HTTP-Method-Override", "").upper()
        if method == "POST" and override:
            # A GET with a long query comes as a form.
            method = override
            for name, values in form.lists():
                query.setlist(name, values)
        authorization = request.headers.get("Authorization", "")
        # Google takes `.../ID/:batchUpdate` for `.../ID:batchUpdate`, and a client relies on it.
        path = _SLASHED.sub(r"\1:", request.path)
        return cls(method, path, query, content, form, authorization, request.headers.get("Content-Type", ""))


def _is_form(request: Request) -> bool:
    return request.mimetype == "application/x-www-form-urlencoded"


class App:
    """Answers requests from one world's store, one at a time."""

    def __init__(self, context: Context, store: Store, credentials: Callable[[], Credentials]) -> None:
        self._context = context
        self._store = store
        self._credentials = credentials

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY
        return self._either(request)(environ, start_response)

    def _either(self, request: Request) -> Response:
        """One call, or many at once."""
        if not request.path.startswith("/batch") or request.method != "POST":
            return self._answer(Incoming.of(request))
        try:
            calls = multipart.parts(request)
        except multipart.MalformedBatch as malformed:
            return _json(GoogleError(400, f"Failed to parse batch request: {malformed}").as_sheets(), 400)
        return multipart.answer(calls, lambda call: self._answer(Incoming.of(call)))

    def _answer(self, incoming: Incoming) -> Response:
        route, path = _find(incoming)
        if route is None:
            wanted = {"method": incoming.method, "path": incoming.path}
            with self._store.lock, self._context.exchange("unknown", shortened(wanted)) as exchange:
                exchange.status = 404
                return _not_found(incoming.path)
        audited = _audited(route, path, incoming)
        with self._store.lock, self._context.exchange(route.operation, audited) as exchange:
            response = self._respond(route, path, incoming, exchange)
            exchange.status = response.status_code
            return response

    def _respond(
        self, route: Route, path: dict[str, str], incoming: Incoming, exchange: Exchange
    ) -> Response:
        try:
            self._check_token(route, incoming)
            body = _checked_body(route, incoming)
            call = Call(
                store=self._store,
                credentials=self._credentials(),
                path=path,
                query=incoming.query,
                body=body,
                at=exchange.at,
            )
            return _respond(route.handler(call), incoming.query, route)
        except GoogleError as error:
            body = error.as_drive() if route.api == "drive" else error.as_sheets()
            response = _json(body, error.code)
            if error.code == 401:
                response.headers["WWW-Authenticate"] = (
                    'Bearer realm="https://accounts.google.com/", error="invalid_token"'
                )
            return response
        except OAuthError as error:
            return _json(error.body, error.code)

    def _check_token(self, route: Route, incoming: Incoming) -> None:
        if route.api == "oauth":
            return
        kind, _, token = incoming.authorization.partition(" ")
        given = token.strip() if kind.lower() == "bearer" else incoming.query.get("access_token", "")
        if not self._credentials().admits(given):
            raise unauthenticated()


def _find(incoming: Incoming) -> tuple[Route | None, dict[str, str]]:
    for route in ROUTES:
        if route.method == incoming.method:
            path = route.match(incoming.path)
            if path is not None:
                return route, path
    return None, {}


def _audited(route: Route, path: dict[str, str], incoming: Incoming) -> dict[str, Any]:
    """The vendor's parameters, without any secret."""
    if route.api == "oauth":
        return {name: incoming.form[name] for name in ("grant_type", "scope") if name in incoming.form}
    query = {
        name: values if len(values) > 1 else values[0]
        for name, values in incoming.query.lists()
        if name not in ("access_token", "oauth_token", "key")
    }
    found: dict[str, Any] = {**path, **query}
    if incoming.content and incoming.method != "GET":
        try:
            found["body"] = json.loads(incoming.content)
        except (ValueError, RecursionError):
            found["body"] = incoming.content.decode("utf-8", "replace")
    cut = shortened(found)
    return cut if isinstance(cut, dict) else {}


def _checked_body(route: Route, incoming: Incoming) -> Any:
    if route.api == "oauth":
        return _form(incoming)
    if route.template.startswith("/upload/"):
        return uploads.read(incoming.content, incoming.content_type, incoming.query.get("uploadType", ""))
    if route.api == "sheets" and len(incoming.content) > MAX_PAYLOAD:
        raise too_large(MAX_PAYLOAD)
    body = parse_body(incoming.content) if incoming.method != "GET" else None
    if route.api == "sheets" and route.known is not None:
        known = method(route.known, "sheets")
        _check_parameters(known["query"], incoming.query)
        return read(body, known["request"], route.bound) if "request" in known else None
    return body


def _form(incoming: Incoming) -> dict[str, str]:
    if incoming.form:
        return incoming.form.to_dict()
    try:
        body = json.loads(incoming.content or b"{}")
    except ValueError:
        raise OAuthError("invalid_request", "Could not parse the request.") from None
    return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}


def _check_parameters(known: Mapping[str, str], query: MultiDict[str, str]) -> None:
    for name in query:
        if name not in known and name not in table("sheets")["parameters"]:
            raise bad_field(
                "",
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                f"Field '{name}' could not be found in request message.",
            )


def _respond(answer: Any, query: MultiDict[str, str], route: Route) -> Response:
    if answer is None:
        return Response(status=204)
    if isinstance(answer, Raw):
        return Response(answer.content, content_type=answer.content_type)
    text = query.get("fields")
    if text:
        try:
            mask = masks.parse(text)
        except masks.MaskSyntaxError:
            raise _bad_fields(route, text) from None
        if route.known is not None:
            message = method(route.known, "drive" if route.api == "drive" else "sheets")["response"]
            for path in unknown_paths(mask, message, "drive" if route.api == "drive" else "sheets"):
                raise _bad_fields(route, path)
        answer = masks.select(mask, answer)
    return _json(answer)


def _bad_fields(route: Route, text: str) -> GoogleError:
    if route.api == "drive":
        return bad_parameter("fields", f"Invalid field selection {text}")
    message = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{text}'."
    return bad_field(text, message) if route.api == "sheets" else invalid(message)


def _json(body: Any, status: int = 200) -> Response:
    content = json.dumps(body, ensure_ascii=False)
    if len(content) < _PRETTY:
        # As Google writes it; for long answers the library's slow encoder would take seconds.
        content = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    return Response(content, status=status, content_type="application/json; charset=UTF-8")


def _not_found(path: str) -> Response:
    from html import escape

    content = (
        "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
        f"<p>The requested URL <code>{escape(path)}</code> was not found on this server.\n"
    )
    return Response(content, status=404, content_type="text/html; charset=UTF-8")
