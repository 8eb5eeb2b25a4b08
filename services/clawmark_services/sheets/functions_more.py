"""Functions on numbers, statistics, money and working days that offices use now and then."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from clawmark_services.sheets.formats import as_datetime
from clawmark_services.sheets.functions import (
    DIVISION,
    NOT_AVAILABLE,
    NUMBER,
    VALUE,
    Argument,
    FormulaFailed,
    Function,
    Value,
    joined,
    number,
    numbers,
    scalar,
    text,
    truth,
    values,
)
from clawmark_services.sheets.functions_text import days_off, working_days


def _stepped(round_to: Callable[[float], float]) -> Function:
    """FLOOR, CEILING and MROUND: to a multiple of a factor of the same sign."""

    def stepped(value: Argument, factor: Argument = 1.0) -> Value:
        amount, step = number(value), number(factor)
        if step == 0 or amount == 0:
            return 0.0
        if amount > 0 > step:
            raise FormulaFailed(NUMBER)
        return round_to(round(amount / step, 12)) * step

    return stepped


def _truncated(value: Argument, places: Argument = 0.0) -> Value:
    digits = int(number(places))
    if abs(digits) > 300:
        return number(value) if digits > 0 else 0.0
    scale = 10.0**digits
    return math.trunc(round(number(value) * scale, 9)) / scale


def _guarded(function: Callable[[float], float]) -> Function:
    """A function of a number whose domain is limited."""

    def guarded(value: Argument) -> Value:
        amount = number(value)
        try:
            return function(amount)
        except (ValueError, ZeroDivisionError, OverflowError):
            raise FormulaFailed(NUMBER) from None

    return guarded


def _log(value: Argument, base: Argument = 10.0) -> Value:
    if number(value) <= 0 or number(base) <= 0 or number(base) == 1:
        raise FormulaFailed(NUMBER)
    return math.log(number(value), number(base))


def _statistic(function: Callable[[list[float]], float], least: int, code: str = DIVISION) -> Function:
    """A figure of at least so many numbers."""

    def statistic(*arguments: Argument) -> Value:
        found = numbers(arguments)
        if len(found) < least:
            raise FormulaFailed(code)
        return float(function(found))

    return statistic


def _mode(*arguments: Argument) -> Value:
    found = numbers(arguments)
    common = statistics.mode(found) if found else 0.0
    if found.count(common) < 2:
        raise FormulaFailed(NOT_AVAILABLE)
    return common


def _percentile(cells: Argument, share: Argument) -> Value:
    found, part = sorted(numbers([cells])), number(share)
    if not found or not 0 <= part <= 1:
        raise FormulaFailed(NUMBER)
    place = part * (len(found) - 1)
    below = math.floor(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (found[above] - found[below]) * (place - below)


def _correlation(left: Argument, right: Argument) -> Value:
    one, other = numbers([left]), numbers([right])
    if len(one) != len(other):
        raise FormulaFailed(NOT_AVAILABLE)
    try:
        return statistics.correlation(one, other)
    except statistics.StatisticsError:
        raise FormulaFailed(DIVISION) from None


def _lookup(wanted: Argument, cells: Argument, results: Argument | None = None) -> Value:
    from clawmark_services.sheets.functions_lookup import place_of

    at = place_of(wanted, list(values([cells])), ordered=True)
    found = list(values([cells if results is None else results]))
    if at >= len(found):
        raise FormulaFailed(NOT_AVAILABLE)
    return scalar(found[at])


def _replaced(whole: Argument, start: Argument, length: Argument, new: Argument) -> Value:
    first, count = int(number(start)), int(number(length))
    if first < 1 or count < 0:
        raise FormulaFailed(VALUE)
    return text(whole)[: first - 1] + text(new) + text(whole)[first - 1 + count :]


def _character(code: Argument) -> Value:
    wanted = int(number(code))
    if not 1 <= wanted <= 0x10FFFF or 0xD800 <= wanted <= 0xDFFF:
        raise FormulaFailed(NUMBER)
    return chr(wanted)


def _code(value: Argument) -> Value:
    if not text(value):
        raise FormulaFailed(VALUE)
    return ord(text(value)[0])


def _not_available() -> Value:
    raise FormulaFailed(NOT_AVAILABLE)


def _date_difference(start: Argument, end: Argument, unit: Argument) -> Value:
    first, last = as_datetime(int(number(start))), as_datetime(int(number(end)))
    if last < first:
        raise FormulaFailed(NUMBER)
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    counted = {"Y": months // 12, "M": months, "D": (last - first).days, "YM": months % 12}
    if text(unit).upper() not in counted:
        raise FormulaFailed(NUMBER)
    return counted[text(unit).upper()]


def _working_day(start: Argument, days: Argument, holidays: Argument = None) -> Value:
    """The day so many working days away."""
    day, away = int(number(start)), int(number(days))
    if abs(away) > 1_000_000:
        raise FormulaFailed(NUMBER)
    free = sorted(days_off(holidays))

    def passed(far: int) -> int:
        """How many working days lie within so many days."""
        first, last = (day + 1, day + far) if away > 0 else (day - far, day - 1)
        return working_days(first, last) - (bisect_right(free, last) - bisect_left(free, first))

    most = 2 * (abs(away) + len(free)) + 7
    far = bisect_left(range(most), abs(away), key=passed)
    return day + (far if away > 0 else -far)


def _payment(rate: Argument, periods: Argument, present: Argument, future: Argument = 0.0) -> Value:
    interest, count = number(rate), number(periods)
    if count <= 0 or interest <= -1:
        raise FormulaFailed(NUMBER)
    if interest == 0:
        return -(number(present) + number(future)) / count
    grown: float = (1 + interest) ** count
    return -(number(present) * grown + number(future)) * interest / (grown - 1)


def _week(day: Argument) -> Value:
    """Weeks begin on Sunday; the first is the one with January 1st."""
    moment = as_datetime(number(day))
    first = moment.replace(month=1, day=1)
    return (moment.timetuple().tm_yday + (first.weekday() + 1) % 7 - 1) // 7 + 1


MORE: dict[str, Function] = {
    "FLOOR": _stepped(math.floor),
    "CEILING": _stepped(math.ceil),
    "MROUND": _stepped(lambda ratio: math.floor(abs(ratio) + 0.5) * (1 if ratio >= 0 else -1)),
    "TRUNC": _truncated,
    "SIGN": lambda value: (number(value) > 0) - (number(value) < 0),
    "PI": lambda: math.pi,
    "LN": _guarded(math.log),
    "LOG": _log,
    "LOG10": _guarded(math.log10),
    "EXP": _guarded(math.exp),
    "QUOTIENT": lambda value, divisor: math.trunc(_quotient(value, divisor)),
    "ISEVEN": lambda value: math.trunc(number(value)) % 2 == 0,
    "ISODD": lambda value: math.trunc(number(value)) % 2 == 1,
    "SUMSQ": lambda *arguments: math.fsum(amount * amount for amount in numbers(arguments)),
    "XOR": lambda *arguments: sum(truth(value) for value in values(arguments) if value is not None) % 2 == 1,
    "VAR": _statistic(statistics.variance, 2),
    "VARP": _statistic(statistics.pvariance, 1),
    "STDEVP": _statistic(statistics.pstdev, 1),
    "MODE": _mode,
    "PERCENTILE": _percentile,
    "QUARTILE": lambda cells, quarter: _percentile(cells, int(number(quarter)) / 4),
    "CORREL": _correlation,
    "LOOKUP": _lookup,
    "REPLACE": _replaced,
    "CHAR": _character,
    "CODE": _code,
    "CLEAN": lambda value: "".join(sign for sign in text(value) if ord(sign) >= 32),
    "JOIN": lambda separator, *arguments: joined(
        text(separator), (text(value) for value in values(arguments))
    ),
    "HYPERLINK": lambda url, label=None: text(url) if label is None else scalar(label),
    "T": lambda value: scalar(value) if isinstance(scalar(value), str) else "",
    "N": lambda value: 0.0 if isinstance(scalar(value), str) else number(value),
    "NA": _not_available,
    "ISLOGICAL": lambda value: isinstance(scalar(value), bool),
    "DATEDIF": _date_difference,
    "WORKDAY": _working_day,
    "WEEKNUM": _week,
    "ISOWEEKNUM": lambda day: as_datetime(number(day)).isocalendar().week,
    "SECOND": lambda day: as_datetime(number(day)).second,
    "TIME": lambda hour, minute, second: (
        (number(hour) * 3600 + number(minute) * 60 + number(second)) / 86_400 % 1
    ),
    "PMT": _payment,
}


def _quotient(value: Argument, divisor: Argument) -> float:
    if number(divisor) == 0:
        raise FormulaFailed(DIVISION)
    return number(value) / number(divisor)
