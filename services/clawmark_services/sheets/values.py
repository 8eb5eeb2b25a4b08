"""Values in and out: what is entered becomes cells, what cells come to becomes values."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import zip_longest
from typing import Any, Literal, get_args

from clawmark_services.sheets.a1 import Area, Box, column_name, show
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.cells import Cell, Scalar
from clawmark_services.sheets.errors import bad_field, invalid
from clawmark_services.sheets.formats import (
    Number,
    Typed,
    parse_moment,
    parse_number,
    show_formatted,
    show_number,
    tidy,
)
from clawmark_services.sheets.functions import Problem, Value
from clawmark_services.sheets.ranges import Target
from clawmark_services.sheets.store import Sheet

Input = Literal["RAW", "USER_ENTERED"]
Render = Literal["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"]
Moments = Literal["SERIAL_NUMBER", "FORMATTED_STRING"]
Major = Literal["ROWS", "COLUMNS"]

INPUTS: tuple[Input, ...] = get_args(Input)
RENDERS: tuple[Render, ...] = get_args(Render)
MOMENTS: tuple[Moments, ...] = get_args(Moments)

Rows = Sequence[Sequence[Any]]

MAX_TEXT = 50_000
_MOMENT_KINDS = ("DATE", "TIME", "DATE_TIME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did: the box of the data, and how many rows, columns and cells were set."""

    sheet: Sheet
    box: Box
    rows: int
    columns: int
    cells: int

    @property
    def range(self) -> str:
        """In A1 notation."""
        return show(self.sheet.title, self.box)


def typed(text: str) -> Typed | Scalar:
    """What a text means when somebody types it."""
    if text.upper() in ("TRUE", "FALSE"):
        return text.upper() == "TRUE"
    if text.startswith("'"):
        return text[1:]
    stripped = text.strip()
    return parse_number(stripped) or parse_moment(stripped) or text


def enter(cell: Cell, value: Scalar, option: Input) -> Cell:
    """The cell after a value was put into it; an empty text clears it. Format and note stay."""
    if isinstance(value, bool):
        return _filled(cell, value)
    if not isinstance(value, str):
        if not abs(value) <= sys.float_info.max:
            raise invalid("Invalid value: the number is beyond the range of a double.")
        return _filled(cell, tidy(value))
    if len(value) > MAX_TEXT:
        raise invalid(f"Your input contains more than the maximum of {MAX_TEXT} characters in a single cell.")
    kind = cell.format.get("numberFormat", {}).get("type")
    if value == "" or option == "RAW" or kind == "TEXT":
        return _filled(cell, value or None)
    if value.startswith("=") and len(value) > 1:
        return replace(cell, value=None, formula=value)
    meant = typed(value)
    if not isinstance(meant, Typed):
        return _filled(cell, meant)
    style = cell.format
    if meant.format and kind != meant.kind:
        style = {**cell.format, "numberFormat": meant.format}
    return replace(cell, value=meant.value, formula=None, format=style)


def _filled(cell: Cell, value: Scalar | None) -> Cell:
    return replace(cell, value=value, formula=None)


def check_values(values: Any, field: str) -> Rows:
    """The rows of a request, which must be a list of lists of plain values."""
    if values is None:
        return []
    for path, part in [(field, values), *_numbered(values, field)]:
        if not isinstance(part, list):
            shown = f'"{part}"' if isinstance(part, str) else str(part)
            message = f"Invalid value at '{path}' (type.googleapis.com/google.protobuf.ListValue), {shown}"
            raise bad_field(path, message)
    for row_number, row in enumerate(values):
        for column, value in enumerate(row):
            if isinstance(value, list | dict):
                kind = "list_value" if isinstance(value, list) else "struct_value"
                raise invalid(f"Invalid values[{row_number}][{column}]: {kind} {{\n}}\n")
    rows: Rows = values
    return rows


def _numbered(values: Any, field: str) -> list[tuple[str, Any]]:
    rows = values if isinstance(values, list) else []
    return [(f"{field}[{number}]", row) for number, row in enumerate(rows)]


def transposed(rows: Rows) -> list[list[Any]]:
    """Columns for rows; what a ragged list lacks becomes None."""
    return [list(column) for column in zip_longest(*rows)]


