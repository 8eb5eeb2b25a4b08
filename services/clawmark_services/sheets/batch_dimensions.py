"""Requests of batchUpdate that insert, delete, append and move rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from clawmark_services.sheets.a1 import Area, Box
from clawmark_services.sheets.batch_sheets import check_size
from clawmark_services.sheets.cells import Cells
from clawmark_services.sheets.edits import Apply, Edit, dimension, span
from clawmark_services.sheets.errors import invalid
from clawmark_services.sheets.formula import rewrite
from clawmark_services.sheets.layout import Dimension
from clawmark_services.sheets.store import Sheet

Place = Callable[[int], int | None]
"""Where an index goes; None when its row or column is deleted."""


def _insert_dimension(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("range"))
    size = sheet.rows if which == "ROWS" else sheet.columns
    before = bool(payload.get("inheritFromBefore"))
    if start > size or (start == size and not before):
        raise invalid(
            f"range.startIndex[{start}] must be less than the grid size ({size}) if inheritFromBefore is false."
        )
    if before and start == 0:
        raise invalid("inheritFromBefore cannot be true if inserting at index 0")
    insert(edit, sheet, which, start, end - start)
    return {}


def insert(edit: Edit, sheet: Sheet, which: Dimension, start: int, count: int) -> None:
    """Make room for `count` rows or columns before `start`."""
    resize(edit, sheet, which, count)
    rearrange(edit, sheet, which, lambda at: at + count if at >= start else at)


def _append_dimension(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    length = payload.get("length") or 0
    if length < 1:
        raise invalid(f"length[{length}] must be greater than 0")
    resize(edit, edit.sheet(payload), dimension(payload.get("dimension")), length)
    return {}


def _delete_dimension(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("range"))
    size, name = (sheet.rows, "row") if which == "ROWS" else (sheet.columns, "column")
    if end > size:
        raise invalid(
            f"Cannot delete a {name} that doesn't exist. Tried to delete {name} index {max(start, size)} but there "
            f"are only {size} {name}s."
        )
    if end - start >= size:
        raise invalid(f"You can't delete all the {name}s on the sheet.")

    def place(at: int) -> int | None:
        if at < start:
            return at
        return at - (end - start) if at >= end else None

    rearrange(edit, sheet, which, place)
    resize(edit, sheet, which, start - end)
    return {}


def resize(edit: Edit, sheet: Sheet, which: Dimension, by: int) -> None:
    """Let the grid grow or shrink at its end."""
    rows = sheet.rows + (by if which == "ROWS" else 0)
    columns = sheet.columns + (by if which == "COLUMNS" else 0)
    check_size(rows, columns)
    edit.inside.require_room(rows * columns - sheet.rows * sheet.columns)
    sheet.rows, sheet.columns = rows, columns


def rearrange(edit: Edit, sheet: Sheet, which: Dimension, place: Place) -> None:
    """Move all that stands on the sheet, and what refers to it."""
    down, right = (place, _stay) if which == "ROWS" else (_stay, place)
    moved = {}
    for (row, column), cell in sheet.cells.items():
        key = down(row), right(column)
        if key[0] is not None and key[1] is not None:
            moved[key[0], key[1]] = cell
    sheet.cells = Cells(moved)
    areas = [
        moved_area(Area(top=m.top, left=m.left, bottom=m.bottom, right=m.right), down, right)
        for m in sheet.merges
    ]
    boxes = [area.within(sheet.rows, sheet.columns) for area in areas if area]
    sheet.merges = [box for box in boxes if _spans(box)]
    sheet.layout.rearrange(which, place, lambda area: moved_area(area, down, right), sheet.id)
    _rearrange_names(edit, sheet, down, right)
    rewrite_formulas(edit, sheet, lambda area: moved_area(area, down, right))


def _stay(at: int) -> int | None:
    return at


def _spans(box: Box) -> bool:
    return (box.bottom - box.top) * (box.right - box.left) > 1


def moved_area(area: Area, down: Place, right: Place) -> Area | None:
    """Where an area is after its rows and columns moved; None when none of it is left."""
    rows = _moved_span(area.top, area.bottom, down)
    columns = _moved_span(area.left, area.right, right)
    if rows is None or columns is None:
        return None
    return Area(top=rows[0], left=columns[0], bottom=rows[1], right=columns[1])


def _moved_span(start: int, end: int | None, place: Place) -> tuple[int, int | None] | None:
    """The span of what is left of it; None when all of it was deleted. Open ends stay open, and an open
    span that begins at the edge goes on doing so."""
    if end is None:
        first = start
        while (moved := place(first)) is None:
            first += 1
        return (0 if start == 0 else moved), None
    kept = [moved for at in (start, end - 1) if (moved := place(at)) is not None]
    if len(kept) == 2:
        return min(kept), max(kept) + 1
    left = [moved for at in range(start, end) if (moved := place(at)) is not None]
    return (min(left), max(left) + 1) if left else None


def _rearrange_names(edit: Edit, sheet: Sheet, down: Place, right: Place) -> None:
    names = []
    for named in edit.inside.names:
        area = moved_area(named.area, down, right) if named.sheet == sheet.id else named.area
        if area is not None:
            names.append(replace(named, area=area))
    edit.inside.names = names


def rewrite_formulas(edit: Edit, sheet: Sheet, follow: Callable[[Area], Area | None]) -> None:
    """Let every reference to the sheet follow what moved on it."""
    for home in edit.inside.sheets:

        def move(title: str | None, area: Area, home: Sheet = home) -> Area | None:
            meant = home if title is None else edit.inside.titled(title)
            return follow(area) if meant is sheet else area

        for key, cell in list(home.cells.items()):
            if cell.formula is not None:
                formula = rewrite(cell.formula, move)
                if formula != cell.formula:
                    home.put(*key, replace(cell, formula=formula))


REQUESTS: dict[str, Apply] = {
    "insertDimension": _insert_dimension,
    "appendDimension": _append_dimension,
    "deleteDimension": _delete_dimension,
}
