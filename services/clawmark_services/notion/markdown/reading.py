"""Markdown as blocks of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clawmark_services.notion import blocks, richtext
from clawmark_services.notion.blocks import Draft
from clawmark_services.notion.grammar import LIST_LIMIT
from clawmark_services.notion.languages import ALIASES, LANGUAGES
from clawmark_services.notion.markdown import spans

Json = Any

_DEPTH = 8
"""Levels below the first that are kept; what lies deeper stands beside its parent instead."""

_LINE = re.compile(r"(#{1,6}|[-*+](?: \[[ xX]\])?|\d{1,9}[.)]|>)(?: (.*)|$)", re.DOTALL)
_TRAILING = re.compile(r' \{((?:[a-z-]+="[^"]*" ?)+)\}$')
_IMAGE = re.compile(r"!\[(.*)\]\((\S+)\)")
_MEDIA = re.compile(r"<(video|audio|pdf|file) ([^>]*)>(?:(.*)</\1>)?")
_CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
_SEPARATOR = re.compile(r"\|?[\s:|-]*-[\s:|-]*")
_CLOSED = ("details", "callout", "columns", "column", "table", "synced_block")


def drafts(text: str) -> tuple[Draft, ...]:
    """All blocks of a text; raises Notion's complaint about what blocks cannot hold."""
    items = [block for segment in segments(text) for block in read(segment)]
    parts = (items[start : start + LIST_LIMIT] for start in range(0, len(items), LIST_LIMIT))
    return tuple(
        draft for part in parts for draft in blocks.parse_children(part, "body.content", -_DEPTH - 1)
    )


def segments(text: str) -> list[str]:
    """The text of each block of the first level, in order; empty lines between them are nothing."""
    found: list[list[str]] = []
    until: str | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        if until is not None:
            found[-1].append(line)
            if line.rstrip() == until:
                until = None
        elif found and _nested(line, found[-1]):
            found[-1].append(line)
        elif line.strip():
            found.append([line])
            until = _closing(line)
    return ["\n".join(lines) for lines in found]


def _nested(line: str, above: Sequence[str]) -> bool:
    if line.startswith("|") and above[0].startswith("|"):
        return True
    return bool(line.strip()) and line.startswith(("\t", "  "))


def _closing(line: str) -> str | None:
    """The line that ends what a line begins."""
    if line.startswith("```"):
        return "```"
    if line.strip() == "$$":
        return "$$"
    tag = re.match(r"<([a-z_]+)[ >]", line)
    if tag and tag.group(1) in _CLOSED and f"</{tag.group(1)}>" not in line:
        return f"</{tag.group(1)}>"
    return None


def read(segment: str, depth: int = 0) -> list[Json]:
    """The block, or in a few cases blocks, of one segment."""
    first, _, rest = segment.partition("\n")
    for begins, reader in _READERS:
        if first.startswith(begins):
            block = reader(segment, depth)
            if block is not None:
                return block
    return _with_children(_simple(first.strip()), rest, depth)


def _with_children(block: Json, rest: str, depth: int) -> list[Json]:
    inner = _inner(_outdented(rest), depth + 1)
    if not inner:
        return [block]
    kind = next(iter(block))
    holds = blocks.holds_children(kind, block[kind])
    if depth >= _DEPTH or not holds:
        return [block, *inner]
    return [{kind: {**block[kind], "children": inner[:LIST_LIMIT]}}, *inner[LIST_LIMIT:]]


def _inner(text: str, depth: int) -> list[Json]:
    return [block for segment in segments(text) for block in read(segment, depth)]


def _outdented(text: str) -> str:
    """Nested lines without the indentation that all of them have."""
    lines = [line.replace("    ", "\t") if line.startswith("    ") else line for line in text.split("\n")]
    full = [line for line in lines if line.strip()]
    width = min((len(line) - len(line.lstrip(" \t")) for line in full), default=0)
    return "\n".join(line[width:] for line in lines)


def _simple(line: str) -> Json:
    """A block that is one line."""
    line, said = _split_attributes(line)
    found = _LINE.fullmatch(line)
    color = spans.block_color(said)
    colored = {} if color is None else {"color": color}
    if line == "<empty-block/>":
        return {"paragraph": {"rich_text": []}}
    if found is None:
        return {"paragraph": {"rich_text": spans.parse(line), **colored}}
    mark, text = found.group(1), found.group(2) or ""
    kind, extra = _marked(mark)
    if said.get("toggle") == "true" and kind.startswith("heading"):
        extra["is_toggleable"] = True
    return {kind: {"rich_text": spans.parse(text), **extra, **colored}}


def _split_attributes(line: str) -> tuple[str, Mapping[str, str]]:
    if not line.endswith('"}'):
        return line, {}
    found = _TRAILING.search(line, line.rindex(" {") if " {" in line else 0)
    return (line[: found.start()], spans.attributes(found.group(1))) if found else (line, {})


def _marked(mark: str) -> tuple[str, dict[str, Json]]:
    if mark.startswith("#"):
        return f"heading_{min(len(mark), 4)}", {}
    if "[" in mark:
        return "to_do", {"checked": mark[-2] in "xX"}
    if mark == ">":
        return "quote", {}
    return ("bulleted_list_item" if mark in "-*+" else "numbered_list_item"), {}


