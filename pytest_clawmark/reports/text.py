"""Text that somebody else wrote, made safe to print, and measured in columns of a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Controls (a terminal obeys them), halves of surrogate pairs (nothing can encode them) and marks of
# direction (they make a line read otherwise than it is).
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text with every control character but newline and tab as its escape, such as `\x1b`.

    A carriage return before a newline is dropped: it is how mail ends its lines.
    """
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Visible text on one line, runs of white space made one blank."""
    return " ".join(visible(text).split())


def columns_of(text: str) -> int:
    """How many columns a terminal needs for it: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """At most `width` columns of the text, ending in `...` where some was left out."""
    if columns_of(text) <= width:
        return text
    mark = "..."[: max(width, 0)]
    kept, room = [], width - len(mark)
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + mark


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` columns, cut or filled; `right` puts it to the right."""
    shown = cut(text, width)
    fill = " " * (width - columns_of(shown))
    return fill + shown if right else shown + fill


def middle_cut(text: str, limit: int) -> str:
    """At most about `limit` characters: the beginning and the end, and how much is missing between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n... {len(text) - head - tail:,} characters left out ...\n{text[-tail:]}"


def widest(texts: Iterable[str]) -> int:
    """The columns that the widest of them needs."""
    return max(map(columns_of, texts), default=0)
