"""The agent's typed functions: Notion by plain values, with Notion's own refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawmark_services.context import Context
from clawmark_services.contract import Tool, ToolError
from clawmark_services.notion import dates, lookup, outline, plain, richtext
from clawmark_services.notion.conditions import Query
from clawmark_services.notion.desk import Desk, working
from clawmark_services.notion.errors import NotionError
from clawmark_services.notion.filters import compile_filter
from clawmark_services.notion.records import DataSource, Page
from clawmark_services.notion.sorting import moment_key, ordered
from clawmark_services.notion.store import Store

Json = Any

_ROWS_AT_ONCE = 100
_TEXT = {"type": "string"}
_PAGE = {"type": "string", "description": "The page's or row's id, or its exact title."}
_VALUES = {
    "type": "object",
    "description": (
        "Plain values by column name: text, number, true/false, an option's name, a list of option names, "
        "or an ISO 8601 date (a period is start/end). null clears a column."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sketch:
    """A tool before it is bound to a workspace; `operation` is what the audit calls it."""

    name: str
    operation: str
    description: str
    properties: Mapping[str, Json]
    required: Sequence[str]
    work: Callable[..., Json]


def notion_tools(context: Context, store: Store) -> tuple[Tool, ...]:
    """The tools of one workspace."""
    return tuple(_bound(sketch, context, store) for sketch in _SKETCHES)


def _bound(sketch: _Sketch, context: Context, store: Store) -> Tool:
    def call(**arguments: Any) -> Json:
        try:
            with working(context, store, sketch.operation, arguments) as desk:
                return sketch.work(desk, **arguments)
        except (NotionError, LookupError, ValueError) as refusal:
            raise ToolError(str(refusal)) from refusal

    parameters = {
        "type": "object",
        "properties": dict(sketch.properties),
        "required": list(sketch.required),
        "additionalProperties": False,
    }
    return Tool(name=sketch.name, description=sketch.description, parameters=parameters, call=call)


def _search(desk: Desk, query: str = "", kind: str | None = None) -> Json:
    workspace = desk.workspace
    words = query.casefold().split()
    found: list[Any] = []
    if kind in (None, "page"):
        found += [page for page in workspace.pages() if not workspace.gone(page)]
    if kind in (None, "database"):
        found += lookup.databases(workspace)
    found = [each for each in found if all(word in workspace.title(each.id).casefold() for word in words)]
    found.sort(key=moment_key("last_edited_time"), reverse=True)
    results = [_entry(desk, each) for each in found[:_ROWS_AT_ONCE]]
    return {"results": results, "more": len(found) - len(results)}


def _entry(desk: Desk, node: Any) -> Json:
    entry = {"id": node.id, "title": desk.workspace.title(node.id)}
    if not isinstance(node, Page):
        source = desk.store.source(node.sources[0])
        return {"object": "database", **entry, "columns": _columns(source)}
    if node.parent.kind == "data_source_id":
        database_id = desk.store.source(str(node.parent.id)).database_id
        return {"object": "row", **entry, "database": desk.workspace.title(database_id)}
    return {"object": "page", **entry}


def _columns(source: DataSource) -> Json:
    return {column.name: _described(column.type, column.config) for column in source.properties}


def _described(kind: str, config: Mapping[str, Json]) -> Json:
    if "options" not in config:
        return kind
    return {kind: [option["name"] for option in config["options"]]}


def _query_database(
    desk: Desk,
    *,
    database: str,
    where: Mapping[str, Any] | None = None,
    filter: Json = None,  # noqa: A002 - Notion's own name for it, which models know
    sorts: Json = None,
    offset: int = 0,
) -> Json:
    source = lookup.source(desk.workspace, database)
    query = Query(columns=source.properties, workspace=desk.workspace, now=desk.now)
    rows = lookup.matching(desk.workspace, source, where or {})
    if filter:
        holds = compile_filter(filter, query, "body.filter")
        rows = [row for row in rows if holds(row)]
    found = ordered(rows, sorts or [], query)
    shown = found[offset : offset + _ROWS_AT_ONCE]
    return {
        "database_id": source.database_id,
        "columns": _columns(source),
        "rows": [{"id": row.id, **plain.row(row, desk.workspace)} for row in shown],
        "more": max(0, len(found) - offset - len(shown)),
    }


def _get_page(desk: Desk, page: str) -> Json:
    found, workspace = lookup.page(desk.workspace, page), desk.workspace
    comments = [
        {
            "by": workspace.user(comment.stamp.created_by).get("name"),
            "time": dates.to_the_minute(comment.stamp.created_at),
            "text": richtext.plain(comment.text, workspace),
        }
        for comment in workspace.comments_about(found)
    ]
    return {
        **_entry(desk, found),
        "last_edited_time": dates.to_the_minute(found.stamp.edited_at),
        "properties": plain.row(found, workspace),
        "text": outline.text(workspace, found),
        "comments": comments,
    }


def _create_page(
    desk: Desk,
    *,
    parent: str | None = None,
    database: str | None = None,
    title: str | None = None,
    properties: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> Json:
    if database is not None and parent is not None:
        raise ValueError("give either a database, for a row, or a parent page, not both")
    if database is None:
        if properties:
            raise ValueError("only rows have properties: name the database, or leave properties out")
        above = lookup.page(desk.workspace, parent or desk.workspace.root_id)
        return _entry(desk, desk.add_page(above, title or "", text))
    source = lookup.source(desk.workspace, database)
    given = dict(properties or {})
    if title is not None:
        given[next(column.name for column in source.properties if column.type == "title")] = title
    made = desk.add_row(source, given, text)
    return {**_entry(desk, made), "properties": plain.row(made, desk.workspace)}


def _update_page(
    desk: Desk, page: str, properties: Mapping[str, Any] | None = None, *, archived: bool | None = None
) -> Json:
    found = lookup.page(desk.workspace, page)
    with desk.store.whole():
        if properties:
            found = desk.update(found, properties)
        if archived:
            desk.store.set_trashed(found.id, desk.moment, trashed=True)
    changed = desk.store.page(found.id)
    values = plain.row(changed, desk.workspace)
    return {**_entry(desk, changed), "properties": values, "archived": changed.trashed}


def _append_text(desk: Desk, page: str, text: str) -> Json:
    found = lookup.page(desk.workspace, page)
    desk.write(found, text)
    return {**_entry(desk, found), "text": outline.text(desk.workspace, desk.store.page(found.id))}


def _add_comment(desk: Desk, page: str, text: str) -> Json:
    found = lookup.page(desk.workspace, page)
    return {**_entry(desk, found), "comment_id": desk.comment(found, text).id}


_SKETCHES = (
    _Sketch(
        name="notion_search",
        operation="search",
        description=(
            "Find pages, rows and databases in Notion by words of their titles; without a query, list all. "
            "Databases come with their columns."
        ),
        properties={
            "query": {"type": "string", "description": "Words that the title contains."},
            "kind": {"type": "string", "enum": ["page", "database"], "description": "Limit the results."},
        },
        required=(),
        work=_search,
    ),
    _Sketch(
        name="notion_query_database",
        operation="databases.query",
        description="Read the rows of a Notion database as plain values, at most 100 at once, newest first.",
        properties={
            "database": {"type": "string", "description": "The database's id or exact title."},
            "where": {"type": "object", "description": "Plain values that the rows must hold, by column."},
            "filter": {"type": "object", "description": "A filter object of the Notion API."},
            "sorts": {
                "type": "array",
                "items": {"type": "object"},
                "description": 'Sort objects of the Notion API: {"property": "Due", "direction": "ascending"}.',
            },
            "offset": {"type": "integer", "minimum": 0, "description": "How many rows to leave out."},
        },
        required=("database",),
        work=_query_database,
    ),
    _Sketch(
        name="notion_get_page",
        operation="pages.retrieve",
        description="Read one Notion page or row: its properties, its text, and its comments.",
        properties={"page": _PAGE},
        required=("page",),
        work=_get_page,
    ),
    _Sketch(
        name="notion_create_page",
        operation="pages.create",
        description=(
            "Create a row in a Notion database (give `database` and `properties`), or a page below a page "
            "(give `title` and perhaps `parent`)."
        ),
        properties={
            "parent": {"type": "string", "description": "The parent page's id or title; else the root page."},
            "database": {"type": "string", "description": "The database's id or exact title."},
            "title": {"type": "string", "description": "The title of the page or row."},
            "properties": _VALUES,
            "text": {
                "type": "string",
                "description": "What the page says, one block a line; '# ', '- ', '1. ', '[ ] ' and '> ' work.",
            },
        },
        required=(),
        work=_create_page,
    ),
    _Sketch(
        name="notion_update_page",
        operation="pages.update",
        description="Change properties of a Notion row, retitle a page (property `title`), or archive either.",
        properties={
            "page": _PAGE,
            "properties": _VALUES,
            "archived": {"type": "boolean", "description": "true moves it to the trash."},
        },
        required=("page",),
        work=_update_page,
    ),
    _Sketch(
        name="notion_append_text",
        operation="blocks.children.append",
        description="Add text at the end of a Notion page or row, one block a line.",
        properties={"page": _PAGE, "text": _TEXT},
        required=("page", "text"),
        work=_append_text,
    ),
    _Sketch(
        name="notion_add_comment",
        operation="comments.create",
        description="Comment on a Notion page or row.",
        properties={"page": _PAGE, "text": _TEXT},
        required=("page", "text"),
        work=_add_comment,
    ),
)
