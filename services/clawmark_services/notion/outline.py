"""A page as plain text, for people, models and checkers."""

from __future__ import annotations

from collections.abc import Iterator

from clawmark_services.notion import blocks
from clawmark_services.notion.records import Block, Database, Page
from clawmark_services.notion.workspace import Workspace


def text(workspace: Workspace, node: Page | Block | Database) -> str:
    """All that a page or block contains, one line a block, what is nested indented by two spaces.

    Child pages and databases appear by their titles.
    """
    return "\n".join(_lines(workspace, node, ""))


def _lines(workspace: Workspace, node: Page | Block | Database, indent: str) -> Iterator[str]:
    for child in workspace.shown(node):
        if isinstance(child, Block):
            yield indent + blocks.plain(child.type, child.content, workspace)
            yield from _lines(workspace, child, indent + "  ")
        else:
            yield indent + workspace.title(child.id)
