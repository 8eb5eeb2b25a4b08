"""Functions that offices need rarely: of money, numbers written otherwise, statistics, and kinds of values."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from functools import partial

from clawmark_services.sheets.a1 import cell_name, quote
from clawmark_services.sheets.arrays import ArrayFunction
from clawmark_services.sheets.formats import as_datetime, parse_moment
from clawmark_services.sheets.functions import (
    DIVISION,
    FUNCTIONS,
    NOT_AVAILABLE,
    NUMBER,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Problem,
    Value,
    number,
    numbers,
    scalar,
    text,
    truth,
    values,
)
from clawmark_services.sheets.functions_lookup import LOOKUPS
from clawmark_services.sheets.functions_more import MORE

_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#ERROR!")
_ROMAN = dict(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    )
)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _whole(argument: Argument, least: int = 0, most: int = 2**53) -> int:
    found = math.trunc(number(argument))
    if not least <= found <= most:
        raise FormulaFailed(NUMBER)
    return found


def _growth(rate: Argument, periods: Argument) -> tuple[float, float]:
    """The growth of a sum over the periods, and that of a series of payments of 1."""
    interest, count = number(rate), number(periods)
    if interest <= -1:
        raise FormulaFailed(NUMBER)
    grown: float = (1 + interest) ** count
    return grown, count if interest == 0 else (grown - 1) / interest


def _future(
    rate: Argument, periods: Argument, payment: Argument, present: Argument = 0.0, early: Argument = 0.0
) -> Value:
    grown, series = _growth(rate, periods)
    paid = number(payment) * series * (1 + number(rate) if truth(early) else 1)
    return -(number(present) * grown + paid)


def _present(
    rate: Argument, periods: Argument, payment: Argument, future: Argument = 0.0, early: Argument = 0.0
) -> Value:
    grown, series = _growth(rate, periods)
    paid = number(payment) * series * (1 + number(rate) if truth(early) else 1)
    return -(number(future) + paid) / grown


def _periods(rate: Argument, payment: Argument, present: Argument, future: Argument = 0.0) -> Value:
    interest, paid = number(rate), number(payment)
    if interest == 0:
        if paid == 0:
            raise FormulaFailed(NUMBER)
        return -(number(present) + number(future)) / paid
    upper, lower = paid - number(future) * interest, paid + number(present) * interest
    if lower == 0 or upper / lower <= 0 or interest <= -1:
        raise FormulaFailed(NUMBER)
    return math.log(upper / lower) / math.log(1 + interest)


def _discounted(rate: float, flows: Sequence[float], first: int) -> float:
    return math.fsum(flow / (1 + rate) ** (at + first) for at, flow in enumerate(flows))


def _net_present(rate: Argument, *flows: Argument) -> Value:
    if number(rate) == -1:
        raise FormulaFailed(DIVISION)
    return _discounted(number(rate), numbers(flows), 1)


def _internal_rate(flows: Argument, _guess: Argument = 0.1) -> Value:
    """Where the net present value is nil: halved in between, so that it is found or not, but never by luck."""
    found = numbers([flows])
    low, high = -0.999, 10.0
    worth = partial(_discounted, flows=found, first=0)
    if not found or worth(low) * worth(high) > 0:
        raise FormulaFailed(NUMBER)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if worth(low) * worth(middle) <= 0 else (middle, high)
    return (low + high) / 2


def _year_share(start: Argument, end: Argument, basis: Argument = 0.0) -> Value:
    first, last = sorted((math.trunc(number(start)), math.trunc(number(end))))
    kind = _whole(basis, 0, 4)
    if kind in (1, 2, 3):
        year = {1: 365.25 if last - first > 366 else _year_length(first, last), 2: 360, 3: 365}[kind]
        return (last - first) / year
    return _days_of_360(first, last) / 360


def _year_length(first: int, last: int) -> int:
    one, other = as_datetime(first), as_datetime(last)
    leap = any(
        year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) for year in range(one.year, other.year + 1)
    )
    return 366 if leap else 365


def _days_of_360(first: int, last: int) -> int:
    """Months of 30 days, as American banks count them."""
    one, other = as_datetime(first), as_datetime(last)
    start = min(one.day, 30)
    end = 30 if other.day == 31 and start == 30 else other.day
    return (other.year - one.year) * 360 + (other.month - one.month) * 30 + end - start


def _share_of_rank(cells: Argument, value: Argument) -> Value:
    found, wanted = sorted(numbers([cells])), number(value)
    if len(found) < 2 or not found[0] <= wanted <= found[-1]:
        raise FormulaFailed(NOT_AVAILABLE)
    below = max(at for at, one in enumerate(found) if one <= wanted)
    at = found.index(found[below])
    if found[at] == wanted:
        return at / (len(found) - 1)
    part = (wanted - found[at]) / (found[at + 1] - found[at])
    return (at + part) / (len(found) - 1)


def _weighted(*pairs: Argument) -> Value:
    if len(pairs) % 2:
        raise FormulaFailed(NOT_AVAILABLE)
    amounts, weights = numbers(pairs[::2]), numbers(pairs[1::2])
    if len(amounts) != len(weights):
        raise FormulaFailed(VALUE)
    if math.fsum(weights) == 0:
        raise FormulaFailed(DIVISION)
    return math.fsum(a * w for a, w in zip(amounts, weights, strict=True)) / math.fsum(weights)


def _line(ys: Argument, xs: Argument) -> tuple[float, float]:
    """Slope and intercept of the line nearest to the points."""
    upward, along = numbers([ys]), numbers([xs])
    if len(upward) != len(along):
        raise FormulaFailed(NOT_AVAILABLE)
    try:
        found = statistics.linear_regression(along, upward)
    except statistics.StatisticsError:
        raise FormulaFailed(DIVISION) from None
    return found.slope, found.intercept


def _forecast(x: Argument, ys: Argument, xs: Argument) -> Value:
    slope, intercept = _line(ys, xs)
    return slope * number(x) + intercept


_SUBTOTALS = ("AVERAGE", "COUNT", "COUNTA", "MAX", "MIN", "PRODUCT", "STDEV", "STDEVP", "SUM", "VAR", "VARP")


def _subtotal(kind: Argument, *ranges: Argument) -> Value:
    """Other than Google's, it counts what other SUBTOTALs show, too."""
    code = math.trunc(number(kind)) % 100
    if not 1 <= code <= len(_SUBTOTALS) or not 1 <= math.trunc(number(kind)) <= 111:
        raise FormulaFailed(VALUE)
    name = _SUBTOTALS[code - 1]
    return {**FUNCTIONS, **LOOKUPS, **MORE}[name](*ranges)


