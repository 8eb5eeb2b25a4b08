"""Blocks: which fields each type has, how requests spell them, what is kept and what comes back.

The grammar is a table: a type's content is the fields named for it in `FIELDS`, so that another type is
one more line. Kept content leaves out what has its default value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawmark_services.notion import richtext
from clawmark_services.notion.errors import MISSING, any_of, invalid, mismatch, undefined
from clawmark_services.notion.grammar import (
    TEXT_COLORS,
    TEXT_LIMIT,
    as_array,
    as_boolean,
    as_choice,
    as_number,
    as_object,
    as_text,
    as_uuid,
    named_kind,
    only,
)
from clawmark_services.notion.richtext import Names

Json = Any

NESTING_LIMIT = 2
"""Levels of children below the blocks of one request (the API reference on appending)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A block that a request asks for, before it has an id."""

    type: str
    content: Mapping[str, Json]
    children: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a block's content; one that is not `required` may be left out and is `default` then.

    A `hidden` field comes back only when it is set.
    """

    parse: Callable[[Json, str], Json]
    default: Json = None
    required: bool = False
    show: Callable[[Json, Names], Json] = lambda value, _names: value
    hidden: bool = False


def _parse_color(value: Json, path: str) -> Json:
    return as_choice(value, TEXT_COLORS, path)


def parse_icon(value: Json, path: str) -> Json:
    """An icon of a page, database or block: an emoji, or an image from elsewhere; None removes it."""
    if value is None:
        return None
    value = as_object(value, path)
    kind = named_kind(value, ("emoji", "external"), path)
    if kind == "emoji":
        return {"type": "emoji", "emoji": as_text(value.get("emoji", MISSING), f"{path}.emoji")}
    if kind == "external":
        return parse_external(value, path)
    raise any_of("body", [undefined(f"{path}.emoji"), undefined(f"{path}.external")])


def parse_external(value: Json, path: str) -> Json:
    """An image or file that lies elsewhere; None removes it."""
    if value is None:
        return None
    external = as_object(as_object(value, path).get("external", MISSING), f"{path}.external")
    url = as_text(external.get("url", MISSING), f"{path}.external.url", TEXT_LIMIT)
    return {"type": "external", "external": {"url": url}}


def _parse_address(value: Json, path: str) -> Json:
    return as_text(as_object(value, path).get("url", MISSING), f"{path}.url", TEXT_LIMIT)


def _parse_cells(value: Json, path: str) -> Json:
    return [richtext.parse(cell, f"{path}[{index}]") for index, cell in enumerate(as_array(value, path))]


def _parse_origin(value: Json, path: str) -> Json:
    if value is None:
        return None
    id_ = as_uuid(as_object(value, path).get("block_id", MISSING), f"{path}.block_id")
    return {"type": "block_id", "block_id": id_}


def _parse_width(value: Json, path: str) -> Json:
    width = as_number(value, path)
    if not isinstance(width, int) or not 1 <= width <= 100:
        raise mismatch(path, "between `1` and `100`", value)
    return width


def _show_cells(value: Json, names: Names) -> Json:
    return [richtext.render(cell, names) for cell in value]


def _as_short_text(value: Json, path: str) -> Json:
    return as_text(value, path, TEXT_LIMIT)


