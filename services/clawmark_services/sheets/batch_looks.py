"""Requests of batchUpdate about how a sheet is laid out and guarded: sizes, groups, filters, protection,
validation. They are kept and given back; none of them refuses a write of the API, as none does there."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from clawmark_services.sheets.a1 import Area
from clawmark_services.sheets.batch_cells import MAX_REPEATED
from clawmark_services.sheets.edits import Apply, Edit, box, mask, span, target
from clawmark_services.sheets.errors import invalid
from clawmark_services.sheets.layout import Group, Protection
from clawmark_services.sheets.resources import groups_json, protection_json
from clawmark_services.sheets.store import Sheet
from clawmark_services.sheets.values import render

# The widths of a letter and of a cell's margins in the default font, about.
_LETTER, _MARGIN, _LINE = 7, 8, 21


def _update_dimension_properties(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("range"))
    properties = payload.get("properties") or {}
    fields = mask(payload, properties)
    unknown = [name for name in fields if name not in ("pixelSize", "hiddenByUser")]
    if unknown:
        raise invalid(f"Invalid field: {unknown[0]}")
    size = sheet.rows if which == "ROWS" else sheet.columns
    if min(end, size) - start > MAX_REPEATED:
        raise invalid(f"updateDimensionProperties is limited to {MAX_REPEATED} lines")
    for line in range(start, min(end, size)):
        sheet.layout.set_line(which, line, {name: properties.get(name) for name in fields})
    return {}


def _auto_resize_dimensions(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("dimensions"))
    if which == "ROWS":
        for line in range(start, min(end, sheet.rows)):
            sheet.layout.set_line(which, line, {"pixelSize": None})
        return {}
    for line in range(start, min(end, sheet.columns)):
        width = max((len(text) for text in _texts(sheet, line)), default=0)
        if width:
            sheet.layout.set_line(which, line, {"pixelSize": max(_LINE, width * _LETTER + _MARGIN)})
    return {}


def _texts(sheet: Sheet, column: int) -> list[str]:
    """What the literal cells of a column show."""
    cells = [cell for (_, at), cell in sheet.cells.items() if at == column and cell.value is not None]
    return [str(render(cell, cell.value)) for cell in cells]


def _add_group(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("range"))
    groups = sheet.layout.groups
    depth = 1 + max((g.depth for g in groups if g.which == which and g.meets(start, end)), default=0)
    groups.append(Group(which=which, start=start, end=end, depth=depth))
    sheet.grid["rowGroupControlAfter" if which == "ROWS" else "columnGroupControlAfter"] = True
    return {"addDimensionGroup": {"dimensionGroups": groups_json(sheet, which)}}


def _delete_group(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, which, start, end = span(edit, payload.get("range"))
    fitting = [g for g in sheet.layout.groups if g.which == which and g.start <= start and end <= g.end]
    if not fitting:
        raise invalid("No group exists over the range.")
    sheet.layout.groups.remove(max(fitting, key=lambda group: group.depth))
    left = groups_json(sheet, which)
    return {"deleteDimensionGroup": {"dimensionGroups": left} if left else {}}


def _set_basic_filter(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    given = payload.get("filter") or {}
    sheet, area = box(edit, given.get("range"))
    sheet.layout.filter = Area(top=area.top, left=area.left, bottom=area.bottom, right=area.right)
    rest = {name: part for name, part in given.items() if name != "range" and part is not None}
    sheet.layout.filter_rules = copy.deepcopy(rest)
    return {}


def _clear_basic_filter(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet = edit.sheet(payload)
    sheet.layout.filter, sheet.layout.filter_rules = None, {}
    return {}


def _add_protection(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    given = payload.get("protectedRange") or {}
    found = target(edit, given.get("range"))
    number = given.get("protectedRangeId") or edit.new_number()
    if any(p.id == number for sheet in edit.inside.sheets for p in sheet.layout.protections):
        raise invalid(f"Protected range with id: {number} already exists.")
    editors = [user for user in (given.get("editors") or {}).get("users") or [] if user]
    protection = Protection(
        id=number,
        area=found.area,
        description=given.get("description") or "",
        warning_only=bool(given.get("warningOnly")),
        editors=tuple(editors),
    )
    found.sheet.layout.protections.append(protection)
    return {"addProtectedRange": {"protectedRange": protection_json(found.sheet, protection)}}


def _update_protection(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    given = payload.get("protectedRange") or {}
    fields = mask(payload, {name: part for name, part in given.items() if name != "protectedRangeId"})
    sheet, old = _find_protection(edit, given.get("protectedRangeId"))
    changes: dict[str, Any] = {}
    if "description" in fields:
        changes["description"] = given.get("description") or ""
    if "warningOnly" in fields:
        changes["warning_only"] = bool(given.get("warningOnly"))
    if "editors" in fields:
        changes["editors"] = tuple(user for user in (given.get("editors") or {}).get("users") or [] if user)
    if "range" in fields:
        changes["area"] = target(edit, given.get("range")).area
    protections = sheet.layout.protections
    protections[protections.index(old)] = replace(old, **changes)
    return {}


def _find_protection(edit: Edit, number: Any) -> tuple[Sheet, Protection]:
    for sheet in edit.inside.sheets:
        for protection in sheet.layout.protections:
            if protection.id == number:
                return sheet, protection
    raise invalid(f"No protected range with id: {number}")


def _delete_protection(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, protection = _find_protection(edit, payload.get("protectedRangeId"))
    sheet.layout.protections.remove(protection)
    return {}


def _set_validation(edit: Edit, payload: dict[str, Any]) -> dict[str, Any]:
    sheet, area = box(edit, payload.get("range"))
    rule = payload.get("rule")
    if rule is not None and not (rule.get("condition") or {}).get("type"):
        raise invalid("A data validation rule needs a condition with a type.")
    cells = (area.bottom - area.top) * (area.right - area.left)
    if cells > MAX_REPEATED:
        raise invalid(f"setDataValidation is limited to {MAX_REPEATED} cells")
    for row in range(area.top, area.bottom):
        for column in range(area.left, area.right):
            sheet.change(row, column, validation=copy.deepcopy(rule))
    return {}


REQUESTS: dict[str, Apply] = {
    "updateDimensionProperties": _update_dimension_properties,
    "autoResizeDimensions": _auto_resize_dimensions,
    "addDimensionGroup": _add_group,
    "deleteDimensionGroup": _delete_group,
    "setBasicFilter": _set_basic_filter,
    "clearBasicFilter": _clear_basic_filter,
    "addProtectedRange": _add_protection,
    "updateProtectedRange": _update_protection,
    "deleteProtectedRange": _delete_protection,
    "setDataValidation": _set_validation,
}