def write(target: Target, rows: Rows, option: Input, major: Major = "ROWS") -> Written:
    """Put values into cells, from the target's top left on; None leaves a cell as it is.

    Refuses to write outside the target, unless that is a single cell, or outside the grid.
    """
    if major == "COLUMNS":
        rows = transposed(rows)
    box = _extent(target, rows)
    set_cells = [
        (box.top + down, box.left + right, value)
        for down, row in enumerate(rows)
        for right, value in enumerate(row)
        if value is not None
    ]
    sheet = target.sheet
    entered = [
        (row, column, enter(sheet.cell(row, column), value, option)) for row, column, value in set_cells
    ]
    for row, column, cell in entered:
        sheet.put(row, column, cell)
    return Written(
        sheet=sheet,
        box=box,
        rows=len({row for row, _, _ in set_cells}),
        columns=len({column for _, column, _ in set_cells}),
        cells=len(set_cells),
    )


def _extent(target: Target, rows: Rows) -> Box:
    """The box that the data takes."""
    area, title = target.area, target.sheet.title
    height, width = max(len(rows), 1), max((len(row) for row in rows), default=1) or 1
    top, left = area.top, area.left
    box = Box(top, left, top + height, left + width)
    if area.single:
        wanted = Area(top=top, left=left, bottom=box.bottom, right=box.right)
        return Target(target.sheet, wanted).whole
    limit = target.whole
    within = f"Requested writing within range [{show(title, limit)}], but tried writing to"
    if box.bottom > limit.bottom:
        raise invalid(f"{within} row [{limit.bottom + 1}]")
    if box.right > limit.right:
        raise invalid(f"{within} column [{column_name(limit.right)}]")
    return box


def clear(target: Target) -> Box:
    """Empty the cells; formats and notes stay."""
    box = target.box
    for row, column in list(target.sheet.filled(box)):
        target.sheet.change(row, column, value=None, formula=None)
    return box


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How values are read: the options of values.get."""

    how: Render = "FORMATTED_VALUE"
    moments: Moments = "SERIAL_NUMBER"
    major: Major = "ROWS"


FORMATTED = Reading()


def render(cell: Cell, value: Value, reading: Reading = FORMATTED) -> Scalar:
    """A cell's value as a response writes it; an empty cell is ""."""
    if value is None:
        return ""
    if reading.how == "FORMULA" and cell.formula is not None:
        return cell.formula
    if isinstance(value, Problem):
        return value.code
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE") if reading.how == "FORMATTED_VALUE" else value
    if isinstance(value, str):
        return value
    return _render_number(value, cell.format.get("numberFormat") or {}, reading)


def _render_number(value: Number, number_format: dict[str, Any], reading: Reading) -> Scalar:
    as_moment = reading.moments == "FORMATTED_STRING" and number_format.get("type") in _MOMENT_KINDS
    if reading.how == "FORMATTED_VALUE" or as_moment:
        return show_formatted(value, number_format)
    return tidy(value)


def read(
    calculation: Calculation, sheet: Sheet, box: Box, reading: Reading = FORMATTED
) -> list[list[Scalar]]:
    """The values of a box: trailing empty rows and cells are left out."""
    found: dict[int, dict[int, Scalar]] = {}
    sheet = calculation.shown(sheet)
    for row, column in sheet.filled(box):
        cell = sheet.cells[row, column]
        if cell.blank:
            continue
        line, place = row - box.top, column - box.left
        if reading.major == "COLUMNS":
            line, place = place, line
        cell, value = calculation.seen(sheet, row, column)
        found.setdefault(line, {})[place] = render(cell, value, reading)
    return [_line(found.get(line, {})) for line in range(max(found, default=-1) + 1)]


def _line(cells: dict[int, Scalar]) -> list[Scalar]:
    return [cells.get(place, "") for place in range(max(cells, default=-1) + 1)]


def shown_as_typed(value: Any) -> str:
    """What a cell shows after a Python value was put into it; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return show_number(value) if isinstance(value, int | float) else str(value)


def as_written(value: Any) -> Any:
    """A value such that, entered as if typed, it shows just as it was written.

    "2024-03-28" becomes a date and "$5.00" a price, since they show the same; "0042" and "1.50" would lose
    what was written, so they stay texts. Texts that begin with = are formulas.
    """
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d} {value.hour}:{value:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or value == "" or (value.startswith("=") and len(value) > 1):
        return value
    meant = typed(value)
    if isinstance(meant, Typed):
        return value if show_formatted(meant.value, meant.format) == value else f"'{value}"
    return value if meant == value else f"'{value}"
