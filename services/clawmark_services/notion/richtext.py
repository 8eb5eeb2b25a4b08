"""Rich text: what requests may say, the compact form that is kept, and the whole form that comes back.

Kept is a list of runs, each with only what differs from plain text:

    {"text": "Hello", "link": "https://...", "style": {"bold": true}}
    {"equation": "E = mc^2"}
    {"mention": {"type": "date", "date": {...}}}        (or user, page, database, by id)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from clawmark_services.notion import dates
from clawmark_services.notion.errors import MISSING, any_of, undefined
from clawmark_services.notion.grammar import (
    LIST_LIMIT,
    TEXT_COLORS,
    TEXT_LIMIT,
    as_array,
    as_boolean,
    as_choice,
    as_object,
    as_text,
    as_uuid,
    named_kind,
    only,
)
from clawmark_services.notion.javascript import js_length

Json = Any
Runs = Sequence[Mapping[str, Json]]

SITE = "https://app.notion.com/p"
"""Where pages are for browsers (recorded in 2026)."""

_MARKS = ("bold", "italic", "strikethrough", "underline", "code")
_EXPRESSION_LIMIT = 1000
_FIELDS = ("type", "text", "mention", "equation", "annotations", "plain_text", "href")


def parse(value: Json, path: str) -> list[Json]:
    """Rich text of a request as runs; raises Notion's complaint."""
    items = as_array(value, path)
    return [_parse_run(item, f"{path}[{index}]") for index, item in enumerate(items)]


def _parse_run(item: Json, path: str) -> Json:
    item = only(as_object(item, path), _FIELDS, path)
    kind = named_kind(item, _PARSERS, path)
    if kind is None:
        raise any_of(path.partition(".")[0], [undefined(f"{path}.{kind}") for kind in _PARSERS])
    as_choice(kind, tuple(_PARSERS), f"{path}.type")
    run = _PARSERS[kind](as_object(item.get(kind, MISSING), f"{path}.{kind}"), f"{path}.{kind}")
    style = _parse_style(item.get("annotations"), f"{path}.annotations")
    return run | {"style": style} if style else run


def _parse_text(text: Mapping[str, Json], path: str) -> dict[str, Json]:
    only(text, ("content", "link"), path)
    run: dict[str, Json] = {"text": as_text(text.get("content", MISSING), f"{path}.content", TEXT_LIMIT)}
    if text.get("link") is not None:
        link = as_object(text["link"], f"{path}.link")
        run["link"] = as_text(link.get("url", MISSING), f"{path}.link.url", TEXT_LIMIT)
    return run


def _parse_equation(equation: Mapping[str, Json], path: str) -> dict[str, Json]:
    expression = as_text(equation.get("expression", MISSING), f"{path}.expression", _EXPRESSION_LIMIT)
    return {"equation": expression}


def _parse_mention(mention: Mapping[str, Json], path: str) -> dict[str, Json]:
    kinds = ("user", "date", "page", "database", "template_mention")
    kind = named_kind(mention, kinds, path)
    if kind is None:
        raise any_of(path.partition(".")[0], [undefined(f"{path}.{kind}") for kind in kinds])
    as_choice(kind, kinds, f"{path}.type")
    target = as_object(mention.get(kind, MISSING), f"{path}.{kind}")
    if kind == "date":
        return {"mention": {"type": kind, "date": dates.parse(target, f"{path}.date")}}
    if kind == "template_mention":
        return {"mention": {"type": kind, kind: _parse_template_mention(target, f"{path}.{kind}")}}
    id_ = as_uuid(target.get("id", MISSING), f"{path}.{kind}.id")
    return {"mention": {"type": kind, "id": id_}}


_TEMPLATE_MENTIONS = {"template_mention_date": ("today", "now"), "template_mention_user": ("me",)}


def _parse_template_mention(target: Mapping[str, Json], path: str) -> Json:
    kind = named_kind(target, _TEMPLATE_MENTIONS, path)
    kind = as_choice(MISSING if kind is None else kind, tuple(_TEMPLATE_MENTIONS), f"{path}.type")
    word = as_choice(target.get(kind, MISSING), _TEMPLATE_MENTIONS[kind], f"{path}.{kind}")
    return {"type": kind, kind: word}


