"""The task author's door: `world.calendar`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clawmark_services.calendar.calendars import FIELDS, Calendars, Moment, as_moment, day_after
from clawmark_services.calendar.event import Event
from clawmark_services.calendar.texts import CalendarTexts
from clawmark_services.context import Context


@dataclass(frozen=True, slots=True)
class EventHandle:
    """An event that the author may change. `event` is how it was when the handle was taken."""

    event: Event
    author: CalendarAuthor

    def update(self, **fields: Any) -> EventHandle:
        """Change `summary`, `start`, `end`, `description`, `location`, `attendees`, `organizer`, `rrule`
        or `status`; a new start alone keeps the length. Returns a handle on the event as it is now.
        """
        return self.author.change(self.event, fields)

    def delete(self) -> None:
        """Remove it, with all its occurrences."""
        self.author.remove(self.event)


class CalendarAuthor:
    """Sets the scene in calendars. A calendar is named by its display name or the last part of its path."""

    def __init__(self, context: Context, calendars: Calendars) -> None:
        self._context, self._calendars = context, calendars
        self.texts = CalendarTexts(context, calendars)
        """The same calendars as iCalendar texts, for an author with a CalDAV client of their own."""

    def create(self, name: str) -> str:
        """A new, empty calendar of the agent's user; its path. `ValueError` when the name is taken."""
        with self._exchange("create", {"calendar": name}):
            return self._calendars.create(name)

    def calendars(self) -> tuple[str, ...]:
        """The display names of all calendars."""
        with self._exchange("calendars", {}):
            return tuple(name for _, name in self._calendars.named())

    def add(
        self,
        calendar: str,
        summary: str,
        start: Moment,
        end: Moment,
        *,
        description: str = "",
        location: str = "",
        attendees: Iterable[str] = (),
        organizer: str | None = None,
        rrule: str | None = None,
        uid: str | None = None,
        all_day: bool = False,
    ) -> EventHandle:
        """A new event. Times have a time zone (a text is ISO 8601); people are logical names or addresses.

        With `all_day`, `start` and `end` are the first and the last day. `rrule` is as in RFC 5545, such
        as "FREQ=WEEKLY;COUNT=4". `LookupError` for an unknown calendar or person, `ValueError` for an
        event that makes no sense.
        """
        if all_day:
            start, end = as_moment(str(as_moment(start))[:10]), day_after(end)
        fields = {
            "summary": summary,
            "start": start,
            "end": end,
            "description": description,
            "location": location,
            "attendees": tuple(attendees),
            "organizer": organizer,
            "rrule": rrule,
        }
        request = {"calendar": calendar, "summary": summary, "start": str(start), "end": str(end)}
        with self._exchange("add", request):
            path, _ = self._calendars.find(calendar)
            made = self._calendars.add(path, fields, uid)
            return self._handle(path, made)

    def events(self, calendar: str | None = None) -> Sequence[EventHandle]:
        """The events of a calendar, or of all, by start."""
        with self._exchange("events", {"calendar": calendar}):
            return tuple(EventHandle(event, self) for event in self._calendars.events(calendar))

    def event(self, calendar: str, *, summary: str | None = None, uid: str | None = None) -> EventHandle:
        """The one event with this summary or uid; `LookupError` when there are none or several."""
        request = {"calendar": calendar, "summary": summary, "uid": uid}
        with self._exchange("event", request):
            events = self._calendars.events(calendar)
        found = [event for event in events if uid in (None, event.uid) and summary in (None, event.summary)]
        if len(found) != 1:
            there = ", ".join(repr(event.summary) for event in events) or "nothing"
            raise LookupError(f"{len(found)} events of {calendar!r} fit {summary or uid!r}: there is {there}")
        return EventHandle(found[0], self)

    def change(self, event: Event, fields: dict[str, Any]) -> EventHandle:
        """What `EventHandle.update` does."""
        unknown = sorted(set(fields) - set(FIELDS))
        if unknown:
            raise ValueError(f"an event has no field {unknown[0]!r}: use one of {', '.join(FIELDS)}")
        shown = {name: str(value)[:200] for name, value in fields.items()}
        with self._exchange("update", {"uid": event.uid, **shown}):
            self._calendars.update(event, fields)
            return self._handle(event.path, event.uid)

    def answer(self, event: EventHandle | Event | str, who: str, answer: str) -> EventHandle:
        """Somebody answers an invitation: "accepted", "declined" or "tentative" (PARTSTAT of RFC 5545).

        `event` is a handle, an event of a view, or a uid; `who` is a logical name or a mail address. A
        series is answered as a whole. Returns a handle on the event as it is now. `LookupError` when there
        is no such event or `who` is not invited, `ValueError` for any other answer.
        """
        uid = (
            event
            if isinstance(event, str)
            else (event.event if isinstance(event, EventHandle) else event).uid
        )
        with self._exchange("answer", {"uid": uid, "who": who, "answer": answer}):
            found = self._by_uid(uid) if isinstance(event, str) else event
            chosen = found.event if isinstance(found, EventHandle) else found
            self._calendars.answer(chosen, who, answer)
            return self._handle(chosen.path, chosen.uid)

    def remove(self, event: Event) -> None:
        """What `EventHandle.delete` does."""
        with self._exchange("delete", {"uid": event.uid, "summary": event.summary}):
            self._calendars.delete(event)

    def _by_uid(self, uid: str) -> Event:
        found = [event for event in self._calendars.events() if event.uid == uid]
        if len(found) != 1:
            raise LookupError(f"{len(found)} events have the uid {uid!r}")
        return found[0]

    def _handle(self, path: str, uid: str) -> EventHandle:
        events = self._calendars.events(path)
        return EventHandle(next(event for event in events if event.uid == uid), self)

    @contextmanager
    def _exchange(self, verb: str, request: dict[str, Any]) -> Iterator[None]:
        store = self._calendars.store
        with store.lock, self._context.exchange(f"author.{verb}", request) as exchange:
            store.moment = exchange.at
            yield