_TEXT = Field(richtext.parse, (), required=True, show=richtext.render)
_CAPTION = Field(richtext.parse, (), show=richtext.render)
_COLOR = Field(_parse_color, "default")
_FLAG = Field(as_boolean, default=False)
_ICON = Field(parse_icon)
_URL = Field(_as_short_text, "", required=True)
_LINE = {"rich_text": _TEXT, "color": _COLOR}
_HEADING = {"rich_text": _TEXT, "is_toggleable": _FLAG, "color": _COLOR}
_EXTERNAL = {
    "caption": _CAPTION,
    "type": Field(lambda value, path: as_choice(value, ("external",), path), "external"),
    "external": Field(_parse_address, required=True, show=lambda url, _names: {"url": url}),
}
_NAMED = {**_EXTERNAL, "name": Field(_as_short_text, hidden=True)}
_LINKED = {"caption": _CAPTION, "url": _URL}

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "paragraph": {"rich_text": _TEXT, "icon": _ICON, "color": _COLOR},
    "heading_1": _HEADING,
    "heading_2": _HEADING,
    "heading_3": _HEADING,
    "heading_4": _HEADING,
    "bulleted_list_item": _LINE,
    "numbered_list_item": _LINE,
    "to_do": {"rich_text": _TEXT, "checked": _FLAG, "color": _COLOR},
    "toggle": _LINE,
    "quote": _LINE,
    "callout": {"rich_text": _TEXT, "icon": _ICON, "color": _COLOR},
    "code": {"caption": _CAPTION, "rich_text": _TEXT, "language": Field(_as_short_text, "plain text")},
    "equation": {"expression": _URL},
    "divider": {},
    "breadcrumb": {},
    "table_of_contents": {"color": _COLOR},
    "column_list": {},
    "column": {},
    "table": {
        "table_width": Field(_parse_width, required=True),
        "has_column_header": _FLAG,
        "has_row_header": _FLAG,
    },
    "table_row": {"cells": Field(_parse_cells, (), required=True, show=_show_cells)},
    "link_to_page": {
        "type": Field(lambda value, path: as_choice(value, ("page_id", "database_id"), path), required=True),
        "page_id": Field(as_uuid, hidden=True),
        "database_id": Field(as_uuid, hidden=True),
    },
    "synced_block": {"synced_from": Field(_parse_origin)},
    "template": {"rich_text": _TEXT},
    "embed": _LINKED,
    "bookmark": _LINKED,
    "image": _EXTERNAL,
    "video": _EXTERNAL,
    "pdf": _EXTERNAL,
    "audio": _EXTERNAL,
    "file": _NAMED,
}
"""The content of every type of block that can be written, in the order in which it comes back."""

_CONTAINERS = frozenset(
    {
        "paragraph",
        "bulleted_list_item",
        "numbered_list_item",
        "to_do",
        "toggle",
        "quote",
        "callout",
        "column_list",
        "column",
        "table",
        "synced_block",
        "template",
    }
)
_ENVELOPE = ("object", "type", "id")


def parse_children(value: Json, path: str, depth: int = 0) -> tuple[Draft, ...]:
    """The blocks of a request with all that they contain."""
    items = as_array(value, path)
    return tuple(_parse_draft(item, f"{path}[{index}]", depth) for index, item in enumerate(items))


def _parse_draft(item: Json, path: str, depth: int) -> Draft:
    item = as_object(item, path)
    kind = named_kind(item, FIELDS, path)
    if kind is None or kind not in FIELDS:
        raise any_of("body", [undefined(f"{path}.{name}") for name in FIELDS])
    only(item, (*_ENVELOPE, kind), path)
    place = f"{path}.{kind}"
    raw = dict(as_object(item.get(kind, MISSING), place))
    nested = raw.pop("children", None)
    content = parse_content(kind, raw, place)
    if nested is not None and (depth >= NESTING_LIMIT or not holds_children(kind, content)):
        raise mismatch(f"{place}.children", "not present", nested)
    children = parse_children(nested, f"{place}.children", depth + 1) if nested is not None else ()
    _check_layout(kind, content, children, place)
    return Draft(type=kind, content=content, children=children)


def parse_content(kind: str, raw: Mapping[str, Json], path: str, old: Json = None) -> dict[str, Json]:
    """The kept form of a block's content; what an update leaves out stays as in `old`."""
    fields = FIELDS[kind]
    only(raw, tuple(fields), path)
    if kind == "link_to_page":
        target = named_kind(raw, ("page_id", "database_id"), path)
        raw = {"type": target, target or "page_id": raw.get(target or "page_id", MISSING)}
    content: dict[str, Json] = dict(old or {})
    for name, field in fields.items():
        if name in raw:
            content[name] = field.parse(raw[name], f"{path}.{name}")
        elif field.required and old is None:
            raise mismatch(f"{path}.{name}", "defined", MISSING)
    return {name: value for name, value in content.items() if value not in (fields[name].default, [])}


