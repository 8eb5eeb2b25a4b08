"""Filters of queries, over the kept values of rows.

A filter of a request becomes a predicate over rows; the conditions themselves are in `conditions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clawmark_services.notion import computed, properties, richtext, values
from clawmark_services.notion.conditions import (
    CHECKBOX,
    DATE,
    FAMILIES,
    NUMBER,
    TEXT,
    TEXTS,
    VERIFICATION,
    Condition,
    Query,
)
from clawmark_services.notion.errors import MISSING, any_of, invalid, mismatch, undefined
from clawmark_services.notion.grammar import (
    as_array,
    as_choice,
    as_object,
    as_text,
    only,
)
from clawmark_services.notion.records import Page, Property

Json = Any
Predicate = Callable[[Page], bool]

NESTING_LIMIT = 2
"""How deep `and` and `or` may lie in each other (the API reference on compound filters)."""

_JOINTS: Mapping[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
_TIMESTAMPS = ("created_time", "last_edited_time")


def compile_filter(raw: Json, query: Query, path: str, depth: int = 0) -> Predicate:
    """What a filter of a request demands of a row; raises Notion's complaint."""
    raw = as_object(raw, path)
    for joint in _JOINTS:
        if joint in raw:
            return _compound(raw, joint, query, path, depth)
    if "timestamp" in raw:
        return _timestamp(raw, query, path)
    if "property" not in raw:
        raise any_of("body", [undefined(f"{path}.{name}") for name in ("or", "and", "property", "timestamp")])
    return _single(raw, query, path)


def _compound(
    raw: Mapping[str, Json],
    joint: str,
    query: Query,
    path: str,
    depth: int,
) -> Predicate:
    only(raw, (joint,), path)
    if depth >= NESTING_LIMIT:
        raise mismatch(f"{path}.{joint}", "not present", raw[joint])
    parts = [
        compile_filter(part, query, f"{path}.{joint}[{index}]", depth + 1)
        for index, part in enumerate(as_array(raw[joint], f"{path}.{joint}"))
    ]
    combine = _JOINTS[joint]
    return lambda page: combine(part(page) for part in parts)


def _timestamp(raw: Mapping[str, Json], query: Query, path: str) -> Predicate:
    name = as_choice(raw["timestamp"], _TIMESTAMPS, f"{path}.timestamp")
    only(raw, ("timestamp", "type", name), path)
    column = Property(id=name, name=name, type=name, config={})
    return _condition(column, raw.get(name, MISSING), query, f"{path}.{name}")


def _single(raw: Mapping[str, Json], query: Query, path: str) -> Predicate:
    column = find_column(raw["property"], query, f"{path}.property")
    given = next((key for key in raw if key in FAMILIES or key in _COMPUTED), None)
    if given is None:
        raise any_of("body", [undefined(f"{path}.{kind}") for kind in (*FAMILIES, *_COMPUTED)])
    only(raw, ("property", "type", given), path)
    if given == column.type and given in _COMPUTED:
        return _COMPUTED[given](column, raw[given], query, f"{path}.{given}")
    same = given == column.type or (given in TEXTS and column.type in TEXTS)
    if not same or given not in FAMILIES:
        wanted, asked = (("text" if kind in TEXTS[:2] else kind) for kind in (column.type, given))
        raise invalid(
            "The property type in the database does not match the property type of the filter provided: "
            f"database property {column.type if wanted == 'text' else wanted} does not match filter {asked}"
        )
    return _condition(column, raw[given], query, f"{path}.{given}")


def find_column(name_or_id: Json, query: Query, path: str) -> Property:
    """The column that a filter or sort names."""
    name = as_text(name_or_id, path)
    column = properties.find(query.columns, name)
    if column is None:
        raise invalid(f"Could not find property with name or id: {name}")
    return column


def _chosen(
    family: Mapping[str, Condition], column: Property, raw: Json, query: Query, path: str
) -> tuple[Condition, Any]:
    """The one condition of a family that a request names, and what it compares with."""
    raw = only(as_object(raw, path), tuple(family), path)
    if len(raw) != 1:
        raise any_of("body", [undefined(f"{path}.{name}") for name in family])
    ((name, value),) = raw.items()
    condition = family[name]
    return condition, condition.operand(value, f"{path}.{name}", column, query)


def _condition(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    family = FAMILIES[column.type]
    condition, operand = _chosen(family, column, raw, query, path)

    def holds(page: Page) -> bool:
        held = values.kept(column, page, query.workspace)
        if family is TEXT and isinstance(held, list):
            held = richtext.plain(held, query.workspace)
        return condition.test(held, operand)

    return holds


def _formula(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    """A filter on a formula's result; a result of another kind counts as empty."""
    raw = only(as_object(raw, path), tuple(_RESULTS), path)
    kind = next(iter(raw), None)
    if kind is None or len(raw) != 1:
        raise any_of("body", [undefined(f"{path}.{name}") for name in _RESULTS])
    family, named = _RESULTS[kind]
    condition, operand = _chosen(family, column, raw[kind], query, f"{path}.{kind}")

    def holds(page: Page) -> bool:
        result = values.kept(column, page, query.workspace)
        return condition.test(result.get(named), operand)

    return holds


def _rollup(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    """A filter on what a rollup computes, or on any, every or none of what it shows."""
    raw = only(as_object(raw, path), ("any", "every", "none", "number", "date"), path)
    kind = next(iter(raw), None)
    if kind is None or len(raw) != 1:
        raise any_of("body", [undefined(f"{path}.{name}") for name in ("any", "every", "none")])
    if kind in ("number", "date"):
        family = NUMBER if kind == "number" else DATE
        condition, operand = _chosen(family, column, raw[kind], query, f"{path}.{kind}")
        return lambda page: condition.test(values.kept(column, page, query.workspace).get(str(kind)), operand)
    holds = _of_target(column, raw[kind], query, f"{path}.{kind}")
    combine = _QUANTIFIERS[kind]
    return lambda page: combine(holds(row) for row in computed.related(column, page, query.workspace)[0])


_QUANTIFIERS: Mapping[str, Callable[[Iterable[bool]], bool]] = {
    "any": any,
    "every": all,
    "none": lambda found: not any(found),
}


def _of_target(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    """A filter on the column that a rollup looks into, in the rows of the related table."""
    relation = next((each for each in query.columns if each.id == column.config["relation"]), None)
    if relation is None or relation.type != "relation":
        raise invalid(f"The rollup {column.name} has lost its relation.")
    source = query.workspace.sources[relation.config["data_source_id"]]
    name = column.config["target"]
    inner = Query(columns=source.properties, workspace=query.workspace, now=query.now)
    return _single({**as_object(raw, path), "property": name}, inner, path)


def _verification(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    condition, operand = _chosen(VERIFICATION, column, raw, query, path)

    def holds(page: Page) -> bool:
        held = values.kept(column, page, query.workspace)
        return condition.test(values.verified_state(held, query.workspace), operand)

    return holds


_RESULTS = {
    "string": (TEXT, "string"),
    "checkbox": (CHECKBOX, "boolean"),
    "number": (NUMBER, "number"),
    "date": (DATE, "date"),
}
"""What a filter calls the kinds of a formula's results, the conditions there are, and the wire's name."""

_COMPUTED: Mapping[str, Callable[[Property, Json, Query, str], Predicate]] = {
    "formula": _formula,
    "rollup": _rollup,
    "verification": _verification,
}
