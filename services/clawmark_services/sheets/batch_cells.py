"""Requests of batchUpdate about cells: what they hold, their order, their merges."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from clawmark_services.sheets.a1 import Box
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.cells import Cell, Scalar
from clawmark_services.sheets.colors import colored
from clawmark_services.sheets.edits import Apply, Edit, bad_mask, box, mask, target
from clawmark_services.sheets.errors import invalid
from clawmark_services.sheets.formula import translate
from clawmark_services.sheets.functions import Problem, Value
from clawmark_services.sheets.masks import Mask
from clawmark_services.sheets.messages import fields
from clawmark_services.sheets.patterns import BadPattern, Pattern, TooMuch, escaped
from clawmark_services.sheets.store import Sheet
from clawmark_services.sheets.values import MAX_TEXT, enter

MAX_REPEATED = 100_000
"""Cells that one request may fill; Google takes more, but one agent must not fill the host's memory."""


def changed(cell: Cell, data: dict[str, Any], fields: Mask) -> Cell:
    """A cell after CellData was written to it under an update mask; what the mask names and the data
    lacks is cleared."""
    value, formula, note, style = cell.value, cell.formula, cell.note, cell.format
    validation = cell.validation
    if "userEnteredValue" in fields:
        value, formula = _entered(data.get("userEnteredValue") or {})
    if "note" in fields:
        note = data.get("note") or None
    if "userEnteredFormat" in fields:
        style = _restyled(style, data.get("userEnteredFormat"), fields["userEnteredFormat"])
    if "dataValidation" in fields:
        validation = copy.deepcopy(data.get("dataValidation"))
    return Cell(value=value, formula=formula, format=style, note=note, validation=validation)


def _entered(value: dict[str, Any]) -> tuple[Scalar | None, str | None]:
    if value.get("formulaValue"):
        return None, str(value["formulaValue"])
    for kind in ("stringValue", "boolValue"):
        if value.get(kind) is not None:
            return enter(Cell(), value[kind], "RAW").value, None
    number = value.get("numberValue")
    return (None if number is None else enter(Cell(), number, "RAW").value), None


def _restyled(old: dict[str, Any], new: dict[str, Any] | None, fields: Mask) -> dict[str, Any]:
    style: dict[str, Any] = colored(masked(old, colored(new or {}), _with_styles(fields)))
    return style


def _with_styles(fields: Mask) -> Mask:
    """A mask that names a color means both ways of saying it."""
    both = {name: _with_styles(below) for name, below in fields.items()}
    for name in fields:
        if name.endswith("Color"):
            both[f"{name}Style"] = {}
        elif name.endswith("ColorStyle"):
            both[name.removesuffix("Style")] = {}
    return both


def masked(old: dict[str, Any], new: dict[str, Any], fields: Mask) -> dict[str, Any]:
    """`old` with the named parts replaced by those of `new`."""
    if not fields or "*" in fields:
        return copy.deepcopy(new)
    merged = copy.deepcopy(old)
    for name, below in fields.items():
        part = new.get(name)
        if below and isinstance(merged.get(name, part), dict):
            part = masked(merged.get(name) or {}, part if isinstance(part, dict) else {}, below)
        if part in (None, {}):
            merged.pop(name, None)
        else:
            merged[name] = copy.deepcopy(part)
    return merged


def cell_mask(payload: dict[str, Any]) -> Mask:
    """The update mask of a request about cells."""
    chosen = mask(payload, dict.fromkeys(fields("CellData")))
    unknown = [name for name in chosen if name not in fields("CellData")]
    if unknown:
        raise bad_mask(unknown[0])
    return chosen


