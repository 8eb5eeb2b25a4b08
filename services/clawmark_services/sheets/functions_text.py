"""Functions on texts and on dates."""

from __future__ import annotations

import calendar
import re
from datetime import datetime

from clawmark_services.sheets.formats import EPOCH, as_datetime, parse_moment, show_formatted
from clawmark_services.sheets.functions import (
    MAX_TEXT,
    NOT_AVAILABLE,
    NUMBER,
    REFERENCE,
    VALUE,
    Argument,
    Block,
    FormulaFailed,
    Function,
    Value,
    joined,
    number,
    scalar,
    text,
    truth,
    values,
)
from clawmark_services.sheets.meter import LimitReached
from clawmark_services.sheets.patterns import BadPattern, Pattern, TooMuch


def _joined(separator: Argument, skip_empty: Argument, *arguments: Argument) -> Value:
    skip = truth(skip_empty)
    parts = (text(value) for value in values(arguments))
    return joined(text(separator), (part for part in parts if part or not skip))


def _substitute(whole: Argument, old: Argument, new: Argument, which: Argument = None) -> Value:
    source, wanted, replacement = text(whole), text(old), text(new)
    if not wanted:
        return source
    if which is None:
        grown = len(source) + source.count(wanted) * (len(replacement) - len(wanted))
        if grown > MAX_TEXT:
            raise FormulaFailed(VALUE)
        return source.replace(wanted, replacement)
    parts, at = source.split(wanted), int(number(which))
    if not 1 <= at < len(parts):
        return source
    return wanted.join(parts[:at]) + replacement + wanted.join(parts[at:])


def _find(wanted: Argument, whole: Argument, start: Argument = 1.0) -> Value:
    return _found(text(whole).find(text(wanted), _start(start)))


def _search(wanted: Argument, whole: Argument, start: Argument = 1.0) -> Value:
    return _found(text(whole).casefold().find(text(wanted).casefold(), _start(start)))


def _start(start: Argument) -> int:
    if number(start) < 1:
        raise FormulaFailed(VALUE)
    return int(number(start)) - 1


def _found(at: int) -> Value:
    if at < 0:
        raise FormulaFailed(VALUE)
    return at + 1


def _formatted(value: Argument, pattern: Argument) -> Value:
    form, given = text(pattern), scalar(value)
    if isinstance(given, str):
        return given
    kind = "DATE_TIME" if re.search(r"[ymdhs]", re.sub(r'"[^"]*"', "", form.lower())) else "NUMBER"
    return show_formatted(number(given), {"type": kind, "pattern": form})


def _repeated(value: Argument, times: Argument) -> Value:
    count, part = int(number(times)), text(value)
    if count < 0 or count * len(part) > 32_000:
        raise FormulaFailed(VALUE)
    return part * count


def _moment(argument: Argument) -> datetime:
    try:
        return as_datetime(number(argument))
    except OverflowError:
        raise FormulaFailed(NUMBER) from None


