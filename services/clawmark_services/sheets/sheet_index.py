"""Where a sheet's cells and formulas are: found once per reading instead of once per formula."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from clawmark_services.sheets.a1 import Box
from clawmark_services.sheets.cells import Key
from clawmark_services.sheets.store import Sheet


class SheetIndex:
    """An index of one sheet, valid until the sheet changes."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._settled: dict[tuple[int, int, int], int] = {}

    @cached_property
    def extent(self) -> tuple[int, int]:
        """How many rows and columns hold something, counted from the corner."""
        rows = max((row for row, _ in self._sheet.cells), default=0) + 1
        columns = max((column for _, column in self._sheet.cells), default=0) + 1
        return rows, columns

    @cached_property
    def _formulas(self) -> dict[int, list[int]]:
        """The rows with formulas by column, in order."""
        found: dict[int, list[int]] = {}
        for row, column in self._sheet.cells.formulas:
            found.setdefault(column, []).append(row)
        return {column: sorted(rows) for column, rows in found.items()}

    def formulas(self, box: Box) -> Iterator[Key]:
        """The cells of a box that hold formulas, but for those above what `settle` was told."""
        top = max(box.top, self._settled.get((box.top, box.left, box.right), box.top))
        for column, rows in self._formulas.items():
            if box.left <= column < box.right:
                for at in range(bisect_left(rows, top), bisect_left(rows, box.bottom)):
                    yield rows[at], column

    def settle(self, box: Box) -> None:
        """All formulas of the box are known: ranges that begin like it need not look at them again."""
        key = (box.top, box.left, box.right)
        self._settled[key] = max(self._settled.get(key, box.top), box.bottom)
