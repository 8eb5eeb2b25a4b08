"""Blocks and their children."""

from __future__ import annotations

from typing import Any

from clawmark_services.notion import blocks, richtext, rows
from clawmark_services.notion.blocks import FIELDS
from clawmark_services.notion.errors import MISSING, invalid, mismatch
from clawmark_services.notion.grammar import as_choice, as_object, as_text, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Block, Database, Page
from clawmark_services.notion.store import AT_END, Position
from clawmark_services.notion.wire import NEW_VERSION, TRASH_VERSION, WHOLE, listing

Json = Any


def retrieve(call: Call) -> Json:
    """`GET /v1/blocks/{block_id}`"""
    return call.wire.block(call.store.node(call.id("block_id")))


def list_children(call: Call) -> Json:
    """`GET /v1/blocks/{block_id}/children`"""
    children = call.store.workspace.shown(call.store.node(call.id("block_id")))
    return listing("block", children, call.wire.block, paging=call.paging())


def append(call: Call) -> Json:
    """`PATCH /v1/blocks/{block_id}/children`"""
    # From this version on, `position` alone says where.
    after = () if call.version >= TRASH_VERSION else ("after",)
    body = call.fields("children", "position", *after)
    parent = call.store.node(call.id("block_id"))
    drafts = blocks.parse_children(body.get("children", MISSING), "body.children")
    made = call.store.append(parent.id, drafts, call.moment, _position(call))
    wire = call.wire
    return listing("block", made, wire.block, paging=WHOLE)


def _position(call: Call) -> Position:
    if call.body.get("after") is not None:
        return Position("after", as_uuid(call.body["after"], "body.after"))
    raw = call.body.get("position")
    if raw is None:
        return AT_END
    raw = as_object(raw, "body.position")
    kind = as_choice(raw.get("type", MISSING), ("after_block", "start", "end"), "body.position.type")
    if kind != "after_block":
        return Position("start" if kind == "start" else "end")
    block = as_object(raw.get(kind, MISSING), f"body.position.{kind}")
    return Position("after", as_uuid(block.get("id", MISSING), f"body.position.{kind}.id"))


def update(call: Call) -> Json:
    """`PATCH /v1/blocks/{block_id}`"""
    store, node, trashed = call.store, call.store.node(call.id("block_id")), call.trashed()
    with store.whole():
        if trashed is False:
            store.set_trashed(node.id, call.moment, trashed=False)
        given = [key for key in call.body if key not in ("object", "type", "id", *call.trash_names)]
        if given:
            _update_content(call, store.node(node.id), given)
        if trashed:
            store.set_trashed(node.id, call.moment, trashed=True)
    return call.wire.block(store.node(node.id))


def _update_content(call: Call, node: Page | Database | Block, given: list[str]) -> None:
    call.store.editable(node)
    if not isinstance(node, Block):
        _update_title(call, node)
        return
    for key in given:
        if key not in FIELDS:
            raise mismatch(f"body.{key}", "not present", call.body[key])
        if key != node.type:
            raise invalid(f"Cannot update block type: the block is a {node.type}, the body has {key}.")
    raw = as_object(call.body[node.type], f"body.{node.type}")
    content = blocks.parse_content(node.type, raw, f"body.{node.type}", node.content)
    call.store.change(node, call.moment, content=content)


def _update_title(call: Call, node: Page | Database) -> None:
    """`child_page` and `child_database` blocks let their titles be changed, and nothing else."""
    kind = "child_page" if isinstance(node, Page) else "child_database"
    call.fields("object", "type", "id", *call.trash_names, kind)
    raw = as_object(call.body[kind], f"body.{kind}")
    title = richtext.from_text(as_text(raw.get("title", MISSING), f"body.{kind}.title", 2000))
    if isinstance(node, Database):
        call.store.change(node, call.moment, title=richtext.parse(title, "body.title"))
        return
    name = next(column.name for column in call.store.workspace.columns(node) if column.type == "title")
    rows.update_values(call.store, node, {name: {"title": title}}, call.moment)


def delete(call: Call) -> Json:
    """`DELETE /v1/blocks/{block_id}`: moves it to the trash"""
    node = call.store.node(call.id("block_id"))
    # Recorded: with the old version, deleting what lies in the trash already succeeds.
    if node.trashed and call.version < NEW_VERSION:
        return call.wire.block(node)
    return call.wire.block(call.store.set_trashed(call.id("block_id"), call.moment, trashed=True))