def _date(year: Argument, month: Argument, day: Argument) -> Value:
    """Months and days beyond their range run over into the next."""
    years, months = int(number(year)), int(number(month)) - 1
    years = years + 1900 if 0 <= years < 1900 else years
    return _serial(years + months // 12, months % 12 + 1) + int(number(day)) - 1


def _serial(year: int, month: int) -> int:
    """The serial of a month's first day."""
    try:
        return (datetime(year, month, 1) - EPOCH).days  # noqa: DTZ001 - serials have no zone
    except (ValueError, OverflowError):
        raise FormulaFailed(NUMBER) from None


def _month_away(start: Argument, months: Argument) -> tuple[datetime, int, int]:
    moment = _moment(start)
    away = moment.month - 1 + int(number(months))
    return moment, moment.year + away // 12, away % 12 + 1


def _edate(start: Argument, months: Argument) -> Value:
    moment, year, month = _month_away(start, months)
    first = _serial(year, month)
    return first + min(moment.day, calendar.monthrange(year, month)[1]) - 1


def _end_of_month(start: Argument, months: Argument) -> Value:
    _, year, month = _month_away(start, months)
    return _serial(year, month) + calendar.monthrange(year, month)[1] - 1


def _weekday(day: Argument, kind: Argument = 1.0) -> Value:
    monday = _moment(day).weekday()
    counted = {1: (monday + 1) % 7 + 1, 2: monday + 1, 3: monday}
    if int(number(kind)) not in counted:
        raise FormulaFailed(NUMBER)
    return counted[int(number(kind))]


def working_days(first: int, last: int) -> int:
    """How many days from `first` to `last`, both counted, are none of a weekend."""
    weeks, rest = divmod(last - first + 1, 7)
    start = _weekday_of(first)
    return weeks * 5 + sum((start + day) % 7 < 5 for day in range(rest))


def _weekday_of(day: int) -> int:
    """0 is Monday."""
    return (EPOCH.weekday() + day) % 7


def days_off(holidays: Argument) -> set[int]:
    """The serials of holidays that are no weekend anyway."""
    listed = holidays if isinstance(holidays, Block) else [holidays]
    found = {int(number(day)) for day in listed if day is not None}
    return {day for day in found if _weekday_of(day) < 5}


def _working_days(start: Argument, end: Argument, holidays: Argument = None) -> Value:
    first, last = int(number(start)), int(number(end))
    sign = 1 if first <= last else -1
    first, last = min(first, last), max(first, last)
    if last - first > 1_000_000:
        raise FormulaFailed(NUMBER)
    free = sum(first <= day <= last for day in days_off(holidays))
    return sign * (working_days(first, last) - free)


def _pattern(argument: Argument) -> Pattern:
    try:
        return Pattern.of(text(argument))
    except BadPattern:
        # "is not a valid regular expression", says Google, and shows #REF!.
        raise FormulaFailed(REFERENCE) from None


def _written(argument: Argument) -> str:
    """A text; Google takes nothing else to be matched."""
    value = scalar(argument)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise FormulaFailed(VALUE)


def _matches(value: Argument, pattern: Argument) -> Value:
    try:
        return _pattern(pattern).occurs(_written(value))
    except TooMuch:
        raise LimitReached from None


def _extracted(value: Argument, pattern: Argument) -> Value:
    """The first group, or the whole match where the pattern has none."""
    try:
        found = _pattern(pattern).groups(_written(value))
    except TooMuch:
        raise LimitReached from None
    if found is None:
        raise FormulaFailed(NOT_AVAILABLE)
    return found[1] if len(found) > 1 else found[0]


def _exchanged(value: Argument, pattern: Argument, replacement: Argument) -> Value:
    try:
        return _pattern(pattern).replaced(_written(value), _written(replacement), most=MAX_TEXT)[0]
    except TooMuch:
        raise FormulaFailed(VALUE) from None
    except BadPattern:
        raise FormulaFailed(REFERENCE) from None


def _date_value(value: Argument) -> Value:
    typed = parse_moment(text(value).strip())
    if typed is None:
        raise FormulaFailed(VALUE)
    return float(int(typed.value))


TEXTS: dict[str, Function] = {
    "TEXTJOIN": _joined,
    "SUBSTITUTE": _substitute,
    "FIND": _find,
    "SEARCH": _search,
    "REGEXMATCH": _matches,
    "REGEXEXTRACT": _extracted,
    "REGEXREPLACE": _exchanged,
    "TEXT": _formatted,
    "VALUE": number,
    "PROPER": lambda value: text(value).title(),
    "REPT": _repeated,
    "EXACT": lambda left, right: text(left) == text(right),
    "ISNUMBER": lambda value: isinstance(scalar(value), int | float) and not isinstance(scalar(value), bool),
    "ISTEXT": lambda value: isinstance(scalar(value), str),
    "DATE": _date,
    "DATEVALUE": _date_value,
    "YEAR": lambda day: _moment(day).year,
    "MONTH": lambda day: _moment(day).month,
    "DAY": lambda day: _moment(day).day,
    "HOUR": lambda day: _moment(day).hour,
    "MINUTE": lambda day: _moment(day).minute,
    "DAYS": lambda end, start: float(int(number(end)) - int(number(start))),
    "EDATE": _edate,
    "EOMONTH": _end_of_month,
    "WEEKDAY": _weekday,
    "NETWORKDAYS": _working_days,
}
