"""How records look on the wire, in each version of the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from clawmark_services.notion import blocks, dates, properties, richtext, values
from clawmark_services.notion.errors import invalid, mismatch
from clawmark_services.notion.grammar import as_number, as_uuid
from clawmark_services.notion.records import (
    Block,
    Comment,
    Database,
    DataSource,
    Node,
    Page,
    Parent,
    Property,
    Stamp,
    Upload,
    View,
)
from clawmark_services.notion.workspace import Workspace

Json = Any
T = TypeVar("T")

OLD_VERSION = "2022-06-28"
NEW_VERSION = "2025-09-03"
TRASH_VERSION = "2026-03-11"
VERSIONS = (OLD_VERSION, NEW_VERSION, TRASH_VERSION)
WITH_SOURCES = (NEW_VERSION, TRASH_VERSION)
"""The versions in which schemas and rows belong to data sources."""
PAGE_SIZE = 100


class Wire:
    """The answers of one workspace in one version of the API."""

    def __init__(self, workspace: Workspace, version: str) -> None:
        self.workspace = workspace
        self.with_sources = version >= NEW_VERSION
        self._with_archived = version < TRASH_VERSION

    def page(self, page: Page, shown: Sequence[Property] | None = None) -> Json:
        """A page or row; `shown` limits its properties."""
        columns = self.workspace.columns(page) if shown is None else shown
        title = self.workspace.title(page.id)
        return {
            "object": "page",
            "id": page.id,
            **self._stamp(page.stamp),
            "cover": blocks.show_image(page.cover, self.workspace),
            "icon": blocks.show_image(page.icon, self.workspace),
            "parent": self.parent(page.parent),
            "in_trash": page.trashed,
            "is_archived": page.trashed,
            "is_locked": page.locked,
            "properties": {column.name: values.render(column, page, self.workspace) for column in columns},
            "url": url(page.id, title),
            "public_url": None,
            **self._archived(trashed=page.trashed),
        }

    def database(self, database: Database) -> Json:
        """A database: with its columns in the old version, with its data sources in the new one."""
        body = {
            "object": "database",
            "id": database.id,
            "cover": blocks.show_image(database.cover, self.workspace),
            "icon": blocks.show_image(database.icon, self.workspace),
            "title": richtext.render(database.title, self.workspace),
            "description": richtext.render(database.description, self.workspace),
            "is_inline": database.inline,
            "is_locked": database.locked,
            "parent": self.parent(database.parent),
            "url": url(database.id),
            "public_url": None,
            "in_trash": database.trashed,
            **self._archived(trashed=database.trashed),
        }
        sources = [self.workspace.sources[id_] for id_ in database.sources]
        if self.with_sources:
            named = [{"id": source.id, "name": self.workspace.title(source.id)} for source in sources]
            # Recorded: databases, unlike everything else, have milliseconds and a numeric offset here.
            made, edited = (
                dates.to_the_millisecond(moment)
                for moment in (database.stamp.created_at, database.stamp.edited_at)
            )
            return body | {"created_time": made, "last_edited_time": edited, "data_sources": named}
        return body | self._stamp(database.stamp) | {"properties": self._schema(sources[0])}

    def source(self, source: DataSource) -> Json:
        """A data source."""
        database = self.workspace.nodes[source.database_id]
        return {
            "object": "data_source",
            "id": source.id,
            "cover": None,
            "icon": blocks.show_image(source.icon, self.workspace),
            **self._stamp(source.stamp),
            "title": richtext.render(source.title, self.workspace),
            "description": richtext.render(source.description, self.workspace),
            "is_inline": isinstance(database, Database) and database.inline,
            "properties": self._schema(source),
            "parent": {"type": "database_id", "database_id": source.database_id},
            "database_parent": self.parent(database.parent),
            "url": url(source.database_id),
            "public_url": None,
            "in_trash": source.trashed,
            **self._archived(trashed=source.trashed),
        }

    def _schema(self, source: DataSource) -> Json:
        return {
            column.name: properties.render(column, source, self.workspace, with_sources=self.with_sources)
            for column in source.properties
        }

    def block(self, node: Page | Database | Block) -> Json:
        """A block; pages and databases appear as `child_page` and `child_database`."""
        if isinstance(node, Block):
            kind, content = node.type, blocks.render_content(node.type, node.content, self.workspace)
        else:
            kind = "child_page" if isinstance(node, Page) else "child_database"
            content = {"title": self.workspace.title(node.id)}
        return {
            "object": "block",
            "id": node.id,
            "parent": self.parent(node.parent),
            **self._stamp(node.stamp),
            "has_children": self._has_children(node),
            "in_trash": node.trashed,
            "type": kind,
            kind: content,
            **self._archived(trashed=node.trashed),
        }

    def _archived(self, *, trashed: bool) -> dict[str, Json]:
        return {"archived": trashed} if self._with_archived else {}

    def _has_children(self, node: Node) -> bool:
        return bool(self.workspace.shown(node))

    def comment(self, comment: Comment) -> Json:
        """A comment."""
        author = self.workspace.users[comment.stamp.created_by]
        kind = "integration" if author.email is None else "user"
        stamp = self._stamp(comment.stamp)
        del stamp["last_edited_by"]
        body = {
            "object": "comment",
            "id": comment.id,
            "parent": self.parent(comment.parent),
            "discussion_id": comment.discussion_id,
            **stamp,
            "rich_text": richtext.render(comment.text, self.workspace),
            "display_name": {
                "type": "custom" if comment.shown_as else kind,
                "resolved_name": comment.shown_as or author.name,
            },
        }
        if comment.attachments:
            body["attachments"] = [self._attachment(id_) for id_ in comment.attachments]
        return body

    def _attachment(self, upload_id: str) -> Json:
        kind, _, detail = (self.workspace.uploads[upload_id].content_type or "").partition("/")
        category = kind if kind in ("audio", "image", "video") else "productivity"
        return {
            "category": "pdf" if detail == "pdf" else category,
            "file": self.workspace.file(upload_id),
        }

    def upload(self, upload: Upload) -> Json:
        """A file upload; only one that still waits for its bytes says where to send them."""
        made, edited = (dates.to_the_minute(at) for at in (upload.stamp.created_at, upload.stamp.edited_at))
        author = self.workspace.users[upload.stamp.created_by]
        here = f"https://api.notion.com/v1/file_uploads/{upload.id}"
        body = {
            "object": "file_upload",
            "id": upload.id,
            "created_time": made,
            "created_by": {"id": author.id, "type": "bot" if author.email is None else "person"},
            "last_edited_time": edited,
            "expiry_time": None if upload.attached else dates.an_hour_later(made),
            "in_trash": False,
            **self._archived(trashed=False),
            "status": upload.status,
            "filename": upload.filename,
            "content_type": upload.content_type,
            "content_length": upload.length,
        }
        if upload.status == "pending":
            body["upload_url"] = f"{here}/send"
        if upload.mode == "multi_part":
            body["number_of_parts"] = {"total": upload.total, "sent": len(upload.parts)}
            if upload.status == "pending":
                body["complete_url"] = f"{here}/complete"
        return body

    def view(self, view: View) -> Json:
        """A view of a data source."""
        made, edited = (dates.to_the_millisecond(at) for at in (view.stamp.created_at, view.stamp.edited_at))
        bare = view.id.replace("-", "")
        return {
            **self.view_stub(view),
            "data_source_id": view.source_id,
            "name": view.name,
            "created_time": made,
            "created_by": {"object": "user", "id": view.stamp.created_by},
            "last_edited_time": edited,
            "last_edited_by": {"object": "user", "id": view.stamp.edited_by},
            "url": f"{url(view.database_id)}?v={bare}",
            "filter": view.filter,
            "sorts": view.sorts,
            "quick_filters": view.quick_filters,
            "configuration": view.configuration,
        }

    def view_stub(self, view: View) -> Json:
        """What is left of a view that was deleted."""
        parent = {"type": "database_id", "database_id": view.database_id}
        return {"object": "view", "id": view.id, "parent": parent, "type": view.type}

    def parent(self, parent: Parent) -> Json:
        """What something hangs on."""
        if parent.kind == "workspace":
            return {"type": "workspace", "workspace": True}
        if parent.kind != "data_source_id":
            return {"type": parent.kind, parent.kind: parent.id}
        database_id = self.workspace.sources[str(parent.id)].database_id
        if self.with_sources:
            return {"type": "data_source_id", "data_source_id": parent.id, "database_id": database_id}
        return {"type": "database_id", "database_id": database_id}

    def _stamp(self, stamp: Stamp) -> dict[str, Json]:
        return {
            "created_time": dates.to_the_minute(stamp.created_at),
            "last_edited_time": dates.to_the_minute(stamp.edited_at),
            "created_by": {"object": "user", "id": stamp.created_by},
            "last_edited_by": {"object": "user", "id": stamp.edited_by},
        }

    @property
    def table_kind(self) -> str:
        """The list type of queries and searches."""
        return "page_or_data_source" if self.with_sources else "page_or_database"


def url(id_: str, title: str = "") -> str:
    """The address of a page or database for a browser."""
    slug = re.sub(r"[^\w]+", "-", title, flags=re.ASCII).strip("-")
    bare = id_.replace("-", "")
    return f"{richtext.SITE}/{slug}-{bare}" if slug else richtext.site_url(id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part of a list a request asks for, as it says so; `root` is where: `body` or `query`."""

    start_cursor: Json = None
    page_size: Json = None
    root: str = "body"


