"""QUERY, carried out over an array."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cmp_to_key

from clawmark_services.sheets.arrays import block
from clawmark_services.sheets.formats import as_datetime
from clawmark_services.sheets.functions import (
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Problem,
    Value,
    compare,
    number,
    scalar,
    text,
)
from clawmark_services.sheets.meter import LimitReached
from clawmark_services.sheets.patterns import BadPattern, TooMuch, Wildcard
from clawmark_services.sheets.query_grammar import (
    AGGREGATES,
    Applied,
    Column,
    Constant,
    Expression,
    Query,
    parse,
)

Row = tuple[Value, ...]


def query(data: Argument, wanted: Argument, headers: Argument = None, left: int | None = None) -> Block:
    """The rows that a query finds, below a row of labels if there are any.

    `left` is the sheet's column at which the data begins, or None for data that is no range.
    """
    rows = data.rows if isinstance(data, Block) else ((data,),)
    count = _header_rows(rows) if headers is None or number(headers) < 0 else int(number(headers))
    titles = [
        " ".join(text(row[at]) for row in rows[:count] if row[at] is not None) for at in range(len(rows[0]))
    ]
    asked = parse(text(wanted), left, len(rows[0]))
    found, chosen = _carried_out(asked, _typed(rows[count:]))
    labels = [_label(expression, asked, titles) for expression in chosen]
    top = [tuple(labels)] if any(labels) else []
    return block([*top, *found])


def source_columns(wanted: str, left: int | None, width: int) -> list[int | None]:
    """From which column each column of the answer comes unchanged, or by `min`, `max`, `sum` or `avg`."""
    asked = parse(wanted, left, width)
    listed = asked.select or [Column(at) for at in range(width)]
    return [_source(expression) for expression in listed]


def _source(expression: Expression) -> int | None:
    if isinstance(expression, Applied) and expression.name in ("min", "max", "sum", "avg"):
        (expression,) = expression.parts[:1]
    return expression.at if isinstance(expression, Column) else None


def _header_rows(rows: Sequence[Row]) -> int:
    """One row of texts above a column that is not of texts is a header."""
    if len(rows) < 2 or not all(isinstance(value, str | None) for value in rows[0]):
        return 0
    below = [value for row in rows[1:] for value in row if value is not None]
    return int(any(not isinstance(value, str) for value in below))


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


def _typed(rows: Sequence[Row]) -> list[Row]:
    """A column has the type of most of its values; the others count as empty. Rows without any value go."""
    if not rows:
        return []
    kinds = []
    for column in zip(*rows, strict=True):
        counted = Counter(_kind(value) for value in column if not isinstance(value, Problem | None))
        kinds.append(max(counted, key=lambda kind: counted[kind], default="string"))
    cleaned = [
        tuple(
            value if not isinstance(value, Problem | None) and _kind(value) == kind else None
            for value, kind in zip(row, kinds, strict=True)
        )
        for row in rows
    ]
    return [row for row in cleaned if any(value is not None for value in row)]


def _carried_out(asked: Query, rows: list[Row]) -> tuple[list[Row], list[Expression]]:
    if asked.where is not None:
        condition = asked.where
        rows = [row for row in rows if _evaluate(condition, [row]) is True]
    width = len(rows[0]) if rows else 0
    chosen = asked.select if asked.select is not None else [Column(at) for at in range(width)]
    groups = _groups(asked, rows, chosen)
    ordered = _ordered(groups, asked.order)
    end = None if asked.limit is None else asked.offset + asked.limit
    return [tuple(_evaluate(part, group) for part in chosen) for group in ordered[asked.offset : end]], list(
        chosen
    )


def _aggregates(expression: Expression) -> bool:
    return isinstance(expression, Applied) and (
        expression.name in AGGREGATES or any(_aggregates(part) for part in expression.parts)
    )


def _groups(asked: Query, rows: list[Row], chosen: Sequence[Expression]) -> list[list[Row]]:
    """Rows that make one row of the answer."""
    if asked.group:
        if any(not _aggregates(part) and part not in asked.group for part in chosen):
            raise FormulaFailed(VALUE)
        keyed: dict[tuple[Value, ...], list[Row]] = {}
        for row in rows:
            keyed.setdefault(tuple(_evaluate(part, [row]) for part in asked.group), []).append(row)
        return _ordered(list(keyed.values()), [(part, True) for part in asked.group])
    if any(_aggregates(part) for part in chosen):
        if not all(_aggregates(part) for part in chosen):
            raise FormulaFailed(VALUE)
        return [rows] if rows else []
    return [[row] for row in rows]


def _ordered(groups: list[list[Row]], keys: Sequence[tuple[Expression, bool]]) -> list[list[Row]]:
    def compared(one: list[Row], other: list[Row]) -> int:
        for expression, ascending in keys:
            left, right = _evaluate(expression, one), _evaluate(expression, other)
            found = (left is not None) - (right is not None) or (0 if left is None else compare(left, right))
            if found:
                return found if ascending else -found
        return 0

    return sorted(groups, key=cmp_to_key(compared))


def _evaluate(expression: Expression, rows: list[Row]) -> Value:
    """Of a group of rows, plain columns have the first one's value."""
    if not isinstance(expression, Applied):
        return expression.value if isinstance(expression, Constant) else rows[0][expression.at]
    if expression.name in AGGREGATES:
        (part,) = expression.parts
        return _aggregate(expression.name, [_evaluate(part, [row]) for row in rows])
    parts = [_evaluate(part, rows) for part in expression.parts]
    if expression.name in _LOGIC:
        return _LOGIC[expression.name](*parts)
    if expression.name in _TESTS:
        return None not in parts and _TESTS[expression.name](*parts)
    if None in parts or expression.name not in _FUNCTIONS:
        return None
    return _FUNCTIONS[expression.name](*parts)


