"""Rich text as inline Markdown: `**bold**`, `*italic*`, `~~strike~~`, code, links, `$`x`$`, spans, mentions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clawmark_services.notion import richtext
from clawmark_services.notion.grammar import TEXT_COLORS, TEXT_LIMIT

Json = Any
Style = Mapping[str, Json]

_SPECIAL = re.compile(r"[\\`*_~$\[<]")
_ESCAPED = re.compile(r"([\\*~`$\[\]<>{}|^])")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_MARKS = (("**", "bold"), ("~~", "strikethrough"), ("*", "italic"), ("_", "italic"))
_DEPTH_LIMIT = 12


def parse(text: str) -> list[Json]:
    """Inline Markdown as rich text of a request; what is not closed is text."""
    items: list[Json] = []
    _Scanner(text, {}, None, 0, items).scan()
    return items


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag, `color="red"`."""
    return dict(_ATTRIBUTE.findall(tag))


class _Scanner:
    """One walk over a text, never back: a mark whose end was not found once is not looked for again."""

    def __init__(self, text: str, style: Style, link: str | None, depth: int, items: list[Json]) -> None:
        self._text, self._style, self._link = text, style, link
        self._depth, self._items = depth, items
        self._plain: list[str] = []
        self._endless: set[str] = set()
        self._at = 0

    def scan(self) -> None:
        """Put the whole text's runs into `items`."""
        while self._at < len(self._text):
            special = _SPECIAL.search(self._text, self._at)
            upto = special.start() if special else len(self._text)
            self._plain.append(self._text[self._at : upto])
            self._at = upto
            if special and not self._special(special.group()):
                self._plain.append(special.group())
                self._at += 1
        self._flush()

    def _special(self, char: str) -> bool:
        """Read what begins at a special character; False when nothing does."""
        if char == "\\":
            escaped = self._text[self._at + 1 : self._at + 2]
            if not _ESCAPED.fullmatch(escaped):
                return False
            self._plain.append(escaped)
            self._at += 2
            return True
        if self._depth >= _DEPTH_LIMIT:
            return False
        readers: Mapping[str, Callable[[], bool]] = {
            "`": self._code,
            "$": self._equation,
            "[": self._link_to,
            "<": self._tag,
        }
        return readers[char]() if char in readers else self._mark()

    def _upto(self, opening: str, closing: str) -> str | None:
        """What lies between two marks, when the first is here and the other follows; moves behind it."""
        start = self._at + len(opening)
        if not self._text.startswith(opening, self._at) or closing in self._endless:
            return None
        end = self._text.find(closing, start)
        if end < 0:
            self._endless.add(closing)
            return None
        if end == start:
            return None
        self._at = end + len(closing)
        return self._text[start:end]

    def _code(self) -> bool:
        inner = self._upto("`", "`")
        if inner is not None:
            self._flush()
            self._text_run(inner, {**self._style, "code": True}, self._link)
        return inner is not None

    def _equation(self) -> bool:
        inner = self._upto("$`", "`$")
        if inner is not None:
            self._flush()
            self._items.append({"equation": {"expression": inner[:1000]}, "annotations": dict(self._style)})
        return inner is not None

    def _link_to(self) -> bool:
        begun = self._at
        label = self._upto("[", "](")
        if label is None:
            return False
        self._at -= 1
        url = self._upto("(", ")")
        if url is None or " " in url or len(url) > TEXT_LIMIT:
            self._at = begun
            return False
        self._inside(label, self._style, url)
        return True

    def _tag(self) -> bool:
        if self._text.startswith("<br>", self._at):
            self._plain.append("\n")
            self._at += 4
            return True
        begun = self._at
        head = self._upto("<", ">")
        if head is None:
            return False
        if head.startswith("mention-"):
            return self._mention(head, begun)
        if not head.startswith("span "):
            self._at = begun
            return False
        self._at -= 1
        inner = self._upto(">", "</span>")
        if inner is None:
            self._at = begun
            return False
        self._inside(inner, {**self._style, **_span_style(attributes(head))}, self._link)
        return True

    def _mention(self, head: str, begun: int) -> bool:
        kind, said = head.split(" ", 1)[0].removeprefix("mention-"), attributes(head)
        mention = _mentioned(kind, said)
        if mention is None:
            self._at = begun
            return False
        if not head.endswith("/"):
            # What it is called is not kept: Notion knows the name of what it mentions.
            self._at -= 1
            self._upto(">", f"</mention-{kind}>")
        self._flush()
        self._items.append({"mention": mention, "annotations": dict(self._style)})
        return True

    def _mark(self) -> bool:
        for mark, name in _MARKS:
            following = self._text[self._at + len(mark) : self._at + len(mark) + 1]
            if not self._text.startswith(mark, self._at) or following.isspace():
                continue
            before = self._text[self._at - 1 : self._at]
            if mark == "_" and before.isalnum():
                continue
            inner = self._upto(mark, mark)
            if inner is not None:
                self._inside(inner, {**self._style, name: True}, self._link)
                return True
        return False

    def _inside(self, text: str, style: Style, link: str | None) -> None:
        self._flush()
        _Scanner(text, style, link, self._depth + 1, self._items).scan()

    def _flush(self) -> None:
        text = "".join(self._plain)
        self._plain.clear()
        if text:
            self._text_run(text, self._style, self._link)

    def _text_run(self, text: str, style: Style, link: str | None) -> None:
        for item in richtext.pieces(text):
            run: dict[str, Json] = {"text": {"content": item}}
            if link is not None:
                run["text"]["link"] = {"url": link}
            self._items.append({**run, "annotations": dict(style)})


