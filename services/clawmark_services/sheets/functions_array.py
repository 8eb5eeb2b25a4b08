"""Functions that come to arrays: sorting, filtering, turning, cutting."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cmp_to_key

from clawmark_services.sheets.arrays import MAX_VALUES, ArrayFunction, below, beside, block, size
from clawmark_services.sheets.formats import parse_number
from clawmark_services.sheets.functions import (
    NOT_AVAILABLE,
    NUMBER,
    REFERENCE,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Problem,
    Value,
    compare,
    number,
    numbers,
    scalar,
    text,
    truth,
    values,
)
from clawmark_services.sheets.query_language import query

Row = tuple[Value, ...]


def _rows(argument: Argument) -> tuple[Row, ...]:
    return argument.rows if isinstance(argument, Block) else ((argument,),)


def turned(argument: Argument) -> Block:
    """Rows for columns."""
    return Block(tuple(zip(*_rows(argument), strict=True)))


def order(left: Value, right: Value) -> int:
    """-1, 0 or 1; errors and then empty cells come last whatever the direction, which callers see to."""
    if isinstance(left, Problem) or isinstance(right, Problem):
        return isinstance(left, Problem) - isinstance(right, Problem)
    return compare(left, right)


def arranged(rows: Sequence[Row], keys: Sequence[tuple[Sequence[Value], bool]]) -> list[int]:
    """The rows' numbers, in order of keys: a value per row, and whether it ascends. Empty ones are last."""

    def compared(left: int, right: int) -> int:
        for column, ascending in keys:
            one, other = column[left], column[right]
            if (one is None) != (other is None):
                return 1 if one is None else -1
            found = order(one, other)
            if found:
                return found if ascending else -found
        return left - right

    return sorted(range(len(rows)), key=cmp_to_key(compared))


def _keys(rows: Sequence[Row], criteria: tuple[Argument, ...]) -> list[tuple[Sequence[Value], bool]]:
    """Columns by number or as ranges of their own, each with its direction."""
    if len(criteria) % 2:
        criteria = (*criteria, True)
    keys: list[tuple[Sequence[Value], bool]] = []
    for column, ascending in zip(criteria[::2], criteria[1::2], strict=True):
        if isinstance(column, Block) and size(column) != (1, 1):
            listed = list(column)
            if len(listed) != len(rows):
                raise FormulaFailed(VALUE)
            keys.append((listed, truth(ascending)))
            continue
        at = int(number(column)) - 1
        if not 0 <= at < len(rows[0]):
            raise FormulaFailed(VALUE)
        keys.append(([row[at] for row in rows], truth(ascending)))
    return keys


def _sorted(table: Argument, *criteria: Argument) -> Argument:
    rows = _rows(table)
    keys = _keys(rows, criteria or (1.0, True))
    return block([rows[at] for at in arranged(rows, keys)])


def _first_sorted(
    table: Argument, count: Argument = 1.0, ties: Argument = 0.0, *criteria: Argument
) -> Argument:
    """SORTN without its modes of ties but the first, which cuts off."""
    if int(number(ties)) != 0:
        raise FormulaFailed(VALUE)
    chosen = _rows(_sorted(table, *criteria))[: int(number(count))]
    return block(chosen)


def _filtered(table: Argument, *conditions: Argument) -> Argument:
    rows = _rows(table)
    if not conditions:
        raise FormulaFailed(NOT_AVAILABLE)
    across = size(conditions[0])[0] == 1 and size(conditions[0])[1] == len(rows[0]) > 1
    if across:
        rows = turned(table).rows
    kept = [True] * len(rows)
    for condition in conditions:
        listed = list(values([condition]))
        if len(listed) != len(rows):
            raise FormulaFailed(NOT_AVAILABLE)
        kept = [before and _holds(value) for before, value in zip(kept, listed, strict=True)]
    chosen = [row for row, wanted in zip(rows, kept, strict=True) if wanted]
    found = block(chosen)
    return turned(found) if across else found


def _holds(value: Value) -> bool:
    if isinstance(value, Problem | str):
        return False
    return bool(value)


def _key(row: Row) -> tuple[tuple[str, Value], ...]:
    # 1 and TRUE are the same to Python, and not to Sheets; nor is an empty cell an empty text.
    return tuple((type(value).__name__ if isinstance(value, bool | None) else "", value) for value in row)


def _unique(table: Argument, by_column: Argument = None, once: Argument = None) -> Argument:
    rows = turned(table).rows if truth(by_column) else _rows(table)
    counted: dict[tuple[tuple[str, Value], ...], int] = {}
    for row in rows:
        counted[_key(row)] = counted.get(_key(row), 0) + 1
    chosen: dict[tuple[tuple[str, Value], ...], Row] = {}
    for row in rows:
        if not truth(once) or counted[_key(row)] == 1:
            chosen.setdefault(_key(row), row)
    found = block(list(chosen.values()))
    return turned(found) if truth(by_column) else found


