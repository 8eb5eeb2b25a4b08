"""The Sheets API's methods, without the wire: from a request's parts to its response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clawmark_services.sheets import batch
from clawmark_services.sheets.a1 import Area, Box, show
from clawmark_services.sheets.append import table_at
from clawmark_services.sheets.batch_dimensions import insert, resize
from clawmark_services.sheets.batch_sheets import check_size, make_sheet
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.edits import Edit
from clawmark_services.sheets.errors import bad_field, invalid
from clawmark_services.sheets.ranges import Target, resolve
from clawmark_services.sheets.resources import sheet_properties_json, spreadsheet_json
from clawmark_services.sheets.store import DriveFile, Sheet, Spreadsheet, Store, stamp
from clawmark_services.sheets.values import (
    INPUTS,
    MOMENTS,
    RENDERS,
    Input,
    Major,
    Reading,
    Rows,
    Written,
    check_values,
    clear,
    read,
    transposed,
    write,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How values are written: the options of values.update; `echo` reads back what was written."""

    option: Input
    echo: Reading | None = None
    insert_rows: bool = False


def _choose(name: str, value: str | None, allowed: Sequence[Any], kind: str) -> Any:
    if value in allowed:
        return value
    raise bad_field(
        name, f"Invalid value at '{name}' (type.googleapis.com/google.apps.sheets.v4.{kind}), \"{value}\""
    )


def reading(how: str | None, moments: str | None, major: str | None) -> Reading:
    """The options as they were sent; missing ones have Google's defaults."""
    return Reading(
        how=_choose("value_render_option", how or RENDERS[0], RENDERS, "ValueRenderOption"),
        moments=_choose("date_time_render_option", moments or MOMENTS[0], MOMENTS, "DateTimeRenderOption"),
        major=majority(major),
    )


def majority(major: str | None) -> Major:
    """ROWS unless said otherwise."""
    if major in (None, "", "DIMENSION_UNSPECIFIED"):
        return "ROWS"
    chosen: Major = _choose("major_dimension", major, ("ROWS", "COLUMNS"), "Dimension")
    return chosen


def input_option(value: str | None) -> Input:
    """RAW or USER_ENTERED, which must be said."""
    if value in (None, "", "INPUT_VALUE_OPTION_UNSPECIFIED"):
        raise invalid("'valueInputOption' is required but not specified")
    chosen: Input = _choose("value_input_option", value, INPUTS, "ValueInputOption")
    return chosen


def create(store: Store, at: datetime, body: Json) -> Json:
    """spreadsheets.create."""
    properties = body.get("properties") or {}
    inside = Spreadsheet(sheets=[])
    for number, given in enumerate(body.get("sheets") or [{}]):
        inside.sheets.append(_new_sheet(store, inside, given or {}, number))
    inside.require_room(0)
    inside.locale = properties.get("locale") or inside.locale
    inside.time_zone = properties.get("timeZone") or inside.time_zone
    inside.recalculation = properties.get("autoRecalc") or inside.recalculation
    file = store.add_file(properties.get("title") or "Untitled spreadsheet", at, spreadsheet=inside)
    return spreadsheet_json(file, inside)


def _new_sheet(store: Store, inside: Spreadsheet, given: Json, number: int) -> Sheet:
    properties = given.get("properties") or {}
    title = properties.get("title") or f"Sheet{number + 1}"
    if inside.titled(title):
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
    sheet_id = properties.get("sheetId")
    if sheet_id is None:
        sheet_id = 0 if number == 0 else store.new_number()
    if inside.numbered(sheet_id):
        raise invalid(f"Sheet with id: {sheet_id} already exists. Please specify a different sheetId.")
    sheet = make_sheet(properties, sheet_id, title)
    for data in given.get("data") or []:
        _fill(sheet, data or {})
    check_size(sheet.rows, sheet.columns)
    return sheet


def _fill(sheet: Sheet, data: Json) -> None:
    """Grid data of a new sheet."""
    from clawmark_services.sheets.batch_cells import changed

    fields: dict[str, Any] = {"userEnteredValue": {}, "userEnteredFormat": {}, "note": {}}
    top, left = data.get("startRow") or 0, data.get("startColumn") or 0
    if top < 0 or left < 0:
        raise invalid("startRow and startColumn must not be negative")
    for down, line in enumerate(data.get("rowData") or []):
        for right, cell in enumerate((line or {}).get("values") or []):
            row, column = top + down, left + right
            sheet.rows, sheet.columns = max(sheet.rows, row + 1), max(sheet.columns, column + 1)
            sheet.put(row, column, changed(sheet.cell(row, column), cell or {}, fields))


def batch_update(store: Store, at: datetime, spreadsheet_id: str, body: Json) -> Json:
    """spreadsheets.batchUpdate."""
    file, inside = store.spreadsheet(spreadsheet_id, "writer")
    replies = batch.update(store, file, inside, body.get("requests") or [])
    _touch(file, at)
    reply: Json = {"spreadsheetId": file.id, "replies": replies}
    if body.get("includeSpreadsheetInResponse") and file.spreadsheet is not None:
        targets = [resolve(file.spreadsheet, text) for text in body.get("responseRanges") or []]
        grid = bool(body.get("responseIncludeGridData"))
        reply["updatedSpreadsheet"] = spreadsheet_json(file, file.spreadsheet, targets, grid_data=grid)
    return reply


