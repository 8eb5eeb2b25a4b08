"""The API on the wire: one Flask application for all worlds, which finds its records in the request."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from clawmark_services.context import Context
from clawmark_services.rest.errors import ApiError
from clawmark_services.rest.openapi import description
from clawmark_services.rest.store import Store, as_record

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_STORE = "clawmark.rest.store"

_JSON_TYPES = ("application/json", "application/merge-patch+json")

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def _store() -> Store:
    store: Store = request.environ[_STORE]
    return store


def _json(body: Any, status: int = 200, **headers: str) -> Response:
    content = json.dumps(body, ensure_ascii=False) + "\n"
    return Response(content, status=status, mimetype="application/json", headers=headers)


def _body() -> Any:
    if request.mimetype not in _JSON_TYPES:
        sent = request.mimetype or "no Content-Type"
        raise ApiError(415, "unsupported_media_type", f"Send application/json, not {sent}.")
    try:
        body = json.loads(request.get_data(), parse_constant=_no_constant)
        # Half of a surrogate pair is no text, a number beyond a double's range no JSON number.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as wrong:
        raise ApiError(400, "invalid_json", f"The body is not valid JSON: {wrong}") from None
    return as_record(body)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _index() -> Response:
    store = _store()
    resources = [
        {"name": name, "url": f"/{name}", "key": resource.key, "schema": resource.schema}
        for name, resource in store.api.resources.items()
    ]
    return _json({"name": store.api.name, "resources": resources})


def _openapi() -> Response:
    return _json(description(_store().api))


def _list(resource: str) -> Response:
    return _json(_store().page(resource, request.args.items(multi=True)))


def _create(resource: str) -> Response:
    store = _store()
    store.resource(resource)
    record = store.create(resource, _body())
    key = record[store.resource(resource).key]
    return _json(record, 201, Location=f"/{resource}/{key}") if str(key).isascii() else _json(record, 201)


def _get(resource: str, key: str) -> Response:
    return _json(_store().get(resource, key))


def _replace(resource: str, key: str) -> Response:
    _store().get(resource, key)
    return _json(_store().replace(resource, key, _body()))


def _update(resource: str, key: str) -> Response:
    _store().get(resource, key)
    return _json(_store().update(resource, key, _body()))


def _delete(resource: str, key: str) -> Response:
    _store().delete(resource, key)
    return Response(status=204)


_ROUTES = (
    ("/", "GET", _index),
    ("/openapi.json", "GET", _openapi),
    ("/<resource>", "GET", _list),
    ("/<resource>", "POST", _create),
    ("/<resource>/<path:key>", "GET", _get),
    ("/<resource>/<path:key>", "PUT", _replace),
    ("/<resource>/<path:key>", "PATCH", _update),
    ("/<resource>/<path:key>", "DELETE", _delete),
)

_DESCRIPTIONS = {"": "index", "openapi.json": "openapi"}

_VERBS = {
    ("GET", False): "list",
    ("HEAD", False): "list",
    ("POST", False): "create",
    ("GET", True): "get",
    ("HEAD", True): "get",
    ("PUT", True): "replace",
    ("PATCH", True): "update",
    ("DELETE", True): "delete",
}


@cache
def application() -> Flask:
    """The application that all worlds share; it holds no state."""
    app = Flask("clawmark_services.rest", static_folder=None, template_folder=None)
    for rule, method, view in _ROUTES:
        app.add_url_rule(rule, view.__name__, view, methods=[method], strict_slashes=False)
    app.register_error_handler(ApiError, lambda error: _json(error.body, error.status))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    refusal = ApiError(status, _CODES.get(status, "error"), error.description or error.name)
    response = _json(refusal.body, status)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


class App:
    """One world's door to the shared application: audits each request and answers one at a time."""

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = _read(environ)
        environ["wsgi.input"] = io.BytesIO(content)
        environ[_STORE] = self._store
        operation, asked = self._describe(environ, content)
        with self._store.lock, self._context.exchange(operation, asked) as exchange:

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                exchange.status = int(status.split(" ", 1)[0])
                return start_response(status, headers, *rest)

            return [b"".join(application()(environ, start))]

    def _describe(self, environ: WSGIEnvironment, content: bytes) -> tuple[str, dict[str, Any]]:
        """The operation's name, such as `employees.create`, and what the audit keeps of the request."""
        method, path = (
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        )
        resource, _, key = path.strip("/").partition("/")
        verb = _VERBS.get((method, bool(key)))
        if resource not in self._store.api.resources or verb is None:
            known = _DESCRIPTIONS.get(path.strip("/")) if method in ("GET", "HEAD") else None
            return known or "unknown", {"method": method, "path": path[:400]}
        asked: dict[str, Any] = {"id": key} if key else {}
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if query:
            asked["query"] = [[name[:400], value[:400]] for name, value in query[:40]]
        if content:
            asked["body"] = audited_body(content)
        return f"{resource}.{verb}", asked


def _read(environ: WSGIEnvironment) -> bytes:
    """The body, read before the store is locked: a slow client must not hold up the others."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return environ["wsgi.input"].read(int(length)) if length.isdigit() else b""


def audited_body(content: bytes) -> Any:
    """The body as JSON, or as text where it is none or long."""
    text = content.decode("utf-8", "replace")
    if len(text) > 4000:
        return f"{text[:4000]}... ({len(text)} characters)"
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
