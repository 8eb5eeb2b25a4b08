"""Search by title."""

from __future__ import annotations

from typing import Any

from clawmark_services.notion.errors import MISSING
from clawmark_services.notion.grammar import as_choice, as_object, as_text, only
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Database, DataSource, Page
from clawmark_services.notion.sorting import moment_key
from clawmark_services.notion.wire import listing
from clawmark_services.notion.workspace import Workspace

Json = Any
Found = Page | Database | DataSource


def search(call: Call) -> Json:
    """`POST /v1/search`"""
    body = call.fields("query", "filter", "sort", "start_cursor", "page_size")
    words = as_text(body.get("query") or "", "body.query").casefold().split()
    workspace, wire = call.store.workspace, call.wire
    tables = "data_source" if wire.with_sources else "database"
    wanted = _wanted(body.get("filter"), tables)
    found = [
        each
        for each in _shared(workspace, tables)
        if _kind(each) in wanted and _speaks_of(workspace.title(each.id), words)
    ]
    found.sort(key=moment_key("last_edited_time"), reverse=_newest_first(body.get("sort")))

    def render(each: Found) -> Json:
        if isinstance(each, Page):
            return wire.page(each)
        return wire.database(each) if isinstance(each, Database) else wire.source(each)

    return listing(wire.table_kind, found, render, paging=call.paging("body"))


def _wanted(raw: Json, tables: str) -> tuple[str, ...]:
    if raw is None:
        return ("page", tables)
    raw = only(as_object(raw, "body.filter"), ("property", "value"), "body.filter")
    as_choice(raw.get("property", MISSING), ("object",), "body.filter.property")
    return (as_choice(raw.get("value", MISSING), ("page", tables), "body.filter.value"),)


def _newest_first(raw: Json) -> bool:
    if raw is None:
        return True
    raw = only(as_object(raw, "body.sort"), ("timestamp", "direction"), "body.sort")
    as_choice(raw.get("timestamp", MISSING), ("last_edited_time",), "body.sort.timestamp")
    directions = ("ascending", "descending")
    return as_choice(raw.get("direction", MISSING), directions, "body.sort.direction") == "descending"


def _shared(workspace: Workspace, tables: str) -> list[Found]:
    """Everything with a title that is not in the trash."""
    found: list[Found] = [page for page in workspace.pages() if not workspace.gone(page)]
    for database in workspace.databases():
        if workspace.gone(database):
            continue
        if tables == "data_source":
            sources = (workspace.sources[id_] for id_ in database.sources)
            found.extend(source for source in sources if not source.trashed)
        elif len(database.sources) == 1:
            found.append(database)
    return found


def _kind(each: Found) -> str:
    return {Page: "page", Database: "database", DataSource: "data_source"}[type(each)]


def _speaks_of(title: str, words: list[str]) -> bool:
    folded = title.casefold()
    return all(word in folded for word in words)
