"""`ctx.calendar`: calendars as a CalDAV client sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from hashlib import sha256
from pathlib import Path

from clawmark_services.calendar.author import CalendarAuthor
from clawmark_services.calendar.event import read_events
from clawmark_services.calendar.ics import Component, Line, calendar, escaped, parse, time_line
from clawmark_services.calendar.texts import CalendarTexts
from clawmark_services.evidence import EvidenceError
from pytest_clawmark.formats.clawmark.adapters.desk import Desk

Event = dict[str, str]
_SERVER = "http://radicale:5232"
_SAFE = re.compile(r"[\w@.+-]{1,120}")


class CalendarAdapter:
    """Calendars by their display names; `ValueError` for one that does not exist.

    A moment without a time zone stays without one, and is compared with others as if it were in UTC, on whatever
    machine.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create_calendar(self, name: str) -> str:
        """A new calendar; its URL."""
        self._desk.write()
        return _url(self._texts.create(name))

    async def list_calendars(self) -> list[dict[str, str]]:
        """`name` and `url` of every calendar."""
        return [{"name": name, "url": _url(path)} for path, name in self._named()]

    async def delete_calendar(self, name: str) -> None:
        """Remove a calendar with all its events."""
        path = self._path(name)
        self._desk.write()
        self._texts.drop(path)

    async def add_event(
        self,
        calendar_name: str,
        summary: str,
        dtstart: datetime,
        dtend: datetime,
        *,
        description: str = "",
        location: str = "",
        uid: str | None = None,
    ) -> str:
        """Write an event; its uid. One of the same uid is replaced."""
        path = self._path(calendar_name)
        chosen = uid or self._fresh(path, summary)
        event = Component(
            "VEVENT",
            [
                Line("UID", escaped(chosen)),
                Line("SUMMARY", escaped(summary)),
                _moment_line("DTSTART", dtstart),
                _moment_line("DTEND", dtend),
                Line("DESCRIPTION", escaped(description)),
                Line("LOCATION", escaped(location)),
            ],
        )
        self._desk.write()
        self._texts.put(path, _file_name(chosen), calendar([event]).written())
        return chosen

    async def get_events(
        self,
        calendar_name: str,
        start: date | datetime | None = None,
        end: date | datetime | None = None,
    ) -> list[Event]:
        """The events of a calendar; with both `start` and `end`, each time that one takes place between them."""
        path = self._path(calendar_name)
        period = (_in_utc(start), _in_utc(end)) if start and end else None

        def read() -> list[Event]:
            items = self._texts.items(path)
            return [event for name, text in items for event in _events(name, text, period)]

        found: list[Event] = self._desk.read(f"events {path} {period}", read)
        return found

    async def find_events(self, calendar_name: str, summary_contains: str) -> list[Event]:
        """Those with these words in their summary, in whatever case."""
        events = await self.get_events(calendar_name)
        return [event for event in events if summary_contains.lower() in event["summary"].lower()]

    async def delete_event(self, calendar_name: str, uid: str) -> None:
        """Remove an event; `LookupError` when there is none of that uid."""
        path = self._path(calendar_name)
        for name, text in self._texts.items(path):
            if any(event.text("UID") == uid for event in _components(text)):
                self._desk.write()
                self._texts.remove(path, name)
                return
        raise LookupError(f"{uid} not found on server")

    async def seed_data(self, seed_path: Path) -> dict[str, int]:
        """Make the calendars and events of a JSON file; how many. `FileNotFoundError` when there is none."""
        if not seed_path.exists():
            raise FileNotFoundError(f"Seed file not found: {seed_path}")
        made = {"calendars": 0, "events": 0}
        for entry in json.loads(seed_path.read_text(encoding="utf-8")).get("calendars", []):
            await self.create_calendar(entry["name"])
            made["calendars"] += 1
            for event in entry.get("events", []):
                await self.add_event(
                    entry["name"],
                    event["summary"],
                    datetime.fromisoformat(event["dtstart"]),
                    datetime.fromisoformat(event["dtend"]),
                    description=event.get("description", ""),
                    location=event.get("location", ""),
                    uid=event.get("uid"),
                )
                made["events"] += 1
        return made

    @property
    def _texts(self) -> CalendarTexts:
        author: CalendarAuthor = self._desk.service.author
        return author.texts

    def _named(self) -> list[list[str]]:
        named: list[list[str]] = self._desk.read(
            "calendars", lambda: [list(pair) for pair in self._texts.named()]
        )
        return named

    def _path(self, name: str) -> str:
        for path, shown in self._named():
            if shown == name:
                return path
        raise ValueError(f"Calendar not found: {name}")

    def _fresh(self, path: str, summary: str) -> str:
        """A uid that no event of the calendar has, drawn from what there is instead of from chance."""
        seed = json.dumps([path, summary, self._texts.items(path)])
        return f"clawmark-{sha256(seed.encode()).hexdigest()[:12]}"


def _url(path: str) -> str:
    return f"{_SERVER}/{path}/"


def _file_name(uid: str) -> str:
    return f"{uid}.ics" if _SAFE.fullmatch(uid) else f"{sha256(uid.encode()).hexdigest()[:32]}.ics"


def _moment_line(name: str, moment: datetime | date) -> Line:
    if isinstance(moment, datetime) and moment.tzinfo is None:
        return Line(name, moment.strftime("%Y%m%dT%H%M%S"))
    return time_line(name, moment)


def _in_utc(moment: date | datetime) -> datetime:
    whole = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return whole if whole.tzinfo else whole.replace(tzinfo=UTC)


def _components(text: str) -> list[Component]:
    return parse(text).within("VEVENT")


def _events(name: str, text: str, period: tuple[datetime, datetime] | None) -> Iterator[Event]:
    """What one item shows: its first event, or each time that one of its events takes place in the period."""
    components = _components(text)
    written = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        events = list(read_events(text, written=written, calendar="", path="", href=name))
    except EvidenceError as error:
        raise ValueError(f"an event cannot be read: {error}") from error
    both = list(zip(components, events, strict=True))
    if period is None:
        yield from (_shown(component, event.start, event.end) for component, event in both[:1])
        return
    for component, event in both:
        for start, end in event.occurrences(*period):
            yield _shown(component, start, end)


def _shown(component: Component, start: datetime, end: datetime) -> Event:
    """The parts that an event has; texts that are empty count as missing, except for uid and summary."""
    found = {"uid": component.text("UID"), "summary": component.text("SUMMARY")}
    for name, moment in (("dtstart", start), ("dtend", end)):
        line = component.line(name.upper())
        if line is not None:
            found[name] = _as_written(line, moment)
    for name in ("description", "location"):
        if component.text(name.upper()):
            found[name] = component.text(name.upper())
    return found


def _as_written(line: Line, moment: datetime) -> str:
    """A moment the way its event states it: a day, a time without a zone, or one with an offset."""
    if len(line.value.strip()) == 8:
        return moment.date().isoformat()
    floating = not line.value.strip().endswith("Z") and not line.parameter("TZID")
    return (moment.replace(tzinfo=None) if floating else moment).isoformat()
