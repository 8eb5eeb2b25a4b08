"""Spreadsheets, sheets and cells as the Sheets API writes them."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from clawmark_services.sheets.a1 import Area, Box
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.cells import Cell
from clawmark_services.sheets.colors import colored
from clawmark_services.sheets.functions import Problem, Value
from clawmark_services.sheets.layout import Dimension, Protection
from clawmark_services.sheets.ranges import Target
from clawmark_services.sheets.store import DriveFile, NamedRange, Sheet, Spreadsheet
from clawmark_services.sheets.values import render

_WHITE: dict[str, float] = {"red": 1, "green": 1, "blue": 1}

# What every new spreadsheet looks like; measured from a recorded one.
_DEFAULT_FORMAT: dict[str, Any] = {
    "backgroundColor": _WHITE,
    "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
    "verticalAlignment": "BOTTOM",
    "wrapStrategy": "OVERFLOW_CELL",
    "textFormat": {
        "foregroundColor": {},
        "fontFamily": "arial,sans,sans-serif",
        "fontSize": 10,
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "foregroundColorStyle": {"rgbColor": {}},
    },
    "backgroundColorStyle": {"rgbColor": _WHITE},
}

# Rows whose sizes are told; a sheet of millions of them would take a minute to write.
_LINES = 20_000

_THEME_COLORS: dict[str, dict[str, float]] = {
    "TEXT": {},
    "BACKGROUND": _WHITE,
    "ACCENT1": {"red": 0.25882354, "green": 0.52156866, "blue": 0.95686275},
    "ACCENT2": {"red": 0.91764706, "green": 0.2627451, "blue": 0.20784314},
    "ACCENT3": {"red": 0.9843137, "green": 0.7372549, "blue": 0.015686275},
    "ACCENT4": {"red": 0.20392157, "green": 0.65882355, "blue": 0.3254902},
    "ACCENT5": {"red": 1, "green": 0.42745098, "blue": 0.003921569},
    "ACCENT6": {"red": 0.27450982, "green": 0.7411765, "blue": 0.7764706},
    "LINK": {"red": 0.06666667, "green": 0.33333334, "blue": 0.8},
}


def spreadsheet_json(
    file: DriveFile, inside: Spreadsheet, targets: Sequence[Target] = (), *, grid_data: bool = False
) -> dict[str, Any]:
    """The Spreadsheet resource; `targets` limits it to their sheets, and its grid data to their cells."""
    calculation = Calculation(inside)
    chosen = [sheet for sheet in inside.sheets if not targets or any(t.sheet is sheet for t in targets)]
    sheets = []
    for sheet in chosen:
        boxes = [target.box for target in targets if target.sheet is sheet] or [sheet.box]
        resource_of_sheet = _sheet_json(inside, sheet, calculation, boxes if grid_data else None)
        sheets.append(resource_of_sheet | _layout_json(sheet, _owner(file)))
    resource: dict[str, Any] = {
        "spreadsheetId": file.id,
        "properties": properties_json(file, inside),
        "sheets": sheets,
    }
    if inside.names:
        resource["namedRanges"] = [named_range_json(named) for named in inside.names]
    resource["spreadsheetUrl"] = f"https://docs.google.com/spreadsheets/d/{file.id}/edit"
    return resource


def properties_json(file: DriveFile, inside: Spreadsheet) -> dict[str, Any]:
    """SpreadsheetProperties."""
    colors = [
        {"colorType": kind, "color": {"rgbColor": dict(color)}} for kind, color in _THEME_COLORS.items()
    ]
    return {
        "title": file.name,
        "locale": inside.locale,
        "autoRecalc": inside.recalculation,
        "timeZone": inside.time_zone,
        "defaultFormat": copy.deepcopy(_DEFAULT_FORMAT),
        "spreadsheetTheme": {"primaryFontFamily": "Arial", "themeColors": colors},
    }


def sheet_properties_json(inside: Spreadsheet, sheet: Sheet) -> dict[str, Any]:
    """SheetProperties; an id and an index of 0 are written out."""
    grid = {"rowCount": sheet.rows, "columnCount": sheet.columns, **colored(sheet.grid)}
    return {
        "sheetId": sheet.id,
        "title": sheet.title,
        "index": next(index for index, other in enumerate(inside.sheets) if other is sheet),
        "sheetType": "GRID",
        "gridProperties": grid,
        **colored(sheet.traits),
    }


def grid_range_json(sheet_id: int, area: Area) -> dict[str, Any]:
    """GridRange; a sheet id of 0 and open ends are left out, as Google does in replies."""
    found: dict[str, Any] = {"sheetId": sheet_id} if sheet_id else {}
    found["startRowIndex"] = area.top
    if area.bottom is not None:
        found["endRowIndex"] = area.bottom
    found["startColumnIndex"] = area.left
    if area.right is not None:
        found["endColumnIndex"] = area.right
    return found


def box_json(sheet_id: int, box: Box) -> dict[str, Any]:
    """A box as a GridRange."""
    return grid_range_json(sheet_id, Area(top=box.top, left=box.left, bottom=box.bottom, right=box.right))


def named_range_json(named: NamedRange) -> dict[str, Any]:
    """NamedRange."""
    found = grid_range_json(named.sheet, named.area)
    return {"namedRangeId": named.id, "name": named.name, "range": found}


def _sheet_json(
    inside: Spreadsheet, sheet: Sheet, calculation: Calculation, boxes: Sequence[Box] | None
) -> dict[str, Any]:
    resource: dict[str, Any] = {"properties": sheet_properties_json(inside, sheet)}
    if boxes is not None:
        resource["data"] = [_grid_data(sheet, box, calculation) for box in boxes]
    if sheet.merges:
        resource["merges"] = [box_json(sheet.id, box) for box in sheet.merges]
    return resource


def _owner(file: DriveFile) -> str | None:
    return next((one.get("emailAddress") for one in file.permissions if one["role"] == "owner"), None)


def _layout_json(sheet: Sheet, owner: str | None) -> dict[str, Any]:
    layout = sheet.layout
    found: dict[str, Any] = {}
    if layout.protections:
        found["protectedRanges"] = [protection_json(sheet, one, owner) for one in layout.protections]
    if layout.filter:
        found["basicFilter"] = {
            "range": grid_range_json(sheet.id, layout.filter),
            **colored(layout.filter_rules),
        }
    found |= {
        name: [colored(one) for one in listed] for name, listed in sorted(layout.objects.items()) if listed
    }
    groups = {"rowGroups": groups_json(sheet, "ROWS"), "columnGroups": groups_json(sheet, "COLUMNS")}
    return found | {name: part for name, part in groups.items() if part}


def groups_json(sheet: Sheet, which: Dimension) -> list[dict[str, Any]]:
    """The DimensionGroups of one dimension."""
    home = {"sheetId": sheet.id} if sheet.id else {}
    return [
        {
            "range": {**home, "dimension": which, "startIndex": group.start, "endIndex": group.end},
            "depth": group.depth,
            **({"collapsed": True} if group.collapsed else {}),
        }
        for group in sheet.layout.groups
        if group.which == which
    ]


def protection_json(sheet: Sheet, protection: Protection, owner: str | None = None) -> dict[str, Any]:
    """ProtectedRange, as its owner sees it; who owns the file may always edit, which replies of batchUpdate
    do not say."""
    found: dict[str, Any] = {
        "protectedRangeId": protection.id,
        "range": grid_range_json(sheet.id, protection.area),
    }
    if protection.description:
        found["description"] = protection.description
    if protection.warning_only:
        found["warningOnly"] = True
    users = list(dict.fromkeys([*([owner] if owner else []), *protection.editors]))
    editors = {"users": users} if users else {}
    return found | {"requestingUserCanEdit": True, "editors": editors}


def _grid_data(sheet: Sheet, box: Box, calculation: Calculation) -> dict[str, Any]:
    """GridData: rows and cells up to the last ones that hold something."""
    data: dict[str, Any] = {}
    if box.top:
        data["startRow"] = box.top
    if box.left:
        data["startColumn"] = box.left
    lines: dict[int, dict[int, Any]] = {}
    for row, column in calculation.shown(sheet).filled(box):
        value, shown = calculation.value(sheet, row, column), calculation.styled(sheet, row, column)
        cell = cell_json(sheet.cell(row, column), value, shown)
        lines.setdefault(row - box.top, {})[column - box.left] = cell
    if lines:
        data["rowData"] = [_row_data(lines.get(line, {})) for line in range(max(lines) + 1)]
    layout = sheet.layout
    data["rowMetadata"] = [
        layout.line("ROWS", row) for row in range(box.top, min(box.bottom, box.top + _LINES))
    ]
    data["columnMetadata"] = [layout.line("COLUMNS", column) for column in range(box.left, box.right)]
    return data


def _row_data(cells: dict[int, Any]) -> dict[str, Any]:
    if not cells:
        return {}
    return {"values": [cells.get(place, {}) for place in range(max(cells) + 1)]}


@lru_cache(maxsize=1024)
def _formats(entered: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A cell's format as it comes back, and the one that it shows in. Nobody changes them: thousands of
    cells share one."""
    given: dict[str, Any] = colored(json.loads(entered))
    return given, {**_DEFAULT_FORMAT, **given}


