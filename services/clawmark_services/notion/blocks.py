"""Blocks: which fields each type has, how requests spell them, what is kept and what comes back.

The grammar is a table: a type's content is the fields named for it in `FIELDS`, so that another type is
one more line. Kept content leaves out what has its default value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawmark_services.notion import files, richtext
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
from clawmark_services.notion.languages import LANGUAGES
from clawmark_services.notion.richtext import Names

Json = Any

PAYLOAD_LIMIT = 1000
"""Blocks in one request, nested ones among them (request limits of the API reference)."""

NESTING_LIMIT = 2
"""Levels of children below the blocks of one request (the API reference on appending)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A block that a request asks for, before it has an id."""

    type: str
    content: Mapping[str, Json]
    children: tuple[Draft, ...] = ()

    @property
    def size(self) -> int:
        """How many blocks it is, with all that it contains."""
        return 1 + sum(child.size for child in self.children)


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
    """An icon of a page, database or block: an emoji or an image; None removes it."""
    if value is None:
        return None
    value = as_object(value, path)
    kind = named_kind(value, ("emoji", "external", "file_upload", "file", "custom_emoji", "icon"), path)
    if kind == "emoji":
        return {"type": "emoji", "emoji": as_text(value.get("emoji", MISSING), f"{path}.emoji")}
    if kind in files.KINDS:
        return parse_image(value, path)
    if kind == "icon":
        icon = as_object(value.get("icon", MISSING), f"{path}.icon")
        name = as_text(icon.get("name", MISSING), f"{path}.icon.name", TEXT_LIMIT)
        color = as_choice(icon.get("color", "gray"), files.ICON_COLORS, f"{path}.icon.color")
        return {"type": "icon", "icon": {"name": name, "color": color}}
    if kind == "custom_emoji":
        emoji = as_object(value.get("custom_emoji", MISSING), f"{path}.custom_emoji")
        id_ = as_uuid(emoji.get("id", MISSING), f"{path}.custom_emoji.id")
        raise invalid(f"Could not find custom emoji with ID: {id_}.")
    raise any_of("body", [undefined(f"{path}.{name}") for name in ("emoji", "external", "file_upload")])


def parse_image(value: Json, path: str) -> Json:
    """A cover, or an icon that is an image, from elsewhere or uploaded; None removes it."""
    if value is None:
        return None
    source = files.parse(as_object(value, path), path)
    if "external" in source:
        return {"type": "external", "external": {"url": source["external"]}}
    return source


def show_image(value: Json, names: Names) -> Json:
    """An icon or a cover of the wire."""
    return value if value is None or "type" in value else files.show(value, names)


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


def _parse_language(value: Json, path: str) -> Json:
    return as_choice(value, LANGUAGES, path)


def _as_short_text(value: Json, path: str) -> Json:
    return as_text(value, path, TEXT_LIMIT)


_TEXT = Field(richtext.parse, (), required=True, show=richtext.render)
_CAPTION = Field(richtext.parse, (), show=richtext.render)
_COLOR = Field(_parse_color, "default")
_FLAG = Field(as_boolean, default=False)
_ICON = Field(parse_icon, show=show_image)
_URL = Field(_as_short_text, "", required=True)
_LINE = {"rich_text": _TEXT, "color": _COLOR}
_HEADING = {"rich_text": _TEXT, "is_toggleable": _FLAG, "color": _COLOR}
_MEDIA = {"caption": _CAPTION}
_NAMED = {**_MEDIA, "name": Field(_as_short_text, hidden=True)}
_LINKED = {"caption": _CAPTION, "url": _URL}

_LINK_TARGETS = ("page_id", "database_id", "comment_id")

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
    "code": {"caption": _CAPTION, "rich_text": _TEXT, "language": Field(_parse_language, "plain text")},
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
        "type": Field(lambda value, path: as_choice(value, _LINK_TARGETS, path), required=True),
        **{target: Field(as_uuid, hidden=True) for target in _LINK_TARGETS},
    },
    "synced_block": {"synced_from": Field(_parse_origin)},
    "template": {"rich_text": _TEXT},
    "embed": _LINKED,
    "bookmark": _LINKED,
    "image": _MEDIA,
    "video": _MEDIA,
    "pdf": _MEDIA,
    "audio": _MEDIA,
    "file": _NAMED,
}
"""The content of every type of block that can be written, in the order in which it comes back."""

MEDIA = frozenset(("image", "video", "pdf", "audio", "file"))
"""Blocks that show a file: `external` or `upload` says where it is, as in `files`."""

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
    drafts = tuple(_parse_draft(item, f"{path}[{index}]", depth) for index, item in enumerate(items))
    if depth == 0 and (count := sum(draft.size for draft in drafts)) > PAYLOAD_LIMIT:
        raise invalid(
            f"body failed validation: {path} should contain ≤ `{PAYLOAD_LIMIT}` blocks, not `{count}`."
        )
    return drafts


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
    content: dict[str, Json] = dict(old or {})
    if kind in MEDIA:
        raw, source = _parse_media(raw, path, old)
        content |= source
    only(raw, tuple(fields), path)
    if kind == "link_to_page":
        target = named_kind(raw, _LINK_TARGETS, path)
        raw = {"type": target, target or "page_id": raw.get(target or "page_id", MISSING)}
    for name, field in fields.items():
        if name in raw:
            content[name] = field.parse(raw[name], f"{path}.{name}")
        elif field.required and old is None:
            raise mismatch(f"{path}.{name}", "defined", MISSING)
    defaults = {name: field.default for name, field in fields.items()}
    return {name: value for name, value in content.items() if value not in (defaults.get(name), [])}


def _parse_media(raw: Mapping[str, Json], path: str, old: Json) -> tuple[Mapping[str, Json], Json]:
    """What is said of a file besides where it is, and where it is; an update may leave that out."""
    said = {name: value for name, value in raw.items() if name not in ("type", *files.KINDS)}
    if old is not None and not any(kind in raw for kind in files.KINDS):
        return said, {}
    return said, files.parse(raw, path)


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
    shown = {
        name: field.show(content.get(name, field.default), names)
        for name, field in FIELDS[kind].items()
        if name in content or not field.hidden
    }
    if kind not in MEDIA:
        return shown
    if kind == "file" and "upload" in content:
        shown.setdefault("name", names.file_name(content["upload"]))
    return shown | files.show(content, names)


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
