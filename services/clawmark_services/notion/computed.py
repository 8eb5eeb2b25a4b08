"""Formula and rollup columns: what Notion computes for a row, kept as the wire shows it.

Kept is `{"type": "number", "number": 3}` (or boolean, string, date; a rollup may also be an array of ids of
rows, shown with the values of its target). Results are remembered until anything changes; a cycle is empty.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clawmark_services.notion import dates, formulas, properties, richtext
from clawmark_services.notion.formulas import FormulaError, PageRef, Span, UserRef
from clawmark_services.notion.javascript import js_number
from clawmark_services.notion.records import Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any


def formula(column: Property, page: Page, workspace: Workspace) -> Json:
    """The result of a formula column as the wire shows it."""
    value, kind = _formula_value(column, page, workspace)
    if isinstance(value, list):
        value = formulas.as_text(value)
    if isinstance(value, bool):
        return {"type": "boolean", "boolean": value}
    if isinstance(value, int | float):
        return {"type": "number", "number": js_number(value) if math.isfinite(value) else None}
    if isinstance(value, Span):
        return {"type": "date", "date": {"start": value.start, "end": value.end, "time_zone": None}}
    if value is None:
        return {"type": kind, kind: None}
    return {"type": "string", "string": formulas.as_text(value)}


def _formula_value(column: Property, page: Page, workspace: Workspace) -> tuple[Any, str]:
    """The value of a formula and the kind that it has when it is empty."""
    key = (page.id, column.id)
    if key in workspace.computed:
        found: tuple[Any, str] = workspace.computed[key]
        return found
    workspace.computed[key] = (None, "string")
    scope = formulas.Scope(
        prop=lambda page_id, name: _read(page_id or page.id, name, workspace),
        now=workspace.now,
        kind_of_column=lambda name: _kind_of(name, page, workspace),
    )
    try:
        tree = formulas.parse(column.config["expression"])
        result = (formulas.evaluate(tree, scope), formulas.kind(tree, scope))
    except (FormulaError, RecursionError):
        # Notion shows what cannot be computed as empty.
        result = (None, "string")
    workspace.computed[key] = result
    return result


def _kind_of(name: str, page: Page, workspace: Workspace) -> str | None:
    column = properties.find(workspace.columns(page), name)
    return None if column is None else formulas.COLUMN_KINDS.get(column.type)


def _read(page_id: str, name: str, workspace: Workspace) -> Any:
    page = workspace.nodes.get(page_id)
    if not isinstance(page, Page):
        return None
    column = properties.find(workspace.columns(page), name)
    if column is None:
        raise FormulaError(f'Undefined property "{name}"')
    return value_of(column, page, workspace)


def value_of(column: Property, page: Page, workspace: Workspace) -> Any:
    """What a formula sees in a column of a page."""
    if column.type == "formula":
        return _formula_value(column, page, workspace)[0]
    if column.type == "rollup":
        return _rollup_value(column, page, workspace)
    if column.type in ("created_time", "last_edited_time"):
        at = page.stamp.created_at if column.type == "created_time" else page.stamp.edited_at
        return Span(dates.to_the_minute(at).replace("Z", "+00:00"))
    if column.type in ("created_by", "last_edited_by"):
        by = page.stamp.created_by if column.type == "created_by" else page.stamp.edited_by
        return _person(by, workspace)
    held = page.values.get(column.id)
    reader = _READERS.get(column.type)
    return held if reader is None else reader(held, column, workspace)


def _person(id_: str, workspace: Workspace) -> UserRef:
    user = workspace.users.get(id_)
    return UserRef(id_, user.name if user else "", (user.email if user else None) or "")


def _option_name(held: Json, column: Property, _workspace: Workspace) -> str:
    return next((str(each["name"]) for each in column.config["options"] if each["id"] == held), "")


def _number(held: Json, column: Property, _workspace: Workspace) -> str:
    prefix = column.config["prefix"]
    return f"{prefix}-{held}" if prefix else str(held or "")


def _file_names(held: Json, _column: Property, workspace: Workspace) -> list[str]:
    return [each.get("name") or workspace.file_name(each["upload"]) for each in held or ()]


_READERS: Mapping[str, Callable[[Json, Property, Workspace], Any]] = {
    "title": lambda held, _column, workspace: richtext.plain(held or (), workspace),
    "rich_text": lambda held, _column, workspace: richtext.plain(held or (), workspace),
    "select": _option_name,
    "status": _option_name,
    "multi_select": lambda held, column, workspace: [
        _option_name(id_, column, workspace) for id_ in held or ()
    ],
    "date": lambda held, _column, _workspace: held and Span(held["start"], held["end"]),
    "people": lambda held, _column, workspace: [_person(id_, workspace) for id_ in held or ()],
    "files": _file_names,
    "checkbox": lambda held, _column, _workspace: bool(held),
    "relation": lambda held, _column, workspace: [PageRef(id_, workspace.title(id_)) for id_ in held or ()],
    "unique_id": _number,
    "verification": lambda held, _column, _workspace: held["state"] if held else "unverified",
    "place": lambda held, _column, _workspace: (held or {}).get("name") or "",
    "button": lambda _held, _column, _workspace: None,
    **dict.fromkeys(("url", "email", "phone_number"), lambda held, _column, _workspace: held if held else ""),
}


def related(column: Property, page: Page, workspace: Workspace) -> tuple[list[Page], Property | None]:
    """The rows that a rollup looks at, and their column that it looks into, if there still is one."""
    relation = properties.find(workspace.columns(page), column.config["relation"])
    if relation is None or relation.type != "relation":
        return [], None
    source = workspace.sources[relation.config["data_source_id"]]
    found = (workspace.nodes.get(id_) for id_ in page.values.get(relation.id) or ())
    rows = [row for row in found if isinstance(row, Page) and not row.trashed]
    target = next((each for each in source.properties if each.id == column.config["target"]), None)
    return [row for row in rows if row.parent.id == source.id], target


def _rollup_value(column: Property, page: Page, workspace: Workspace) -> Any:
    result = rollup(column, page, workspace)
    if result["type"] == "array":
        rows, target = related(column, page, workspace)
        return [] if target is None else [value_of(target, row, workspace) for row in rows]
    if result["type"] == "date":
        return result["date"] and Span(result["date"]["start"], result["date"]["end"])
    return result.get("number")


def rollup(column: Property, page: Page, workspace: Workspace) -> Json:
    """The result of a rollup column; an array holds the ids of rows."""
    key = (page.id, column.id)
    if key not in workspace.computed:
        workspace.computed[key] = {"type": "unsupported", "unsupported": {}}
        workspace.computed[key] = _rolled_up(column, page, workspace)
    return workspace.computed[key]


def _rolled_up(column: Property, page: Page, workspace: Workspace) -> Json:
    function = column.config["function"]
    rows, target = related(column, page, workspace)
    if target is None or function.endswith("_per_group"):
        return {"type": "unsupported", "unsupported": {}}
    values = [value_of(target, row, workspace) for row in rows]
    if function in ("show_original", "show_unique"):
        shown = rows if function == "show_original" else _first_of_each(rows, values)
        return {"type": "array", "array": [row.id for row in shown]}
    if function in _SPANS:
        spans = [each for each in _flat(values) if isinstance(each, Span)]
        return {"type": "date", "date": _SPANS[function](spans) if spans else None}
    result = _NUMBERS[function](values)
    return {"type": "number", "number": None if result is None else js_number(result)}


def _first_of_each(rows: Sequence[Page], values: Sequence[Any]) -> list[Page]:
    seen: dict[str, Page] = {}
    for row, value in zip(rows, values, strict=True):
        seen.setdefault(formulas.as_text(value), row)
    return list(seen.values())


def _flat(values: Sequence[Any]) -> list[Any]:
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _filled(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None and value not in ("", [])]


def _over(compute: Callable[[Sequence[float]], float]) -> Callable[[Sequence[Any]], float | None]:
    def computed(values: Sequence[Any]) -> float | None:
        numbers = [each for each in _flat(values) if isinstance(each, int | float) and math.isfinite(each)]
        return float(compute(numbers)) if numbers else None

    return computed


def _share(part: Callable[[Sequence[Any]], float]) -> Callable[[Sequence[Any]], float | None]:
    return lambda values: part(values) / len(values) if values else None


def _count_unique(values: Sequence[Any]) -> float:
    return len({formulas.as_text(each) for each in _filled(_flat(values))})


def _count_checked(values: Sequence[Any]) -> float:
    return sum(value is True for value in values)


def _count_empty(values: Sequence[Any]) -> float:
    return len(values) - len(_filled(values))


_NUMBERS: Mapping[str, Callable[[Sequence[Any]], float | None]] = {
    "count": len,
    "count_values": lambda values: len(_filled(_flat(values))),
    "unique": _count_unique,
    "empty": _count_empty,
    "not_empty": lambda values: len(_filled(values)),
    "percent_empty": _share(_count_empty),
    "percent_not_empty": _share(lambda values: len(_filled(values))),
    "checked": _count_checked,
    "unchecked": lambda values: len(values) - _count_checked(values),
    "percent_checked": _share(_count_checked),
    "percent_unchecked": _share(lambda values: len(values) - _count_checked(values)),
    "sum": lambda values: _over(math.fsum)(values) or 0.0,
    "average": _over(statistics.fmean),
    "median": _over(statistics.median),
    "min": _over(min),
    "max": _over(max),
    "range": _over(lambda numbers: max(numbers) - min(numbers)),
}


def _date(start: str, end: str | None = None) -> Json:
    return {"start": start, "end": end, "time_zone": None}


def _earliest(spans: Sequence[Span]) -> Span:
    return min(spans, key=lambda each: each.moment)


def _latest(spans: Sequence[Span]) -> Span:
    return max((Span(each.end or each.start) for each in spans), key=lambda each: each.moment)


_SPANS: Mapping[str, Callable[[Sequence[Span]], Json]] = {
    "earliest_date": lambda spans: _date(_earliest(spans).start),
    "latest_date": lambda spans: _date(_latest(spans).start),
    "date_range": lambda spans: _date(_earliest(spans).start, _latest(spans).start),
}