def _span_style(said: Mapping[str, str]) -> dict[str, Json]:
    style: dict[str, Json] = {"underline": True} if said.get("underline") == "true" else {}
    color = block_color(said)
    return style if color is None else {**style, "color": color}


def block_color(said: Mapping[str, str]) -> str | None:
    """The colour that attributes name: `red`, or `red_bg` for a background."""
    color = re.sub(r"_bg$", "_background", said.get("color", ""))
    return color if color in TEXT_COLORS else None


def _mentioned(kind: str, said: Mapping[str, str]) -> Json:
    id_ = _ID.search(said.get("url", ""))
    if kind in ("user", "page", "database") and id_ is not None:
        return {"type": kind, kind: {"id": id_.group()}}
    if kind == "date" and "start" in said:
        return {"type": "date", "date": {"start": said["start"], "end": said.get("end")}}
    return None


def text(runs: Sequence[Mapping[str, Json]], names: richtext.Names) -> str:
    """Kept rich text as inline Markdown."""
    return "".join(_run(run, names) for run in runs)


def _run(run: Mapping[str, Json], names: richtext.Names) -> str:
    style = run.get("style", {})
    if "equation" in run:
        body = f"$`{run['equation']}`$"
    elif "mention" in run:
        body = _mention_tag(run["mention"], names)
    elif style.get("code"):
        body = f"`{run['text']}`"
    else:
        body = _ESCAPED.sub(r"\\\1", run["text"]).replace("\n", "<br>")
    for name, mark in (("bold", "**"), ("italic", "*"), ("strikethrough", "~~")):
        if style.get(name):
            body = f"{mark}{body}{mark}"
    spanned = ' underline="true"' if style.get("underline") else ""
    spanned += color_attribute(style.get("color"))
    if spanned:
        body = f"<span{spanned}>{body}</span>"
    return f"[{body}]({run['link']})" if run.get("link") else body


def color_attribute(color: Json) -> str:
    """A colour as an attribute of a tag; nothing for the default."""
    if color in (None, "default"):
        return ""
    return f' color="{str(color).replace("_background", "_bg")}"'


def _mention_tag(mention: Mapping[str, Json], names: richtext.Names) -> str:
    kind = mention["type"]
    if kind == "date":
        date = mention["date"]
        end = f' end="{date["end"]}"' if date["end"] else ""
        return f'<mention-date start="{date["start"]}"{end}/>'
    if kind == "template_mention":
        return richtext.plain([{"mention": mention}], names)
    if kind == "user":
        name = names.user(mention["id"]).get("name", "")
        return f'<mention-user url="user://{mention["id"]}">{name}</mention-user>'
    return f'<mention-{kind} url="{richtext.site_url(mention["id"])}">{names.title(mention["id"])}</mention-{kind}>'
