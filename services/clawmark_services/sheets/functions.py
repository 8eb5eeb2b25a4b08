"""The functions and operators of formulas: one Python function each, in a table.

A `Value` is a number, a text, a truth value, None for an empty cell, or a `Problem`. A `Block` is a
range: rows of values. Functions get their arguments evaluated; those in `LAZY` decide themselves.
"""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from clawmark_services.sheets.formats import parse_moment, parse_number, quantized, show_number
from clawmark_services.sheets.meter import LimitReached, Meter
from clawmark_services.sheets.patterns import BadPattern, TooMuch, Wildcard

MAX_TEXT = 50_000
"""Characters of a cell, and so of what a function may give (#VALUE! beyond, as Google answers)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error value; `code` is what its cell shows."""

    code: str


class FormulaFailed(Exception):
    """Evaluation met an error value."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.problem = Problem(code)


Value = int | float | str | bool | Problem | None


@dataclass(frozen=True, slots=True)
class Block:
    """A range's values, row by row; looking through them is paid for at `meter`."""

    rows: tuple[tuple[Value, ...], ...]
    meter: Meter | None = field(default=None, compare=False, repr=False)
    _weight: list[int] = field(default_factory=list, init=False, compare=False, repr=False)
    _firsts: dict[int, dict[tuple[int, float | str], int]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _places: dict[tuple[bool, float | str], list[int]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def places(self, wanted: float | str) -> list[int]:
        """Where a number stands, or what shows as a text whatever its case; counted row by row."""
        if not self._places:
            for at, value in enumerate(self):
                if isinstance(value, Problem):
                    continue
                if isinstance(value, int | float) and not isinstance(value, bool):
                    self._places.setdefault((True, float(value)), []).append(at)
                else:
                    self._places.setdefault((False, text(value).lower()), []).append(at)
        key = (False, wanted.lower()) if isinstance(wanted, str) else (True, float(wanted))
        return self._places.get(key, [])

    def first(self, column: int, wanted: Value) -> int | None:
        """The first row that holds a value in a column: numbers are looked for among numbers, texts among
        texts."""
        if column not in self._firsts:
            self.pay()
            found = self._firsts[column] = {}
            for at, row in enumerate(self.rows):
                if row[column] is not None and not isinstance(row[column], Problem):
                    found.setdefault(_rank(row[column]), at)
        return self._firsts[column].get(_rank(wanted))

    def pay(self) -> None:
        """Be about to look through all of it."""
        if self.meter is None:
            return
        if not self._weight:
            cells = len(self.rows) * len(self.rows[0]) if self.rows else 0
            signs = sum(len(value) for row in self.rows for value in row if isinstance(value, str))
            self._weight.append(cells + signs // 100)
        self.meter.spend(self._weight[0])

    def __iter__(self) -> Iterator[Value]:
        self.pay()
        for row in self.rows:
            yield from row


Argument = Value | Block
Function = Callable[..., Value]

NAME, VALUE, DIVISION, NOT_AVAILABLE = "#NAME?", "#VALUE!", "#DIV/0!", "#N/A"
REFERENCE, NUMBER, ERROR = "#REF!", "#NUM!", "#ERROR!"


def scalar(argument: Argument) -> Value:
    """A single value; a range of one cell counts as its value. Errors go on as exceptions."""
    if isinstance(argument, Block):
        if len(argument.rows) != 1 or len(argument.rows[0]) != 1:
            raise FormulaFailed(VALUE)
        argument = argument.rows[0][0]
    if isinstance(argument, Problem):
        raise FormulaFailed(argument.code)
    return argument


def number(argument: Argument) -> float:
    """As a number: empty is 0, true is 1, text is read as if typed."""
    value = scalar(argument)
    if value is None:
        return 0.0
    if isinstance(value, str):
        typed = parse_number(value.strip()) or parse_moment(value.strip())
        if typed is None:
            raise FormulaFailed(VALUE)
        value = typed.value
    if isinstance(value, Problem):
        raise FormulaFailed(value.code)
    if not abs(value) <= sys.float_info.max:
        raise FormulaFailed(NUMBER)
    return float(value)


def text(argument: Argument) -> str:
    """As text: what a cell without a format would show."""
    value = scalar(argument)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return show_number(value) if isinstance(value, int | float) else str(value)


def truth(argument: Argument) -> bool:
    """As a truth value: numbers other than 0 are true, text must say TRUE or FALSE."""
    value = scalar(argument)
    if isinstance(value, str):
        if value.upper() not in ("TRUE", "FALSE"):
            raise FormulaFailed(VALUE)
        return value.upper() == "TRUE"
    return bool(value)


def numbers(arguments: Iterable[Argument]) -> list[float]:
    """The numbers among them: in ranges text, truth and empty cells are passed over."""
    found: list[float] = []
    for argument in arguments:
        if not isinstance(argument, Block):
            found.append(number(argument))
            continue
        for value in argument:
            if isinstance(value, Problem):
                raise FormulaFailed(value.code)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append(float(value))
    return found


def values(arguments: Iterable[Argument]) -> Iterator[Value]:
    """All single values, errors included."""
    for argument in arguments:
        if isinstance(argument, Block):
            yield from argument
        else:
            yield argument


def _rank(value: Value) -> tuple[int, float | str]:
    # Sheets orders numbers before text before truth values; text ignores case.
    if isinstance(value, bool):
        return 2, float(value)
    if isinstance(value, str):
        return 1, value.casefold()
    return 0, float(value) if isinstance(value, int | float) else 0.0


def compare(left: Argument, right: Argument) -> int:
    """-1, 0 or 1, as Sheets orders values."""
    one, other = scalar(left), scalar(right)
    one, other = _like(one, other), _like(other, one)
    first, second = _rank(one), _rank(other)
    return (first > second) - (first < second)


def _like(value: Value, other: Value) -> Value:
    """An empty cell equals 0, "" and FALSE alike."""
    if value is not None:
        return value
    if isinstance(other, bool):
        return False
    return "" if isinstance(other, str) else 0.0


def _divide(left: Argument, right: Argument) -> Value:
    divisor = number(right)
    if divisor == 0:
        raise FormulaFailed(DIVISION)
    return number(left) / divisor


def _power(left: Argument, right: Argument) -> Value:
    try:
        result = number(left) ** number(right)
    except (OverflowError, ZeroDivisionError):
        raise FormulaFailed(NUMBER) from None
    if isinstance(result, complex):
        raise FormulaFailed(NUMBER)
    return float(result)


def _average(*arguments: Argument) -> Value:
    found = numbers(arguments)
    return _divide(math.fsum(found), len(found))


def _count(*arguments: Argument) -> Value:
    return sum(_counts(argument) for argument in arguments)


def _counts(argument: Argument) -> int:
    if isinstance(argument, Block):
        return sum(isinstance(value, int | float) and not isinstance(value, bool) for value in argument)
    if isinstance(argument, str):
        return int(parse_number(argument) is not None)
    return int(isinstance(argument, int | float))


def _round(how: str, value: Argument, places: Argument = 0.0) -> Value:
    amount, digits = number(value), int(number(places))
    if abs(digits) > 330:
        return amount if digits > 0 else 0.0
    return float(quantized(Decimal(repr(amount)), digits, how))


def _modulo(value: Argument, divisor: Argument) -> Value:
    if number(divisor) == 0:
        raise FormulaFailed(DIVISION)
    return number(value) % number(divisor)


def _root(value: Argument) -> Value:
    if number(value) < 0:
        raise FormulaFailed(NUMBER)
    return math.sqrt(number(value))


def joined(separator: str, parts: Iterable[str]) -> str:
    """The parts side by side; #VALUE! as soon as they are longer than a cell holds."""
    kept: list[str] = []
    length = 0
    for part in parts:
        length += len(part) + (len(separator) if kept else 0)
        if length > MAX_TEXT:
            raise FormulaFailed(VALUE)
        kept.append(part)
    return separator.join(kept)


def _join(*arguments: Argument) -> Value:
    return joined("", (text(value) for value in values(arguments)))


def _slice(value: Argument, start: Argument, length: Argument) -> Value:
    first, count = int(number(start)), int(number(length))
    if first < 1 or count < 0:
        raise FormulaFailed(VALUE)
    return text(value)[first - 1 : first - 1 + count]


def _right(value: Argument, length: Argument = 1.0) -> Value:
    whole, count = text(value), int(number(length))
    if count < 0:
        raise FormulaFailed(VALUE)
    return whole[len(whole) - count :] if count < len(whole) else whole


_CRITERION = re.compile(r"(<=|>=|<>|=|<|>)?(.*)", re.DOTALL)
_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def _condition(criterion: Value) -> Callable[[Value], bool]:
    """Whether a cell meets a criterion such as 5, "open", "a*" or ">=3"."""
    if not isinstance(criterion, str):
        return lambda value: (
            not isinstance(value, Problem)
            and value is not None
            and compare(value, criterion) == 0
            and _rank(value)[0] == _rank(criterion)[0]
        )
    match = _CRITERION.fullmatch(criterion)
    sign, wanted = (match[1] or "=", match[2]) if match else ("=", criterion)
    typed = parse_number(wanted) or parse_moment(wanted)
    if typed is not None:
        return _numeric(sign, float(typed.value))
    if sign in ("=", "<>"):
        form = _form(wanted)
        return lambda value: not isinstance(value, Problem) and form(text(value)) == (sign == "=")
    return lambda value: isinstance(value, str) and _ORDERS[sign](compare(value, wanted), 0)


def _form(criterion: str) -> Callable[[str], bool]:
    try:
        fits = Wildcard.of(criterion).fits
    except BadPattern:
        raise FormulaFailed(VALUE) from None

    def form(value: str) -> bool:
        try:
            return fits(value)
        except TooMuch:
            raise LimitReached from None

    return form


def _numeric(sign: str, wanted: float) -> Callable[[Value], bool]:
    order = _ORDERS[sign]

    def meets(value: Value) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return sign == "<>" and not isinstance(value, Problem)
        return order((value > wanted) - (value < wanted), 0)

    return meets


def matching(cells: Argument, criterion: Argument) -> list[int]:
    """Which of the cells meet the criterion, by their places."""
    wanted = scalar(criterion)
    plain = _plain(wanted)
    if plain is not None and isinstance(cells, Block):
        return cells.places(plain)
    meets = _condition(wanted)
    return [at for at, value in enumerate(values([cells])) if meets(value)]


def _plain(criterion: Value) -> float | str | None:
    """The number or text that a criterion asks for and nothing else; None for all other criteria."""
    if isinstance(criterion, str):
        if criterion[:1] in ("<", ">", "=") or any(sign in criterion for sign in "*?~"):
            return None
        typed = parse_number(criterion) or parse_moment(criterion)
        return criterion if typed is None else float(typed.value)
    if isinstance(criterion, int | float) and not isinstance(criterion, bool):
        return float(criterion)
    return None


def _count_if(cells: Argument, criterion: Argument) -> Value:
    return len(matching(cells, criterion))


def _chosen(cells: Argument, criterion: Argument, summed: Argument | None) -> list[float]:
    amounts = list(values([cells if summed is None else summed]))
    return numbers([Block(tuple((amounts[at],) for at in matching(cells, criterion) if at < len(amounts)))])


def _sum_if(cells: Argument, criterion: Argument, summed: Argument | None = None) -> Value:
    return math.fsum(_chosen(cells, criterion, summed))


def _average_if(cells: Argument, criterion: Argument, summed: Argument | None = None) -> Value:
    found = _chosen(cells, criterion, summed)
    return _divide(math.fsum(found), len(found))


def _not_blank(*arguments: Argument) -> Value:
    return sum(value is not None for value in values(arguments))


def _known(arguments: tuple[Argument, ...]) -> list[bool]:
    """The truth values among them; text and empty cells of ranges are passed over."""
    found: list[bool] = []
    for argument in arguments:
        if isinstance(argument, Block):
            found += [truth(value) for value in argument if value is not None and not isinstance(value, str)]
        else:
            found.append(truth(argument))
    if not found:
        raise FormulaFailed(VALUE)
    return found


FUNCTIONS: dict[str, Function] = {
    "+": lambda left, right: number(left) + number(right),
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": _divide,
    "^": _power,
    "&": lambda left, right: text(left) + text(right),
    "=": lambda left, right: compare(left, right) == 0,
    "<>": lambda left, right: compare(left, right) != 0,
    "<": lambda left, right: compare(left, right) < 0,
    ">": lambda left, right: compare(left, right) > 0,
    "<=": lambda left, right: compare(left, right) <= 0,
    ">=": lambda left, right: compare(left, right) >= 0,
    "UMINUS": lambda value: -number(value),
    "UNARY_PERCENT": lambda value: number(value) / 100,
    "SUM": lambda *arguments: math.fsum(numbers(arguments)),
    "PRODUCT": lambda *arguments: math.prod(numbers(arguments)),
    "AVERAGE": _average,
    "COUNT": _count,
    "COUNTA": _not_blank,
    "COUNTBLANK": lambda cells: sum(value in (None, "") for value in values([cells])),
    "COUNTIF": _count_if,
    "SUMIF": _sum_if,
    "AVERAGEIF": _average_if,
    "MIN": lambda *arguments: min(numbers(arguments), default=0.0),
    "MAX": lambda *arguments: max(numbers(arguments), default=0.0),
    "ROUND": lambda value, places=0.0: _round(ROUND_HALF_UP, value, places),
    "ROUNDUP": lambda value, places=0.0: _round(ROUND_UP, value, places),
    "ROUNDDOWN": lambda value, places=0.0: _round(ROUND_DOWN, value, places),
    "ABS": lambda value: abs(number(value)),
    "INT": lambda value: float(math.floor(number(value))),
    "MOD": _modulo,
    "POWER": _power,
    "SQRT": _root,
    "AND": lambda *arguments: all(_known(arguments)),
    "OR": lambda *arguments: any(_known(arguments)),
    "NOT": lambda value: not truth(value),
    "TRUE": lambda: True,
    "FALSE": lambda: False,
    "CONCATENATE": _join,
    "CONCAT": lambda left, right: text(left) + text(right),
    "LEN": lambda value: len(text(value)),
    "UPPER": lambda value: text(value).upper(),
    "LOWER": lambda value: text(value).lower(),
    "TRIM": lambda value: " ".join(part for part in text(value).split(" ") if part),
    "LEFT": lambda value, length=1.0: _slice(value, 1.0, length),
    "RIGHT": _right,
    "MID": _slice,
    "ISBLANK": lambda value: scalar(value) is None,
}
