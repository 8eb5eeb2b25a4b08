"""Blocks of a page as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawmark_services.notion import files, richtext
from clawmark_services.notion.markdown import spans
from clawmark_services.notion.records import Block, Database, Page
from clawmark_services.notion.workspace import Workspace

Json = Any
Node = Page | Database | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A page's content: the text of each block of its first level, and the ids of those without a spelling."""

    parts: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(text for _id, text in self.parts)


def written(workspace: Workspace, page: Page) -> Written:
    """A page as Markdown."""
    writer = _Writer(workspace)
    parts = tuple((child.id, "\n".join(writer.lines(child))) for child in workspace.shown(page))
    return Written(parts=parts, unknown=tuple(writer.unknown))


class _Writer:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.unknown: list[str] = []

    def lines(self, node: Node) -> Iterator[str]:
        """One block with all it contains."""
        if not isinstance(node, Block):
            kind = "page" if isinstance(node, Page) else "database"
            url = richtext.site_url(node.id)
            yield f'<{kind} url="{url}">{self._workspace.title(node.id)}</{kind}>'
            return
        if node.type in _TAGS:
            yield from self._tagged(node)
        elif node.type in _LINES:
            yield _LINES[node.type](self._spoken(node), node.content) + _attributes(node)
            yield from self._inner(node)
        elif node.type in _WHOLE:
            yield from _WHOLE[node.type](node, self._workspace)
        else:
            self.unknown.append(node.id)
            yield f'<unknown url="{richtext.site_url(node.id)}" alt="{node.type}"/>'

    def _spoken(self, node: Block) -> str:
        return spans.text(node.content.get("rich_text", ()), self._workspace)

    def _inner(self, node: Block) -> Iterator[str]:
        for child in self._workspace.shown(node):
            yield from (f"\t{line}" for line in self.lines(child))

    def _tagged(self, node: Block) -> Iterator[str]:
        tag = _TAGS[node.type]
        color = spans.color_attribute(node.content.get("color"))
        icon = node.content.get("icon") or {}
        marked = f' icon="{icon["emoji"]}"' if "emoji" in icon else ""
        yield f"<{tag}{marked}{color}>"
        spoken = self._spoken(node)
        if tag == "details":
            yield f"<summary>{spoken}</summary>"
        elif spoken:
            yield f"\t{spoken}"
        yield from self._inner(node)
        yield f"</{tag}>"


def _attributes(node: Block) -> str:
    said = ' toggle="true"' if node.content.get("is_toggleable") else ""
    said += spans.color_attribute(node.content.get("color"))
    return f" {{{said.strip()}}}" if said else ""


def _heading(level: int) -> Callable[[str, Mapping[str, Json]], str]:
    return lambda text, _content: f"{'#' * level} {text}"


def _to_do(text: str, content: Mapping[str, Json]) -> str:
    return f"- [{'x' if content.get('checked') else ' '}] {text}"


_TAGS = {
    "toggle": "details",
    "callout": "callout",
    "column_list": "columns",
    "column": "column",
    "synced_block": "synced_block",
}
_LINES: Mapping[str, Callable[[str, Mapping[str, Json]], str]] = {
    "paragraph": lambda text, _content: text or "<empty-block/>",
    **{f"heading_{level}": _heading(level) for level in range(1, 5)},
    "bulleted_list_item": lambda text, _content: f"- {text}",
    "numbered_list_item": lambda text, _content: f"1. {text}",
    "to_do": _to_do,
    "quote": lambda text, _content: f"> {text}",
}


def _code(node: Block, workspace: Workspace) -> Iterator[str]:
    yield f"```{node.content.get('language', 'plain text')}"
    yield from richtext.plain(node.content.get("rich_text", ()), workspace).split("\n")
    yield "```"


def _equation(node: Block, _workspace: Workspace) -> Iterator[str]:
    yield from ("$$", node.content.get("expression", ""), "$$")


def _media(node: Block, workspace: Workspace) -> Iterator[str]:
    shown = files.show(node.content, workspace)
    url = shown[shown["type"]]["url"]
    caption = spans.text(node.content.get("caption", ()), workspace)
    if node.type == "image":
        yield f"![{caption}]({url})"
    else:
        yield f'<{node.type} src="{url}">{caption}</{node.type}>'


def _table(node: Block, workspace: Workspace) -> Iterator[str]:
    heads = (("has_column_header", "header-row"), ("has_row_header", "header-column"))
    said = "".join(f' {name}="true"' for field, name in heads if node.content.get(field))
    yield f"<table{said}>"
    for row in workspace.shown(node):
        yield "\t<tr>"
        cells = row.content.get("cells", ()) if isinstance(row, Block) else ()
        yield from (f"\t\t<td>{spans.text(cell, workspace)}</td>" for cell in cells)
        yield "\t</tr>"
    yield "</table>"


_WHOLE: Mapping[str, Callable[[Block, Workspace], Iterator[str]]] = {
    "divider": lambda _node, _workspace: iter(("---",)),
    "table_of_contents": lambda _node, _workspace: iter(("<table_of_contents/>",)),
    "code": _code,
    "equation": _equation,
    "table": _table,
    **dict.fromkeys(("image", "video", "audio", "pdf", "file"), _media),
}