_PARSERS: Mapping[str, Callable[[Mapping[str, Json], str], dict[str, Json]]] = {
    "text": _parse_text,
    "mention": _parse_mention,
    "equation": _parse_equation,
}


def _parse_style(value: Json, path: str) -> dict[str, Json]:
    if value is None:
        return {}
    only(as_object(value, path), (*_MARKS, "color"), path)
    style: dict[str, Json] = {
        mark: True for mark in _MARKS if mark in value and as_boolean(value[mark], f"{path}.{mark}")
    }
    color = as_choice(value.get("color", "default"), TEXT_COLORS, f"{path}.color")
    return style if color == "default" else style | {"color": color}


class Names(Protocol):
    """What rich text needs to know about the things it mentions."""

    def user(self, id_: str) -> Json:
        """The whole user object of an id."""

    def title(self, id_: str) -> str:
        """The title of a page or a database."""

    def file(self, upload_id: str) -> Json:
        """`{url, expiry_time}` of an upload."""

    def file_name(self, upload_id: str) -> str:
        """The name of an upload."""


def site_url(id_: str) -> str:
    """The address of a page or database for a browser, without its title."""
    return f"{SITE}/{id_.replace('-', '')}"


def render(runs: Runs, names: Names) -> list[Json]:
    """The whole form that Notion answers with."""
    return [_render_run(run, names) for run in runs]


def _render_run(run: Mapping[str, Json], names: Names) -> Json:
    style = run.get("style", {})
    link = run.get("link")
    if "text" in run:
        body = {"type": "text", "text": {"content": run["text"], "link": {"url": link} if link else None}}
    elif "equation" in run:
        body = {"type": "equation", "equation": {"expression": run["equation"]}}
    else:
        body = {"type": "mention", "mention": _render_mention(run["mention"], names)}
    annotations = {mark: style.get(mark, False) for mark in _MARKS}
    return body | {
        "annotations": annotations | {"color": style.get("color", "default")},
        "plain_text": _plain_run(run, names),
        "href": link or _mentioned_at(run),
    }


def _mentioned_at(run: Mapping[str, Json]) -> str | None:
    """The address that a mention of a page or database leads to."""
    mention = run.get("mention", {})
    return site_url(mention["id"]) if mention.get("type") in ("page", "database") else None


def _render_mention(mention: Mapping[str, Json], names: Names) -> Json:
    kind = mention["type"]
    if kind in ("date", "template_mention"):
        return {"type": kind, kind: mention[kind]}
    if kind == "user":
        return {"type": "user", "user": names.user(mention["id"])}
    return {"type": kind, kind: {"id": mention["id"]}}


def plain(runs: Runs, names: Names) -> str:
    """The text without its style, as `plain_text` gives it."""
    return "".join(_plain_run(run, names) for run in runs)


def _plain_run(run: Mapping[str, Json], names: Names) -> str:
    if "text" in run:
        return str(run["text"])
    if "equation" in run:
        return str(run["equation"])
    mention = run["mention"]
    if mention["type"] == "date":
        return dates.plain(mention["date"])
    if mention["type"] == "template_mention":
        said = mention["template_mention"]
        return f"@{said[said['type']].capitalize()}"
    if mention["type"] == "user":
        return f"@{names.user(mention['id']).get('name', 'Anonymous')}"
    return names.title(mention["id"])


def from_text(text: str) -> list[Json]:
    """Plain text as rich text of a request, in pieces that Notion accepts.

    Raises `ValueError` when even 100 pieces of 2000 characters are too short for it.
    """
    items = [{"type": "text", "text": {"content": piece}} for piece in pieces(text)]
    if len(items) > LIST_LIMIT:
        raise ValueError(
            f"a text of {js_length(text)} characters is too long for one Notion text: "
            f"at most {LIST_LIMIT * TEXT_LIMIT}; split it over several paragraphs"
        )
    return items


def pieces(text: str) -> Iterable[str]:
    """A text in parts that Notion accepts, none longer than 2000 UTF-16 code units."""
    piece: list[str] = []
    length = 0
    for char in text:
        width = js_length(char)
        if length + width > TEXT_LIMIT:
            yield "".join(piece)
            piece, length = [], 0
        piece.append(char)
        length += width
    if piece:
        yield "".join(piece)
