"""The order of query and search results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clawmark_services.notion import dates, values
from clawmark_services.notion.conditions import Query
from clawmark_services.notion.errors import MISSING, any_of, undefined
from clawmark_services.notion.filters import find_column
from clawmark_services.notion.grammar import as_array, as_choice, as_object, only
from clawmark_services.notion.records import Page, Property

Json = Any
Key = Callable[[Page], Any]

_DIRECTIONS = ("ascending", "descending")


def ordered(rows: Sequence[Page], sorts: Json, query: Query, path: str = "body.sorts") -> list[Page]:
    """Rows in the order that a request asks for; without sorts, and among equals, newest first.

    What is unset comes last in either direction.
    """
    found = sorted(rows, key=lambda page: page.seq, reverse=True)
    for index, sort in reversed(list(enumerate(as_array(sorts, path)))):
        key, descending = _key(sort, query, f"{path}[{index}]")
        held = [page for page in found if key(page) is not None]
        empty = [page for page in found if key(page) is None]
        found = sorted(held, key=key, reverse=descending) + empty
    return found


def _key(sort: Json, query: Query, path: str) -> tuple[Key, bool]:
    sort = only(as_object(sort, path), ("property", "timestamp", "direction"), path)
    direction = as_choice(sort.get("direction", MISSING), _DIRECTIONS, f"{path}.direction")
    if "timestamp" in sort:
        name = as_choice(sort["timestamp"], ("created_time", "last_edited_time"), f"{path}.timestamp")
        return moment_key(name), direction == "descending"
    if "property" not in sort:
        raise any_of("body", [undefined(f"{path}.property"), undefined(f"{path}.timestamp")])
    column = find_column(sort["property"], query, f"{path}.property")
    return _column_key(column, query), direction == "descending"


def moment_key(name: str) -> Callable[[Any], Any]:
    """Sorts by when something was made or edited, in the order of requests within a second."""
    if name == "created_time":
        return lambda record: (record.stamp.created_at, record.seq)
    return lambda record: (record.stamp.edited_at, record.seq)


def _column_key(column: Property, query: Query) -> Key:
    if column.type in ("created_time", "last_edited_time"):
        return moment_key(column.type)
    if column.type in ("select", "status"):
        places = {option["id"]: place for place, option in enumerate(column.config["options"])}
        return lambda page: places.get(page.values.get(column.id, ""))
    key = _KEYS.get(column.type, _text)
    if column.type in _KEYS:
        return lambda page: key(values.kept(column, page, query.workspace))
    return lambda page: key(values.plain(column, page, query.workspace))


def _result(result: Json) -> Any:
    """What computed columns sort by: numbers and truths, then dates, then texts."""
    value = result.get(result["type"])
    if result["type"] == "array":
        return (3, len(value))
    if value is None or value == {}:
        return None
    if result["type"] == "date":
        return (1, dates.moment(value["start"]))
    return (2, value.casefold()) if isinstance(value, str) else (0, value)


def _start(held: Json) -> Any:
    return None if held is None else dates.moment(held["start"])


def _text(value: Json) -> str | None:
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return str(text).casefold() if text else None


_KEYS: Mapping[str, Callable[[Json], Any]] = {
    "date": _start,
    "number": lambda held: held,
    "unique_id": lambda held: held,
    "checkbox": bool,
    "formula": _result,
    "rollup": _result,
}
"""Types that sort by what is kept; all others by their text."""
