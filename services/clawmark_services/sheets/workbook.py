"""Spreadsheets as Excel workbooks: values, formulas, number formats, bold and italic type, fills, merges, sizes.

openpyxl is loaded when somebody exports; the extra `sheets` installs it.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.cells import Cell
from clawmark_services.sheets.errors import GoogleError
from clawmark_services.sheets.formats import DEFAULT_PATTERNS
from clawmark_services.sheets.functions import Problem
from clawmark_services.sheets.layout import Layout
from clawmark_services.sheets.store import Sheet, Spreadsheet

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped] # it has no types

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# A fixed moment, the first that archives know: the same spreadsheet is the same file, to the byte.
_MADE = (1980, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_PIXELS_OF_A_CHARACTER, _POINTS_OF_A_PIXEL = 7.0, 0.75
_MAX_TITLE = 31


def export(inside: Spreadsheet) -> bytes:
    """The workbook as a file."""
    try:
        import openpyxl  # type: ignore[import-untyped] # it has no types
    except ImportError as missing:
        message = "Exporting XLSX needs openpyxl: install pytest-clawmark[sheets] where the world is served."
        raise GoogleError(501, message, reason="notImplemented") from missing
    book, calculation = openpyxl.Workbook(), Calculation(inside)
    book.remove(book.worksheets[0])
    for sheet in inside.sheets:
        page = book.create_sheet(_title(sheet.title))
        page.sheet_state = "hidden" if sheet.traits.get("hidden") else "visible"
        _fill(page, sheet, calculation)
        _lay_out(page, sheet.layout)
        for merged in sheet.merges:
            page.merge_cells(
                start_row=merged.top + 1,
                start_column=merged.left + 1,
                end_row=merged.bottom,
                end_column=merged.right,
            )
    output = io.BytesIO()
    book.save(output)
    return _timeless(output)


def _timeless(written: io.BytesIO) -> bytes:
    """The same archive without the moment at which it was written."""
    output = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name, _MADE), content, zipfile.ZIP_DEFLATED)
    return output.getvalue()


def _title(title: str) -> str:
    """What Excel allows of a title."""
    kept = "".join("_" if sign in "[]:*?/\\" else sign for sign in title)
    return kept[:_MAX_TITLE]


def _fill(page: Worksheet, sheet: Sheet, calculation: Calculation) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped] # it has no types

    sheet = calculation.shown(sheet)
    for row, column in sorted(sheet.cells):
        cell = sheet.cells[row, column]
        target = page.cell(row + 1, column + 1)
        value = cell.formula or calculation.value(sheet, row, column)
        if isinstance(value, str) and not cell.formula:
            target.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            target.data_type = "s"
        else:
            target.value = value.code if isinstance(value, Problem) else value
        _style(target, calculation.styled(sheet, row, column))


def _style(target: Any, cell: Cell) -> None:
    from openpyxl.comments import Comment  # type: ignore[import-untyped] # it has no types
    from openpyxl.styles import Font, PatternFill  # type: ignore[import-untyped] # it has no types

    number = cell.format.get("numberFormat") or {}
    pattern = number.get("pattern") or DEFAULT_PATTERNS.get(str(number.get("type")))
    if pattern:
        target.number_format = pattern
    letters = cell.format.get("textFormat") or {}
    if letters:
        target.font = Font(
            name=letters.get("fontFamily"),
            size=letters.get("fontSize"),
            bold=bool(letters.get("bold")),
            italic=bool(letters.get("italic")),
            strike=bool(letters.get("strikethrough")),
            underline="single" if letters.get("underline") else None,
        )
    fill = cell.format.get("backgroundColor")
    if fill:
        target.fill = PatternFill("solid", start_color=_hex(fill))
    if cell.note:
        target.comment = Comment(cell.note, "")


def _hex(color: dict[str, float]) -> str:
    return "".join(f"{round(color.get(part, 0) * 255):02X}" for part in ("red", "green", "blue"))


def _lay_out(page: Worksheet, layout: Layout) -> None:
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped] # it has no types

    for index, line in layout.lines.get("COLUMNS", {}).items():
        dimension = page.column_dimensions[get_column_letter(index + 1)]
        dimension.hidden = bool(line.get("hiddenByUser"))
        if "pixelSize" in line:
            dimension.width = line["pixelSize"] / _PIXELS_OF_A_CHARACTER
    for index, line in layout.lines.get("ROWS", {}).items():
        page.row_dimensions[index + 1].hidden = bool(line.get("hiddenByUser"))
        if "pixelSize" in line:
            page.row_dimensions[index + 1].height = line["pixelSize"] * _POINTS_OF_A_PIXEL
