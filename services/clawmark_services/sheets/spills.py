"""Formulas that come to arrays fill the cells below and beside them: where the values go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from clawmark_services.sheets.formats import tidy
from clawmark_services.sheets.functions import Block, Value
from clawmark_services.sheets.inheritance import Style
from clawmark_services.sheets.store import Sheet

Address = tuple[int, int, int]
"""A cell: its sheet's id, row and column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spill:
    """Which cells hold values of formulas elsewhere, and whose values found no room: those show #REF!."""

    values: Mapping[Address, Value] = field(default_factory=dict)
    styles: Mapping[Address, Style] = field(default_factory=dict)
    blocked: frozenset[Address] = frozenset()


Spread = tuple[Block, list[Style]]
"""An array and the number formats of its columns."""


def spread(sheets: Mapping[int, Sheet], arrays: Mapping[Address, Spread]) -> Spill:
    """Put arrays down in the order of their cells. None may touch a cell that holds something, or leave the
    grid."""
    placed: dict[Address, Value] = {}
    styles: dict[Address, Style] = {}
    blocked: set[Address] = set()
    for address in sorted(arrays):
        array, looks = arrays[address]
        home, top, left = address
        sheet = sheets[home]
        places = {
            (home, top + down, left + right): value
            for down, row in enumerate(array.rows)
            for right, value in enumerate(row)
            if down or right
        }
        height, width = len(array.rows), len(array.rows[0])
        fits = top + height <= sheet.rows and left + width <= sheet.columns
        if not fits or any(place in placed or not sheet.cell(*place[1:]).blank for place in places):
            blocked.add(address)
            continue
        for place, value in places.items():
            placed[place] = tidy(value) if isinstance(value, float) else value
            styles[place] = looks[place[2] - left]
    return Spill(values=placed, styles=styles, blocked=frozenset(blocked))


def filled(sheets: Iterable[Sheet], spill: Spill) -> list[Sheet]:
    """The sheets with spilled values in their cells, as if they had been entered; the sheets stay."""
    copies = {sheet.id: replace(sheet, cells=sheet.cells.copy()) for sheet in sheets}
    for (home, row, column), value in spill.values.items():
        if value is None:
            continue
        sheet, style = copies[home], spill.styles[home, row, column]
        cell = sheet.cell(row, column)
        looks = {"numberFormat": style, **cell.format} if style else cell.format
        # An error is told by `spill.values`; here only that there is something.
        shown = value if isinstance(value, str | int | float) else "#"
        sheet.put(row, column, replace(cell, value=shown, format=looks))
    return list(copies.values())
