"""Recurrence rules that would keep a server counting: refused before anybody expands them."""

from __future__ import annotations

from datetime import UTC, datetime

from clawmark_services.calendar.ics import Component

_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
_DATES = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")
# Weekdays and leap years come round again after 28 years.
_CYCLE = (datetime(2000, 1, 1, tzinfo=UTC), "20271231T000000Z")


class HopelessError(ValueError):
    """No date can ever meet this rule."""


def refuse_hopeless(calendar: Component) -> None:
    """`HopelessError` when a rule in a calendar can never be met."""
    for component in calendar.children:
        for line in component.all("RRULE"):
            if not _can_be_met(line.value):
                raise HopelessError(f"the repetition {line.value!r} never takes place")


def _can_be_met(rule: str) -> bool:
    parts = dict(pair.partition("=")[::2] for pair in rule.upper().split(";"))
    if parts.get("FREQ") in _WITHIN_A_DAY and "BYSETPOS" in parts:
        # There is only ever one moment in such a set: the first and last are the same, others never come.
        return parts["BYSETPOS"] in ("1", "-1")
    dates = [f"{name}={parts[name]}" for name in _DATES if parts.get(name)]
    return not dates or _some_day(";".join(dates))


def _some_day(dates: str) -> bool:
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped] # it has no types of its own

    start, until = _CYCLE
    try:
        return next(iter(rrulestr(f"FREQ=DAILY;UNTIL={until};{dates}", dtstart=start)), None) is not None
    except ValueError:
        # Not even a rule: whoever reads it says so.
        return True
