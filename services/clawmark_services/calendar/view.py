"""Read-only evidence over frozen calendars: `snapshot.calendar`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from clawmark_services.calendar.calendars import find_calendar
from clawmark_services.calendar.event import Event, read_events
from clawmark_services.contract import Json
from clawmark_services.evidence import EvidenceError


class CalendarView:
    """Everybody's calendars. A calendar is named by its display name or the last part of its path."""

    def __init__(self, state: Json) -> None:
        self._state = state

    @property
    def calendars(self) -> tuple[str, ...]:
        """The display names of all calendars."""
        return tuple(name for _, name in self._named())

    def events(self, calendar: str | None = None) -> tuple[Event, ...]:
        """The events of a calendar, or of all, by start; a series is one event.

        `EvidenceError` when there is no such calendar or something in it is unreadable.
        """
        found = [event for event in self._all(calendar) if not event.recurrence_id]
        return tuple(sorted(found, key=lambda event: (event.start, event.uid)))

    def event(
        self, *, summary: str | None = None, calendar: str | None = None, uid: str | None = None
    ) -> Event:
        """The one event that fits; `EvidenceError` when there are none or several.

        `summary` is compared whole, in whatever case.
        """
        events = self.events(calendar)
        found = [
            event
            for event in events
            if uid in (None, event.uid)
            and (summary is None or event.summary.casefold() == summary.casefold())
        ]
        if len(found) != 1:
            there = ", ".join(repr(event.summary) for event in events) or "nothing"
            raise EvidenceError(f"{len(found)} events fit {summary or uid!r}: there is {there}")
        return found[0]

    def changed(self, uid: str) -> tuple[Event, ...]:
        """The occurrences of a series that were changed on their own."""
        return tuple(event for event in self._all(None) if event.uid == uid and event.recurrence_id)

    def at(self, day: date | datetime | str, calendar: str | None = None) -> tuple[Event, ...]:
        """What takes place, at least in part, at a moment with a time zone, or on a day.

        A day is a day where each event was written. A series counts when one of its occurrences does; an
        occurrence that was changed on its own counts for itself.
        """
        wanted = _day(day)
        found = [event for event in self._all(calendar) if _takes_place(event, wanted)]
        return tuple(sorted(found, key=lambda event: (event.start, event.uid)))

    def free(self, start: datetime, end: datetime, calendar: str | None = None) -> bool:
        """Whether nothing takes place between two moments."""
        return not any(event.occurrences(start, end) for event in self._all(calendar))

    def _named(self) -> list[tuple[str, str]]:
        return [
            (path, entry["props"].get("D:displayname") or path.rpartition("/")[2])
            for path, entry in sorted(self._state["collections"].items())
            if entry["props"].get("tag") == "VCALENDAR"
        ]

    def _all(self, calendar: str | None) -> Iterator[Event]:
        try:
            chosen = self._named() if calendar is None else [find_calendar(self._named(), calendar)]
        except LookupError as error:
            raise EvidenceError(str(error)) from error
        for path, name in chosen:
            for href, item in sorted(self._state["collections"][path]["items"].items()):
                written = datetime.fromisoformat(item["modified"])
                yield from read_events(item["text"], written=written, calendar=name, path=path, href=href)


def _day(day: date | datetime | str) -> date | datetime:
    if isinstance(day, str):
        return date.fromisoformat(day) if len(day) == 10 else datetime.fromisoformat(day)
    return day


def _takes_place(event: Event, wanted: date | datetime) -> bool:
    if isinstance(wanted, datetime):
        return bool(event.occurrences(wanted, wanted + timedelta(seconds=1)))
    midnight = datetime.combine(wanted, time(), event.start.tzinfo)
    return bool(event.occurrences(midnight, midnight + timedelta(days=1)))
