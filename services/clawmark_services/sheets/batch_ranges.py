"""Requests of batchUpdate that shift, fill, split, clean and frame ranges of cells."""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import replace
from itertools import pairwise
from typing import Any

from clawmark_services.sheets.a1 import Area, Box
from clawmark_services.sheets.batch_cells import MAX_REPEATED, cell_mask, changed, moved_cell, reorder
from clawmark_services.sheets.batch_dimensions import Place, moved_area, rearrange, resize, rewrite_formulas
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.cells import Cell, Cells
from clawmark_services.sheets.edits import Apply, Edit, box, dimension, mask, span
from clawmark_services.sheets.errors import invalid
from clawmark_services.sheets.formats import tidy
from clawmark_services.sheets.layout import Dimension
from clawmark_services.sheets.store import Sheet
from clawmark_services.sheets.values import enter

Json = dict[str, Any]


def _append_cells(edit: Edit, payload: Json) -> Json:
    """New rows below the last one that holds something."""
    fields, sheet, rows = cell_mask(payload), edit.sheet(payload), payload.get("rows") or []
    top = max((row for (row, _), cell in sheet.cells.items() if not cell.blank), default=-1) + 1
    width = max((len((row or {}).get("values") or []) for row in rows), default=0)
    if top + len(rows) > sheet.rows:
        resize(edit, sheet, "ROWS", top + len(rows) - sheet.rows)
    if width > sheet.columns:
        resize(edit, sheet, "COLUMNS", width - sheet.columns)
    for down, row in enumerate(rows):
        for column, data in enumerate((row or {}).get("values") or []):
            sheet.put(top + down, column, changed(sheet.cell(top + down, column), data or {}, fields))
    return {}


def _insert_range(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("range"))
    which = dimension(payload.get("shiftDimension"))
    start, count = _shifted_span(area, which)
    _push_out(edit, sheet, area, which, count)
    _shift(edit, sheet, area, which, lambda at: at + count if at >= start else at)
    return {}


def _delete_range(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("range"))
    which = dimension(payload.get("shiftDimension"))
    start, count = _shifted_span(area, which)

    def place(at: int) -> int | None:
        if at < start:
            return at
        return at - count if at >= start + count else None

    _shift(edit, sheet, area, which, place)
    return {}


def _shifted_span(area: Box, which: Dimension) -> tuple[int, int]:
    return (area.top, area.bottom - area.top) if which == "ROWS" else (area.left, area.right - area.left)


def _push_out(edit: Edit, sheet: Sheet, area: Box, which: Dimension, count: int) -> None:
    """The grid grows if a filled cell would leave it."""
    if which == "ROWS":
        last = max((row for row, column in sheet.cells if area.left <= column < area.right), default=-1)
        beyond = last + count + 1 - sheet.rows if last >= area.top else 0
    else:
        last = max((column for row, column in sheet.cells if area.top <= row < area.bottom), default=-1)
        beyond = last + count + 1 - sheet.columns if last >= area.left else 0
    if beyond > 0:
        resize(edit, sheet, which, beyond)


def _shift(edit: Edit, sheet: Sheet, area: Box, which: Dimension, place: Place) -> None:
    """Move the cells of the band below or beside the range; references inside the band follow."""

    def in_band(row: int, column: int) -> bool:
        return area.left <= column < area.right if which == "ROWS" else area.top <= row < area.bottom

    moved: dict[tuple[int, int], Cell] = {}
    for (row, column), cell in sheet.cells.items():
        new = (place(row), column) if which == "ROWS" else (row, place(column))
        key = new if in_band(row, column) else (row, column)
        if key[0] is not None and key[1] is not None:
            moved[key[0], key[1]] = cell
    sheet.cells = Cells(moved)
    down, right = (place, _stay) if which == "ROWS" else (_stay, place)

    def move(reference: Area) -> Area | None:
        first, last = (
            (reference.left, reference.right) if which == "ROWS" else (reference.top, reference.bottom)
        )
        low, high = (area.left, area.right) if which == "ROWS" else (area.top, area.bottom)
        inside = last is not None and low <= first and last <= high
        return moved_area(reference, down, right) if inside else reference

    rewrite_formulas(edit, sheet, move)


def _stay(at: int) -> int | None:
    return at


def _move_dimension(edit: Edit, payload: Json) -> Json:
    sheet, which, start, end = span(edit, payload.get("source"))
    to, size = payload.get("destinationIndex") or 0, sheet.rows if which == "ROWS" else sheet.columns
    if end > size or not 0 <= to <= size:
        raise invalid(f"destinationIndex[{to}] and the source must lie on the grid of {size}")
    if start < to < end:
        raise invalid("Cannot move a range into itself.")
    order = [at for at in range(size) if not start <= at < end]
    at = to if to <= start else to - (end - start)
    order[at:at] = range(start, end)
    places = {old: new for new, old in enumerate(order)}
    rearrange(edit, sheet, which, lambda old: places.get(old, old))
    return {}


_SIDES = ("top", "bottom", "left", "right", "innerHorizontal", "innerVertical")


