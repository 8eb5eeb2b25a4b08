"""Functions that look things up, count by several conditions, and rank."""

from __future__ import annotations

import math
import statistics

from clawmark_services.sheets.functions import (
    NOT_AVAILABLE,
    NUMBER,
    REFERENCE,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Function,
    Value,
    compare,
    matching,
    number,
    numbers,
    scalar,
    truth,
    values,
)


def _block(argument: Argument) -> Block:
    return argument if isinstance(argument, Block) else Block(((argument,),))


def _meeting(pairs: tuple[Argument, ...]) -> list[int]:
    """Where all conditions hold; ranges, which are of one size, and criteria alternate."""
    if not pairs or len(pairs) % 2:
        raise FormulaFailed(NOT_AVAILABLE)
    if len({_size(cells) for cells in pairs[::2]}) > 1:
        raise FormulaFailed(VALUE)
    first, *others = (
        matching(cells, criterion) for cells, criterion in zip(pairs[::2], pairs[1::2], strict=True)
    )
    return sorted(set(first).intersection(*others))


def _size(cells: Argument) -> int:
    return len(cells.rows) * len(cells.rows[0]) if isinstance(cells, Block) else 1


def _chosen(summed: Argument, pairs: tuple[Argument, ...]) -> list[float]:
    amounts, meets = list(values([summed])), _meeting(pairs)
    if len(amounts) != _size(pairs[0]):
        raise FormulaFailed(VALUE)
    return numbers([Block(tuple((amounts[at],) for at in meets))])


def _average_ifs(summed: Argument, *pairs: Argument) -> Value:
    found = _chosen(summed, pairs)
    if not found:
        raise FormulaFailed("#DIV/0!")
    return math.fsum(found) / len(found)


def place_of(wanted: Argument, cells: list[Value], *, ordered: bool) -> int:
    """Where the value stands; in ordered cells the last one that is not larger. #N/A if nowhere."""
    value = scalar(wanted)
    if ordered:
        below = [at for at, cell in enumerate(cells) if _alike(cell, value) and compare(cell, value) <= 0]
        if below:
            return below[-1]
    for at, cell in enumerate(cells):
        if not ordered and _alike(cell, value) and compare(cell, value) == 0:
            return at
    raise FormulaFailed(NOT_AVAILABLE)


def _alike(cell: Value, value: Value) -> bool:
    """Numbers are looked for among numbers, texts among texts."""
    if isinstance(cell, bool) or isinstance(value, bool):
        return isinstance(cell, bool) and isinstance(value, bool)
    if isinstance(value, str):
        return isinstance(cell, str)
    return isinstance(cell, int | float)


def _vertical(wanted: Argument, table: Argument, column: Argument, ordered: Argument = 1.0) -> Value:
    rows, index = _block(table).rows, int(number(column)) - 1
    if index < 0:
        raise FormulaFailed(VALUE)
    if index >= len(rows[0]):
        raise FormulaFailed(REFERENCE)
    if not truth(ordered):
        at = _block(table).first(0, _looked_for(wanted))
        if at is None:
            raise FormulaFailed(NOT_AVAILABLE)
        return scalar(rows[at][index])
    _block(table).pay()
    return scalar(rows[place_of(wanted, [row[0] for row in rows], ordered=True)][index])


def _looked_for(wanted: Argument) -> Value:
    """An empty cell is looked for as 0."""
    value = scalar(wanted)
    return 0 if value is None else value


def _horizontal(wanted: Argument, table: Argument, row: Argument, ordered: Argument = 1.0) -> Value:
    _block(table).pay()
    turned = Block(tuple(zip(*_block(table).rows, strict=True)))
    return _vertical(wanted, turned, row, ordered)


def _match(wanted: Argument, cells: Argument, kind: Argument = 1.0) -> Value:
    order = number(kind)
    if order == 0 and (column := _column(cells)) is not None:
        at = column.first(0, _looked_for(wanted))
        if at is None:
            raise FormulaFailed(NOT_AVAILABLE)
        return at + 1
    found = list(values([cells]))
    if order >= 0:
        return place_of(wanted, found, ordered=order > 0) + 1
    value = scalar(wanted)
    above = [at for at, cell in enumerate(found) if _alike(cell, value) and compare(cell, value) >= 0]
    if not above:
        raise FormulaFailed(NOT_AVAILABLE)
    return above[-1] + 1


