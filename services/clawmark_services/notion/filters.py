"""Filters and sorts of queries, over the kept values of rows.

Each type of column belongs to a family; a family is a table of conditions, and a condition is how its
operand is read from the request and how it is tried on what a row holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clawmark_services.notion import computed, periods, properties, richtext, values
from clawmark_services.notion.errors import MISSING, any_of, invalid, mismatch, undefined
from clawmark_services.notion.grammar import (
    as_array,
    as_boolean,
    as_choice,
    as_number,
    as_object,
    as_text,
    as_uuid,
    only,
)
from clawmark_services.notion.records import Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any
Predicate = Callable[[Page], bool]

NESTING_LIMIT = 2
"""How deep `and` and `or` may lie in each other (the API reference on compound filters)."""

_JOINTS: Mapping[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
_TIMESTAMPS = ("created_time", "last_edited_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a filter is compiled against: a table's columns, its workspace, and the present moment."""

    columns: Sequence[Property]
    workspace: Workspace
    now: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """`operand` reads what the request compares with; `test` tries it on the kept value (None: unset)."""

    operand: Callable[[Json, str, Property, Query], Any]
    test: Callable[[Any, Any], bool]


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
    given = next((key for key in raw if key in _FAMILIES or key in _COMPUTED), None)
    if given is None:
        raise any_of("body", [undefined(f"{path}.{kind}") for kind in (*_FAMILIES, *_COMPUTED)])
    only(raw, ("property", "type", given), path)
    if given == column.type and given in _COMPUTED:
        return _COMPUTED[given](column, raw[given], query, f"{path}.{given}")
    same = given == column.type or (given in _TEXTS and column.type in _TEXTS)
    if not same or given not in _FAMILIES:
        wanted, asked = (("text" if kind in _TEXTS[:2] else kind) for kind in (column.type, given))
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
    family = _FAMILIES[column.type]
    condition, operand = _chosen(family, column, raw, query, path)

    def holds(page: Page) -> bool:
        held = values.kept(column, page, query.workspace)
        if family is _TEXT and isinstance(held, list):
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
        family = _NUMBER if kind == "number" else _DATE
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


def _read_verification(value: Json, path: str, _column: Property, _query: Query) -> str:
    return as_choice(value, ("verified", "expired", "none"), path)


def _verification(column: Property, raw: Json, query: Query, path: str) -> Predicate:
    condition, operand = _chosen(_VERIFICATION, column, raw, query, path)

    def holds(page: Page) -> bool:
        held = values.kept(column, page, query.workspace)
        return condition.test(values.verified_state(held, query.workspace), operand)

    return holds


def _read_text(value: Json, path: str, _column: Property, _query: Query) -> str:
    return as_text(value, path)


def _read_folded(value: Json, path: str, _column: Property, _query: Query) -> str:
    return as_text(value, path).casefold()


def _read_number(value: Json, path: str, _column: Property, _query: Query) -> float:
    return as_number(value, path)


def _read_boolean(value: Json, path: str, _column: Property, _query: Query) -> bool:
    return as_boolean(value, path)


def _read_true(value: Json, path: str, _column: Property, _query: Query) -> bool:
    if value is not True:
        raise mismatch(path, "`true`", value)
    return True


def _read_options(value: Json, path: str, column: Property, _query: Query) -> list[str]:
    names = as_array(value, path) if isinstance(value, list) else [as_text(value, path)]
    ids = {option["name"]: option["id"] for option in column.config["options"]}
    for name in names:
        if not isinstance(name, str) or name not in ids:
            available = ", ".join(f'"{known}"' for known in ids)
            raise invalid(
                f'{column.type} option "{name}" not found for property "{column.name}". '
                f"Available options: {available}."
            )
    return [ids[name] for name in names]


def _read_person(value: Json, path: str, _column: Property, query: Query) -> str:
    return query.workspace.bot_id if value == "me" else as_uuid(value, path)


def _read_id(value: Json, path: str, _column: Property, _query: Query) -> str:
    return as_uuid(value, path)


def _read_when(value: Json, path: str, _column: Property, query: Query) -> date | datetime:
    return periods.point(value, path, query.now)


def _read_period(name: str) -> Callable[[Json, str, Property, Query], tuple[date, date]]:
    def read(value: Json, path: str, _column: Property, query: Query) -> tuple[date, date]:
        only(as_object(value, path), (), path)
        return periods.period(name, query.now.date())

    return read


def _has(held: Any, operand: str) -> bool:
    return held is not None and (operand == held or (isinstance(held, list) and operand in held))


def _started(held: Any) -> str | None:
    start: str | None = held["start"] if isinstance(held, dict) else held
    return start