def _divider(segment: str, _depth: int) -> list[Json] | None:
    return [{"divider": {}}] if segment.strip() == "---" else None


def _code(segment: str, _depth: int) -> list[Json]:
    first, *lines = segment.split("\n")
    if lines and lines[-1].rstrip() == "```":
        lines.pop()
    named = first[3:].strip().lower()
    language = ALIASES.get(named, named)
    known = language if language in LANGUAGES else "plain text"
    return [{"code": {"rich_text": richtext.from_text("\n".join(lines)), "language": known}}]


def _equation(segment: str, _depth: int) -> list[Json] | None:
    lines = segment.split("\n")
    if lines[0].strip() != "$$":
        return None
    body = lines[1:-1] if lines[-1].strip() == "$$" else lines[1:]
    return [{"equation": {"expression": "\n".join(body)}}]


def _image(segment: str, _depth: int) -> list[Json] | None:
    found = _IMAGE.fullmatch(segment.strip())
    return None if found is None else [_shown("image", found.group(2), found.group(1))]


def _shown(kind: str, url: str, caption: str) -> Json:
    return {kind: {"external": {"url": url}, "caption": spans.parse(caption)}}


def _piped(segment: str, _depth: int) -> list[Json] | None:
    """A table of bars: its second line parts the heads from the rest."""
    lines = [line.strip() for line in segment.split("\n")]
    if len(lines) < 2 or not _SEPARATOR.fullmatch(lines[1]):
        return None
    rows = [_bars(line) for line in (lines[0], *lines[2:])]
    return [_table(rows, {"has_column_header": True})]


def _bars(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def _table(rows: Sequence[Sequence[str]], flags: Mapping[str, bool]) -> Json:
    width = max(1, min(100, max((len(row) for row in rows), default=1)))
    filled = [[*row[:width], *[""] * (width - len(row))] for row in rows[:LIST_LIMIT]] or [[""] * width]
    lines = [{"table_row": {"cells": [spans.parse(cell) for cell in row]}} for row in filled]
    return {"table": {"table_width": width, **flags, "children": lines}}


def _tag(segment: str, depth: int) -> list[Json] | None:
    found = re.match(r"<([a-z_]+)([^>]*)>", segment)
    if found is None:
        return None
    name, said = found.group(1), spans.attributes(found.group(2))
    inside = segment[found.end() :].strip("\n").removesuffix(f"</{name}>")
    if name in _TAG_READERS:
        return _TAG_READERS[name](inside, said, depth)
    media = _MEDIA.match(segment)
    if media is not None and "src" in said:
        return [_shown(name, said["src"], media.group(3) or "")]
    return None


def _details(inside: str, said: Mapping[str, str], depth: int) -> list[Json]:
    summary, _, rest = inside.strip().removeprefix("<summary>").partition("</summary>")
    color = spans.block_color(said)
    content = {"rich_text": spans.parse(summary), **({} if color is None else {"color": color})}
    return _with_children({"toggle": content}, rest, depth)


def _callout(inside: str, said: Mapping[str, str], depth: int) -> list[Json]:
    first, _, rest = _outdented(inside).strip("\n").partition("\n")
    content: dict[str, Json] = {"rich_text": spans.parse(first.strip())}
    if said.get("icon"):
        content["icon"] = {"emoji": said["icon"]}
    color = spans.block_color(said)
    if color is not None:
        content["color"] = color
    return _with_children({"callout": content}, rest, depth)


def _columns(inside: str, _said: Mapping[str, str], depth: int) -> list[Json]:
    columns = [part for part in segments(_outdented(inside)) if part.startswith("<column")]
    inner = [_inner(_outdented(_content(part)), depth + 2) for part in columns[:LIST_LIMIT]]
    if len(inner) < 2 or depth + 2 > _DEPTH:
        return [block for blocks_of_one in inner for block in blocks_of_one]
    return [{"column_list": {"children": [{"column": {"children": each[:LIST_LIMIT]}} for each in inner]}}]


def _content(part: str) -> str:
    return part.partition(">")[2].strip("\n").removesuffix("</column>")


def _tabled(inside: str, said: Mapping[str, str], _depth: int) -> list[Json]:
    rows = [_CELL.findall(row) for row in inside.split("<tr")[1:]]
    flags = {"has_column_header": said.get("header-row") == "true"}
    return [_table(rows, {**flags, "has_row_header": said.get("header-column") == "true"})]


def _contents(_inside: str, _said: Mapping[str, str], _depth: int) -> list[Json]:
    return [{"table_of_contents": {}}]


_TAG_READERS: Mapping[str, Callable[[str, Mapping[str, str], int], list[Json]]] = {
    "details": _details,
    "callout": _callout,
    "columns": _columns,
    "table": _tabled,
    "table_of_contents": _contents,
}
_READERS: Sequence[tuple[str, Callable[[str, int], list[Json] | None]]] = (
    ("---", _divider),
    ("```", _code),
    ("$$", _equation),
    ("![", _image),
    ("|", _piped),
    ("<", _tag),
)
