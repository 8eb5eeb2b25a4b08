"""An event as people see it: when, what about, who comes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from clawmark_services.calendar.ics import Component, Line, MalformedError, parse
from clawmark_services.calendar.occurrences import beginnings
from clawmark_services.calendar.repetitions import TooCostlyError, allowance
from clawmark_services.evidence import EvidenceError

MAX_REPETITIONS = 100_000

_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody invited: their mail address in lower case, and whether they come, as RFC 5545 spells it."""

    address: str
    partstat: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event, read-only. `start` and `end` have a time zone; `end` is the first moment after it.

    `recurrence_id` is set on a single changed occurrence of a series: when it would have begun.
    A time without a zone is read in the offset of the moment when the event was last written, and an
    all-day event begins at midnight there. A recurring event is described by its first occurrence; `added`
    are the (start, end) of single dates beside its rules, `excluded` the starts that are left out.
    """

    uid: str
    summary: str
    start: datetime
    end: datetime
    all_day: bool
    description: str
    location: str
    organizer: str
    attendees: tuple[Attendee, ...]
    rrules: tuple[str, ...]
    status: str
    recurrence_id: datetime | None
    calendar: str
    path: str
    href: str
    added: tuple[tuple[datetime, datetime], ...]
    excluded: tuple[datetime, ...]

    @property
    def rrule(self) -> str:
        """The rule by which it repeats, or an empty text; programs write at most one."""
        return self.rrules[0] if self.rrules else ""

    @property
    def repeats(self) -> bool:
        """Whether it is a series, by rule or by single dates."""
        return bool(self.rrules or self.added)

    def attendee(self, address: str) -> Attendee:
        """The attendee with a mail address; `EvidenceError` when not invited."""
        for attendee in self.attendees:
            if attendee.address == address.lower():
                return attendee
        invited = ", ".join(attendee.address for attendee in self.attendees) or "nobody"
        raise EvidenceError(f"{address} is not invited to {self.summary!r}: there is {invited}")

    def occurrences(self, after: datetime, before: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """(start, end) of each time it takes place, at least in part, between two moments.

        `EvidenceError` when it repeats too often to tell.
        """
        length, dates = self.end - self.start, dict(self.added)
        try:
            with allowance():
                # Written so that no sum leaves the calendar: events may begin in the year 1 and end in 9999.
                return tuple(
                    (start, dates.get(start) or (self.end if start == self.start else start + length))
                    for start in self._starts(before)
                    if start >= after or after - start < (dates[start] - start if start in dates else length)
                )
        except TooCostlyError as error:
            raise EvidenceError(f"{self.summary!r}: {error}") from error

    def _starts(self, before: datetime) -> Iterator[datetime]:
        excluded = set(self.excluded)
        dates = (start for start, _ in self.added)
        for number, start in enumerate(beginnings(self.rrules, dates, self.start)):
            if start >= before:
                return
            if number >= MAX_REPETITIONS:
                raise EvidenceError(
                    f"{self.summary!r} repeats more than {MAX_REPETITIONS} times: {self.rrule}"
                )
            if start not in excluded:
                yield start

    def contains(self, *words: str) -> bool:
        """Whether each of `words` occurs in its summary, description or location, in whatever case."""
        text = f"{self.summary}\n{self.description}\n{self.location}".casefold()
        return all(word.casefold() in text for word in words)


def read_events(text: str, *, written: datetime, calendar: str, path: str, href: str) -> Iterator[Event]:
    """The events in an item, overriding occurrences included; `EvidenceError` when it is unreadable."""
    try:
        root = parse(text)
        readers = [_Reader(root, component, written.tzinfo or UTC) for component in root.within("VEVENT")]
        changed = [
            reader.moment(line) for reader in readers for line in reader.component.all("RECURRENCE-ID")
        ]
        for reader in readers:
            yield _event(reader, changed, calendar=calendar, path=path, href=href)
    except (ValueError, OverflowError) as error:
        raise EvidenceError(f"item {href} of calendar {calendar!r} is unreadable: {error}") from error


class _Reader:
    """One component and what its times mean."""

    def __init__(self, root: Component, component: Component, local: tzinfo) -> None:
        self.component, self.local = component, local
        self._root = root

    def moment(self, line: Line) -> datetime:
        value = line.value.strip()
        if len(value) == 8:
            return datetime.combine(self.day(value), time(), self.local)
        if value.endswith("Z"):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        naive = datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone stands beside it
        zone = line.parameter("TZID")
        return naive.replace(tzinfo=self._zone(zone) if zone else self.local)

    def day(self, value: str) -> date:
        return datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone

    def _zone(self, name: str) -> tzinfo:
        try:
            return ZoneInfo(name.lstrip("/"))
        except (ValueError, OSError, LookupError):
            return self._defined_zone(name)

    def _defined_zone(self, name: str) -> tzinfo:
        from dateutil.tz import tzical

        for zone in self._root.within("VTIMEZONE"):
            if zone.text("TZID") == name:
                found: tzinfo = tzical(io.StringIO(zone.written())).get(name)
                return found
        # Calendar programs read a time in an unknown zone as local time.
        return self.local


def _event(reader: _Reader, changed: list[datetime], *, calendar: str, path: str, href: str) -> Event:
    component = reader.component
    begin = component.line("DTSTART")
    if begin is None:
        raise MalformedError(f"event {component.text('SUMMARY')!r} has no DTSTART")
    all_day = len(begin.value.strip()) == 8
    start = reader.moment(begin)
    organizer = component.line("ORGANIZER")
    recurrence = component.line("RECURRENCE-ID")
    return Event(
        uid=component.text("UID"),
        summary=component.text("SUMMARY"),
        start=start,
        end=_end(reader, start, all_day=all_day),
        all_day=all_day,
        description=component.text("DESCRIPTION"),
        location=component.text("LOCATION"),
        organizer=_address(organizer.value) if organizer else "",
        attendees=tuple(_attendee(line) for line in component.all("ATTENDEE")),
        # The occurrence of a series that was changed on its own repeats no more.
        rrules=() if recurrence else tuple(line.text for line in component.all("RRULE")),
        status=component.text("STATUS").upper(),
        recurrence_id=reader.moment(recurrence) if recurrence else None,
        calendar=calendar,
        path=path,
        href=href,
        added=() if recurrence else tuple(_added(reader, _end(reader, start, all_day=all_day) - start)),
        excluded=(*_excluded(reader), *(() if recurrence else changed)),
    )


def _end(reader: _Reader, start: datetime, *, all_day: bool) -> datetime:
    line = reader.component.line("DTEND")
    if line is not None:
        return reader.moment(line)
    duration = reader.component.line("DURATION")
    if duration is not None:
        return start + _duration(duration.value)
    return start + timedelta(days=1) if all_day else start


def _excluded(reader: _Reader) -> Iterator[datetime]:
    for line in reader.component.all("EXDATE"):
        for value in line.value.split(","):
            yield reader.moment(Line(line.name, value, line.parameters))


def _added(reader: _Reader, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    for line in reader.component.all("RDATE"):
        for value in line.value.split(","):
            start, _, until = value.strip().partition("/")
            begin = reader.moment(Line(line.name, start, line.parameters))
            if not until:
                yield begin, begin + length
            elif "P" in until:
                yield begin, begin + _duration(until)
            else:
                yield begin, reader.moment(Line(line.name, until, line.parameters))


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise MalformedError(f"{text!r} is no duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match[1] == "-" else length


def _attendee(line: Line) -> Attendee:
    return Attendee(
        address=_address(line.value),
        partstat=line.parameter("PARTSTAT").upper() or "NEEDS-ACTION",
        name=line.parameter("CN"),
    )


def _address(value: str) -> str:
    return re.sub(r"(?i)^mailto:", "", value.strip()).lower()
