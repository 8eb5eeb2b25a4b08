"""Columns of text that fit a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_clawmark.reports.text import cut, pad, widest

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Where room is short, `short` replaces its header, a column with a `least` width is cut
    down to that, and `droppable` columns go, the last first."""

    header: str
    cells: Sequence[str]
    right: bool = False
    least: int = 0
    short: str = ""
    droppable: bool = False

    @property
    def width(self) -> int:
        """The columns of text that it needs in full."""
        return widest([self.header, *self.cells])


def render(columns: Sequence[Column], width: int) -> list[str]:
    """The header and one line per row, each of at most `width` columns."""
    fitted = list(columns)
    for droppable in (True, False):
        if _needed([column.width for column in fitted]) > width:
            fitted = [_shortened(column) if column.droppable is droppable else column for column in fitted]
    fitted = _dropped(fitted, width)
    widths = _shrunk(fitted, width)
    rows = zip(*([column.header, *column.cells] for column in fitted), strict=True)
    return [_row(row, fitted, widths, width) for row in rows]


def _row(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], width: int) -> str:
    padded = (
        pad(cell, size, right=column.right) for cell, column, size in zip(cells, columns, widths, strict=True)
    )
    return cut((" " * _GAP).join(padded).rstrip(), width)


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shortened(column: Column) -> Column:
    return replace(column, header=column.short or column.header)


def _least(column: Column) -> int:
    return min(column.least, column.width) if column.least else column.width


def _dropped(columns: Sequence[Column], width: int) -> list[Column]:
    """Without the last droppable columns, a column of dots in their place, until the rest can fit."""
    kept = list(columns)
    dots: Column | None = None
    while _needed([_least(column) for column in kept]) > width:
        candidates = [place for place, column in enumerate(kept) if column.droppable]
        if not candidates:
            break
        last = candidates[-1]
        if dots is None:
            dots = Column("...", ["..." if cell else "" for cell in kept[last].cells])
            kept[last] = dots
        else:
            del kept[last]
    return kept


def _shrunk(columns: Sequence[Column], width: int) -> list[int]:
    """Widths, taking from the widest column that may be cut until all fit."""
    widths = [column.width for column in columns]
    leasts = [_least(column) for column in columns]
    while _needed(widths) > width:
        room = [(size, place) for place, size in enumerate(widths) if size > leasts[place]]
        if not room:
            break
        widths[max(room)[1]] -= 1
    return widths
