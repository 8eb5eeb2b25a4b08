"""Calendars and events as the author, the tools and the tests of a world use them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clawmark_services.calendar.event import Event, read_events
from clawmark_services.calendar.ics import Component, Line, calendar, escaped, parse, stamp, time_line
from clawmark_services.calendar.repetitions import allowance
from clawmark_services.calendar.routes import DEFAULT_USER
from clawmark_services.calendar.store import CalendarStore, StoredItem
from clawmark_services.context import Context
from clawmark_services.evidence import EvidenceError

Moment = datetime | date | str
"""A moment with a time zone, or a day; a text is read as ISO 8601."""

TEXTS = {"summary": "SUMMARY", "description": "DESCRIPTION", "location": "LOCATION", "status": "STATUS"}
ANSWERS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}
log = logging.getLogger(__name__)

FIELDS = (*TEXTS, "start", "end", "attendees", "organizer", "rrule")


@dataclass(frozen=True, slots=True)
class Calendars:
    """Writes events as a careful client would. Call it with the store's lock held, in an exchange."""

    context: Context
    store: CalendarStore

    def create(self, name: str) -> str:
        """A new calendar by its display name; its path. `ValueError` when the name is taken."""
        if any(shown == name for _, shown in self.named()):
            raise ValueError(f"there is a calendar {name!r} already")
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if not slug or self.store.collection(f"{DEFAULT_USER}/{slug}") is not None:
            slug = self.context.ids.uuid()
        path = f"{DEFAULT_USER}/{slug}"
        props = {"tag": "VCALENDAR", "D:displayname": name}
        self.store.create(path, props)
        return path

    def named(self) -> list[tuple[str, str]]:
        """(path, display name) of every calendar, by path."""
        return [
            (path, collection.props.get("D:displayname") or path.rpartition("/")[2])
            for path, collection in self.store.collections()
            if collection.is_calendar
        ]

    def find(self, calendar: str) -> tuple[str, str]:
        """(path, display name) of the calendar that is called so or has that path."""
        return find_calendar(self.named(), calendar)

    def events(self, calendar: str | None = None) -> list[Event]:
        """The events of one calendar, or of all, by start; changed occurrences are left to their series."""
        return [event for event in self.everything(calendar) if event.recurrence_id is None]

    def everything(self, calendar: str | None = None) -> list[Event]:
        """The events of one calendar, or of all, and the changed occurrences of series, by start."""
        chosen = self.named() if calendar is None else [self.find(calendar)]
        found = [event for path, name in chosen for event in self._read(path, name)]
        return sorted(found, key=lambda event: (event.start, event.uid))

    def add(self, calendar_path: str, fields: dict[str, Any], uid: str | None = None) -> str:
        """A new event from `FIELDS`; its uid. `ValueError` when it makes no sense."""
        uid = uid or self.context.ids.uuid()
        collection = self.store.collection(calendar_path)
        taken = collection.items if collection else {}
        if any(event.uid == uid for event in self._read(calendar_path, "")):
            raise ValueError(f"there is an event {uid!r} in this calendar already")
        component = Component("VEVENT", [Line("UID", escaped(uid))])
        self._fill(component, fields)
        href = f"{uid}.ics" if re.fullmatch(r"[\w@.+-]+", uid) and f"{uid}.ics" not in taken else None
        self._write(calendar_path, href or f"{self.context.ids.uuid()}.ics", calendar([component]))
        return uid

    def update(self, event: Event, fields: dict[str, Any]) -> None:
        """Change some of an event's `FIELDS`, leaving everything else in it as it is."""
        root = parse(self._item(event).text)
        master = next(part for part in root.within("VEVENT") if part.line("RECURRENCE-ID") is None)
        sequence = master.text("SEQUENCE")
        if "start" in fields and "end" not in fields:
            length = event.end - event.start
            fields = {**fields, "end": as_moment(fields["start"]) + length}
        self._fill(master, fields)
        master.put("SEQUENCE", Line("SEQUENCE", str(int(sequence) + 1 if sequence.isdecimal() else 1)))
        self._write(event.path, event.href, root)

    def answer(self, event: Event, who: str, answer: str) -> None:
        """Note somebody's answer to an invitation, as a calendar program does when the answer arrives.

        For a series it is noted in each of its occurrences that invites them; nothing else is touched.
        """
        partstat = ANSWERS.get(answer.lower())
        if partstat is None:
            raise ValueError(f"{answer!r} is no answer: use one of {', '.join(ANSWERS)}")
        address = self.context.accounts.address(who)
        root = parse(self._item(event).text)
        answered = [_answer(component, address, partstat) for component in root.within("VEVENT")]
        if not any(answered):
            invited = ", ".join(attendee.address for attendee in event.attendees) or "nobody"
            raise LookupError(f"{address} is not invited to {event.summary!r}: there is {invited}")
        self._write(event.path, event.href, root)

    def delete(self, event: Event) -> None:
        """Remove an event, with all its occurrences."""
        try:
            self.store.remove(event.path, event.href)
        except KeyError:
            raise LookupError(f"event {event.summary!r} is not there any more") from None

    def _item(self, event: Event) -> StoredItem:
        collection = self.store.collection(event.path)
        if collection is None or event.href not in collection.items:
            raise LookupError(f"event {event.summary!r} is not there any more")
        return collection.items[event.href]

    def _read(self, path: str, name: str) -> Iterator[Event]:
        collection = self.store.collection(path)
        for href, item in sorted(collection.items.items()) if collection else ():
            try:
                yield from read_events(item.text, written=item.modified, calendar=name, path=path, href=href)
            except EvidenceError:
                # Some client wrote nonsense: a finding for checkers, no reason for the office to stop.
                log.info("item %s of calendar %s is unreadable", href, name)

    def _fill(self, component: Component, fields: dict[str, Any]) -> None:
        for name, written in TEXTS.items():
            if name in fields:
                component.put(written, *([Line(written, escaped(fields[name]))] if fields[name] else []))
        for name, written in (("start", "DTSTART"), ("end", "DTEND")):
            if name in fields:
                moment = _in_zone_of(component.line("DTSTART"), as_moment(fields[name]))
                component.put(written, time_line(written, moment))
                component.put("DURATION")
        if "attendees" in fields:
            kept = {line.value.lower(): line for line in component.all("ATTENDEE")}
            component.put("ATTENDEE", *self._attendees(fields["attendees"], kept))
        if fields.get("organizer"):
            address = self.context.accounts.address(fields["organizer"])
            component.put("ORGANIZER", Line("ORGANIZER", f"mailto:{address}"))
        if "rrule" in fields:
            component.put("RRULE", *([Line("RRULE", fields["rrule"])] if fields["rrule"] else []))
        component.put("DTSTAMP", Line("DTSTAMP", stamp(self.store.moment)))
        _check_kinds(component)

    def _attendees(self, people: Iterable[str], kept: dict[str, Line]) -> Iterator[Line]:
        for who in people:
            value = f"mailto:{self.context.accounts.address(who)}"
            yield kept.get(value.lower()) or Line("ATTENDEE", value, (("PARTSTAT", "NEEDS-ACTION"),))

    def _write(self, path: str, href: str, root: Component) -> None:
        from clawmark_services.calendar.radicale_storage import normalised, own_time_zones

        with own_time_zones(), allowance():
            text, derived = normalised(root.written())
        _check(text, self.store.moment)
        self.store.put(path, href, text, derived)


