"""The API described by itself: OpenAPI 3.1, at `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from clawmark_services.rest.declaration import COMPARISONS, Resource, RestApi
from clawmark_services.rest.query import DEFAULT_LIMIT, MAX_INTEGER, MAX_LIMIT, field_kinds

Json = dict[str, Any]

_SENT_AS = ("application/json", "application/merge-patch+json")

_REFUSALS = {
    "400": "The request cannot be understood.",
    "404": "There is no such record.",
    "405": "The method is not allowed here.",
    "409": "The key is in use.",
    "413": "The body is too large.",
    "415": "The body is not sent as JSON.",
    "422": "The record does not fit its schema; `details` names the fields.",
}


@lru_cache(maxsize=64)
def description(api: RestApi) -> Mapping[str, Any]:
    """The whole document; `$ref`s stay inside it."""
    paths: Json = {"/": {"get": _index()}}
    for resource in api.resources.values():
        paths[f"/{resource.name}"] = {"get": _list(resource), "post": _create(resource)}
        paths[f"/{resource.name}/{{{resource.key}}}"] = {
            "parameters": [_key(resource)],
            "get": _operation(resource, "get", {"200": _record(resource)}, "404"),
            "put": _write(resource, "replace", resource.name),
            "patch": _write(resource, "update", f"{resource.name}_changes"),
            "delete": _operation(resource, "delete", {"204": {"description": "It is deleted."}}, "404"),
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": api.name, "version": "1"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(api), "responses": _refusals()},
    }


def _schemas(api: RestApi) -> Json:
    schemas: Json = {"error": _error_schema()}
    for name, resource in api.resources.items():
        schemas[name] = _at_home(resource.schema, name)
        # What is written may lack the key, and a change anything; how the whole must fit is the record's schema.
        schemas[f"{name}_new"] = _without_required(resource, {resource.key})
        schemas[f"{name}_changes"] = _without_required(resource, set(resource.fields))
    return schemas


def _without_required(resource: Resource, names: set[str]) -> Json:
    home = _at_home(resource.schema, resource.name)
    schema = {word: value for word, value in home.items() if word != "required"}
    return schema | {"required": [n for n in resource.schema.get("required", ()) if n not in names]}


def _at_home(value: Any, name: str) -> Any:
    """A record's schema with the references to its own parts leading to where it now lies."""
    if isinstance(value, Mapping):
        return {
            word: f"#/components/schemas/{name}{part[1:]}"
            if word == "$ref" and isinstance(part, str) and part.startswith("#")
            else _at_home(part, name)
            for word, part in value.items()
        }
    return [_at_home(part, name) for part in value] if isinstance(value, list) else value


def _error_schema() -> Json:
    text = {"type": "string"}
    detail = {"type": "object", "properties": {"field": text, "message": text}}
    error = {
        "type": "object",
        "properties": {"code": text, "message": text, "details": {"type": "array", "items": detail}},
        "required": ["code", "message", "details"],
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def _refusals() -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}


def _index() -> Json:
    return {
        "operationId": "index",
        "summary": "What there is, with the schemas of the records.",
        "responses": {"200": _answer("The resources.", {"type": "object"})},
    }


def _operation(resource: Resource, verb: str, answers: Json, *refusals: str) -> Json:
    refused = {status: {"$ref": f"#/components/responses/{status}"} for status in refusals}
    return {
        "operationId": f"{resource.name}_{verb}",
        "tags": [resource.name],
        "responses": {**answers, **refused},
    }


def _answer(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _record(resource: Resource, text: str = "The record.") -> Json:
    return _answer(text, {"$ref": f"#/components/schemas/{resource.name}"})


def _key(resource: Resource) -> Json:
    kind = "integer" if resource.numbered else "string"
    schema: Json = {"type": kind} if resource.numbered else {"type": kind, "minLength": 1}
    return {"name": resource.key, "in": "path", "required": True, "schema": schema}


def _body(schema: str) -> Json:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"required": True, "content": dict.fromkeys(_SENT_AS, content)}


def _create(resource: Resource) -> Json:
    answers = {"201": _record(resource, "The new record, with its key.")}
    operation = _operation(resource, "create", answers, "400", "409", "413", "415", "422")
    return operation | {"requestBody": _body(f"{resource.name}_new")}


def _write(resource: Resource, verb: str, schema: str) -> Json:
    body = f"{schema}_new" if verb == "replace" else schema
    operation = _operation(resource, verb, {"200": _record(resource)}, "400", "404", "413", "415", "422")
    return operation | {"requestBody": _body(body)}


def _list(resource: Resource) -> Json:
    page = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{resource.name}"}},
            **{name: {"type": "integer"} for name in ("total", "limit", "offset")},
        },
        "required": ["items", "total", "limit", "offset"],
    }
    operation = _operation(resource, "list", {"200": _answer("A page of records.", page)}, "400")
    return operation | {"parameters": [*_paging(resource), *_filters(resource)]}


def _paging(resource: Resource) -> list[Json]:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    offset = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER, "default": 0}
    fields = [sign + name for name in resource.fields for sign in ("", "-")]
    return [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "offset", "in": "query", "schema": offset},
        {
            "name": "sort",
            "in": "query",
            "description": "Fields; with - before one the largest come first.",
            "schema": {"type": "array", "items": {"enum": fields}},
            "style": "form",
            "explode": False,
        },
    ]


def _filters(resource: Resource) -> list[Json]:
    """Every field that can be filtered by, under its name and with each comparison that makes sense for it."""
    found: list[Json] = []
    for name, rule in resource.fields.items():
        kinds = field_kinds(rule)
        if "object" in kinds:
            continue
        for word in ("", *COMPARISONS):
            if "array" in kinds and word not in ("", "ne", "contains"):
                continue
            schema: Json = {"type": "string"} if word == "contains" else _filter_value(kinds)
            found.append({"name": f"{name}__{word}" if word else name, "in": "query", "schema": schema})
    return found


def _filter_value(kinds: tuple[str, ...]) -> Json:
    if "string" in kinds or "array" in kinds:
        return {"type": "string"}
    numbers = "number" if "number" in kinds else "integer"
    types = [kind for kind in ("boolean", numbers) if kind in kinds]
    return {"anyOf": [*({"type": kind} for kind in types), *([{"const": "null"}] if "null" in kinds else [])]}
