"""iCalendar text (RFC 5545): taken apart into components and lines, and put together again.

Nothing is interpreted here, so whatever a client wrote survives being changed in one property.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^":;,]*)(?:,(?:"[^"]*"|[^":;,]*))*)')
_ESCAPED = re.compile(r"\\(.)", re.S)
_FOLD = 75


class MalformedError(ValueError):
    """This is no iCalendar text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One property: `parameters` by upper-case name without quotes, `value` still escaped."""

    name: str
    value: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str:
        """A parameter's value, or an empty text."""
        return dict(self.parameters).get(name, "")

    def having(self, **parameters: str | None) -> Line:
        """The line with these parameters set, or with None taken away; those it has keep their place."""
        kept = {name: parameters.get(name, value) for name, value in self.parameters} | parameters
        return Line(
            self.name, self.value, tuple((name, value) for name, value in kept.items() if value is not None)
        )

    @property
    def text(self) -> str:
        """The value of a text property, unescaped."""
        return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], self.value)

    def written(self) -> str:
        """The line as it stands in a file, without folding."""
        parameters = "".join(f";{name}={_quoted(value)}" for name, value in self.parameters)
        return f"{self.name}{parameters}:{self.value}"


@dataclass(slots=True)
class Component:
    """A calendar, an event, a time zone: its properties and the components within."""

    name: str
    lines: list[Line] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)

    def line(self, name: str) -> Line | None:
        """The first property called `name`."""
        return next((line for line in self.lines if line.name == name), None)

    def all(self, name: str) -> list[Line]:
        """Every property called `name`."""
        return [line for line in self.lines if line.name == name]

    def text(self, name: str) -> str:
        """A text property, unescaped, or an empty text."""
        line = self.line(name)
        return line.text if line else ""

    def put(self, name: str, *lines: Line) -> None:
        """Replace all properties called `name`."""
        self.lines = [line for line in self.lines if line.name != name] + list(lines)

    def within(self, *names: str) -> list[Component]:
        """The components directly within that are called so."""
        return [child for child in self.children if child.name in names]

    def written(self) -> str:
        """The text, folded, with the line ends of RFC 5545."""
        return "".join(f"{_folded(line)}\r\n" for line in _written(self))


def parse(text: str) -> Component:
    """The calendar in a text; `MalformedError` when there is none, or one that is not closed."""
    root = Component("")
    stack = [root]
    for number, raw in enumerate(_unfolded(text), 1):
        line = _line(raw, number)
        if line.name == "BEGIN":
            child = Component(line.value.strip().upper())
            stack[-1].children.append(child)
            stack.append(child)
        elif line.name == "END":
            if len(stack) < 2 or stack[-1].name != line.value.strip().upper():
                raise MalformedError(f"line {number}: END:{line.value} closes nothing")
            stack.pop()
        else:
            stack[-1].lines.append(line)
    calendars = root.within("VCALENDAR")
    if len(calendars) != 1 or len(stack) > 1:
        raise MalformedError("expected exactly one complete VCALENDAR")
    return calendars[0]


def escaped(text: str) -> str:
    """A text as the value of a text property."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def stamp(moment: datetime) -> str:
    """A moment as RFC 5545 writes it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def time_line(name: str, moment: datetime | date) -> Line:
    """DTSTART and its like: an all-day date, a moment in a named zone, or a moment in UTC."""
    if not isinstance(moment, datetime):
        return Line(name, moment.strftime("%Y%m%d"), (("VALUE", "DATE"),))
    zone = getattr(moment.tzinfo, "key", None)
    if zone and zone != "UTC":
        return Line(name, moment.strftime("%Y%m%dT%H%M%S"), (("TZID", zone),))
    return Line(name, stamp(moment))


def calendar(children: Iterable[Component]) -> Component:
    """A VCALENDAR around components."""
    lines = [Line("VERSION", "2.0"), Line("PRODID", "-//office//calendar//EN")]
    return Component("VCALENDAR", lines, list(children))


def _written(component: Component) -> Iterator[str]:
    yield f"BEGIN:{component.name}"
    for line in component.lines:
        yield line.written()
    for child in component.children:
        yield from _written(child)
    yield f"END:{component.name}"


def _unfolded(text: str) -> list[str]:
    joined = re.sub(r"\r?\n[ \t]", "", text)
    return [line for line in re.split(r"\r\n|\n|\r", joined) if line.strip()]


def _line(raw: str, number: int) -> Line:
    name = _NAME.match(raw)
    if not name:
        raise MalformedError(f"line {number} has no property name: {raw[:60]!r}")
    parameters, end = [], name.end()
    while found := _PARAMETER.match(raw, end):
        parameters.append((found[1].upper(), found[2].replace('"', "")))
        end = found.end()
    if raw[end : end + 1] != ":":
        raise MalformedError(f"line {number} has no value: {raw[:60]!r}")
    return Line(name[0].upper(), raw[end + 1 :], tuple(parameters))


def _quoted(value: str) -> str:
    clean = value.replace('"', "'")
    return f'"{clean}"' if re.search(r"[:;,]", clean) else clean


def _folded(line: str) -> str:
    pieces, size, start = [], 0, 0
    for position, character in enumerate(line):
        width = len(character.encode("utf-8", "replace"))
        if size + width > _FOLD:
            pieces.append(line[start:position])
            # The space that marks a continuation counts.
            start, size = position, 1
        size += width
    return "\r\n ".join([*pieces, line[start:]])