def _column(cells: Argument) -> Block | None:
    """A range of one column, which can look up by its index."""
    return cells if isinstance(cells, Block) and len(cells.rows[0]) == 1 else None


def _index(cells: Argument, row: Argument = 0.0, column: Argument = 0.0) -> Value:
    rows, down, right = _block(cells).rows, int(number(row)), int(number(column))
    if len(rows) == 1 and right == 0:
        down, right = 1, down
    if not 1 <= max(down, 1) <= len(rows) or not 1 <= max(right, 1) <= len(rows[0]):
        raise FormulaFailed(REFERENCE)
    return scalar(rows[max(down, 1) - 1][max(right, 1) - 1])


def _crosswise(wanted: Argument, cells: Argument, results: Argument, missing: Argument = None) -> Value:
    try:
        at = int(number(_match(wanted, cells, 0.0))) - 1
    except FormulaFailed:
        if missing is None:
            raise
        return scalar(missing)
    if at >= _size(results):
        raise FormulaFailed(VALUE)
    rows = _block(results).rows
    return scalar(rows[at // len(rows[0])][at % len(rows[0])])


def _ranked(cells: Argument, place: Argument, *, largest: bool) -> Value:
    found, at = sorted(numbers([cells]), reverse=largest), int(number(place))
    if not 1 <= at <= len(found):
        raise FormulaFailed(NUMBER)
    return found[at - 1]


def _rank(value: Argument, cells: Argument, ascending: Argument = 0.0) -> Value:
    found = sorted(numbers([cells]), reverse=not truth(ascending))
    if number(value) not in found:
        raise FormulaFailed(NOT_AVAILABLE)
    return found.index(number(value)) + 1


def _median(*arguments: Argument) -> Value:
    found = numbers(arguments)
    if not found:
        raise FormulaFailed(NUMBER)
    return statistics.median(found)


def _deviation(*arguments: Argument) -> Value:
    found = numbers(arguments)
    if len(found) < 2:
        raise FormulaFailed("#DIV/0!")
    return statistics.stdev(found)


def _sum_of_products(*arguments: Argument) -> Value:
    columns = [[_amount(value) for value in values([argument])] for argument in arguments]
    if len({len(column) for column in columns}) != 1:
        raise FormulaFailed(VALUE)
    return math.fsum(math.prod(row) for row in zip(*columns, strict=True))


def _amount(value: Value) -> float:
    """A number, or 0 for what is none."""
    value = scalar(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _choose(chosen: Argument, *options: Argument) -> Value:
    at = int(number(chosen))
    if not 1 <= at <= len(options):
        raise FormulaFailed(NUMBER)
    return scalar(options[at - 1])


LOOKUPS: dict[str, Function] = {
    "COUNTIFS": lambda *pairs: len(_meeting(pairs)),
    "SUMIFS": lambda summed, *pairs: math.fsum(_chosen(summed, pairs)),
    "AVERAGEIFS": _average_ifs,
    "MAXIFS": lambda summed, *pairs: max(_chosen(summed, pairs), default=0.0),
    "MINIFS": lambda summed, *pairs: min(_chosen(summed, pairs), default=0.0),
    "VLOOKUP": _vertical,
    "HLOOKUP": _horizontal,
    "XLOOKUP": _crosswise,
    "MATCH": _match,
    "INDEX": _index,
    "CHOOSE": _choose,
    "LARGE": lambda cells, place: _ranked(cells, place, largest=True),
    "SMALL": lambda cells, place: _ranked(cells, place, largest=False),
    "RANK": _rank,
    "MEDIAN": _median,
    "STDEV": _deviation,
    "SUMPRODUCT": _sum_of_products,
    "ROWS": lambda cells: len(_block(cells).rows),
    "COLUMNS": lambda cells: len(_block(cells).rows[0]),
}
