"""Requests of batchUpdate about sheets as a whole and about the spreadsheet's properties."""

from __future__ import annotations

import copy
from typing import Any

from clawmark_services.sheets.a1 import Area
from clawmark_services.sheets.colors import color
from clawmark_services.sheets.edits import Apply, Edit, mask, target
from clawmark_services.sheets.errors import GoogleError, invalid
from clawmark_services.sheets.formula import renamed
from clawmark_services.sheets.masks import Mask
from clawmark_services.sheets.messages import fields as message_fields
from clawmark_services.sheets.resources import named_range_json, sheet_properties_json
from clawmark_services.sheets.store import MAX_COLUMNS, NamedRange, Sheet

_TRAITS = ("hidden", "rightToLeft")
_GRID = (
    "frozenRowCount",
    "frozenColumnCount",
    "hideGridlines",
    "rowGroupControlAfter",
    "columnGroupControlAfter",
)


def _name_taken(title: str) -> GoogleError:
    return invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')


def check_size(rows: int, columns: int) -> None:
    """Refuse grids that Google refuses."""
    if rows < 1 or columns < 1:
        raise invalid("gridProperties.rowCount and gridProperties.columnCount must be greater than 0")
    if columns > MAX_COLUMNS:
        raise invalid(f"Grid size exceeds the maximum of {MAX_COLUMNS} columns")


def make_sheet(properties: dict[str, Any], sheet_id: int, title: str) -> Sheet:
    """A sheet from SheetProperties."""
    if properties.get("sheetType") not in (None, "GRID"):
        raise invalid(f"Unable to add a sheet of type {properties['sheetType']}")
    grid = properties.get("gridProperties") or {}
    sheet = Sheet(id=sheet_id, title=title, rows=1000, columns=26)
    sheet.rows = 1000 if grid.get("rowCount") is None else int(grid["rowCount"])
    sheet.columns = 26 if grid.get("columnCount") is None else int(grid["columnCount"])
    check_size(sheet.rows, sheet.columns)
    _set_grid(sheet, grid, {name: {} for name in grid})
    _set_traits(sheet, properties, {name: {} for name in properties})
    return sheet