def _when(test: Callable[[int], bool]) -> Condition:
    def compare(held: Any, operand: date | datetime) -> bool:
        start = _started(held)
        return start is not None and test(periods.compare(start, operand))

    return Condition(_read_when, compare)


def _within(name: str) -> Condition:
    def inside(held: Any, operand: tuple[date, date]) -> bool:
        start = _started(held)
        return start is not None and operand[0] <= periods.day_of(start) <= operand[1]

    return Condition(_read_period(name), inside)


def _number_test(test: Callable[[float, float], bool]) -> Condition:
    return Condition(_read_number, lambda held, operand: held is not None and test(held, operand))


def _unset(held: Any, _operand: Any) -> bool:
    return held is None or held in ("", [])


_EMPTINESS = {
    "is_empty": Condition(_read_true, _unset),
    "is_not_empty": Condition(_read_true, lambda held, operand: not _unset(held, operand)),
}
_TEXT = {
    "equals": Condition(_read_text, lambda held, operand: (held or "") == operand),
    "does_not_equal": Condition(_read_text, lambda held, operand: (held or "") != operand),
    "contains": Condition(_read_folded, lambda held, operand: operand in (held or "").casefold()),
    "does_not_contain": Condition(_read_folded, lambda held, operand: operand not in (held or "").casefold()),
    "starts_with": Condition(_read_folded, lambda held, operand: (held or "").casefold().startswith(operand)),
    "ends_with": Condition(_read_folded, lambda held, operand: (held or "").casefold().endswith(operand)),
    **_EMPTINESS,
}
_NUMBER = {
    "equals": _number_test(lambda held, operand: held == operand),
    "does_not_equal": Condition(_read_number, lambda held, operand: held != operand),
    "greater_than": _number_test(lambda held, operand: held > operand),
    "less_than": _number_test(lambda held, operand: held < operand),
    "greater_than_or_equal_to": _number_test(lambda held, operand: held >= operand),
    "less_than_or_equal_to": _number_test(lambda held, operand: held <= operand),
    **_EMPTINESS,
}
_CHECKBOX = {
    "equals": Condition(_read_boolean, lambda held, operand: bool(held) == operand),
    "does_not_equal": Condition(_read_boolean, lambda held, operand: bool(held) != operand),
}
_OPTION = {
    "equals": Condition(_read_options, lambda held, operand: held in operand),
    "does_not_equal": Condition(_read_options, lambda held, operand: held not in operand),
    **_EMPTINESS,
}
_OPTIONS = {
    "contains": Condition(_read_options, lambda held, operand: any(_has(held, id_) for id_ in operand)),
    "does_not_contain": Condition(
        _read_options, lambda held, operand: not any(_has(held, id_) for id_ in operand)
    ),
    **_EMPTINESS,
}
_DATE = {
    "equals": _when(lambda order: order == 0),
    "before": _when(lambda order: order < 0),
    "after": _when(lambda order: order > 0),
    "on_or_before": _when(lambda order: order <= 0),
    "on_or_after": _when(lambda order: order >= 0),
    **{name: _within(name) for name in periods.PERIODS},
    **_EMPTINESS,
}
_PEOPLE = {
    "contains": Condition(_read_person, _has),
    "does_not_contain": Condition(_read_person, lambda held, operand: not _has(held, operand)),
    **_EMPTINESS,
}
_RELATION = {
    "contains": Condition(_read_id, _has),
    "does_not_contain": Condition(_read_id, lambda held, operand: not _has(held, operand)),
    **_EMPTINESS,
}
_TEXTS = ("title", "rich_text", "url", "email", "phone_number")
_FAMILIES: Mapping[str, Mapping[str, Condition]] = {
    **dict.fromkeys(_TEXTS, _TEXT),
    "number": _NUMBER,
    "checkbox": _CHECKBOX,
    "select": _OPTION,
    "multi_select": _OPTIONS,
    "status": _OPTION,
    "date": _DATE,
    "people": _PEOPLE,
    "files": _EMPTINESS,
    "relation": _RELATION,
    "created_by": _PEOPLE,
    "created_time": _DATE,
    "last_edited_by": _PEOPLE,
    "last_edited_time": _DATE,
    "unique_id": _NUMBER,
}
_VERIFICATION = {
    "status": Condition(_read_verification, lambda held, operand: held == operand),
    "does_not_equal": Condition(_read_verification, lambda held, operand: held != operand),
}
_RESULTS = {
    "string": (_TEXT, "string"),
    "checkbox": (_CHECKBOX, "boolean"),
    "number": (_NUMBER, "number"),
    "date": (_DATE, "date"),
}
"""What a filter calls the kinds of a formula's results, the conditions there are, and the wire's name."""

_COMPUTED: Mapping[str, Callable[[Property, Json, Query, str], Predicate]] = {
    "formula": _formula,
    "rollup": _rollup,
    "verification": _verification,
}