WHOLE = Paging()
"""The beginning of a list, as much as fits."""


def listing(
    kind: str,
    found: Sequence[T],
    render: Callable[[T], Json],
    *,
    paging: Paging,
    ids: Callable[[T], str] = lambda each: str(getattr(each, "id", "")),
) -> Json:
    """One page of a list.

    The cursor is the id of the first element that is still to come, so it stays right when others change.
    """
    start = _start(found, ids, paging)
    size = _size(paging.page_size, f"{paging.root}.page_size")
    following = found[start + size] if start + size < len(found) else None
    return {
        "object": "list",
        "results": [render(each) for each in found[start : start + size]],
        "next_cursor": None if following is None else ids(following),
        "has_more": following is not None,
        "type": kind,
        kind: {},
    }


def _start(found: Sequence[T], ids: Callable[[T], str], paging: Paging) -> int:
    if paging.start_cursor is None:
        return 0
    wanted = as_uuid(paging.start_cursor, f"{paging.root}.start_cursor")
    place = next((place for place, each in enumerate(found) if ids(each) == wanted), None)
    if place is None:
        raise invalid(f"The start_cursor provided is invalid: {wanted}")
    return place


def _size(given: Json, path: str) -> int:
    if given is None:
        return PAGE_SIZE
    size = int(given) if isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given) else given
    if isinstance(size, bool) or not isinstance(size, int | float):
        raise mismatch(path, "a number or `undefined`", given)
    size = as_number(size, path)
    if not isinstance(size, int) or size < 1:
        raise mismatch(path, "≥ `1`", given)
    if size > PAGE_SIZE:
        raise mismatch(path, f"≤ `{PAGE_SIZE}`", size)
    return size