def _sequence(
    height: Argument, width: Argument = 1.0, start: Argument = 1.0, step: Argument = 1.0
) -> Argument:
    rows, columns = int(number(height)), int(number(width))
    if rows < 1 or columns < 1 or rows * columns > MAX_VALUES:
        raise FormulaFailed(NUMBER)
    first, by = number(start), number(step)
    return block(
        [[first + by * (row * columns + column) for column in range(columns)] for row in range(rows)]
    )


def _split(
    whole: Argument, separator: Argument, by_each: Argument = 1.0, drop_empty: Argument = 1.0
) -> Argument:
    if isinstance(whole, Block) and size(whole) != (1, 1):
        return below([_split(value, separator, by_each, drop_empty) for value in whole])
    marks, found = text(separator), text(whole)
    if not marks:
        raise FormulaFailed(VALUE)
    for mark in marks[1:] if truth(by_each) else ():
        found = found.replace(mark, marks[0])
    parts = found.split(marks[0] if truth(by_each) else marks)
    if truth(drop_empty):
        parts = [part for part in parts if part]
    typed = [parse_number(part.strip()) for part in parts]
    return block([[part if read is None else read.value for part, read in zip(parts, typed, strict=True)]])


def _index(cells: Argument, row: Argument = 0.0, column: Argument = 0.0) -> Argument:
    rows, down, right = _rows(cells), int(number(row)), int(number(column))
    if len(rows) == 1 and len(rows[0]) > 1 and right == 0:
        down, right = 1, down
    if not 0 <= down <= len(rows) or not 0 <= right <= len(rows[0]):
        raise FormulaFailed(REFERENCE)
    chosen = rows[down - 1 : down] if down else rows
    found = block([line[right - 1 : right] if right else line for line in chosen])
    return scalar(found) if size(found) == (1, 1) else found


def _picked(table: Argument, places: tuple[Argument, ...]) -> list[Row]:
    rows = _rows(table)
    picked = []
    for place in places:
        at = int(number(place))
        if at == 0 or abs(at) > len(rows):
            raise FormulaFailed(VALUE)
        picked.append(rows[at - 1 if at > 0 else at])
    return picked


def _constrained(table: Argument, height: Argument, width: Argument) -> Argument:
    down, right = int(number(height)), int(number(width))
    if down < 1 or right < 1:
        raise FormulaFailed(NUMBER)
    return block([row[:right] for row in _rows(table)[:down]])


def _wrapped(cells: Argument, count: Argument, *pad: Argument) -> Argument:
    width, listed = int(number(count)), list(values([cells]))
    if not 1 <= width <= MAX_VALUES:
        raise FormulaFailed(NUMBER)
    filler = scalar(pad[0]) if pad else Problem(NOT_AVAILABLE)
    rows = [listed[at : at + width] for at in range(0, len(listed), width)]
    return block([[*row, *[filler] * (width - len(row))] for row in rows])


def _multiplied(left: Argument, right: Argument) -> Argument:
    one, other = _rows(left), turned(right).rows
    if len(one[0]) != len(other[0]) or len(one) * len(other) * len(one[0]) > MAX_VALUES:
        raise FormulaFailed(VALUE)
    return block(
        [
            [math.fsum(number(a) * number(b) for a, b in zip(row, column, strict=True)) for column in other]
            for row in one
        ]
    )


def _frequency(cells: Argument, classes: Argument) -> Argument:
    found, edges = sorted(numbers([cells])), sorted(numbers([classes]))
    below_edge = [bisect_right(found, edge) for edge in edges]
    counts = [count - before for count, before in zip(below_edge, [0, *below_edge], strict=False)]
    return block([[count] for count in [*counts, len(found) - (below_edge[-1] if edges else 0)]])


def _column(*parts: Argument) -> Argument:
    return block([[value] for value in values(parts)])


ARRAYS: dict[str, ArrayFunction] = {
    "SORT": _sorted,
    "SORTN": _first_sorted,
    "FILTER": _filtered,
    "UNIQUE": _unique,
    "SEQUENCE": _sequence,
    "SPLIT": _split,
    "TRANSPOSE": turned,
    "QUERY": query,
    "INDEX": _index,
    "FLATTEN": _column,
    "TOCOL": _column,
    "TOROW": lambda cells: turned(_column(cells)),
    "HSTACK": lambda *parts: beside(parts),
    "VSTACK": lambda *parts: below(parts),
    "CHOOSEROWS": lambda table, *places: block(_picked(table, places)),
    "CHOOSECOLS": lambda table, *places: turned(block(_picked(turned(table), places))),
    "ARRAY_CONSTRAIN": _constrained,
    "WRAPROWS": _wrapped,
    "WRAPCOLS": lambda cells, count, *pad: turned(_wrapped(cells, count, *pad)),
    "MMULT": _multiplied,
    "FREQUENCY": _frequency,
}