def copy_sheet(store: Store, at: datetime, spreadsheet_id: str, sheet_id: str, body: Json) -> Json:
    """spreadsheets.sheets.copyTo."""
    _, inside = store.spreadsheet(spreadsheet_id)
    sheet = inside.numbered(int(sheet_id)) if sheet_id.isascii() and sheet_id.isdigit() else None
    if sheet is None:
        raise invalid(f"No sheet with id: {sheet_id}")
    file, into = store.spreadsheet(body.get("destinationSpreadsheetId") or "", "writer")
    title, number = f"Copy of {sheet.title}", 2
    while into.titled(title):
        title, number = f"Copy of {sheet.title} {number}", number + 1
    into.require_room(sheet.rows * sheet.columns)
    copied = sheet.clone(id=store.new_number(), title=title)
    into = into.clone()
    into.sheets.append(copied)
    store.keep(file, into)
    _touch(file, at)
    return sheet_properties_json(into, copied)


def _touch(file: DriveFile, at: datetime) -> None:
    file.modified = stamp(at)


def get_values(store: Store, spreadsheet_id: str, ranges: Sequence[str], options: Reading) -> list[Json]:
    """The value ranges of values.get and values.batchGet."""
    _, inside = store.spreadsheet(spreadsheet_id)
    calculation = Calculation(inside)
    return [_value_range(calculation, resolve(inside, text), options) for text in ranges]


def _value_range(calculation: Calculation, target: Target, options: Reading) -> Json:
    return _values_of(calculation, target.sheet, target.box, options)


def _values_of(calculation: Calculation, sheet: Sheet, box: Box, options: Reading) -> Json:
    found = read(calculation, sheet, box, options)
    shown: Json = {"range": show(sheet.title, box), "majorDimension": options.major}
    return shown | ({"values": found} if found else {})


def update_values(
    store: Store, at: datetime, spreadsheet_id: str, data: Sequence[tuple[str, Json, str]], how: Writing
) -> list[Json]:
    """The responses of values.update and values.batchUpdate; `data` is range, ValueRange and the path of
    the latter in the request. All ranges are written or none."""
    file, original = store.spreadsheet(spreadsheet_id, "writer")
    inside = original.clone()
    written = []
    for text, values, path in data:
        rows = check_values(values.get("values"), f"{path}.values")
        target = resolve(inside, text)
        written.append(write(target, rows, how.option, majority(values.get("majorDimension"))))
    store.keep(file, inside)
    _touch(file, at)
    return [_update_json(file, inside, one, how.echo) for one in written]


def _update_json(file: DriveFile, inside: Spreadsheet, written: Written, echo: Reading | None) -> Json:
    counts = {
        "updatedRows": written.rows,
        "updatedColumns": written.columns,
        "updatedCells": written.cells,
    }
    found: Json = {"spreadsheetId": file.id, "updatedRange": written.range}
    found |= {name: count for name, count in counts.items() if count}
    if echo is not None:
        found["updatedData"] = _values_of(Calculation(inside), written.sheet, written.box, echo)
    return found


def total(spreadsheet_id: str, responses: list[Json]) -> Json:
    """The response of values.batchUpdate."""

    def add(name: str) -> int:
        return sum(response.get(name, 0) for response in responses)

    sheets = {response["updatedRange"].rpartition("!")[0] for response in responses}
    counts = {
        "totalUpdatedRows": add("updatedRows"),
        "totalUpdatedColumns": max((response.get("updatedColumns", 0) for response in responses), default=0),
        "totalUpdatedCells": add("updatedCells"),
        "totalUpdatedSheets": len(sheets),
    }
    found: Json = {"spreadsheetId": spreadsheet_id}
    found |= {name: count for name, count in counts.items() if count}
    return found | {"responses": responses}


def append_values(
    store: Store, at: datetime, spreadsheet_id: str, data: tuple[str, Json], how: Writing
) -> Json:
    """values.append: below the last table that the range touches, or at the range itself.

    `data` is the range and the ValueRange.
    """
    text, body = data
    file, original = store.spreadsheet(spreadsheet_id, "writer")
    inside = original.clone()
    target = resolve(inside, text)
    rows = check_values(body.get("values"), "data.values")
    if majority(body.get("majorDimension")) == "COLUMNS":
        rows = transposed(rows)
    table = table_at(target.sheet, target.box)
    top = table.bottom if table else target.area.top
    left = table.left if table else target.area.left
    shown = show(target.sheet.title, table) if table else None
    start = Area(top=top, left=left, bottom=top + 1, right=left + 1)
    _make_room(Edit(inside, file.name, store.new_number), Target(target.sheet, start), rows, how)
    written = write(Target(target.sheet, start), rows, how.option)
    store.keep(file, inside)
    _touch(file, at)
    reply: Json = {"spreadsheetId": file.id} | ({"tableRange": shown} if shown else {})
    return reply | {"updates": _update_json(file, inside, written, how.echo)}


def _make_room(edit: Edit, start: Target, rows: Rows, how: Writing) -> None:
    sheet, top, left = start.sheet, start.area.top, start.area.left
    count, width = max(len(rows), 1), max((len(row) for row in rows), default=1)
    if how.insert_rows and top < sheet.rows:
        insert(edit, sheet, "ROWS", top, count)
    if top + count > sheet.rows:
        resize(edit, sheet, "ROWS", top + count - sheet.rows)
    if left + width > sheet.columns:
        resize(edit, sheet, "COLUMNS", left + width - sheet.columns)


def clear_values(store: Store, at: datetime, spreadsheet_id: str, ranges: Sequence[str]) -> list[str]:
    """The cleared ranges of values.clear and values.batchClear."""
    file, original = store.spreadsheet(spreadsheet_id, "writer")
    inside = original.clone()
    targets = [resolve(inside, text) for text in ranges]
    cleared = [show(target.sheet.title, clear(target)) for target in targets]
    store.keep(file, inside)
    _touch(file, at)
    return cleared