def _update_cells(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    fields, rows = cell_mask(payload), payload.get("rows") or []
    if payload.get("start") is not None:
        sheet = edit.sheet(payload["start"])
        top, left = payload["start"].get("rowIndex") or 0, payload["start"].get("columnIndex") or 0
        width = max((len(row.get("values") or []) for row in rows), default=0)
        area = Box(top, left, top + len(rows), left + width)
    else:
        found = target(edit, payload.get("range"))
        sheet, area = found.sheet, found.whole
        _check_inside(rows, area)
    if area.bottom > sheet.rows or area.right > sheet.columns or min(area.top, area.left) < 0:
        raise invalid(
            f"Attempting to write outside the grid of {sheet.rows} rows and {sheet.columns} columns"
        )
    given = {
        (area.top + down, area.left + right): data or {}
        for down, row in enumerate(rows)
        for right, data in enumerate((row or {}).get("values") or [])
    }
    # Cells of the range that the rows do not reach are cleared.
    for key in set(given) | set(sheet.filled(area)):
        sheet.put(*key, changed(sheet.cell(*key), given.get(key, {}), fields))
    return {}


def _check_inside(rows: list[Any], area: Box) -> None:
    if len(rows) > area.bottom - area.top:
        raise invalid(
            f"Attempting to write row: {area.bottom}, beyond the last requested row of: {area.bottom - 1}"
        )
    width = max((len((row or {}).get("values") or []) for row in rows), default=0)
    if width > area.right - area.left:
        raise invalid(
            f"Attempting to write column: {area.right}, beyond the last requested column of: {area.right - 1}"
        )


def _repeat_cell(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    fields, data = cell_mask(payload), payload.get("cell") or {}
    sheet, area = box(edit, payload.get("range"))
    if (area.bottom - area.top) * (area.right - area.left) > MAX_REPEATED:
        raise invalid(f"repeatCell is limited to {MAX_REPEATED} cells")
    for row in range(area.top, area.bottom):
        for column in range(area.left, area.right):
            cell = changed(sheet.cell(row, column), data, fields)
            if "userEnteredValue" in fields and cell.formula:
                cell = moved_cell(cell, row - area.top, column - area.left)
            sheet.put(row, column, cell)
    return {}


def moved_cell(cell: Cell, down: int, right: int) -> Cell:
    """The cell as a copy of it reads elsewhere."""
    if cell.formula is None:
        return cell
    formula = translate(cell.formula, down, right)
    return replace(cell, formula=formula)


def _sort_range(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, area = box(edit, payload.get("range"))
    calculation = Calculation(edit.inside)
    order = list(range(area.top, area.bottom))
    for spec in reversed(payload.get("sortSpecs") or []):
        column = spec.get("dimensionIndex") or 0
        if not area.left <= column < area.right:
            raise invalid(f"Invalid sort column index: {column}")
        known = {row: calculation.value(sheet, row, column) for row in order}
        filled = [row for row in order if known[row] is not None]
        descending = spec.get("sortOrder") == "DESCENDING"
        filled.sort(key=lambda row: _sort_key(known[row]), reverse=descending)
        # Python's reversed sort keeps equal rows in their old order, as Sheets does.
        order = filled + [row for row in order if known[row] is None]
    reorder(sheet, area, order)
    return {}


def _sort_key(value: Value) -> tuple[int, Any]:
    # Numbers, then text, then truth values, then errors; empty cells always come last.
    if isinstance(value, Problem):
        return 3, value.code
    if isinstance(value, bool):
        return 2, value
    return (1, value.casefold()) if isinstance(value, str) else (0, value)


def reorder(sheet: Sheet, area: Box, order: list[int]) -> None:
    """Put the rows of a box into an order, given as their old numbers."""
    old = {key: sheet.cells[key] for key in sheet.filled(area)}
    for key in old:
        del sheet.cells[key]
    place = {row: area.top + number for number, row in enumerate(order)}
    for (row, column), cell in old.items():
        sheet.put(place[row], column, moved_cell(cell, place[row] - row, 0))


def _merge_cells(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, area = box(edit, payload.get("range"))
    kind = payload.get("mergeType") or "MERGE_ALL"
    if kind == "MERGE_ROWS":
        parts = [Box(row, area.left, row + 1, area.right) for row in range(area.top, area.bottom)]
    elif kind == "MERGE_COLUMNS":
        parts = [Box(area.top, col, area.bottom, col + 1) for col in range(area.left, area.right)]
    elif kind == "MERGE_ALL":
        parts = [area]
    else:
        raise invalid(f"Unknown mergeType: {kind}")
    _drop_merges(sheet, area)
    for part in parts:
        if (part.bottom - part.top, part.right - part.left) != (1, 1):
            _merge(sheet, part)
    return {}


def _drop_merges(sheet: Sheet, area: Box) -> None:
    for merged in sheet.merges:
        inside = area.holds(merged.top, merged.left) and area.holds(merged.bottom - 1, merged.right - 1)
        if merged.meets(area) and not inside:
            raise invalid("You must select all cells in a merged range to merge or unmerge them.")
    sheet.merges = [merged for merged in sheet.merges if not merged.meets(area)]


def _merge(sheet: Sheet, part: Box) -> None:
    """A merged cell shows the first value; the others are lost."""
    for row, column in list(sheet.filled(part)):
        if (row, column) != (part.top, part.left):
            sheet.change(row, column, value=None, formula=None)
    sheet.merges.append(part)


def _unmerge_cells(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, area = box(edit, payload.get("range"))
    _drop_merges(sheet, area)
    return {}


def _copied(sheet: Sheet, area: Box) -> dict[tuple[int, int], Cell]:
    """The cells of a box, by their place in it."""
    return {(row - area.top, col - area.left): sheet.cells[row, col] for row, col in sheet.filled(area)}


def _pasted(cell: Cell, onto: Cell, how: str, moved: tuple[int, int]) -> Cell:
    cell = moved_cell(cell, *moved)
    if how == "PASTE_FORMAT":
        return replace(onto, format=cell.format)
    if how in ("PASTE_VALUES", "PASTE_FORMULA"):
        return replace(onto, value=cell.value, formula=cell.formula)
    return cell


_PASTES = ("PASTE_NORMAL", "PASTE_VALUES", "PASTE_FORMAT", "PASTE_FORMULA")


def _paste_type(payload: dict[str, Any]) -> str:
    how = payload.get("pasteType") or "PASTE_NORMAL"
    if how not in _PASTES:
        raise invalid(f"Unsupported pasteType: {how}. Use one of {', '.join(_PASTES)}.")
    return str(how)


def _copy_paste(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    how = _paste_type(payload)
    if payload.get("pasteOrientation") not in (None, "NORMAL"):
        raise invalid(f"Unsupported pasteOrientation: {payload['pasteOrientation']}")
    source_sheet, source = box(edit, payload.get("source"))
    sheet, area = box(edit, payload.get("destination"))
    cells = _copied(source_sheet, source)
    if how == "PASTE_VALUES":
        cells = _frozen_values(edit, source_sheet, source, cells)
    height, width = source.bottom - source.top, source.right - source.left
    down_times = max((area.bottom - area.top) // height, 1)
    right_times = max((area.right - area.left) // width, 1)
    if down_times * right_times * height * width > MAX_REPEATED:
        raise invalid(f"copyPaste is limited to {MAX_REPEATED} cells")
    for corner_row in range(area.top, area.top + down_times * height, height):
        for corner_column in range(area.left, area.left + right_times * width, width):
            corner = (corner_row, corner_column)
            moved = (corner_row - source.top, corner_column - source.left)
            _paste(sheet, Box(*corner, corner_row + height, corner_column + width), cells, how, moved)
    return {}


def _frozen_values(
    edit: Edit, sheet: Sheet, area: Box, cells: dict[tuple[int, int], Cell]
) -> dict[tuple[int, int], Cell]:
    """The cells with what their formulas come to in place of the formulas."""
    calculation = Calculation(edit.inside)
    frozen = {}
    for down, right in cells:
        value = calculation.value(sheet, area.top + down, area.left + right)
        frozen[down, right] = Cell(value=value.code if isinstance(value, Problem) else value)
    return frozen


def _paste(
    sheet: Sheet, area: Box, cells: dict[tuple[int, int], Cell], how: str, moved: tuple[int, int]
) -> None:
    for down in range(area.bottom - area.top):
        for right in range(area.right - area.left):
            row, column = area.top + down, area.left + right
            if row < sheet.rows and column < sheet.columns:
                cell = cells.get((down, right), Cell())
                sheet.put(row, column, _pasted(cell, sheet.cell(row, column), how, moved))


def _cut_paste(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    how = _paste_type(payload)
    source_sheet, source = box(edit, payload.get("source"))
    sheet = edit.sheet(payload.get("destination"))
    destination = payload.get("destination") or {}
    top, left = destination.get("rowIndex") or 0, destination.get("columnIndex") or 0
    cells = _copied(source_sheet, source)
    for key in list(source_sheet.filled(source)):
        source_sheet.put(*key, Cell())
    area = Box(top, left, top + source.bottom - source.top, left + source.right - source.left)
    if min(top, left) < 0 or area.bottom > sheet.rows or area.right > sheet.columns:
        raise invalid("The destination of cutPaste exceeds the grid")
    # A cut keeps its formulas as they are.
    _paste(sheet, area, cells, how, (0, 0))
    return {}


def _find_replace(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    form = _finder(payload)
    total, cells, sheets = 0, 0, 0
    rows: set[tuple[int, int]] = set()
    for sheet, area in _searched(edit, payload):
        before = cells
        for key in sorted(sheet.filled(area)):
            count = _replace(sheet, key, form, payload)
            total, cells = total + count, cells + bool(count)
            rows |= {(sheet.id, key[0])} if count else set()
        sheets += cells > before
    counts = {"valuesChanged": cells, "rowsChanged": len(rows), "sheetsChanged": sheets}
    reply = {name: count for name, count in counts.items() if count}
    return {"findReplace": reply | ({"occurrencesChanged": total} if total else {})}


def _finder(payload: dict[str, Any]) -> Pattern:
    text = payload.get("find") or ""
    if not text:
        raise invalid("Find cannot be empty.")
    form = text if payload.get("searchByRegex") else escaped(text)
    if payload.get("matchEntireCell"):
        form = rf"\A(?:{form})\z"
    try:
        return Pattern.of(form, ignore_case=not payload.get("matchCase"))
    except BadPattern as wrong:
        raise invalid(f"Invalid regular expression: {wrong}") from None


def _searched(edit: Edit, payload: dict[str, Any]) -> list[tuple[Sheet, Box]]:
    if payload.get("range") is not None:
        return [box(edit, payload["range"])]
    if payload.get("sheetId") is not None:
        sheet = edit.sheet(payload)
        return [(sheet, sheet.box)]
    if payload.get("allSheets"):
        return [(sheet, sheet.box) for sheet in edit.inside.sheets]
    raise invalid("Must specify a range, a sheetId or allSheets to search.")


def _replace(sheet: Sheet, key: tuple[int, int], form: Pattern, payload: dict[str, Any]) -> int:
    cell = sheet.cell(*key)
    if cell.formula is not None and not payload.get("includeFormulas"):
        return 0
    if cell.blank or isinstance(cell.value, bool):
        return 0
    old = cell.formula if cell.formula is not None else str(cell.value)
    literal = not payload.get("searchByRegex")
    try:
        new, count = form.replaced(old, payload.get("replacement") or "", most=MAX_TEXT, literal=literal)
    except BadPattern as wrong:
        raise invalid(f"Invalid replacement: {wrong}") from None
    except TooMuch:
        raise invalid("The search and replace is too complex, or its result is too long.") from None
    if count:
        sheet.put(*key, enter(cell, new, "USER_ENTERED"))
    return count


REQUESTS: dict[str, Apply] = {
    "updateCells": _update_cells,
    "repeatCell": _repeat_cell,
    "sortRange": _sort_range,
    "mergeCells": _merge_cells,
    "unmergeCells": _unmerge_cells,
    "copyPaste": _copy_paste,
    "cutPaste": _cut_paste,
    "findReplace": _find_replace,
}
