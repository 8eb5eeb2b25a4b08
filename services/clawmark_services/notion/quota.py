"""What the workspace of one world may hold, so that no client fills the memory of the host.

Notion bounds the blocks of some workspaces too, but does not say in which words it refuses more: these are
ours. What makes a workspace smaller is never refused, and the author of the task may add what they like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clawmark_services.notion.errors import NotionError

if TYPE_CHECKING:
    from clawmark_services.notion.workspace import Workspace

MAX_RECORDS = 100_000
"""Pages, rows, databases, blocks, comments, views and uploads together."""

MAX_UPLOADED = 256 * 1024 * 1024
"""Bytes of all uploads."""


MAX_SENT = 256 * 1024 * 1024
"""Bytes of JSON that clients may send to change the workspace; what they delete gives none back."""


def check_sent(length: int) -> None:
    """Refuse a change when that much was sent already."""
    if length > MAX_SENT:
        raise _full(f"what {MAX_SENT} bytes of requests made")


def check(after: Workspace, before: Workspace) -> None:
    """Refuse a change that makes a full workspace larger."""
    if _records(after) > max(MAX_RECORDS, _records(before)):
        raise _full(f"{MAX_RECORDS} blocks, pages and comments")
    if after.uploads != before.uploads and _uploaded(after) > max(MAX_UPLOADED, _uploaded(before)):
        raise _full(f"{MAX_UPLOADED} bytes of uploads")


def _records(workspace: Workspace) -> int:
    kinds = (
        workspace.nodes,
        workspace.sources,
        workspace.comments,
        workspace.views,
        workspace.view_queries,
        workspace.uploads,
        workspace.async_tasks,
    )
    return sum(len(kind) for kind in kinds)


def _uploaded(workspace: Workspace) -> int:
    # In Base64, four signs are three bytes.
    parts = (part for upload in workspace.uploads.values() for part in upload.parts.values())
    return sum(len(part) * 3 // 4 for part in parts)


def _full(what: str) -> NotionError:
    message = f"The workspace is full: it may hold at most {what}."
    return NotionError(403, "restricted_resource", message)
