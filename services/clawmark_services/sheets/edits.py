"""What the requests of spreadsheets.batchUpdate have in common: the spreadsheet being edited, and looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clawmark_services.sheets.a1 import Area, Box
from clawmark_services.sheets.errors import GoogleError, invalid
from clawmark_services.sheets.layout import Dimension
from clawmark_services.sheets.masks import Mask, MaskSyntaxError, parse
from clawmark_services.sheets.ranges import Target
from clawmark_services.sheets.store import Sheet, Spreadsheet


@dataclass(slots=True)
class Edit:
    """A batch in progress: it changes a copy, which takes the place of the original in the end."""

    inside: Spreadsheet
    title: str
    new_number: Callable[[], int]

    def sheet(self, payload: dict[str, Any] | None) -> Sheet:
        """The sheet that a payload's `sheetId` names; 0 if it names none."""
        sheet_id = int((payload or {}).get("sheetId") or 0)
        sheet = self.inside.numbered(sheet_id)
        if sheet is None:
            raise invalid(f"No grid with id: {sheet_id}")
        return sheet

    def new_sheet_id(self) -> int:
        """An id that no sheet has."""
        while self.inside.numbered(number := self.new_number()):
            continue
        return number


Apply = Callable[[Edit, dict[str, Any]], dict[str, Any]]
"""What a kind of request does with its payload; gives the reply."""


def target(edit: Edit, payload: dict[str, Any] | None) -> Target:
    """The cells of a GridRange; missing ends are open."""
    sheet = edit.sheet(payload)
    payload = payload or {}
    area = Area(
        top=payload.get("startRowIndex") or 0,
        left=payload.get("startColumnIndex") or 0,
        bottom=payload.get("endRowIndex"),
        right=payload.get("endColumnIndex"),
    )
    _check_span("Row", area.top, area.bottom)
    _check_span("Column", area.left, area.right)
    return Target(sheet, area)


def _check_span(name: str, start: int, end: int | None) -> None:
    if start < 0:
        raise invalid(f"range.start{name}Index[{start}] must not be negative")
    if end is not None and end <= start:
        raise invalid(f"range.start{name}Index[{start}] must be before endIndex[{end}]")


def box(edit: Edit, payload: dict[str, Any] | None) -> tuple[Sheet, Box]:
    """The sheet and the part of a GridRange that lies on it."""
    found = target(edit, payload)
    return found.sheet, found.box


def span(edit: Edit, payload: dict[str, Any] | None) -> tuple[Sheet, Dimension, int, int]:
    """A DimensionRange: the sheet, the dimension, start and end; missing ends are those of the grid."""
    sheet = edit.sheet(payload)
    payload = payload or {}
    which = dimension(payload.get("dimension"))
    size = sheet.rows if which == "ROWS" else sheet.columns
    start, end = payload.get("startIndex") or 0, payload.get("endIndex")
    end = size if end is None else end
    if start < 0 or end <= start:
        raise invalid(f"range.startIndex[{start}] must be before range.endIndex[{end}]")
    return sheet, which, start, end


def dimension(value: Any) -> Dimension:
    """ROWS or COLUMNS."""
    if value == "ROWS":
        return "ROWS"
    if value == "COLUMNS":
        return "COLUMNS"
    raise invalid("No dimension specified." if value is None else f"Unknown dimension: {value}")


def mask(payload: dict[str, Any], whole: dict[str, Any]) -> Mask:
    """The update mask of a request; `*` means the fields of its properties, `whole`."""
    text = payload.get("fields")
    if not text:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        found = parse(text)
    except MaskSyntaxError:
        raise bad_mask(text) from None
    if "*" in found:
        return {name: {} for name in whole}
    return found


def bad_mask(text: str) -> GoogleError:
    """An update mask that names nothing."""
    return invalid(f"Invalid field: {text}")