def _add_sheet(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    properties = payload.get("properties") or {}
    title = properties.get("title") or _free_title(edit, "Sheet{}")
    if edit.inside.titled(title):
        raise _name_taken(title)
    sheet_id = properties.get("sheetId")
    if sheet_id is not None and edit.inside.numbered(sheet_id):
        raise invalid(f"Sheet with id: {sheet_id} already exists. Please specify a different sheetId.")
    sheet = make_sheet(properties, edit.new_sheet_id() if sheet_id is None else sheet_id, title)
    edit.inside.require_room(sheet.rows * sheet.columns)
    _place(edit, sheet, properties.get("index"))
    return {"addSheet": {"properties": sheet_properties_json(edit.inside, sheet)}}


def _free_title(edit: Edit, form: str) -> str:
    number = len(edit.inside.sheets) + 1
    while edit.inside.titled(form.format(number)):
        number += 1
    return form.format(number)


def _place(edit: Edit, sheet: Sheet, index: int | None) -> None:
    place = len(edit.inside.sheets) if index is None else index
    if not 0 <= place <= len(edit.inside.sheets):
        raise invalid(f"Invalid index: {place}. Must be between 0 and {len(edit.inside.sheets)}.")
    edit.inside.sheets.insert(place, sheet)


def _by_id(edit: Edit, sheet_id: int) -> Sheet:
    sheet = edit.inside.numbered(sheet_id)
    if sheet is None:
        raise invalid(f"No sheet with id: {sheet_id}")
    return sheet


def _delete_sheet(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet = _by_id(edit, payload.get("sheetId") or 0)
    left = [other for other in edit.inside.sheets if other is not sheet]
    if not any(not other.traits.get("hidden") for other in left):
        raise invalid("You can't remove all the visible sheets in a document.")
    edit.inside.sheets = left
    edit.inside.names = [named for named in edit.inside.names if named.sheet != sheet.id]
    return {}


def _duplicate_sheet(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    source = _by_id(edit, payload.get("sourceSheetId") or 0)
    title = payload.get("newSheetName") or _copy_title(edit, f"Copy of {source.title}")
    if edit.inside.titled(title):
        raise _name_taken(title)
    sheet_id = payload.get("newSheetId")
    if sheet_id is not None and edit.inside.numbered(sheet_id):
        raise invalid(f"Sheet with id: {sheet_id} already exists. Please specify a different sheetId.")
    edit.inside.require_room(source.rows * source.columns)
    copied = source.clone(id=edit.new_sheet_id() if sheet_id is None else sheet_id, title=title)
    _place(edit, copied, payload.get("insertSheetIndex"))
    return {"duplicateSheet": {"properties": sheet_properties_json(edit.inside, copied)}}


def _copy_title(edit: Edit, title: str) -> str:
    if not edit.inside.titled(title):
        return title
    number = 2
    while edit.inside.titled(f"{title} {number}"):
        number += 1
    return f"{title} {number}"


def _update_sheet_properties(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    properties = payload.get("properties") or {}
    sheet = _by_id(edit, properties.get("sheetId") or 0)
    fields = mask(payload, properties)
    unknown = [name for name in fields if name not in message_fields("SheetProperties")]
    if unknown:
        raise invalid(f"Invalid field: {unknown[0]}")
    if "title" in fields:
        _retitle(edit, sheet, properties.get("title") or "")
    if "gridProperties" in fields:
        _regrid(edit, sheet, properties.get("gridProperties") or {}, fields["gridProperties"])
    _set_traits(sheet, properties, fields)
    if all(other.traits.get("hidden") for other in edit.inside.sheets):
        raise invalid("You can't hide all the sheets in a document.")
    if "index" in fields:
        _move(edit, sheet, properties.get("index") or 0)
    return {}


def _retitle(edit: Edit, sheet: Sheet, title: str) -> None:
    if not title:
        raise invalid("Sheet title cannot be empty.")
    if edit.inside.titled(title) not in (None, sheet):
        raise _name_taken(title)
    for other in edit.inside.sheets:
        for key, cell in list(other.cells.items()):
            if cell.formula is not None and "!" in cell.formula:
                other.change(*key, formula=renamed(cell.formula, sheet.title, title))
    sheet.title = title


def _move(edit: Edit, sheet: Sheet, index: int) -> None:
    """Google counts the place as if the sheet still stood where it was."""
    old = edit.inside.sheets.index(sheet)
    if not 0 <= index <= len(edit.inside.sheets):
        raise invalid(f"Invalid index: {index}. Must be between 0 and {len(edit.inside.sheets)}.")
    edit.inside.sheets.pop(old)
    edit.inside.sheets.insert(index - 1 if index > old else index, sheet)


def _set_traits(sheet: Sheet, properties: dict[str, Any], fields: Mask) -> None:
    for name in _TRAITS:
        if name in fields:
            _set(sheet.traits, name, properties.get(name))
    # A color can be said in two ways; each reply gives both.
    for name in ("tabColorStyle", "tabColor"):
        if name in fields:
            given = properties.get(name) or {}
            plain = given.get("rgbColor") if name == "tabColorStyle" else given
            _set(sheet.traits, "tabColor", color(plain) if plain else None)
            _set(sheet.traits, "tabColorStyle", {"rgbColor": color(plain)} if plain else None)
            break


def _set(parts: dict[str, Any], name: str, value: Any) -> None:
    if value in (None, False, 0):
        parts.pop(name, None)
    else:
        parts[name] = copy.deepcopy(value)


def _set_grid(sheet: Sheet, grid: dict[str, Any], fields: Mask) -> None:
    for name in _GRID:
        if name in fields:
            _set(sheet.grid, name, grid.get(name))


def _regrid(edit: Edit, sheet: Sheet, grid: dict[str, Any], fields: Mask) -> None:
    chosen = fields or {name: {} for name in grid}
    rows = int(grid.get("rowCount") or 0) if "rowCount" in chosen else sheet.rows
    columns = int(grid.get("columnCount") or 0) if "columnCount" in chosen else sheet.columns
    check_size(rows, columns)
    edit.inside.require_room(rows * columns - sheet.rows * sheet.columns)
    sheet.rows, sheet.columns = rows, columns
    for key in [key for key in sheet.cells if not sheet.box.holds(*key)]:
        del sheet.cells[key]
    _set_grid(sheet, grid, chosen)
    if sheet.grid.get("frozenRowCount", 0) >= rows or sheet.grid.get("frozenColumnCount", 0) >= columns:
        raise invalid("You can't freeze all visible rows or columns on the sheet.")


def _update_spreadsheet_properties(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    properties = payload.get("properties") or {}
    fields = mask(payload, properties)
    attributes = {"locale": "locale", "timeZone": "time_zone", "autoRecalc": "recalculation"}
    for name in fields:
        if name == "title":
            edit.title = properties.get("title") or edit.title
        elif name in attributes and properties.get(name):
            setattr(edit.inside, attributes[name], properties[name])
        elif name not in message_fields("SpreadsheetProperties"):
            raise invalid(f"Invalid field: {name}")
    return {}


def _area(edit: Edit, payload: dict[str, Any]) -> tuple[int, Area]:
    found = target(edit, payload)
    return found.sheet.id, found.area


def _add_named_range(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    given = payload.get("namedRange") or {}
    _check_name(edit, given.get("name"))
    sheet, area = _area(edit, given.get("range") or {})
    number = given.get("namedRangeId") or str(edit.new_number())
    named = NamedRange(id=number, name=given["name"], sheet=sheet, area=area)
    edit.inside.names.append(named)
    return {"addNamedRange": {"namedRange": named_range_json(named)}}


def _check_name(edit: Edit, name: str | None, old: str = "") -> None:
    if not name or not name.isidentifier():
        raise invalid(f'Name "{name or ""}" is not valid for a named range.')
    other = edit.inside.named(name)
    if other is not None and other.name != old:
        raise invalid(f'A named range with name "{name}" already exists.')


def _find_named(edit: Edit, number: str | None) -> NamedRange:
    for named in edit.inside.names:
        if named.id == number:
            return named
    raise invalid(f"No named range with id: {number}")


def _update_named_range(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    given = payload.get("namedRange") or {}
    old = _find_named(edit, given.get("namedRangeId"))
    fields = mask(payload, given)
    name, (sheet, area) = old.name, (old.sheet, old.area)
    if "name" in fields:
        _check_name(edit, given.get("name"), old.name)
        name = given["name"]
    if "range" in fields:
        sheet, area = _area(edit, given.get("range") or {})
    place = edit.inside.names.index(old)
    edit.inside.names[place] = NamedRange(id=old.id, name=name, sheet=sheet, area=area)
    return {}


def _delete_named_range(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    edit.inside.names.remove(_find_named(edit, payload.get("namedRangeId")))
    return {}


REQUESTS: dict[str, Apply] = {
    "addSheet": _add_sheet,
    "deleteSheet": _delete_sheet,
    "duplicateSheet": _duplicate_sheet,
    "updateSheetProperties": _update_sheet_properties,
    "updateSpreadsheetProperties": _update_spreadsheet_properties,
    "addNamedRange": _add_named_range,
    "updateNamedRange": _update_named_range,
    "deleteNamedRange": _delete_named_range,
}
