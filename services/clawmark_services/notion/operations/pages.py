"""Pages and rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services.notion import blocks, properties, rows, values
from clawmark_services.notion.columns import only_source
from clawmark_services.notion.errors import MISSING, NotionError, invalid, no_parent
from clawmark_services.notion.grammar import as_boolean, as_choice, as_object, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Page, Parent, Property
from clawmark_services.notion.store import AT_END, Position
from clawmark_services.notion.wire import NEW_VERSION, listing

Json = Any


def create(call: Call) -> Json:
    """`POST /v1/pages`"""
    body = call.fields("parent", "properties", "children", "icon", "cover", "position")
    parent = _parent(call)
    parts: dict[str, Any] = {
        "icon": blocks.parse_icon(body.get("icon"), "body.icon"),
        "cover": blocks.parse_external(body.get("cover"), "body.cover"),
        "children": _children(body.get("children")),
    }
    with call.store.whole():
        if parent.kind == "data_source_id":
            page = rows.create_row(call.store, str(parent.id), call.properties(), call.moment, **parts)
        else:
            call.store.page(str(parent.id))
            kept = rows.parse_title(call.store, call.properties(), "body.properties")
            present = {key: value for key, value in kept.items() if value is not None}
            position = _page_position(body.get("position"))
            page = call.store.add_page(parent, present, call.moment, position=position, **parts)
    return call.wire.page(page)


def _children(value: Json) -> tuple[blocks.Draft, ...]:
    return () if value is None else blocks.parse_children(value, "body.children")


def _parent(call: Call) -> Parent:
    """The parent of a new page; a database stands for its only data source."""
    raw = as_object(call.body.get("parent", MISSING), "body.parent")
    kinds = ["page_id", "database_id"] + (["data_source_id"] if call.version >= NEW_VERSION else [])
    kind = next((kind for kind in kinds if kind in raw), None)
    if kind is None and raw.get("workspace") is True:
        raise invalid(
            "Internal integrations aren't owned by a single user, so creating workspace-level private "
            "pages is not supported. Please provide a page or database parent."
        )
    if kind is None:
        raise no_parent("body.parent", kinds)
    if raw.get("type") is not None:
        as_choice(raw["type"], (kind,), "body.parent.type")
    id_ = as_uuid(raw[kind], f"body.parent.{kind}")
    if kind == "page_id":
        return Parent(kind="page_id", id=call.store.page(id_).id)
    if kind == "data_source_id":
        return Parent(kind="data_source_id", id=call.store.source(id_).id)
    source = only_source(call.store, call.store.database(id_))
    return Parent(kind="data_source_id", id=source.id)


def _page_position(value: Json) -> Position:
    if value is None:
        return AT_END
    value = as_object(value, "body.position")
    kind = as_choice(
        value.get("type", MISSING), ("page_start", "page_end", "after_block"), "body.position.type"
    )
    if kind != "after_block":
        return Position("start" if kind == "page_start" else "end")
    block = as_object(value.get(kind, MISSING), f"body.position.{kind}")
    return Position("after", as_uuid(block.get("id", MISSING), f"body.position.{kind}.id"))


def retrieve(call: Call) -> Json:
    """`GET /v1/pages/{page_id}`"""
    page = call.store.page(call.id("page_id"))
    return call.wire.page(page, chosen_columns(call, page))


def chosen_columns(call: Call, page: Page) -> list[Property] | None:
    """The columns that `filter_properties` names, or None for all of them."""
    wanted = [name for name in call.query.get("filter_properties", ()) if name]
    if not wanted:
        return None
    columns = call.store.workspace.columns(page)
    found = []
    for name in wanted:
        column = properties.find(columns, name)
        if column is None:
            raise invalid(f"Could not find property with name or id: {name}")
        if column not in found:
            found.append(column)
    return found


def update(call: Call) -> Json:
    """`PATCH /v1/pages/{page_id}`"""
    body = call.fields("properties", "icon", "cover", "in_trash", "archived", "is_locked")
    store, id_, trashed = call.store, call.id("page_id"), call.trashed()
    parts = _changed_parts(body)
    raw = call.properties()
    with store.whole():
        store.page(id_)
        if trashed is False:
            store.set_trashed(id_, call.moment, trashed=False)
        if raw or parts:
            store.editable(store.page(id_))
            rows.update_values(store, store.page(id_), raw, call.moment, **parts)
        if trashed:
            store.set_trashed(id_, call.moment, trashed=True)
    return call.wire.page(store.page(id_))


def _changed_parts(body: Mapping[str, Json]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "icon" in body:
        parts["icon"] = blocks.parse_icon(body["icon"], "body.icon")
    if "cover" in body:
        parts["cover"] = blocks.parse_external(body["cover"], "body.cover")
    if "is_locked" in body:
        parts["locked"] = as_boolean(body["is_locked"], "body.is_locked")
    return parts


def retrieve_property(call: Call) -> Json:
    """`GET /v1/pages/{page_id}/properties/{property_id}`"""
    page = call.store.page(call.id("page_id"))
    workspace = call.store.workspace
    column = properties.find(workspace.columns(page), call.path["property_id"])
    if column is None:
        raise NotionError(
            404, "object_not_found", f"Could not find property with ID: {call.path['property_id']}."
        )
    parts = values.elements(column, page, workspace)
    item = {"object": "property_item", "type": column.type, "id": column.id}
    if parts is None:
        return item | {column.type: values.render(column, page, workspace)[column.type]}
    answer = listing(
        "property_item",
        list(enumerate(parts)),
        lambda numbered: item | {column.type: numbered[1]},
        ids=lambda numbered: f"00000000-0000-0000-0000-{numbered[0]:012x}",
        paging=call.paging(),
    )
    following = answer["next_cursor"]
    here = f"https://api.notion.com/v1/pages/{page.id}/properties/{column.id}"
    next_url = following and f"{here}?start_cursor={following}"
    shape: dict[str, Json] = {"id": column.id, "next_url": next_url, "type": column.type, column.type: {}}
    return answer | {"property_item": shape}
