"""Requests of batchUpdate about what lies on a sheet beside its cells: conditional formats, banding, filter
views, charts, slicers, tables. They are kept and given back as they were sent; none changes what cells hold."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clawmark_services.sheets.batch_cells import masked
from clawmark_services.sheets.colors import colored
from clawmark_services.sheets.edits import Apply, Edit, mask
from clawmark_services.sheets.errors import invalid
from clawmark_services.sheets.objects import tidy_ranges
from clawmark_services.sheets.store import Sheet

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: the field of Sheet that lists it, its name in requests, the field of its id."""

    listed: str
    part: str
    id: str
    label: str


BANDING = Kind(listed="bandedRanges", part="bandedRange", id="bandedRangeId", label="banded range")
VIEW = Kind(listed="filterViews", part="filter", id="filterViewId", label="filter view")
CHART = Kind(listed="charts", part="chart", id="chartId", label="chart")
SLICER = Kind(listed="slicers", part="slicer", id="slicerId", label="slicer")
TABLE = Kind(listed="tables", part="table", id="tableId", label="table")


def _home(edit: Edit, kind: Kind, given: Json) -> Sheet:
    """The sheet that an object lies on."""
    if kind in (CHART, SLICER):
        position = given.get("position") or {}
        if position.get("newSheet") or position.get("sheetId") is not None:
            raise invalid(f"A {kind.label} on a sheet of its own is not supported.")
        anchor = (position.get("overlayPosition") or {}).get("anchorCell")
        if anchor is None:
            raise invalid("Must specify a position with an anchorCell.")
        return edit.sheet(anchor)
    if given.get("range") is None:
        raise invalid(f"Must specify a range for the {kind.label}.")
    return edit.sheet(given["range"])


def _known(edit: Edit, kind: Kind, number: Any) -> tuple[Sheet, Json] | None:
    for sheet in edit.inside.sheets:
        for one in sheet.layout.objects.get(kind.listed, ()):
            if one[kind.id] == number:
                return sheet, one
    return None


def _find(edit: Edit, kind: Kind, number: Any) -> tuple[Sheet, Json]:
    found = _known(edit, kind, number)
    if found is None:
        raise invalid(f"No {kind.label} with id: {number}")
    return found


def _fresh_id(edit: Edit, kind: Kind) -> Any:
    number = edit.new_number()
    return str(number) if kind is TABLE else number


def _add(kind: Kind, name: str) -> Apply:
    def add(edit: Edit, payload: Json) -> Json:
        given = tidy_ranges(payload.get(kind.part) or {})
        sheet = _home(edit, kind, payload.get(kind.part) or {})
        number = given.get(kind.id) or _fresh_id(edit, kind)
        if _known(edit, kind, number):
            raise invalid(f"A {kind.label} with id: {number} already exists.")
        made = {kind.id: number, **{key: part for key, part in given.items() if key != kind.id}}
        sheet.layout.objects.setdefault(kind.listed, []).append(made)
        return {name: {kind.part: colored(made)}}

    return add


def _replaced(edit: Edit, kind: Kind, number: Any, given: Json, fields: Json) -> Json:
    sheet, old = _find(edit, kind, number)
    new = {**masked(old, tidy_ranges(given), fields), kind.id: number}
    listed = sheet.layout.objects[kind.listed]
    listed[listed.index(old)] = new
    return new


def _update(kind: Kind) -> Apply:
    def update(edit: Edit, payload: Json) -> Json:
        given = payload.get(kind.part) or {}
        fields = mask(payload, {key: part for key, part in given.items() if key != kind.id})
        _replaced(edit, kind, given.get(kind.id), given, fields)
        return {}

    return update


def _delete(kind: Kind, field: str) -> Apply:
    def delete(edit: Edit, payload: Json) -> Json:
        _remove(*_find(edit, kind, payload.get(field)), kind)
        return {}

    return delete


def _remove(sheet: Sheet, one: Json, kind: Kind) -> None:
    listed = sheet.layout.objects[kind.listed]
    listed.remove(one)
    if not listed:
        del sheet.layout.objects[kind.listed]


def _update_chart_spec(edit: Edit, payload: Json) -> Json:
    _replaced(edit, CHART, payload.get("chartId"), {"spec": payload.get("spec")}, {"spec": {}})
    return {}


def _update_slicer_spec(edit: Edit, payload: Json) -> Json:
    fields = mask(payload, payload.get("spec") or {})
    _replaced(edit, SLICER, payload.get("slicerId"), {"spec": payload.get("spec") or {}}, {"spec": fields})
    return {}


def _embedded(edit: Edit, payload: Json) -> Kind:
    """Whether an embedded object's id is that of a chart or of a slicer."""
    for kind in (CHART, SLICER):
        if _known(edit, kind, payload.get("objectId")):
            return kind
    raise invalid(f"No embedded object with id: {payload.get('objectId')}")


def _delete_embedded(edit: Edit, payload: Json) -> Json:
    kind = _embedded(edit, payload)
    _remove(*_find(edit, kind, payload.get("objectId")), kind)
    return {}


def _move_embedded(edit: Edit, payload: Json) -> Json:
    kind, given = _embedded(edit, payload), payload.get("newPosition") or {}
    overlay = {"overlayPosition": mask(payload, given.get("overlayPosition") or {})}
    moved = _replaced(edit, kind, payload.get("objectId"), {"position": given}, {"position": overlay})
    return {"updateEmbeddedObjectPosition": {"position": moved["position"]}}


