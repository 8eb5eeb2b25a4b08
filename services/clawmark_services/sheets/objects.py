"""Objects kept as the API sends them, and the GridRanges inside them that follow a sheet's changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clawmark_services.sheets.a1 import Area

Json = Any
Move = Callable[[Area], Area | None]

_RANGE = {"sheetId", "startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex"}


def _is_range(part: Json) -> bool:
    return isinstance(part, dict) and bool(part.keys() - {"sheetId"}) and part.keys() <= _RANGE


def _each_range(part: Json, change: Callable[[Json], Json]) -> Json:
    """The JSON with every GridRange changed; one that is changed to None is left out of its list."""
    if _is_range(part):
        return change(part)
    if isinstance(part, dict):
        return {name: _each_range(below, change) for name, below in part.items()}
    if isinstance(part, list):
        changed = [(_is_range(item), _each_range(item, change)) for item in part]
        return [item for was_range, item in changed if not (was_range and item is None)]
    return part


def tidy_ranges(part: Json) -> Json:
    """As replies write it: what is null, and a sheet's id of 0, are left out."""
    if isinstance(part, dict):
        return {
            name: tidy_ranges(below)
            for name, below in part.items()
            if below is not None and not (name == "sheetId" and below == 0)
        }
    return [tidy_ranges(item) for item in part] if isinstance(part, list) else part


def moved_objects(objects: dict[str, list[Json]], sheet_id: int, move: Move) -> dict[str, list[Json]]:
    """The objects after rows or columns were inserted or deleted; those whose ranges are gone are gone."""

    def change(part: Json) -> Json:
        if (part.get("sheetId") or 0) != sheet_id:
            return part
        moved = move(_area(part))
        return None if moved is None else _written(part, moved)

    found: dict[str, list[Json]] = {}
    for name, listed in objects.items():
        kept = [new for one in listed if _has_place(new := _each_range(one, change))]
        if kept:
            found[name] = kept
    return found


def _has_place(one: Json) -> bool:
    return "range" not in one or one["range"] is not None if "ranges" not in one else bool(one["ranges"])


def _area(part: Json) -> Area:
    return Area(
        top=part.get("startRowIndex") or 0,
        left=part.get("startColumnIndex") or 0,
        bottom=part.get("endRowIndex"),
        right=part.get("endColumnIndex"),
    )


def _written(part: Json, area: Area) -> Json:
    values = {
        "startRowIndex": area.top,
        "endRowIndex": area.bottom,
        "startColumnIndex": area.left,
        "endColumnIndex": area.right,
    }
    return {name: values.get(name, part[name]) for name in part}


def rehomed(part: Json, old: int, new: int) -> Json:
    """The same on another sheet: a copy's objects speak of the copy."""
    if isinstance(part, list):
        return [rehomed(item, old, new) for item in part]
    if not isinstance(part, dict):
        return part
    changed = {name: rehomed(below, old, new) for name, below in part.items() if name != "sheetId"}
    place = part.get("sheetId") or 0
    if _is_range(part) or "sheetId" in part or {"rowIndex", "columnIndex"} & part.keys():
        home = new if place == old else place
        return ({"sheetId": home} if home else {}) | changed
    return changed
