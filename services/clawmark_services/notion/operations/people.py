"""Users and their comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clawmark_services.notion import richtext
from clawmark_services.notion.errors import MISSING, no_parent
from clawmark_services.notion.grammar import as_array, as_choice, as_object, as_text, as_uuid
from clawmark_services.notion.markdown import spans
from clawmark_services.notion.operations.call import Call
from clawmark_services.notion.records import Comment, Parent
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
    body = call.fields("parent", "discussion_id", "rich_text", "markdown", "attachments", "display_name")
    text = _text(body)
    parent, discussion = _place(call)
    comment = call.store.comment(
        parent,
        text,
        call.moment,
        discussion,
        shown_as=_shown_as(body.get("display_name")),
        attachments=_attachments(body.get("attachments")),
    )
    return call.wire.comment(comment)


def _text(body: Mapping[str, Json]) -> Json:
    """What a comment says, as rich text or as Markdown of one paragraph."""
    if "markdown" in body and "rich_text" not in body:
        return richtext.parse(spans.parse(as_text(body["markdown"], "body.markdown")), "body.markdown")
    return richtext.parse(body.get("rich_text", MISSING), "body.rich_text")


def _shown_as(value: Json) -> str | None:
    if value is None:
        return None
    value = as_object(value, "body.display_name")
    kinds = ("integration", "user", "custom")
    if as_choice(value.get("type", MISSING), kinds, "body.display_name.type") != "custom":
        return None
    custom = as_object(value.get("custom", MISSING), "body.display_name.custom")
    return as_text(custom.get("name", MISSING), "body.display_name.custom.name", 200)


def _attachments(value: Json) -> list[str]:
    """At most three uploads (the API reference on comments)."""
    found = []
    for index, item in enumerate(as_array(value or [], "body.attachments", 3)):
        path = f"body.attachments[{index}]"
        found.append(as_uuid(as_object(item, path).get("file_upload_id", MISSING), f"{path}.file_upload_id"))
    return found


def _comment(call: Call) -> Comment:
    id_ = call.id("comment_id")
    comment = call.store.workspace.comments.get(id_)
    if comment is None:
        raise call.store.missing("comment", id_)
    return comment


def retrieve_comment(call: Call) -> Json:
    """`GET /v1/comments/{comment_id}`"""
    return call.wire.comment(_comment(call))


def update_comment(call: Call) -> Json:
    """`PATCH /v1/comments/{comment_id}`"""
    text = _text(call.fields("rich_text", "markdown"))
    comment = _comment(call)
    changed = replace(comment, text=text, stamp=call.moment.edit(comment.stamp))
    call.store.workspace.comments[comment.id] = changed
    return call.wire.comment(changed)


def delete_comment(call: Call) -> Json:
    """`DELETE /v1/comments/{comment_id}`: for good; answers with what it was"""
    comment = _comment(call)
    del call.store.workspace.comments[comment.id]
    return call.wire.comment(comment)


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