def _aggregate(name: str, listed: list[Value]) -> Value:
    present = [value for value in listed if value is not None]
    if name == "count":
        return len(present)
    if name in ("sum", "avg"):
        amounts = [number(value) for value in present]
        if name == "sum":
            return math.fsum(amounts) if amounts else None
        return math.fsum(amounts) / len(amounts) if amounts else None
    if not present:
        return None
    ranked = sorted(present, key=cmp_to_key(compare))
    return ranked[0] if name == "min" else ranked[-1]


def _matches(value: Value, pattern: Value) -> bool:
    """The whole text must match; RE2, of which Python's expressions without backtracking traps are a part."""
    from clawmark_services.sheets.functions_text import TEXTS

    matched = TEXTS["REGEXMATCH"](text(value), f"^(?:{text(pattern)})$")
    return bool(scalar(matched))


def _like(value: Value, pattern: Value) -> bool:
    try:
        return Wildcard.like(text(pattern)).fits(text(value))
    except BadPattern:
        raise FormulaFailed(VALUE) from None
    except TooMuch:
        raise LimitReached from None


def _alike(left: Value, right: Value) -> bool:
    return _kind(left) == _kind(right)


def _compared(holds: Callable[[int], bool]) -> Callable[[Value, Value], bool]:
    def test(left: Value, right: Value) -> bool:
        if not _alike(left, right):
            return False
        if isinstance(left, str) and isinstance(right, str):  # QUERY, unlike cells, minds the case
            return holds((left > right) - (left < right))
        return holds(compare(left, right))

    return test


_LOGIC: dict[str, Callable[..., Value]] = {
    "and": lambda left, right: left is True and right is True,
    "or": lambda left, right: left is True or right is True,
    "not": lambda value: value is not True,
    "null": lambda value: value is None,
}
_TESTS: dict[str, Callable[..., bool]] = {
    "=": _compared(lambda found: found == 0),
    "<>": lambda left, right: not _compared(lambda found: found == 0)(left, right),
    "<": _compared(lambda found: found < 0),
    ">": _compared(lambda found: found > 0),
    "<=": _compared(lambda found: found <= 0),
    ">=": _compared(lambda found: found >= 0),
    "contains": lambda value, part: text(part) in text(value),
    "starts": lambda value, part: text(value).startswith(text(part)),
    "ends": lambda value, part: text(value).endswith(text(part)),
    "matches": _matches,
    "like": _like,
}


def _divided(left: Value, right: Value) -> Value:
    return None if number(right) == 0 else number(left) / number(right)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "+": lambda left, right: number(left) + number(right),
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": _divided,
    "year": lambda day: as_datetime(number(day)).year,
    "month": lambda day: as_datetime(number(day)).month - 1,  # the language counts months from 0
    "day": lambda day: as_datetime(number(day)).day,
    "hour": lambda day: as_datetime(number(day)).hour,
    "minute": lambda day: as_datetime(number(day)).minute,
    "second": lambda day: as_datetime(number(day)).second,
    "quarter": lambda day: (as_datetime(number(day)).month + 2) // 3,
    "dayofweek": lambda day: (as_datetime(number(day)).weekday() + 1) % 7 + 1,
    "lower": lambda value: text(value).lower(),
    "upper": lambda value: text(value).upper(),
    "todate": lambda day: math.floor(number(day)),
    "datediff": lambda end, start: math.floor(number(end)) - math.floor(number(start)),
}


def _label(expression: Expression, asked: Query, titles: Sequence[str]) -> str:
    if expression in asked.labels:
        return asked.labels[expression]
    if isinstance(expression, Column):
        return titles[expression.at]
    if isinstance(expression, Constant):
        return text(expression.value)
    parts = [_label(part, asked, titles) for part in expression.parts]
    if expression.name in AGGREGATES:
        return f"{expression.name} {parts[0]}"
    if expression.name in "+-*/":
        names = {"+": "sum", "-": "difference", "*": "product", "/": "quotient"}
        return f"{names[expression.name]}({parts[0]}{expression.name}{parts[1]})"
    return f"{expression.name}({', '.join(parts)})"
