"""Checks request bodies against the API's messages: Sheets refuses fields that it does not know."""

from __future__ import annotations

from typing import Any

from clawmark_services.sheets.errors import bad_field

Shape = Any
"""A message is a dict of field names to shapes, a list of X is `[X]`; a string names a plain type
("string", "int", "number", "bool"), and "any" is not looked into."""


def check(body: Any, shape: Shape, path: str = "") -> None:
    """Refuse unknown fields and values of the wrong type, in Google's words; null is no value."""
    if body is None or shape == "any":
        return
    if isinstance(shape, dict):
        _check_message(body, shape, path)
    elif isinstance(shape, list):
        _check_list(body, shape[0], path)
    elif not _fits(body, shape):
        raise _wrong(body, shape, path)


def _check_message(body: Any, shape: dict[str, Shape], path: str) -> None:
    if not isinstance(body, dict):
        raise _wrong(body, "message", path)
    for name, part in body.items():
        if name not in shape:
            where = f" at '{path}'" if path else ""
            message = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
            raise bad_field(path, message)
        check(part, shape[name], f"{path}.{name}" if path else name)


def _check_list(body: Any, item: Shape, path: str) -> None:
    if not isinstance(body, list):
        raise _wrong(body, "list", path)
    for number, part in enumerate(body):
        check(part, item, f"{path}[{number}]")


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind == "int":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, int | float)


_TYPES = {"string": "TYPE_STRING", "bool": "TYPE_BOOL", "int": "TYPE_INT32", "number": "TYPE_DOUBLE"}


def _wrong(value: Any, kind: str, path: str) -> Exception:
    shown = (
        f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else value
    )
    message = f"Invalid value at '{path}' ({_TYPES.get(kind, kind)}), {shown}"
    return bad_field(path, message)


COLOR: Shape = {"red": "number", "green": "number", "blue": "number", "alpha": "number"}
COLOR_STYLE: Shape = {"rgbColor": COLOR, "themeColor": "string"}
GRID_RANGE: Shape = {
    "sheetId": "int",
    "startRowIndex": "int",
    "endRowIndex": "int",
    "startColumnIndex": "int",
    "endColumnIndex": "int",
}
DIMENSION_RANGE: Shape = {"sheetId": "int", "dimension": "string", "startIndex": "int", "endIndex": "int"}
GRID_COORDINATE: Shape = {"sheetId": "int", "rowIndex": "int", "columnIndex": "int"}
GRID_PROPERTIES: Shape = {
    "rowCount": "int",
    "columnCount": "int",
    "frozenRowCount": "int",
    "frozenColumnCount": "int",
    "hideGridlines": "bool",
    "rowGroupControlAfter": "bool",
    "columnGroupControlAfter": "bool",
}
SHEET_PROPERTIES: Shape = {
    "sheetId": "int",
    "title": "string",
    "index": "int",
    "sheetType": "string",
    "gridProperties": GRID_PROPERTIES,
    "hidden": "bool",
    "tabColor": COLOR,
    "tabColorStyle": COLOR_STYLE,
    "rightToLeft": "bool",
}
SPREADSHEET_PROPERTIES: Shape = {
    "title": "string",
    "locale": "string",
    "timeZone": "string",
    "autoRecalc": "string",
    "defaultFormat": "any",
    "iterativeCalculationSettings": "any",
    "spreadsheetTheme": "any",
    "importFunctionsExternalUrlAccessAllowed": "bool",
}
CELL_FORMAT: Shape = {
    "numberFormat": {"type": "string", "pattern": "string"},
    "backgroundColor": COLOR,
    "backgroundColorStyle": COLOR_STYLE,
    "borders": "any",
    "padding": "any",
    "horizontalAlignment": "string",
    "verticalAlignment": "string",
    "wrapStrategy": "string",
    "textDirection": "string",
    "textFormat": "any",
    "hyperlinkDisplayType": "string",
    "textRotation": "any",
}
VALIDATION_RULE: Shape = {
    "condition": {"type": "string", "values": "any"},
    "inputMessage": "string",
    "strict": "bool",
    "showCustomUi": "bool",
}
SORT_SPEC: Shape = {
    "dimensionIndex": "int",
    "sortOrder": "string",
    "foregroundColor": COLOR,
    "backgroundColor": COLOR,
    "foregroundColorStyle": COLOR_STYLE,
    "backgroundColorStyle": COLOR_STYLE,
    "dataSourceColumnReference": "any",
}
CELL_DATA: Shape = {
    "userEnteredValue": {
        "numberValue": "number",
        "stringValue": "string",
        "boolValue": "bool",
        "formulaValue": "string",
        "errorValue": "any",
    },
    "effectiveValue": "any",
    "formattedValue": "string",
    "userEnteredFormat": CELL_FORMAT,
    "effectiveFormat": "any",
    "hyperlink": "string",
    "note": "string",
    "textFormatRuns": "any",
    "dataValidation": VALIDATION_RULE,
    "pivotTable": "any",
}
ROW_DATA: Shape = {"values": [CELL_DATA]}
NAMED_RANGE: Shape = {"namedRangeId": "string", "name": "string", "range": GRID_RANGE}
SHEET: Shape = {
    "properties": SHEET_PROPERTIES,
    "data": [
        {
            "startRow": "int",
            "startColumn": "int",
            "rowData": [ROW_DATA],
            "rowMetadata": "any",
            "columnMetadata": "any",
        }
    ],
    "merges": [GRID_RANGE],
}
SPREADSHEET: Shape = {
    "spreadsheetId": "string",
    "properties": SPREADSHEET_PROPERTIES,
    "sheets": [SHEET],
    "namedRanges": [NAMED_RANGE],
    "spreadsheetUrl": "string",
}
VALUE_RANGE: Shape = {"range": "string", "majorDimension": "string", "values": "any"}