def _address(
    row: Argument, column: Argument, mode: Argument = 1.0, a1: Argument = 1.0, sheet: Argument = None
) -> Value:
    kind, name = _whole(mode, 1, 4), cell_name(_whole(row, 1) - 1, _whole(column, 1, 18_278) - 1)
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", name).groups()  # type: ignore[union-attr] # a cell's name
    if not truth(a1):
        raise FormulaFailed(VALUE)
    shown = f"{'$' if kind in (1, 3) else ''}{letters}{'$' if kind in (1, 2) else ''}{digits}"
    return shown if sheet is None else f"{quote(text(sheet))}!{shown}"


def _roman(value: Argument) -> Value:
    left, found = _whole(value, 0, 3999), ""
    for worth, sign in _ROMAN.items():
        found += sign * (left // worth)
        left %= worth
    return found


def _in_base(value: Argument, base: Argument, least: Argument = 0.0) -> Value:
    left, radix, found = _whole(value), _whole(base, 2, 36), ""
    while left:
        left, digit = divmod(left, radix)
        found = _DIGITS[digit] + found
    return found.rjust(_whole(least, 0, 255), "0") or "0"


def _out_of_base(value: Argument, base: Argument) -> Value:
    try:
        return int(text(value), _whole(base, 2, 36))
    except ValueError:
        raise FormulaFailed(NUMBER) from None


def _fixed(value: Argument, places: Argument = 2.0, plain: Argument = None) -> Value:
    digits = _whole(places, 0, 20)
    return f"{number(value):{'' if plain is not None and truth(plain) else ','}.{digits}f}"


def _dollars(value: Argument, places: Argument = 2.0) -> Value:
    amount = number(value)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{_whole(places, 0, 20)}f}"


def _error_kind(value: Argument) -> Value:
    found = value.rows[0][0] if isinstance(value, Block) else value
    if not isinstance(found, Problem):
        raise FormulaFailed(NOT_AVAILABLE)
    return _ERRORS.index(found.code) + 1


def _type(value: Argument) -> Value:
    if isinstance(value, Block) and (len(value.rows) > 1 or len(value.rows[0]) > 1):
        return 64
    found = value.rows[0][0] if isinstance(value, Block) else value
    if isinstance(found, Problem):
        return 16
    if isinstance(found, bool):
        return 4
    return 2 if isinstance(found, str) else 1


