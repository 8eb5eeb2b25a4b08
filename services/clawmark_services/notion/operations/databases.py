"""Databases and data sources: their schemas and their queries."""

from __future__ import annotations

from typing import Any

from clawmark_services.notion import blocks, richtext, tables
from clawmark_services.notion.columns import only_source
from clawmark_services.notion.conditions import Query
from clawmark_services.notion.errors import MISSING, invalid, mismatch
from clawmark_services.notion.filters import compile_filter
from clawmark_services.notion.grammar import as_boolean, as_choice, as_object, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.operations.pages import chosen_columns
from clawmark_services.notion.records import Database, DataSource, Parent
from clawmark_services.notion.sorting import ordered
from clawmark_services.notion.wire import NEW_VERSION, listing

Json = Any

_PARTS = ("title", "description", "icon", "cover", "is_inline", "is_locked")


def create(call: Call) -> Json:
    """`POST /v1/databases`"""
    body = call.fields("parent", "properties", "initial_data_source", *_PARTS[:5])
    parent = _parent(call)
    parts = _parts(call)
    if call.version >= NEW_VERSION:
        # Columns at the top are dropped in silence from this version on; they belong to the data source.
        path = "body.initial_data_source"
        initial = as_object(body.get("initial_data_source", {}), path)
        schema = as_object(initial.get("properties", tables.DEFAULT_SCHEMA), f"{path}.properties")
        path = f"{path}.properties"
    else:
        path = "body.properties"
        schema = as_object(body.get("properties", MISSING), path)
    database = tables.create_database(call.store, parent, schema, call.moment, path=path, **parts)
    return call.wire.database(database)


def _parent(call: Call) -> Parent:
    raw = as_object(call.body.get("parent", MISSING), "body.parent")
    if "page_id" not in raw:
        if raw.get("workspace") is True:
            raise invalid("Internal integrations cannot create databases at the workspace level.")
        raise mismatch("body.parent.page_id", "defined", MISSING)
    id_ = as_uuid(raw["page_id"], "body.parent.page_id")
    return Parent(kind="page_id", id=call.store.page(id_).id)


def _parts(call: Call) -> dict[str, Any]:
    """The parts of a database, besides its columns, that the body mentions."""
    body, parts = call.body, dict[str, Any]()
    for name in ("title", "description"):
        if body.get(name) is not None:
            parts[name] = richtext.parse(body[name], f"body.{name}")
    if "icon" in body:
        parts["icon"] = blocks.parse_icon(body["icon"], "body.icon")
    if "cover" in body:
        parts["cover"] = blocks.parse_image(body["cover"], "body.cover")
    for name, part in (("is_inline", "inline"), ("is_locked", "locked")):
        if body.get(name) is not None:
            parts[part] = as_boolean(body[name], f"body.{name}")
    return parts


def _database(call: Call) -> Database:
    database = call.store.database(call.id("database_id"))
    if call.version < NEW_VERSION:
        only_source(call.store, database)
    return database


def retrieve(call: Call) -> Json:
    """`GET /v1/databases/{database_id}`"""
    return call.wire.database(_database(call))


def update(call: Call) -> Json:
    """`PATCH /v1/databases/{database_id}`"""
    call.fields("properties", "parent", "in_trash", "archived", *_PARTS)
    store, database, trashed, parts = call.store, _database(call), call.trashed(), _parts(call)
    with store.whole():
        if trashed is False:
            store.set_trashed(database.id, call.moment, trashed=False)
        if parts or call.body.get("properties"):
            store.editable(store.node(database.id))
            store.change(store.database(database.id), call.moment, **parts)
        if call.version < NEW_VERSION:
            _update_only_source(call, database, parts)
        if trashed:
            store.set_trashed(database.id, call.moment, trashed=True)
    return call.wire.database(store.database(database.id))


def _update_only_source(call: Call, database: Database, parts: dict[str, Any]) -> None:
    """The old version knows no data sources: what it changes, it changes on both."""
    shared = {name: parts[name] for name in ("title", "description", "icon") if name in parts}
    schema = call.properties()
    if shared or schema:
        source = only_source(call.store, database)
        tables.update_source(call.store, source, schema, call.moment, **shared)


def query(call: Call) -> Json:
    """`POST /v1/databases/{database_id}/query`, of the old version"""
    return _query(call, only_source(call.store, _database(call)))


def create_source(call: Call) -> Json:
    """`POST /v1/data_sources`"""
    body = call.fields("parent", "properties", "title", "icon")
    parent = as_object(body.get("parent", MISSING), "body.parent")
    database_id = as_uuid(parent.get("database_id", MISSING), "body.parent.database_id")
    schema = as_object(body.get("properties", MISSING), "body.properties")
    source = tables.create_source(call.store, database_id, schema, call.moment, **_parts(call))
    return call.wire.source(source)


def retrieve_source(call: Call) -> Json:
    """`GET /v1/data_sources/{data_source_id}`"""
    return call.wire.source(call.store.source(call.id("data_source_id")))


def update_source(call: Call) -> Json:
    """`PATCH /v1/data_sources/{data_source_id}`"""
    call.fields("properties", "title", "description", "icon", "in_trash", "archived")
    source, parts, trashed = call.store.source(call.id("data_source_id")), _parts(call), call.trashed()
    call.store.editable(call.store.database(source.database_id))
    if trashed is not None:
        parts["trashed"] = trashed
    changed = tables.update_source(call.store, source, call.properties(), call.moment, **parts)
    return call.wire.source(changed)


def query_source(call: Call) -> Json:
    """`POST /v1/data_sources/{data_source_id}/query`"""
    return _query(call, call.store.source(call.id("data_source_id")))


def _query(call: Call, source: DataSource) -> Json:
    body = call.fields("filter", "sorts", "start_cursor", "page_size", "in_trash", "archived", "result_type")
    if "result_type" in body:
        as_choice(body["result_type"], ("page", "data_source"), "body.result_type")
    asked = Query(columns=source.properties, workspace=call.store.workspace, now=call.now)
    rows = [page for page in call.store.workspace.rows(source.id) if page.trashed == bool(call.trashed())]
    if body.get("filter") is not None:
        holds = compile_filter(body["filter"], asked, "body.filter")
        rows = [page for page in rows if holds(page)]
    found = ordered(rows, body.get("sorts", []), asked)
    wire = call.wire
    shown = chosen_columns(call, found[0]) if found else None
    return listing(wire.table_kind, found, lambda page: wire.page(page, shown), paging=call.paging("body"))