def _update_borders(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("range"))
    given = {side: payload[side] for side in _SIDES if payload.get(side) is not None}
    if (area.bottom - area.top) * (area.right - area.left) > MAX_REPEATED:
        raise invalid(f"updateBorders is limited to {MAX_REPEATED} cells")
    for row in range(area.top, area.bottom):
        for column in range(area.left, area.right):
            sides = _sides(given, area, row, column)
            if sides:
                cell = sheet.cell(row, column)
                sheet.put(row, column, replace(cell, format=_framed(cell.format, sides)))
    return {}


def _sides(given: Json, area: Box, row: int, column: int) -> Json:
    """The borders of one cell of a framed range."""
    chosen = {
        "top": "top" if row == area.top else "innerHorizontal",
        "bottom": "bottom" if row == area.bottom - 1 else "innerHorizontal",
        "left": "left" if column == area.left else "innerVertical",
        "right": "right" if column == area.right - 1 else "innerVertical",
    }
    return {side: given[name] for side, name in chosen.items() if name in given}


def _framed(style: Json, sides: Json) -> Json:
    borders = {**style.get("borders", {}), **copy.deepcopy(sides)}
    kept = {side: border for side, border in borders.items() if border.get("style") not in (None, "NONE")}
    rest = {name: part for name, part in style.items() if name != "borders"}
    return rest | ({"borders": kept} if kept else {})


def _paste_data(edit: Edit, payload: Json) -> Json:
    if payload.get("html"):
        raise invalid("Pasting HTML is not supported; use a delimiter.")
    delimiter = payload.get("delimiter") or ""
    if len(delimiter) != 1:
        raise invalid("Must specify a delimiter of one character.")
    start = payload.get("coordinate") or {}
    sheet, rows = (
        edit.sheet(start),
        list(csv.reader(io.StringIO(payload.get("data") or ""), delimiter=delimiter)),
    )
    top, left = start.get("rowIndex") or 0, start.get("columnIndex") or 0
    width = max((len(row) for row in rows), default=0)
    _check_room(sheet, Box(top, left, top + len(rows), left + width))
    for down, row in enumerate(rows):
        for right, text in enumerate(row):
            key = top + down, left + right
            sheet.put(*key, enter(sheet.cell(*key), text, "USER_ENTERED"))
    return {}


def _check_room(sheet: Sheet, area: Box) -> None:
    if min(area.top, area.left) < 0 or area.bottom > sheet.rows or area.right > sheet.columns:
        raise invalid(
            f"Attempting to write outside the grid of {sheet.rows} rows and {sheet.columns} columns"
        )


_DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PERIOD": ".", "SPACE": " "}


def _text_to_columns(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("source"))
    if area.right - area.left != 1:
        raise invalid("The source of textToColumns must span exactly one column.")
    kind = payload.get("delimiterType") or "AUTODETECT"
    texts = {row: str(sheet.cells[row, area.left].value or "") for row, _ in sheet.filled(area)}
    if kind == "AUTODETECT":
        everything = "".join(texts.values())
        delimiter = max(_DELIMITERS.values(), key=everything.count)
    else:
        delimiter = payload.get("delimiter") or "" if kind == "CUSTOM" else _DELIMITERS.get(kind, "")
    if not delimiter:
        raise invalid("Must specify a delimiter.")
    split = {row: text.split(delimiter) for row, text in texts.items() if text}
    width = max((len(parts) for parts in split.values()), default=1)
    if area.left + width > sheet.columns:
        resize(edit, sheet, "COLUMNS", area.left + width - sheet.columns)
    for row, parts in split.items():
        for right, part in enumerate(parts):
            key = row, area.left + right
            sheet.put(*key, enter(sheet.cell(*key), part, "USER_ENTERED"))
    return {}


def _trim_whitespace(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("range"))
    count = 0
    for key in list(sheet.filled(area)):
        value = sheet.cells[key].value
        if isinstance(value, str) and (trimmed := " ".join(value.split())) != value:
            sheet.change(*key, value=trimmed or None)
            count += 1
    return {"trimWhitespace": {"cellsChangedCount": count} if count else {}}


def _delete_duplicates(edit: Edit, payload: Json) -> Json:
    sheet, area = box(edit, payload.get("range"))
    chosen = [column for part in payload.get("comparisonColumns") or [] for column in _columns(part, area)]
    columns = chosen or range(area.left, area.right)
    calculation, seen, kept = Calculation(edit.inside), set[tuple[Any, ...]](), list[int]()
    # Below the last filled row there is nothing to compare.
    last = max((row for row, _ in sheet.filled(area)), default=area.top - 1) + 1
    for row in range(area.top, last):
        values = (calculation.value(sheet, row, column) for column in columns)
        line = tuple(value.casefold() if isinstance(value, str) else value for value in values)
        if line not in seen:
            seen.add(line)
            kept.append(row)
    removed = last - area.top - len(kept)
    gone = [row for row in range(area.top, last) if row not in set(kept)]
    for row in gone:
        for column in range(area.left, area.right):
            sheet.cells.take((row, column))
    reorder(sheet, Box(area.top, area.left, last, area.right), kept + gone)
    return {"deleteDuplicates": {"duplicatesRemovedCount": removed} if removed else {}}