def holds_children(kind: str, content: Mapping[str, Json]) -> bool:
    """Whether blocks may be put into a block of this type."""
    return kind in _CONTAINERS or bool(kind.startswith("heading_") and content.get("is_toggleable"))


def _check_layout(kind: str, content: Mapping[str, Json], children: Sequence[Draft], path: str) -> None:
    if kind == "table":
        if not children:
            raise mismatch(f"{path}.children", "defined", MISSING)
        check_children(kind, content, children)
    if kind == "column_list":
        if len(children) < 2:
            raise mismatch(f"{path}.children.length", "≥ `2`", len(children))
        check_children(kind, content, children)


def check_children(kind: str, content: Mapping[str, Json], children: Sequence[Draft]) -> None:
    """Raise Notion's complaint about blocks that a container of this type cannot hold."""
    inside = {"table": "table_row", "column_list": "column"}.get(kind)
    for child in children:
        if inside is not None and child.type != inside:
            raise invalid(f"Content creation Failed. A {kind} block can only contain {inside} blocks.")
        if kind == "table" and len(child.content.get("cells", ())) != content["table_width"]:
            raise invalid("Number of cells in table row must match the table width of the parent table")
        if inside is None and child.type in ("table_row", "column"):
            raise invalid(f"Content creation Failed. A {child.type} block cannot be placed here.")


def render_content(kind: str, content: Mapping[str, Json], names: Names) -> dict[str, Json]:
    """The whole content that Notion answers with."""
    return {
        name: field.show(content.get(name, field.default), names)
        for name, field in FIELDS[kind].items()
        if name in content or not field.hidden
    }


def plain(kind: str, content: Mapping[str, Json], names: Names) -> str:
    """One line of what a block says: its text, cells, formula, address or caption."""
    if kind == "table_row":
        return " | ".join(richtext.plain(cell, names) for cell in content.get("cells", ()))
    spoken = [richtext.plain(content.get(name, ()), names) for name in ("rich_text", "caption")]
    spoken += [content[name] for name in ("expression", "url", "external") if content.get(name)]
    return " ".join(text for text in spoken if text)


def paragraphs(text: str) -> list[Json]:
    """Plain or lightly marked text as blocks of a request, one for each line that says something.

    `# `, `## `, `### ` begin headings, `- ` and `* ` bullets, `1. ` numbered items, `[ ] ` and `[x] ` (with
    or without a bullet) to-dos, `> ` quotes; `---` is a divider.
    """
    return [_marked(line) for line in text.splitlines() if line.strip()]


_MARKS: Sequence[tuple[str, str, Mapping[str, Json]]] = (
    ("### ", "heading_3", {}),
    ("## ", "heading_2", {}),
    ("# ", "heading_1", {}),
    ("- [ ] ", "to_do", {"checked": False}),
    ("- [x] ", "to_do", {"checked": True}),
    ("[ ] ", "to_do", {"checked": False}),
    ("[x] ", "to_do", {"checked": True}),
    ("- ", "bulleted_list_item", {}),
    ("* ", "bulleted_list_item", {}),
    ("> ", "quote", {}),
)


def _marked(line: str) -> Json:
    stripped = line.strip()
    if stripped == "---":
        return {"type": "divider", "divider": {}}
    for mark, kind, extra in _MARKS:
        if stripped.startswith(mark):
            return _line(kind, stripped[len(mark) :], extra)
    number, dot, rest = stripped.partition(". ")
    if dot and number.isdecimal() and number.isascii():
        return _line("numbered_list_item", rest, {})
    return _line("paragraph", line.rstrip(), {})


def _line(kind: str, text: str, extra: Mapping[str, Json]) -> Json:
    return {"type": kind, kind: {"rich_text": richtext.from_text(text), **extra}}
