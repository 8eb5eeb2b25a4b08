"""Filters, order and pages of a list, from a request's parameters to SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clawmark_services.rest.declaration import COMPARISONS, Resource
from clawmark_services.rest.errors import bad_parameter

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_INTEGER = 2**63 - 1
MAX_CONDITIONS = 200

Scalar = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A list to be made: SQL conditions over `body` with their values, an order, a page."""

    where: str
    values: tuple[Scalar, ...]
    order: str
    limit: int
    offset: int


def parse(resource: Resource, parameters: Iterable[tuple[str, str]]) -> Query:
    """`status=open`, `hours__gte=5`, `sort=-hours,name`, `limit`, `offset`.

    A field given twice matches either value. Raises the API's 400 for anything unknown.
    """
    grouped: dict[str, list[str]] = {}
    for name, value in parameters:
        grouped.setdefault(name, []).append(value)
    limit = _page("limit", grouped.pop("limit", None), DEFAULT_LIMIT, least=1, most=MAX_LIMIT)
    offset = _page("offset", grouped.pop("offset", None), 0, least=0, most=MAX_INTEGER)
    order = _order(resource, grouped.pop("sort", []))
    if sum(len(texts) for texts in grouped.values()) > MAX_CONDITIONS:
        raise bad_parameter("query", f"at most {MAX_CONDITIONS} conditions can be given")
    conditions = [_condition(resource, name, texts) for name, texts in grouped.items()]
    return Query(
        where=" AND ".join(f"({sql})" for sql, _ in conditions) or "1",
        values=tuple(value for _, values in conditions for value in values),
        order=order,
        limit=limit,
        offset=offset,
    )


def _page(name: str, texts: list[str] | None, default: int, *, least: int, most: int) -> int:
    if texts is None:
        return default
    text = texts[-1]
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise bad_parameter(name, f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


_MEMBER = "EXISTS (SELECT 1 FROM json_each(body, '$.\"{field}\"') WHERE value IS ?)"


def _path(field: str) -> str:
    # Declarations admit only names that need no escape here.
    return f"json_extract(body, '$.\"{field}\"')"


def _check_field(resource: Resource, field: str, parameter: str) -> None:
    if field not in resource.fields:
        known = ", ".join(resource.fields)
        raise bad_parameter(parameter, f"{resource.name} has no field {field!r}; its fields are {known}")


def _order(resource: Resource, texts: list[str]) -> str:
    """SQL that sorts; records without the field come last, equals stay as they were made."""
    parts = []
    for text in ",".join(texts).split(","):
        field = text.strip().removeprefix("-")
        if field:
            _check_field(resource, field, "sort")
            direction = "DESC" if text.strip().startswith("-") else "ASC"
            parts.append(f"{_path(field)} IS NULL, {_path(field)} {direction}")
    return ", ".join([*parts, "seq"])


_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _condition(resource: Resource, name: str, texts: list[str]) -> tuple[str, list[Scalar]]:
    field, _, comparison = name.partition("__")
    _check_field(resource, field, name)
    if comparison and comparison not in COMPARISONS:
        raise bad_parameter(name, f"unknown comparison {comparison!r}; use one of {', '.join(COMPARISONS)}")
    kinds = field_kinds(resource.fields[field])
    if "object" in kinds:
        raise bad_parameter(name, f"{field} is an object and cannot be filtered by")
    pairs = [_one(field, comparison, _value(name, kinds, text, comparison), kinds, name) for text in texts]
    joiner = " AND " if comparison == "ne" else " OR "
    return joiner.join(sql for sql, _ in pairs), [value for _, values in pairs for value in values]


def _one(
    field: str, comparison: str, value: Scalar, kinds: tuple[str, ...], name: str
) -> tuple[str, list[Scalar]]:
    path = _path(field)
    if "array" in kinds:
        return _member(field, comparison, value, name)
    if comparison == "contains":
        return f"instr(fold({path}), fold(?)) > 0", [value]
    if comparison in _OPERATORS:
        return f"{path} {_OPERATORS[comparison]} ?", [value]
    # IS and IS NOT compare with null as a value.
    return f"{path} {'IS NOT' if comparison == 'ne' else 'IS'} ?", [value]


def _member(field: str, comparison: str, value: Scalar, name: str) -> tuple[str, list[Scalar]]:
    if comparison in _OPERATORS:
        raise bad_parameter(name, f"{field} is a list; use {field}={value} or {field}__ne={value}")
    sql = _MEMBER.format(field=field)
    return (f"NOT {sql}" if comparison == "ne" else sql), [value]


def field_kinds(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a field's schema admits; what it does not say is taken from its enum or constant."""
    kinds = rule.get("type")
    if kinds is None:
        examples = rule.get("enum") or ([rule["const"]] if "const" in rule else [""])
        return tuple(dict.fromkeys(_kind_of(example) for example in examples))
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    for kind, types in (("boolean", bool), ("number", (int, float)), ("array", list), ("object", dict)):
        if isinstance(value, types):
            return kind
    return "string"


def _value(name: str, kinds: tuple[str, ...], text: str, comparison: str) -> Scalar:
    """The text as a value of the field's type."""
    if comparison == "contains" and "array" not in kinds:
        return text
    if "null" in kinds and text == "null":
        return None
    if "array" in kinds or "string" in kinds:
        return text
    if "boolean" in kinds and text.lower() in ("true", "false"):
        return int(text.lower() == "true")
    if "integer" in kinds or "number" in kinds:
        return _number(name, text)
    raise bad_parameter(name, f"{text!r} is not of type {' or '.join(kinds)}")


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise bad_parameter(name, f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise bad_parameter(name, f"{text!r} is not a number")
    return value