def _border_embedded(edit: Edit, payload: Json) -> Json:
    kind, fields = _embedded(edit, payload), mask(payload, payload.get("border") or {})
    _replaced(edit, kind, payload.get("objectId"), {"border": payload.get("border")}, {"border": fields})
    return {}


def _duplicate_view(edit: Edit, payload: Json) -> Json:
    sheet, old = _find(edit, VIEW, payload.get("filterId"))
    title = f"Copy of {old.get('title') or 'Filter'}"
    copied = {**copy.deepcopy(old), VIEW.id: edit.new_number(), "title": title}
    sheet.layout.objects[VIEW.listed].append(copied)
    return {"duplicateFilterView": {"filter": colored(copied)}}


_RULES = "conditionalFormats"


def _rules(sheet: Sheet) -> list[Json]:
    rules: list[Json] = sheet.layout.objects.setdefault(_RULES, [])
    return rules


def _rule_place(index: int, last: int) -> int:
    if not 0 <= index <= last:
        raise invalid(f"No conditional format on sheet at index: {index}")
    return index


def _checked_rule(edit: Edit, rule: Json | None) -> tuple[Sheet, Json]:
    rule = rule or {}
    if not rule.get("ranges"):
        raise invalid("Must specify at least one range.")
    if not (rule.get("booleanRule") or rule.get("gradientRule")):
        raise invalid("Must specify a booleanRule or a gradientRule.")
    homes = {edit.sheet(part).id for part in rule["ranges"]}
    if len(homes) > 1:
        raise invalid("All ranges of a conditional format must be on one sheet.")
    return edit.sheet(rule["ranges"][0]), tidy_ranges(rule)


def _add_rule(edit: Edit, payload: Json) -> Json:
    sheet, rule = _checked_rule(edit, payload.get("rule"))
    rules = _rules(sheet)
    rules.insert(_rule_place(payload.get("index") or 0, len(rules)), rule)
    return {}


def _update_rule(edit: Edit, payload: Json) -> Json:
    if payload.get("rule") is not None:
        sheet, rule = _checked_rule(edit, payload["rule"])
        rules, index = _rules(sheet), payload.get("index") or 0
        old = rules[_rule_place(index, len(rules) - 1)]
        rules[index] = rule
        reply = {"newRule": colored(rule), "oldRule": colored(old)}
        return {"updateConditionalFormatRule": _places(reply, index, index)}
    rules, index = _rules(edit.sheet(payload)), payload.get("index") or 0
    moved = rules.pop(_rule_place(index, len(rules) - 1))
    place = _rule_place(payload.get("newIndex") or 0, len(rules))
    rules.insert(place, moved)
    return {"updateConditionalFormatRule": _places({"newRule": colored(moved)}, place, index)}


def _places(reply: Json, new: int, old: int) -> Json:
    """An index of 0 is not written."""
    return reply | ({"newIndex": new} if new else {}) | ({"oldIndex": old} if old else {})


def _delete_rule(edit: Edit, payload: Json) -> Json:
    sheet, index = edit.sheet(payload), payload.get("index") or 0
    rules = _rules(sheet)
    removed = rules.pop(_rule_place(index, len(rules) - 1))
    if not rules:
        del sheet.layout.objects[_RULES]
    return {"deleteConditionalFormatRule": {"rule": colored(removed)}}


def _no_data_source(_edit: Edit, _payload: Json) -> Json:
    raise invalid("Data sources need BigQuery or Looker, which this project has no access to.")


def _no_comments(_edit: Edit, _payload: Json) -> Json:
    raise invalid("Comments are not available for this spreadsheet.")


_SOURCES = (
    "addDataSource",
    "updateDataSource",
    "deleteDataSource",
    "refreshDataSource",
    "cancelDataSourceRefresh",
)
_COMMENTS = ("insertComment", "deleteComment", "addCommentReply", "deleteCommentReply", "updateCommentPost")
_REFUSED: dict[str, Callable[[Edit, Json], Json]] = {
    **dict.fromkeys(_SOURCES, _no_data_source),
    **dict.fromkeys(_COMMENTS, _no_comments),
}

REQUESTS: dict[str, Apply] = {
    "addConditionalFormatRule": _add_rule,
    "updateConditionalFormatRule": _update_rule,
    "deleteConditionalFormatRule": _delete_rule,
    "addBanding": _add(BANDING, "addBanding"),
    "updateBanding": _update(BANDING),
    "deleteBanding": _delete(BANDING, "bandedRangeId"),
    "addFilterView": _add(VIEW, "addFilterView"),
    "updateFilterView": _update(VIEW),
    "duplicateFilterView": _duplicate_view,
    "deleteFilterView": _delete(VIEW, "filterId"),
    "addChart": _add(CHART, "addChart"),
    "updateChartSpec": _update_chart_spec,
    "addSlicer": _add(SLICER, "addSlicer"),
    "updateSlicerSpec": _update_slicer_spec,
    "deleteEmbeddedObject": _delete_embedded,
    "updateEmbeddedObjectPosition": _move_embedded,
    "updateEmbeddedObjectBorder": _border_embedded,
    "addTable": _add(TABLE, "addTable"),
    "updateTable": _update(TABLE),
    "deleteTable": _delete(TABLE, "tableId"),
    **_REFUSED,
}
