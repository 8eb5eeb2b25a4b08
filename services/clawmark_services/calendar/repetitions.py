"""What working out repetitions may cost: an allowance of steps, counted inside dateutil.

A few characters of a recurrence rule can keep a server counting for hours: it is all the same to RFC 5545
whether a rule asks for each Monday or for each second of each 29 February that is a Sunday. Time would be a
poor bound, as it differs by machine, so steps are counted: a refusal is the same everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

STEPS = 500_000
"""Of one request. A step takes about a microsecond; a year of a daily event is about 400 of them."""

# Steps to look through one period, measured: the days of it are filtered one by one.
_PERIOD = {"YEARLY": 100, "MONTHLY": 10, "WEEKLY": 3}
_DAYS = {"YEARLY": 366, "MONTHLY": 31, "WEEKLY": 7}
# Steps to find the next moment where BYHOUR or BYMINUTE leave most of them out.
_SEARCH = {"MINUTELY": 300, "SECONDLY": 20_000}


class TooCostlyError(ValueError):
    """Repetitions that take more steps than are allowed."""

    def __init__(self) -> None:
        super().__init__("its repetitions take too many steps to be worked out: end them by COUNT or UNTIL")


@dataclass(slots=True)
class Allowance:
    """Steps that are left; below zero when one was refused."""

    left: int

    @property
    def exceeded(self) -> bool:
        """Whether anything was refused."""
        return self.left < 0

    def spend(self, steps: int) -> None:
        """Take steps, or raise `TooCostlyError`."""
        self.left -= steps
        if self.left < 0:
            raise TooCostlyError


_granted: ContextVar[Allowance | None] = ContextVar("clawmark_repetitions", default=None)


@contextmanager
def allowance() -> Iterator[Allowance]:
    """Within the block, this thread's repetitions take at most `STEPS`.

    Whatever was made of a refusal on its way out of the block, it leaves as `TooCostlyError`.
    """
    _count_steps()
    granted = Allowance(STEPS)
    token = _granted.set(granted)
    try:
        yield granted
    except Exception as error:
        if granted.exceeded and not isinstance(error, TooCostlyError):
            raise TooCostlyError from error
        raise
    finally:
        _granted.reset(token)


def _spend(steps: int) -> None:
    granted = _granted.get()
    if granted is not None:
        granted.spend(steps)


@functools.cache
def _count_steps() -> None:
    """Make dateutil tell of each period that it looks through; outside of an allowance nothing changes.

    Its generators cannot be interrupted from without: between two moments they may look through millennia.
    Events and time zones use the same two names.
    """
    from dateutil import rrule

    names = vars(rrule)
    names["_iterinfo"] = _counted_periods(names["_iterinfo"])
    names["rrulestr"] = _counted_reading(names["rrulestr"])


def _counted_periods(periods: Any) -> Any:
    class CountedPeriods(periods):  # type: ignore[misc] # dateutil has no types
        def __init__(self, rule: Any) -> None:
            super().__init__(rule)
            self.cost = _cost_of_a_period(rule)

    def counted(name: str) -> Any:
        days = getattr(periods, name)

        def look_through(self: Any, year: int, month: int, day: int) -> Any:
            _spend(self.cost)
            return days(self, year, month, day)

        return look_through

    for name in ("ydayset", "mdayset", "wdayset", "ddayset"):
        setattr(CountedPeriods, name, counted(name))
    return CountedPeriods


def _counted_reading(read: Any) -> Any:
    def rrulestr(text: str, **options: Any) -> Any:
        _spend(20 + len(text) // 10)
        rule = read(text, **options)
        _spend(len(getattr(rule, "_timeset", None) or ()) // 5)
        return rule

    return rrulestr


def _cost_of_a_period(rule: Any) -> int:
    parts = vars(rule)
    frequency = _frequencies()[parts["_freq"]]
    hours, minutes, seconds = (_size(parts[f"_by{unit}"]) for unit in ("hour", "minute", "second"))
    times = {"HOURLY": minutes * seconds, "MINUTELY": seconds, "SECONDLY": 1}.get(
        frequency, hours * minutes * seconds
    )
    days = _DAYS.get(frequency, 1)
    narrowed = parts["_byhour"] or (frequency == "SECONDLY" and parts["_byminute"])
    return (
        _PERIOD.get(frequency, 1)
        + (days * times if times > 1 else 1)
        + (_SEARCH.get(frequency, 0) if narrowed else 0)
        + len(parts["_bysetpos"] or ()) * days // 10
    )


@functools.cache
def _frequencies() -> tuple[str, ...]:
    from dateutil.rrule import FREQNAMES

    return tuple(FREQNAMES)


def _size(numbers: Any) -> int:
    return len(numbers) if isinstance(numbers, (set, tuple, list, frozenset)) else 1
