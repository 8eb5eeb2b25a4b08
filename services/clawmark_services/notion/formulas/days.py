"""The functions of formulas that deal with dates."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clawmark_services.notion.formulas.syntax import FormulaError
from clawmark_services.notion.formulas.values import MONTHS, Span, as_number, moment_of, span_of

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SECONDS = {
    "milliseconds": 0.001,
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_MONTHS_IN = {"months": 1, "quarters": 3, "years": 12}
_TOKEN = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DDD|DD|Do|D|dddd|ddd|d|HH|H|hh|h|mm|m|ss|s|SSS|A|a|Q|WW|W|ZZ|Z|X|x|LL|L"
)


def span(value: Any) -> Span:
    """A date among the arguments."""
    if isinstance(value, Span):
        return value
    raise FormulaError("expected a date")


def _unit(value: Any) -> str:
    name = str(value).rstrip("s") + "s"
    if name not in _SECONDS and name not in _MONTHS_IN:
        raise FormulaError(f"there is no unit {value!r}")
    return name


def add(value: Any, amount: Any, unit: Any) -> Span | None:
    """`dateAdd(date, amount, unit)`"""
    if value is None:
        return None
    given, name, count = span(value), _unit(unit), as_number(amount)
    try:
        if name in _MONTHS_IN:
            moved = _months(given.moment, int(count) * _MONTHS_IN[name])
        else:
            moved = given.moment + timedelta(seconds=count * _SECONDS[name])
    except (OverflowError, ValueError) as error:
        raise FormulaError("the date lies beyond all calendars") from error
    return span_of(moved, like=given)


def _months(moment: datetime, count: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def between(one: Any, other: Any, unit: Any) -> float | None:
    """`dateBetween(one, other, unit)`: whole units from the other to the one"""
    if one is None or other is None:
        return None
    later, earlier, name = span(one).moment, span(other).moment, _unit(unit)
    if name in _SECONDS:
        return float(int((later - earlier).total_seconds() / _SECONDS[name]))
    return float(int(_months_between(later, earlier) / _MONTHS_IN[name]))


def _months_between(later: datetime, earlier: datetime) -> int:
    if later < earlier:
        return -_months_between(earlier, later)
    later = later.astimezone(earlier.tzinfo)
    count = (later.year - earlier.year) * 12 + later.month - earlier.month
    return count - 1 if _months(earlier, count) > later else count


def parse_date(text: Any) -> Span | None:
    """`parseDate("2024-03-19")`; None for what is no ISO 8601 date"""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(text)):
            return Span(date.fromisoformat(str(text)).isoformat())
        return span_of(moment_of(str(text)))
    except ValueError:
        return None


def from_timestamp(milliseconds: Any) -> Span:
    """`fromTimestamp(milliseconds since 1970)`"""
    try:
        return span_of(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=as_number(milliseconds)))
    except OverflowError as error:
        raise FormulaError("the date lies beyond all calendars") from error


def formatted(value: Any, pattern: Any) -> str:
    """`formatDate(date, "YYYY-MM-DD")`, with the tokens of Moment.js"""
    if value is None:
        return ""
    moment = span(value).moment

    def part(found: re.Match[str]) -> str:
        if found.group().startswith("["):
            return str(found.group(1))
        return _PARTS[found.group()](moment)

    return _TOKEN.sub(part, str(pattern))


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ends.get(number % 10, 'th')}"


def _offset(moment: datetime, colon: str) -> str:
    text = moment.strftime("%z")
    return f"{text[:3]}{colon}{text[3:5]}"


_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: MONTHS[at.month - 1],
    "MMM": lambda at: MONTHS[at.month - 1][:3],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "DDDD": lambda at: f"{at.timetuple().tm_yday:03}",
    "DDD": lambda at: str(at.timetuple().tm_yday),
    "DD": lambda at: f"{at.day:02}",
    "Do": lambda at: _ordinal(at.day),
    "D": lambda at: str(at.day),
    "dddd": lambda at: _DAYS[at.weekday()],
    "ddd": lambda at: _DAYS[at.weekday()][:3],
    "d": lambda at: str(at.isoweekday() % 7),
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{at.hour % 12 or 12:02}",
    "h": lambda at: str(at.hour % 12 or 12),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "a": lambda at: "am" if at.hour < 12 else "pm",
    "Q": lambda at: str((at.month + 2) // 3),
    "WW": lambda at: f"{at.isocalendar().week:02}",
    "W": lambda at: str(at.isocalendar().week),
    "ZZ": lambda at: _offset(at, ""),
    "Z": lambda at: _offset(at, ":"),
    "X": lambda at: str(int(at.timestamp())),
    "x": lambda at: str(int(at.timestamp() * 1000)),
    "LL": lambda at: f"{MONTHS[at.month - 1]} {at.day}, {at.year}",
    "L": lambda at: f"{at.month:02}/{at.day:02}/{at.year:04}",
}


def _part(read: Callable[[datetime], float]) -> Callable[[Any], float | None]:
    return lambda value: None if value is None else float(read(span(value).moment))


def _range(start: Any, end: Any) -> Span:
    return Span(span(start).start, span(end).start)


FUNCTIONS: Mapping[str, tuple[str, int, int, Callable[..., Any]]] = {
    "dateAdd": ("date", 3, 3, add),
    "dateSubtract": ("date", 3, 3, lambda value, amount, unit: add(value, -as_number(amount), unit)),
    "dateBetween": ("number", 3, 3, between),
    "dateRange": ("date", 2, 2, _range),
    "dateStart": ("date", 1, 1, lambda value: value and Span(span(value).start)),
    "dateEnd": ("date", 1, 1, lambda value: value and Span(span(value).end or span(value).start)),
    "formatDate": ("string", 2, 2, formatted),
    "parseDate": ("date", 1, 1, parse_date),
    "timestamp": ("number", 1, 1, _part(lambda at: at.timestamp() * 1000)),
    "fromTimestamp": ("date", 1, 1, from_timestamp),
    "year": ("number", 1, 1, _part(lambda at: at.year)),
    "month": ("number", 1, 1, _part(lambda at: at.month)),
    "week": ("number", 1, 1, _part(lambda at: at.isocalendar().week)),
    "date": ("number", 1, 1, _part(lambda at: at.day)),
    "day": ("number", 1, 1, _part(lambda at: at.isoweekday())),
    "hour": ("number", 1, 1, _part(lambda at: at.hour)),
    "minute": ("number", 1, 1, _part(lambda at: at.minute)),
}
"""By name: the kind of what it gives, its fewest and most arguments, and what it does."""
