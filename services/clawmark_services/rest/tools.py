"""The agent's typed functions for a business API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from clawmark_services.context import Context
from clawmark_services.contract import Json, Tool, ToolError
from clawmark_services.rest.errors import ApiError
from clawmark_services.rest.store import Store

T = TypeVar("T")


def tools(context: Context, store: Store) -> Sequence[Tool]:
    """List, get, create, update, delete; each takes the resource's name."""
    hands, api = _Hands(context, store), store.api
    prefix = re.sub(r"[^a-z0-9]", "_", api.name)
    resource = {"type": "string", "enum": list(api.resources), "description": "Which collection."}
    key = {"type": ["string", "integer"], "description": "The record's id."}
    values = {"type": "object", "description": f"Fields of the record. {_fields(store)}"}
    some = {"resource": resource, "id": key}
    listing = {
        "resource": resource,
        "filters": {
            "type": "object",
            "description": 'Values by field, such as {"status": "open", "hours__gte": 5}; endings __gt, __gte, '
            "__lt, __lte, __ne, __contains compare otherwise than by equality.",
        },
        "sort": {"type": "string", "description": "A field; with - before it the largest come first."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 500},
        "offset": {"type": "integer", "minimum": 0},
    }
    return (
        _tool(
            f"{prefix}_list", f"List records of {api.name}, a page at a time.", hands.list_page, listing, 1
        ),
        _tool(f"{prefix}_get", f"Get one record of {api.name}.", hands.get, some),
        _tool(
            f"{prefix}_create",
            f"Create a record in {api.name}.",
            hands.create,
            {"resource": resource, "values": values},
        ),
        _tool(
            f"{prefix}_update",
            f"Change some fields of a record of {api.name}; the others stay.",
            hands.update,
            {**some, "values": values},
        ),
        _tool(f"{prefix}_delete", f"Delete a record of {api.name}.", hands.delete, some),
    )


def _fields(store: Store) -> str:
    parts = [f"{name}: {', '.join(resource.fields)}" for name, resource in store.api.resources.items()]
    return f"By resource: {'; '.join(parts)}."


def _tool(
    name: str,
    description: str,
    call: Callable[..., Json],
    properties: Mapping[str, Json],
    required: int | None = None,
) -> Tool:
    """`required` is how many of the properties must be given; all unless said otherwise."""
    parameters = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties)[:required],
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=parameters, call=call)


class _Hands:
    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    def _do(self, operation: str, asked: dict[str, Any], act: Callable[[], T], status: int = 200) -> T:
        with self._store.lock, self._context.exchange(operation, asked) as exchange:
            try:
                result = act()
            except ApiError as error:
                exchange.status, refusal = error.status, _explain(error)
            else:
                exchange.status = status
                return result
        # Raised out here: an exception that leaves an exchange is written down as a fault.
        raise ToolError(refusal)

    def list_page(self, resource: str, filters: Mapping[str, Any] | None = None, **page: Any) -> Json:
        parameters = [
            (name, _text(value))
            for name, given in {**(filters or {}), **page}.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        asked = {"query": [list(pair) for pair in parameters]} if parameters else {}
        return self._do(f"{resource}.list", asked, lambda: self._store.page(resource, parameters))

    def get(self, resource: str, id: object) -> Json:  # noqa: A002 - the tool's parameter
        return self._do(f"{resource}.get", {"id": id}, lambda: self._store.get(resource, id))

    def create(self, resource: str, values: dict[str, Any]) -> Json:
        return self._do(
            f"{resource}.create", {"body": values}, lambda: self._store.create(resource, values), 201
        )

    def update(self, resource: str, id: object, values: dict[str, Any]) -> Json:  # noqa: A002 - as above
        asked = {"id": id, "body": values}
        return self._do(f"{resource}.update", asked, lambda: self._store.update(resource, id, values))

    def delete(self, resource: str, id: object) -> Json:  # noqa: A002 - as above
        self._do(f"{resource}.delete", {"id": id}, lambda: self._store.delete(resource, id), 204)
        return f"deleted {resource}/{id}"


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explain(refusal: ApiError) -> str:
    details = "; ".join(f"{detail['field']}: {detail['message']}" for detail in refusal.details)
    return f"{refusal.message} ({details})" if len(refusal.details) > 1 else refusal.message
