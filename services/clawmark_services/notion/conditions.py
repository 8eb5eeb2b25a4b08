"""The conditions of filters: how each reads what it compares with, and how it is tried on a kept value.

Each type of column belongs to a family; a family is a table of conditions by Notion's names for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clawmark_services.notion import periods
from clawmark_services.notion.errors import invalid, mismatch
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
from clawmark_services.notion.records import Property
from clawmark_services.notion.workspace import Workspace

Json = Any


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


def _read_verification(value: Json, path: str, _column: Property, _query: Query) -> str:
    return as_choice(value, ("verified", "expired", "none"), path)


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
TEXT = {
    "equals": Condition(_read_text, lambda held, operand: (held or "") == operand),
    "does_not_equal": Condition(_read_text, lambda held, operand: (held or "") != operand),
    "contains": Condition(_read_folded, lambda held, operand: operand in (held or "").casefold()),
    "does_not_contain": Condition(_read_folded, lambda held, operand: operand not in (held or "").casefold()),
    "starts_with": Condition(_read_folded, lambda held, operand: (held or "").casefold().startswith(operand)),
    "ends_with": Condition(_read_folded, lambda held, operand: (held or "").casefold().endswith(operand)),
    **_EMPTINESS,
}
NUMBER = {
    "equals": _number_test(lambda held, operand: held == operand),
    "does_not_equal": Condition(_read_number, lambda held, operand: held != operand),
    "greater_than": _number_test(lambda held, operand: held > operand),
    "less_than": _number_test(lambda held, operand: held < operand),
    "greater_than_or_equal_to": _number_test(lambda held, operand: held >= operand),
    "less_than_or_equal_to": _number_test(lambda held, operand: held <= operand),
    **_EMPTINESS,
}
CHECKBOX = {
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
DATE = {
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
TEXTS = ("title", "rich_text", "url", "email", "phone_number")
FAMILIES: Mapping[str, Mapping[str, Condition]] = {
    **dict.fromkeys(TEXTS, TEXT),
    "number": NUMBER,
    "checkbox": CHECKBOX,
    "select": _OPTION,
    "multi_select": _OPTIONS,
    "status": _OPTION,
    "date": DATE,
    "people": _PEOPLE,
    "files": _EMPTINESS,
    "relation": _RELATION,
    "created_by": _PEOPLE,
    "created_time": DATE,
    "last_edited_by": _PEOPLE,
    "last_edited_time": DATE,
    "unique_id": NUMBER,
}
VERIFICATION = {
    "status": Condition(_read_verification, lambda held, operand: held == operand),
    "does_not_equal": Condition(_read_verification, lambda held, operand: held != operand),
}
