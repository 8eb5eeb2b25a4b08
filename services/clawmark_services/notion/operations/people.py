"""Users and their comments."""

from __future__ import annotations

from typing import Any

from clawmark_services.notion import richtext
from clawmark_services.notion.errors import MISSING, no_parent
from clawmark_services.notion.grammar import as_object, as_uuid
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Parent
from clawmark_services.notion.wire import listing

Json = Any


def me(call: Call) -> Json:
    """`GET /v1/users/me`"""
    return call.store.workspace.user(call.store.workspace.bot_id)


def retrieve_user(call: Call) -> Json:
    """`GET /v1/users/{user_id}`"""
    return call.store.workspace.user(call.store.user(call.id("user_id")).id)


def list_users(call: Call) -> Json:
    """`GET /v1/users`"""
    workspace = call.store.workspace
    users = list(workspace.users.values())
    return listing("user", users, lambda user: workspace.user(user.id), paging=call.paging())


def create_comment(call: Call) -> Json:
    """`POST /v1/comments`"""
    body = call.fields("parent", "discussion_id", "rich_text")
    text = richtext.parse(body.get("rich_text", MISSING), "body.rich_text")
    parent, discussion = _place(call)
    return call.wire.comment(call.store.comment(parent, text, call.moment, discussion))


def _place(call: Call) -> tuple[Parent, str | None]:
    """Where a comment goes: onto a page or block, or into a discussion that has begun."""
    discussion_id = call.body.get("discussion_id")
    if discussion_id is not None:
        wanted = as_uuid(discussion_id, "body.discussion_id")
        for comment in call.store.workspace.comments.values():
            if comment.discussion_id == wanted:
                return comment.parent, wanted
        raise call.store.missing("discussion", wanted)
    raw = as_object(call.body.get("parent", MISSING), "body.parent")
    if "page_id" in raw:
        id_ = as_uuid(raw["page_id"], "body.parent.page_id")
        return Parent(kind="page_id", id=call.store.page(id_).id), None
    if "block_id" in raw:
        id_ = as_uuid(raw["block_id"], "body.parent.block_id")
        return Parent(kind="block_id", id=call.store.node(id_).id), None
    raise no_parent("body.parent", ("page_id", "block_id"))


def list_comments(call: Call) -> Json:
    """`GET /v1/comments?block_id={block_id}`"""
    id_ = call.store.node(as_uuid(call.one("block_id") or MISSING, "query.block_id")).id
    comments = call.store.workspace.comments_on(id_)
    return listing("comment", comments, call.wire.comment, paging=call.paging())
