"""Views of data sources, and the queries that page through what a view shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from clawmark_services.notion import dates, properties
from clawmark_services.notion.conditions import Query
from clawmark_services.notion.errors import MISSING, NotionError, no_parent
from clawmark_services.notion.filters import Predicate, compile_filter
from clawmark_services.notion.grammar import as_choice, as_object, as_text, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import DataSource, Page, View, ViewQuery
from clawmark_services.notion.sorting import ordered
from clawmark_services.notion.wire import Paging, listing

Json = Any

TYPES = ("table", "board", "list", "calendar", "timeline", "gallery", "form", "chart", "map", "dashboard")
LIFETIME = timedelta(minutes=15)
"""How long the result of a query can be read (recorded)."""

_PARTS = ("filter", "sorts", "quick_filters", "configuration")


def create(call: Call) -> Json:
    """`POST /v1/views`"""
    body = call.fields("data_source_id", "database_id", "name", "type", "position", *_PARTS)
    source = call.store.source(as_uuid(body.get("data_source_id", MISSING), "body.data_source_id"))
    database = call.store.database(source.database_id)
    if body.get("database_id") is not None:
        wanted = as_uuid(body["database_id"], "body.database_id")
        database = call.store.database(wanted)
    call.store.editable(database)
    kind = as_choice(body.get("type", MISSING), TYPES, "body.type")
    view = View(
        id=call.store.ids.uuid(),
        seq=call.store.next_number(),
        database_id=database.id,
        source_id=source.id,
        name=as_text(body.get("name", MISSING), "body.name", 2000),
        type=kind,
        stamp=call.moment.stamp(),
        **{"configuration": {"type": kind}, **_parts(call, source, kind)},
    )
    call.store.workspace.views[view.id] = view
    return call.wire.view(view)


def _parts(call: Call, source: DataSource, kind: str) -> dict[str, Json]:
    """The parts of a view that the body mentions, once they make sense for its data source."""
    body = call.body
    asked = Query(columns=source.properties, workspace=call.store.workspace, now=call.now)
    parts: dict[str, Json] = {name: body[name] for name in _PARTS if name in body}
    if parts.get("filter") is not None:
        compile_filter(parts["filter"], asked, "body.filter")
    if parts.get("sorts") is not None:
        ordered([], parts["sorts"], asked)
    if parts.get("quick_filters") is not None:
        _check_quick_filters(parts["quick_filters"], asked)
    if "configuration" in parts:
        configuration = as_object(parts["configuration"], "body.configuration")
        as_choice(configuration.get("type", MISSING), (kind,), "body.configuration.type")
    return parts


def _check_quick_filters(value: Json, asked: Query) -> None:
    for name, condition in as_object(value, "body.quick_filters").items():
        path = f"body.quick_filters.{name}"
        if condition is not None:
            compile_filter({**as_object(condition, path), "property": name}, asked, path)


def _found(call: Call) -> View:
    id_ = call.id("view_id")
    view = call.store.workspace.views.get(id_)
    if view is None:
        raise call.store.missing("view", id_)
    return view


def retrieve(call: Call) -> Json:
    """`GET /v1/views/{view_id}`"""
    return call.wire.view(_found(call))


def update(call: Call) -> Json:
    """`PATCH /v1/views/{view_id}`"""
    body = call.fields("name", *_PARTS)
    view = _found(call)
    call.store.editable(call.store.database(view.database_id))
    parts = _parts(call, call.store.source(view.source_id), view.type)
    if isinstance(parts.get("quick_filters"), Mapping):
        merged = {**(view.quick_filters or {}), **parts["quick_filters"]}
        kept = {name: condition for name, condition in merged.items() if condition is not None}
        parts["quick_filters"] = kept or None
    if body.get("name") is not None:
        parts["name"] = as_text(body["name"], "body.name", 2000)
    changed = replace(view, stamp=call.moment.edit(view.stamp), **parts)
    call.store.workspace.views[view.id] = changed
    return call.wire.view(changed)


def delete(call: Call) -> Json:
    """`DELETE /v1/views/{view_id}`"""
    view = _found(call)
    queries = call.store.workspace.view_queries
    for query in [query for query in queries.values() if query.view_id == view.id]:
        del queries[query.id]
    del call.store.workspace.views[view.id]
    return call.wire.view_stub(view)


def list_all(call: Call) -> Json:
    """`GET /v1/views?database_id=...` or `?data_source_id=...`"""
    views = list(call.store.workspace.views.values())
    if call.one("database_id") is not None:
        database = call.store.database(as_uuid(call.one("database_id"), "query.database_id"))
        views = [view for view in views if view.database_id == database.id]
    if call.one("data_source_id") is not None:
        source = call.store.source(as_uuid(call.one("data_source_id"), "query.data_source_id"))
        views = [view for view in views if view.source_id == source.id]
    if call.one("database_id") is None and call.one("data_source_id") is None:
        raise no_parent("query", ("database_id", "data_source_id"))
    stubs = [{"object": "view", "id": view.id} for view in views]
    return listing("view", stubs, lambda stub: stub, ids=lambda stub: str(stub["id"]), paging=call.paging())


def _rows(call: Call, view: View) -> list[Page]:
    """What a view shows now: filtered by all its filters, in its order."""
    source = call.store.source(view.source_id)
    asked = Query(columns=source.properties, workspace=call.store.workspace, now=call.now)
    rows = [page for page in call.store.workspace.rows(source.id) if not page.trashed]
    # Columns can have gone since the view was made; Notion then leaves that part of it out.
    for condition in _standing_filters(view, asked):
        rows = [page for page in rows if condition(page)]
    return ordered(rows, [sort for sort in view.sorts or () if _stands(sort, asked)], asked)


def _standing_filters(view: View, asked: Query) -> Iterator[Predicate]:
    quick = ({**condition, "property": name} for name, condition in (view.quick_filters or {}).items())
    for raw in filter(None, (view.filter, *quick)):
        try:
            yield compile_filter(raw, asked, "filter")
        except NotionError:
            continue


def _stands(sort: Json, asked: Query) -> bool:
    return "timestamp" in sort or properties.find(asked.columns, sort["property"]) is not None


def create_query(call: Call) -> Json:
    """`POST /v1/views/{view_id}/queries`"""
    call.fields("page_size", "filter")
    view = _found(call)
    expires = (call.now + LIFETIME).astimezone(UTC)
    query = ViewQuery(
        id=call.store.ids.uuid(),
        view_id=view.id,
        rows=tuple(page.id for page in _rows(call, view)),
        expires_at=dates.stored(expires),
    )
    page = _page_of(query, Paging(page_size=call.body.get("page_size"), root="body"))
    call.store.workspace.view_queries[query.id] = query
    return {
        "object": "view_query",
        "id": query.id,
        "view_id": view.id,
        "expires_at": dates.to_the_millisecond(query.expires_at),
        "total_count": len(query.rows),
        **{name: page[name] for name in ("results", "next_cursor", "has_more")},
    }


def _page_of(query: ViewQuery, paging: Paging) -> Json:
    def stub(id_: str) -> Json:
        return {"object": "page", "id": id_}

    return listing("page", query.rows, stub, ids=lambda id_: id_, paging=paging)


def _found_query(call: Call) -> ViewQuery:
    view, id_ = _found(call), call.id("query_id")
    query = call.store.workspace.view_queries.get(id_)
    gone = query is None or query.view_id != view.id or query.expires_at < dates.stored(call.now)
    if query is None or gone:
        raise call.store.missing("view_query", id_)
    return query


def query_results(call: Call) -> Json:
    """`GET /v1/views/{view_id}/queries/{query_id}`"""
    return _page_of(_found_query(call), call.paging())


def delete_query(call: Call) -> Json:
    """`DELETE /v1/views/{view_id}/queries/{query_id}`"""
    query = _found_query(call)
    del call.store.workspace.view_queries[query.id]
    return {"object": "view_query", "id": query.id, "deleted": True}
