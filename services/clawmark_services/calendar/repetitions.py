"""Recurrence rules that would keep a server counting: refused before anybody expands them."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator
from datetime import date, timedelta

from clawmark_services.calendar.ics import Component

_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
# Weekdays and leap years come round again after 28 years.
_CYCLE = (date(2000, 1, 1), 28 * 365 + 7)


class HopelessError(ValueError):
    """No date can ever meet this rule."""


def refuse_hopeless(root: Component) -> None:
    """`HopelessError` when a rule in a calendar can never be met."""
    for component in root.children:
        for line in component.all("RRULE"):
            if not _can_be_met(line.value):
                raise HopelessError(f"the repetition {line.value!r} never takes place")


def _can_be_met(rule: str) -> bool:
    parts = dict(pair.partition("=")[::2] for pair in rule.upper().split(";"))
    if parts.get("FREQ") in _WITHIN_A_DAY and "BYSETPOS" in parts:
        # There is only ever one moment in such a set: it is the first and the last, and no other.
        return parts["BYSETPOS"] in ("1", "-1")
    try:
        wanted = {
            name: {int(number) for number in parts[name].split(",")} for name in _NUMBERS if name in parts
        }
    except ValueError:
        # Not even a rule: whoever reads it says so.
        return True
    return not wanted or any(_meets(day, wanted) for day in _days())


def _meets(day: date, wanted: dict[str, set[int]]) -> bool:
    return all(numbers & set(_NUMBERS[name](day)) for name, numbers in wanted.items())


def _days() -> Iterator[date]:
    first, count = _CYCLE
    return (first + timedelta(days=number) for number in range(count))


def _month_days(day: date) -> tuple[int, int]:
    return day.day, day.day - months.monthrange(day.year, day.month)[1] - 1


def _year_days(day: date) -> tuple[int, int]:
    number = day.timetuple().tm_yday
    return number, number - (366 if months.isleap(day.year) else 365) - 1


def _weeks(day: date) -> tuple[int, int]:
    year, week, _ = day.isocalendar()
    return week, week - date(year, 12, 28).isocalendar().week - 1


# By the rule's part: the numbers, counted from either end, by which it may name a day (RFC 5545, 3.3.10).
_NUMBERS = {
    "BYMONTH": lambda day: (day.month,),
    "BYMONTHDAY": _month_days,
    "BYYEARDAY": _year_days,
    "BYWEEKNO": _weeks,
}