def _columns(part: Json, area: Box) -> range:
    start, end = part.get("startIndex"), part.get("endIndex")
    low, high = area.left if start is None else start, area.right if end is None else end
    if not (area.left <= low < high <= area.right):
        raise invalid("comparisonColumns must lie in the range.")
    return range(low, high)


def _randomize_range(edit: Edit, payload: Json) -> Json:
    """The order hangs on the episode's seed, so that it is the same each time."""
    sheet, area = box(edit, payload.get("range"))
    last = max((row for row, _ in sheet.filled(area)), default=area.top - 1) + 1
    rows = range(area.top, last)
    keys = {row: edit.new_number() for row in rows}
    reorder(sheet, Box(area.top, area.left, last, area.right), sorted(rows, key=lambda row: keys[row]))
    return {}


def _auto_fill(edit: Edit, payload: Json) -> Json:
    given = payload.get("sourceAndDestination")
    if given is None:
        sheet, area = box(edit, payload.get("range"))
        filled = {row for (row, column) in sheet.filled(area) if not sheet.cells[row, column].blank}
        length = next((row - area.top for row in range(area.top, area.bottom) if row not in filled), 0)
        if not length:
            return {}
        source, which, count = Box(area.top, area.left, area.top + length, area.right), "ROWS", area.bottom
        count = area.bottom - source.bottom
    else:
        sheet, source = box(edit, given.get("source"))
        which, count = dimension(given.get("dimension")), int(given.get("fillLength") or 0)
    _check_room(sheet, _filled_box(source, which, count))
    size = (source.bottom - source.top) * (source.right - source.left)
    if abs(count) * size > MAX_REPEATED:
        raise invalid(f"autoFill is limited to {MAX_REPEATED} cells")
    for line in _lines(source, which):
        away = 1 if count > 0 else -1
        towards = (away, 0) if which == "ROWS" else (0, away)
        _fill_line(sheet, line if count > 0 else line[::-1], abs(count), towards)
    return {}


def _filled_box(source: Box, which: str, count: int) -> Box:
    low, high = min(count, 0), max(count, 0)
    if which == "ROWS":
        return Box(source.top + low, source.left, source.bottom + high, source.right)
    return Box(source.top, source.left + low, source.bottom, source.right + high)


def _lines(source: Box, which: str) -> list[list[tuple[int, int]]]:
    rows, columns = range(source.top, source.bottom), range(source.left, source.right)
    if which == "ROWS":
        return [[(row, column) for row in rows] for column in columns]
    return [[(row, column) for column in columns] for row in rows]


def _fill_line(sheet: Sheet, line: list[tuple[int, int]], count: int, towards: tuple[int, int]) -> None:
    """Go on with a line of cells: an even series of numbers grows, all else repeats, formulas move along."""
    cells = [sheet.cell(*key) for key in line]
    step = _step(cells)
    for number in range(count):
        origin = number % len(line)
        ahead = len(line) + number
        key = line[0][0] + towards[0] * ahead, line[0][1] + towards[1] * ahead
        away = key[0] - line[origin][0], key[1] - line[origin][1]
        cell = moved_cell(cells[origin], *away)
        if step is not None:
            cell = replace(cells[origin], value=tidy(float(cells[0].value or 0) + step * ahead))
        sheet.put(*key, cell)


def _step(cells: list[Cell]) -> float | None:
    """The even step of a series of at least two numbers."""
    values = [
        cell.value
        for cell in cells
        if isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    ]
    if len(values) < 2 or len(values) != len(cells):
        return None
    steps = {round(after - before, 9) for before, after in pairwise(values)}
    return float(values[1] - values[0]) if len(steps) == 1 else None


def _update_group(edit: Edit, payload: Json) -> Json:
    given = payload.get("dimensionGroup") or {}
    sheet, which, start, end = span(edit, given.get("range"))
    fields = mask(payload, {"collapsed": {}})
    if set(fields) != {"collapsed"}:
        raise invalid("Invalid field: only collapsed can be changed.")
    for at, group in enumerate(sheet.layout.groups):
        if (group.which, group.start, group.end, group.depth) == (
            which,
            start,
            end,
            given.get("depth", group.depth),
        ):
            sheet.layout.groups[at] = replace(group, collapsed=bool(given.get("collapsed")))
            return {}
    raise invalid(f"No group exists over the range with depth {given.get('depth')}.")


REQUESTS: dict[str, Apply] = {
    "appendCells": _append_cells,
    "insertRange": _insert_range,
    "deleteRange": _delete_range,
    "moveDimension": _move_dimension,
    "updateBorders": _update_borders,
    "pasteData": _paste_data,
    "textToColumns": _text_to_columns,
    "trimWhitespace": _trim_whitespace,
    "deleteDuplicates": _delete_duplicates,
    "randomizeRange": _randomize_range,
    "autoFill": _auto_fill,
    "updateDimensionGroup": _update_group,
}
