"""Arrays in formulas: which functions take them whole, and how all others are applied to each value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from clawmark_services.sheets.functions import (
    NOT_AVAILABLE,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Problem,
    Value,
    truth,
)

ArrayFunction = Callable[..., Argument]

MAX_VALUES = 100_000
"""Values of one array: more than any sheet of an office has in a column, less than what hurts."""

_ALL = frozenset(
    {
        *(
            "SUM",
            "PRODUCT",
            "AVERAGE",
            "AVERAGE.WEIGHTED",
            "COUNT",
            "COUNTA",
            "COUNTBLANK",
            "COUNTUNIQUE",
            "COUNTIFS",
        ),
        *("MIN", "MAX", "MEDIAN", "MODE", "STDEV", "STDEVP", "VAR", "VARP", "CORREL", "SLOPE", "INTERCEPT"),
        *(
            "AND",
            "OR",
            "XOR",
            "CONCATENATE",
            "JOIN",
            "TEXTJOIN",
            "SUMSQ",
            "SUMPRODUCT",
            "SUBTOTAL",
            "GEOMEAN",
        ),
        *("ROWS", "COLUMNS", "NPV", "IRR", "GCD", "LCM"),
    }
)
_SOME = {
    **dict.fromkeys(("COUNTIF", "LARGE", "SMALL", "PERCENTILE", "QUARTILE", "PERCENTRANK", "INDEX"), (0,)),
    **dict.fromkeys(("VLOOKUP", "HLOOKUP", "MATCH", "XMATCH", "RANK"), (1,)),
    **dict.fromkeys(("SUMIF", "AVERAGEIF"), (0, 2)),
    **dict.fromkeys(("XLOOKUP", "LOOKUP"), (1, 2)),
    **dict.fromkeys(("NETWORKDAYS", "WORKDAY"), (2,)),
    "FORECAST": (1, 2),
}
_FIRST_AND_ODD = ("SUMIFS", "AVERAGEIFS", "MAXIFS", "MINIFS")


def takes_whole(function: str, position: int) -> bool:
    """Whether an argument of a function is a range by its nature, rather than one value after the other."""
    if function in _FIRST_AND_ODD:
        return position == 0 or position % 2 == 1
    return function in _ALL or position in _SOME.get(function, ())


def size(argument: Argument) -> tuple[int, int]:
    """Rows and columns."""
    return (len(argument.rows), len(argument.rows[0])) if isinstance(argument, Block) else (1, 1)


def block(rows: Sequence[Sequence[Value]]) -> Block:
    """An array of rows, made rectangular by #N/A. Nothing at all is #N/A itself."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        raise FormulaFailed(NOT_AVAILABLE)
    if len(rows) * width > MAX_VALUES:
        raise FormulaFailed(VALUE)
    missing = Problem(NOT_AVAILABLE)
    return Block(tuple((*row, *[missing] * (width - len(row))) for row in rows))


def each(function: str, apply: Callable[[list[Argument]], Argument], arguments: list[Argument]) -> Argument:
    """A function applied to each value of the arrays that it does not take whole.

    An array of one row or column is repeated along the others; beyond the end of longer ones is #N/A.
    """
    spread = [
        at for at, given in enumerate(arguments) if isinstance(given, Block) and not takes_whole(function, at)
    ]
    if not spread:
        return apply(arguments)
    height = max(size(arguments[at])[0] for at in spread)
    width = max(size(arguments[at])[1] for at in spread)
    if height * width > MAX_VALUES:
        raise FormulaFailed(VALUE)

    def at_place(row: int, column: int) -> Value:
        chosen = list(arguments)
        for at in spread:
            chosen[at] = element(arguments[at], row, column)
        try:
            found = apply(chosen)
        except FormulaFailed as failed:
            return failed.problem
        return found.rows[0][0] if isinstance(found, Block) else found

    return Block(tuple(tuple(at_place(row, column) for column in range(width)) for row in range(height)))


def element(argument: Argument, row: int, column: int) -> Value:
    """The value of an array at a place, or of a single value anywhere."""
    if not isinstance(argument, Block):
        return argument
    height, width = size(argument)
    row, column = (0 if height == 1 else row), (0 if width == 1 else column)
    if row >= height or column >= width:
        return Problem(NOT_AVAILABLE)
    return argument.rows[row][column]


def choose(function: str, arguments: list[Argument]) -> Argument:
    """IF, IFERROR and their like for one value each: both sides are there already."""
    first = arguments[0]
    if function == "IF":
        if isinstance(first, Problem):
            return first
        rest = [*arguments[1:], False][:2] if len(arguments) > 1 else []
        if not rest:
            raise FormulaFailed(NOT_AVAILABLE)
        return rest[0] if truth(first) else rest[1]
    missing = isinstance(first, Problem) and first.code == NOT_AVAILABLE
    wrong = isinstance(first, Problem) if function in ("IFERROR", "ISERROR") else missing
    if function in ("ISERROR", "ISNA"):
        return wrong
    return (arguments[1] if len(arguments) > 1 else None) if wrong else first


def beside(parts: Sequence[Argument]) -> Block:
    """Arrays side by side; shorter ones end in #N/A."""
    height = max(size(part)[0] for part in parts)
    blocks = [part if isinstance(part, Block) else Block(((part,),)) for part in parts]
    missing: Value = Problem(NOT_AVAILABLE)
    rows = [
        list(
            chain.from_iterable(
                part.rows[row] if row < len(part.rows) else [missing] * size(part)[1] for part in blocks
            )
        )
        for row in range(height)
    ]
    return block(rows)


def below(parts: Sequence[Argument]) -> Block:
    """Arrays one below the other; narrower ones end in #N/A."""
    return block([row for part in parts for row in (part.rows if isinstance(part, Block) else ((part,),))])