def find_calendar(named: list[tuple[str, str]], wanted: str) -> tuple[str, str]:
    """(path, display name) of the calendar with that display name, path or last part of its path."""
    for path, name in named:
        if name == wanted:
            return path, name
    for path, name in named:
        if wanted.strip("/") in (path, path.rpartition("/")[2]):
            return path, name
    known = ", ".join(repr(name) for _, name in named) or "none"
    raise LookupError(f"there is no calendar {wanted!r}: there are {known}")


def as_moment(moment: Moment) -> datetime | date:
    """A moment with a time zone, or a day."""
    if isinstance(moment, str):
        moment = date.fromisoformat(moment) if len(moment) == 10 else datetime.fromisoformat(moment)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(f"an event's time needs a time zone, got the naive {moment.isoformat()}")
    return moment.replace(microsecond=0) if isinstance(moment, datetime) else moment


def day_after(moment: Moment) -> date:
    """The end of an all-day event whose last day is given."""
    day = as_moment(moment)
    return (day.date() if isinstance(day, datetime) else day) + timedelta(days=1)


def _answer(component: Component, address: str, partstat: str) -> bool:
    """Set PARTSTAT of an attendee, who then need not answer any more; False when not invited."""
    wanted = f"mailto:{address}".lower()
    invitations = component.all("ATTENDEE")
    component.put(
        "ATTENDEE",
        *(
            line.having(PARTSTAT=partstat, RSVP=None) if line.value.strip().lower() == wanted else line
            for line in invitations
        ),
    )
    return any(line.value.strip().lower() == wanted for line in invitations)


def _in_zone_of(begin: Line | None, moment: datetime | date) -> datetime | date:
    """A moment with a mere offset, in the zone that the event is in: a series must keep its hour."""
    zone = begin.parameter("TZID") if begin else ""
    if not zone or not isinstance(moment, datetime) or hasattr(moment.tzinfo, "key"):
        return moment
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, LookupError):
        return moment


def _check(text: str, moment: datetime) -> None:
    try:
        for event in read_events(text, written=moment, calendar="", path="", href=""):
            if event.end < event.start:
                raise ValueError(f"{event.summary!r} ends before it begins: {event.start} to {event.end}")
    except EvidenceError as error:
        raise ValueError(f"this event makes no sense: {error}") from error


def _check_kinds(component: Component) -> None:
    begin, end = component.line("DTSTART"), component.line("DTEND")
    if begin is None or end is None:
        return
    if (begin.parameter("VALUE") == "DATE") != (end.parameter("VALUE") == "DATE"):
        raise ValueError("an event's start and end must both be days or both be moments")
