"""The values that formulas compute with: None (empty), bool, float, str, lists, and these."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from clawmark_services.notion.formulas.syntax import FormulaError
from clawmark_services.notion.javascript import js_text

_MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS = (*_MONTHS, "August", "September", "October", "November", "December")

TEXT_LIMIT = 100_000
LIST_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """A date, or a moment, with perhaps an end; as properties keep them."""

    start: str
    end: str | None = None

    def __str__(self) -> str:
        return " → ".join(_shown(each) for each in (self.start, self.end) if each)

    @property
    def moment(self) -> datetime:
        """When it starts; a day starts at midnight UTC."""
        return moment_of(self.start)

    @property
    def has_time(self) -> bool:
        """Whether it names a moment and not a day."""
        return "T" in self.start


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page that a relation names."""

    id: str
    title: str

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True, slots=True)
class UserRef:
    """A person."""

    id: str
    name: str
    email: str

    def __str__(self) -> str:
        return self.name


def moment_of(text: str) -> datetime:
    """The instant of a canonical date."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def span_of(moment: datetime, *, like: Span | None = None) -> Span:
    """A moment as a value: a day where `like` is a day, else with its time."""
    if like is not None and not like.has_time and moment.time() == datetime.min.time():
        return Span(moment.date().isoformat())
    return Span(moment.isoformat(timespec="milliseconds"))


def is_empty(value: Any) -> bool:
    """What `empty()` says of a value."""
    return value is None or value in ("", [], 0) or value is False


def as_number(value: Any) -> float:
    """A number of arithmetic; what is empty counts as zero."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    if value is None or value == "":
        return 0.0
    raise FormulaError(f"{as_text(value)!r} is not a number")


def as_text(value: Any) -> str:
    """A value as `format()` gives it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return js_text(value) if math.isfinite(value) else ""
    if isinstance(value, list):
        return joined(value, ", ")
    return "" if value is None else str(value)


def joined(values: Iterable[Any], between: str) -> str:
    """Several values as one text."""
    return bounded(between.join(as_text(each) for each in values))


def bounded(text: str) -> str:
    """A text, unless it has grown beyond reason."""
    if len(text) > TEXT_LIMIT:
        raise FormulaError(f"a text has at most {TEXT_LIMIT} characters")
    return text


def _shown(text: str) -> str:
    day = date.fromisoformat(text[:10])
    said = f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
    if "T" not in text:
        return said
    moment = datetime.fromisoformat(text)
    return f"{said} {moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"


def order(value: Any) -> tuple[int, Any]:
    """A key that sorts values of one kind, and keeps kinds apart."""
    if value is None:
        return (9, "")
    if isinstance(value, bool | int | float):
        return (0, float(value))
    if isinstance(value, Span):
        return (1, value.moment)
    return (2, as_text(value).casefold())
