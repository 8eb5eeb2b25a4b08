"""Pages and rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services.notion import blocks, markdown, properties, rows, values
from clawmark_services.notion.columns import only_source
from clawmark_services.notion.errors import MISSING, NotionError, invalid, mismatch, no_parent
from clawmark_services.notion.grammar import as_boolean, as_choice, as_object, as_text, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Page, Parent, Property
from clawmark_services.notion.store import AT_END, Position
from clawmark_services.notion.wire import NEW_VERSION, listing

Json = Any


def create(call: Call) -> Json:
    """`POST /v1/pages`"""
    body = call.fields(
        "parent",
        *("properties", "children", "content", "markdown", "icon", "cover", "position", "template"),
    )
    parent = _parent(call)
    parts: dict[str, Any] = {
        "icon": blocks.parse_icon(body.get("icon"), "body.icon"),
        "cover": blocks.parse_image(body.get("cover"), "body.cover"),
        "children": _children(body),
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


def _children(body: Mapping[str, Json]) -> tuple[blocks.Draft, ...]:
    """What a new page contains: blocks (`content` is another name for them) or Markdown."""
    given = [name for name in ("children", "content", "markdown") if body.get(name) is not None]
    if len(given) > 1:
        raise mismatch(f"body.{given[1]}", "not present", body[given[1]])
    _check_template(body.get("template"))
    if not given:
        return ()
    if given == ["markdown"]:
        return markdown.drafts(as_text(body["markdown"], "body.markdown"))
    return blocks.parse_children(body[given[0]], f"body.{given[0]}")


def _check_template(value: Json) -> None:
    """No data source of this workspace has templates, so only `none` and `default` can be asked for."""
    if value is None:
        return
    value = as_object(value, "body.template")
    kind = as_choice(value.get("type", MISSING), ("none", "default", "template_id"), "body.template.type")
    if kind == "template_id":
        id_ = as_uuid(value.get("template_id", MISSING), "body.template.template_id")
        raise invalid(f"Could not find template with ID: {id_}.")


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
    body = call.fields(
        "properties", "icon", "cover", "in_trash", "archived", "is_archived", "is_locked", "erase_content"
    )
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
        if body.get("erase_content") is not None and as_boolean(body["erase_content"], "body.erase_content"):
            store.editable(store.page(id_))
            for child in store.workspace.shown(store.page(id_)):
                store.set_trashed(child.id, call.moment, trashed=True)
        if trashed:
            store.set_trashed(id_, call.moment, trashed=True)
    return call.wire.page(store.page(id_))


def _changed_parts(body: Mapping[str, Json]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "icon" in body:
        parts["icon"] = blocks.parse_icon(body["icon"], "body.icon")
    if "cover" in body:
        parts["cover"] = blocks.parse_image(body["cover"], "body.cover")
    if "is_locked" in body:
        parts["locked"] = as_boolean(body["is_locked"], "body.is_locked")
    return parts


def move(call: Call) -> Json:
    """`POST /v1/pages/{page_id}/move`"""
    call.fields("parent")
    page = call.store.page(call.id("page_id"))
    return call.wire.page(rows.move(call.store, page, _new_parent(call), call.moment))


def _new_parent(call: Call) -> Parent:
    raw = as_object(call.body.get("parent", MISSING), "body.parent")
    kinds = ("page_id", "data_source_id")
    kind = next((kind for kind in kinds if kind in raw), None)
    if kind is None:
        raise no_parent("body.parent", kinds)
    id_ = as_uuid(raw[kind], f"body.parent.{kind}")
    if kind == "page_id":
        return Parent(kind="page_id", id=call.store.page(id_).id)
    return Parent(kind="data_source_id", id=call.store.source(id_).id)


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
        lambda numbered: item | numbered[1],
        ids=lambda numbered: f"00000000-0000-0000-0000-{numbered[0]:012x}",
        paging=call.paging(),
    )
    following = answer["next_cursor"]
    here = f"https://api.notion.com/v1/pages/{page.id}/properties/{column.id}"
    next_url = following and f"{here}?start_cursor={following}"
    shape: dict[str, Json] = {"id": column.id, "next_url": next_url, "type": column.type, column.type: {}}
    if column.type == "rollup":
        shown = values.render(column, page, workspace)["rollup"]
        shape["rollup"] = shown | ({"array": []} if shown["type"] == "array" else {})
    return answer | {"property_item": shape}
