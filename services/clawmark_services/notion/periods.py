"""The days and moments that date filters compare with, relative to the day of the request."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from clawmark_services.notion import dates

Json = Any


def _months(day: date, count: int) -> date:
    """The same day some months on, or the last of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _this_week(today: date) -> tuple[date, date]:
    # Notion's week begins on Sunday unless a person's settings say otherwise; an integration has none.
    sunday = today - timedelta(days=today.isoweekday() % 7)
    return sunday, sunday + timedelta(days=6)


_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)

PERIODS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "this_week": _this_week,
    "past_week": lambda today: (today - _WEEK, today),
    "past_month": lambda today: (_months(today, -1), today),
    "past_year": lambda today: (_months(today, -12), today),
    "next_week": lambda today: (today, today + _WEEK),
    "next_month": lambda today: (today, _months(today, 1)),
    "next_year": lambda today: (today, _months(today, 12)),
}
"""First and last day of each period, both included."""

_WORDS: Mapping[str, Callable[[date], date]] = {
    "today": lambda today: today,
    "tomorrow": lambda today: today + _DAY,
    "yesterday": lambda today: today - _DAY,
    "one_week_ago": lambda today: today - _WEEK,
    "one_week_from_now": lambda today: today + _WEEK,
    "one_month_ago": lambda today: _months(today, -1),
    "one_month_from_now": lambda today: _months(today, 1),
}


def period(name: str, today: date) -> tuple[date, date]:
    """The first and last day of a period named in a filter."""
    return PERIODS[name](today)


def point(value: Json, path: str, now: datetime) -> date | datetime:
    """The day or moment that a filter compares with: a relative word or an ISO 8601 date."""
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value](now.date())
    text = dates.canonical(value, path)
    return dates.moment(text) if "T" in text else date.fromisoformat(text)


def day_of(start: str) -> date:
    """The calendar day on which something starts, where it was written."""
    return dates.day(start)


def compare(start: str, operand: date | datetime) -> int:
    """-1, 0 or 1: a start before, at or after what a filter names; by days unless it names a moment."""
    if isinstance(operand, datetime):
        moment = dates.moment(start)
        return (moment > operand) - (moment < operand)
    day = day_of(start)
    return (day > operand) - (day < operand)
