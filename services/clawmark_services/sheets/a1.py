"""A1 notation: `Sheet1!A1:B2`, `'My sheet'!A:C`, `2:3`, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

COLUMN_LETTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle of cells: zero-based and half-open; an end of None reaches to the end of the grid."""

    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None

    @property
    def single(self) -> bool:
        """Whether it is exactly one cell."""
        return self.bottom == self.top + 1 and self.right == self.left + 1

    def within(self, rows: int, columns: int) -> Box:
        """The part of it that lies on a grid of that size, with both ends closed."""
        bottom = rows if self.bottom is None else min(self.bottom, rows)
        right = columns if self.right is None else min(self.right, columns)
        return Box(self.top, self.left, max(bottom, self.top), max(right, self.left))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with known ends: zero-based and half-open."""

    top: int
    left: int
    bottom: int
    right: int

    def meets(self, other: Box) -> bool:
        """Whether they share a cell."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )

    def holds(self, row: int, column: int) -> bool:
        """Whether the cell lies inside."""
        return self.top <= row < self.bottom and self.left <= column < self.right


def column_name(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def column_index(name: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    index = 0
    for letter in name.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def cell_name(row: int, column: int) -> str:
    """(0, 0) is A1."""
    return f"{column_name(column)}{row + 1}"


@cache
def _corner() -> re.Pattern[str]:
    return re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d{0,7})?")


def parse_cells(text: str) -> Area | None:
    """`A1`, `A1:B2`, `A:C`, `2:3`, `A1:C`, `A1:1`; None when it is none of these.

    Corners come in any order; a corner without a row or column leaves that side open.
    """
    first, colon, second = text.partition(":")
    start = _parse_corner(first)
    if start is None or (not colon and None in start):
        return None
    if not colon:
        return _area(start, start)
    end = _parse_corner(second)
    return None if end is None or not _fit(start, end) else _area(start, end)


def _parse_corner(text: str) -> tuple[int | None, int | None] | None:
    match = _corner().fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return None
    row = int(match[2]) - 1 if match[2] else None
    column = column_index(match[1]) if match[1] else None
    return row, column


def _fit(start: tuple[int | None, int | None], end: tuple[int | None, int | None]) -> bool:
    # `A:1` and `1:A` name no rectangle: the corners must share a side.
    return any(a is not None and b is not None for a, b in zip(start, end, strict=True))


def _area(start: tuple[int | None, int | None], end: tuple[int | None, int | None]) -> Area:
    top, bottom = _span(start[0], end[0])
    left, right = _span(start[1], end[1])
    return Area(top=top, left=left, bottom=bottom, right=right)


def _span(start: int | None, end: int | None) -> tuple[int, int | None]:
    if start is None or end is None:
        return (start if start is not None else end) or 0, None
    return min(start, end), max(start, end) + 1


def split(text: str) -> tuple[str | None, str | None]:
    """The sheet's title and the cells of a reference; either may be missing.

    Without a `!` everything is the second part, unless it is quoted: whether it names cells, a named
    range or a sheet is for the reader to find out, in this order.
    """
    if text.startswith("'"):
        end = _closing_quote(text)
        title, rest = text[1:end].replace("''", "'"), text[end + 1 :]
        if end > 0 and not rest:
            return title, None
        if end > 0 and rest.startswith("!"):
            return title, rest[1:]
    title, mark, cells = text.rpartition("!")
    return (title, cells) if mark else (None, text)


def _closing_quote(text: str) -> int:
    at = 1
    while (at := text.find("'", at)) >= 0:
        if text[at : at + 2] != "''":
            return at
        at += 2
    return -1


def quote(title: str) -> str:
    """The title as it stands before a `!`: quoted only if it has to be."""
    plain = title.isascii() and title.isidentifier() and parse_cells(title) is None
    return title if plain else "'" + title.replace("'", "''") + "'"


def show(title: str, box: Box) -> str:
    """`Sheet1!A1:B2`; a single cell is shown as one."""
    first = cell_name(box.top, box.left)
    last = cell_name(box.bottom - 1, box.right - 1)
    return f"{quote(title)}!{first}" if first == last else f"{quote(title)}!{first}:{last}"


def show_area(title: str, area: Area) -> str:
    """Like `show`, with open ends left open: `Sheet1!A1001:B`."""
    first = cell_name(area.top, area.left)
    right = "" if area.right is None else column_name(area.right - 1)
    bottom = "" if area.bottom is None else str(area.bottom)
    last = right + bottom
    return f"{quote(title)}!{first}" if last in ("", first) else f"{quote(title)}!{first}:{last}"