def _is_error(value: Argument, *, but: str = "") -> Value:
    found = value.rows[0][0] if isinstance(value, Block) else value
    return isinstance(found, Problem) and found.code != but


def _is_date(value: Argument) -> Value:
    found = scalar(value)
    return isinstance(found, str) and parse_moment(found.strip()) is not None


def _common(step: Callable[[int, int], int], *arguments: Argument) -> Value:
    found = [_whole(value) for value in numbers(arguments)]
    if not found:
        raise FormulaFailed(NOT_AVAILABLE)
    total = found[0]
    for value in found[1:]:
        total = step(total, value)
        if total > 2**53:
            raise FormulaFailed(NUMBER)
    return total


def _distinct(*arguments: Argument) -> Value:
    return len(
        {
            (isinstance(value, bool), value.casefold() if isinstance(value, str) else value)
            for value in values(arguments)
            if value is not None and not isinstance(value, Problem)
        }
    )


def _of_angle(function: Callable[[float], float], value: Argument) -> Value:
    try:
        return function(number(value))
    except (ValueError, OverflowError):
        raise FormulaFailed(NUMBER) from None


def _from_zero(value: Argument, parity: int) -> Value:
    amount = number(value)
    found = math.ceil(abs(amount))
    return (found if found % 2 == parity else found + 1) * (-1 if amount < 0 else 1)


_ANGLES = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "degrees", "radians")

WIDE: dict[str, ArrayFunction] = {
    **{name.upper(): partial(_of_angle, getattr(math, name)) for name in _ANGLES},
    "FV": _future,
    "PV": _present,
    "NPER": _periods,
    "NPV": _net_present,
    "IRR": _internal_rate,
    "YEARFRAC": _year_share,
    "DAYS360": lambda start, end: _days_of_360(math.trunc(number(start)), math.trunc(number(end))),
    "TIMEVALUE": lambda value: number(text(value)) % 1,
    "PERCENTRANK": _share_of_rank,
    "AVERAGE.WEIGHTED": _weighted,
    "SLOPE": lambda ys, xs: _line(ys, xs)[0],
    "INTERCEPT": lambda ys, xs: _line(ys, xs)[1],
    "FORECAST": _forecast,
    "SUBTOTAL": _subtotal,
    "ADDRESS": _address,
    "ROMAN": _roman,
    "BASE": _in_base,
    "DECIMAL": _out_of_base,
    "HEX2DEC": lambda value: _out_of_base(value, 16.0),
    "BIN2DEC": lambda value: _out_of_base(value, 2.0),
    "DEC2HEX": lambda value, least=0.0: _in_base(value, 16.0, least),
    "DEC2BIN": lambda value, least=0.0: _in_base(value, 2.0, least),
    "FIXED": _fixed,
    "DOLLAR": _dollars,
    "ERROR.TYPE": _error_kind,
    "TYPE": _type,
    "ISERR": lambda value: _is_error(value, but=NOT_AVAILABLE),
    "ISDATE": _is_date,
    "ISNONTEXT": lambda value: not isinstance(scalar(value), str),
    "ISEMAIL": lambda value: re.fullmatch(r"[\w.+'-]+@[\w-]+(\.[\w-]+)+", text(value)) is not None,
    "ISURL": lambda value: re.fullmatch(r"(https?|ftp)://[\w.-]+\.\w+\S*", text(value)) is not None,
    "TO_TEXT": text,
    "TO_PURE_NUMBER": number,
    "GCD": partial(_common, math.gcd),
    "LCM": partial(_common, math.lcm),
    "FACT": lambda value: float(math.factorial(_whole(value, 0, 170))),
    "COMBIN": lambda count, chosen: float(math.comb(_whole(count, 0, 1000), _whole(chosen, 0, 1000))),
    "PERMUT": lambda count, chosen: float(math.perm(_whole(count, 0, 170), _whole(chosen, 0, 170))),
    "EVEN": lambda value: _from_zero(value, 0),
    "ODD": lambda value: _from_zero(value, 1),
    "COUNTUNIQUE": _distinct,
    "XMATCH": lambda wanted, cells, kind=0.0: LOOKUPS["MATCH"](wanted, cells, -number(kind)),
    "UNICHAR": MORE["CHAR"],
    "UNICODE": MORE["CODE"],
}
"""RAND and its like are not among them: the same spreadsheet is to show the same whenever it is read."""