def cell_json(cell: Cell, value: Value, shown: Cell) -> dict[str, Any]:
    """CellData: what was entered, what it comes to, how it shows; `shown` is the cell in the format that
    it shows in."""
    data: dict[str, Any] = {}
    if cell.formula is not None:
        data["userEnteredValue"] = {"formulaValue": cell.formula}
    elif cell.value is not None:
        data["userEnteredValue"] = _extended(cell.value)
    if value is not None:
        data["effectiveValue"] = _extended(value)
        data["formattedValue"] = str(render(shown, value))
    if cell.format:
        data["userEnteredFormat"] = _formats(json.dumps(cell.format))[0]
    if not shown.blank or cell.format:
        data["effectiveFormat"] = _formats(json.dumps(shown.format))[1]
    if cell.note:
        data["note"] = cell.note
    if cell.validation:
        data["dataValidation"] = colored(cell.validation)
    return data


_ERROR_TYPES = {
    "#REF!": "REF",
    "#NAME?": "NAME",
    "#VALUE!": "VALUE",
    "#DIV/0!": "DIVIDE_BY_ZERO",
    "#N/A": "N_A",
    "#NUM!": "NUM",
    "#ERROR!": "ERROR",
    "#NULL!": "NULL_VALUE",
}


def _extended(value: Value) -> dict[str, Any]:
    """ExtendedValue."""
    if isinstance(value, Problem):
        return {"errorValue": {"type": _ERROR_TYPES[value.code], "message": value.code}}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"stringValue": value} if isinstance(value, str) else {"numberValue": value}
