"""The agent's typed functions: reading and writing events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from clawmark_services.calendar.calendars import ANSWERS, Calendars, as_moment, day_after
from clawmark_services.calendar.event import Event
from clawmark_services.context import Context
from clawmark_services.contract import Json, Tool, ToolError
from clawmark_services.evidence import EvidenceError

DEFAULT_CALENDAR = "Calendar"
YEAR = timedelta(days=366)
_TIME = "ISO 8601: 2024-03-20T14:00:00+08:00 (without an offset: office time), or 2024-03-20 for a whole day."
_FIELDS: dict[str, Json] = {
    "summary": {"type": "string"},
    "start": {"type": "string", "description": _TIME},
    "end": {"type": "string", "description": _TIME + " For whole days: the last day."},
    "description": {"type": "string"},
    "location": {"type": "string"},
    "attendees": {"type": "array", "items": {"type": "string"}, "description": "Mail addresses."},
    "rrule": {"type": "string", "description": "RFC 5545, such as FREQ=WEEKLY;COUNT=4."},
}
_CALENDAR = {"type": "string", "description": "A calendar's name; may be left out when there is only one."}


class CalendarTools:
    """What an agent may call."""

    def __init__(self, context: Context, calendars: Calendars) -> None:
        self._context, self._calendars = context, calendars

    def all(self) -> Sequence[Tool]:
        """Every tool."""
        window = {"start": _FIELDS["start"], "end": {"type": "string", "description": _TIME}}
        uid = {"uid": {"type": "string", "description": "The event's uid, as calendar_events shows it."}}
        return (
            _tool("calendar_list", "List the calendars with the number of their events.", self.list, {}),
            _tool(
                "calendar_events",
                "List events by start, of one calendar or all. With start, end or both, only those in that span "
                "of time (at most a year when one is left out), repetitions told one by one.",
                self.events,
                {"calendar": _CALENDAR, **window},
            ),
            _tool(
                "calendar_create_event",
                "Create an event. A calendar is made when there is none yet.",
                self.create_event,
                {"calendar": _CALENDAR, **_FIELDS},
                "summary",
                "start",
                "end",
            ),
            _tool(
                "calendar_update_event",
                "Change some fields of an event; a new start alone keeps its length.",
                self.update_event,
                {**uid, **_FIELDS},
                "uid",
            ),
            _tool(
                "calendar_answer_event",
                "Answer an invitation: sets your own answer in the event, for all its occurrences.",
                self.answer_event,
                {**uid, "answer": {"type": "string", "enum": list(ANSWERS)}},
                "uid",
                "answer",
            ),
            _tool(
                "calendar_delete_event",
                "Delete an event, with all its occurrences.",
                self.delete_event,
                uid,
                "uid",
            ),
        )

    def list(self) -> Json:
        """Names and sizes."""
        with self._answering("list", {}):
            named = self._calendars.named()
            return [
                {"name": name, "path": f"/{path}/", "events": len(self._calendars.events(path))}
                for path, name in named
            ]

    def events(self, calendar: str | None = None, start: str | None = None, end: str | None = None) -> Json:
        """Events by start."""
        with self._answering("events", {"calendar": calendar, "start": start, "end": end}):
            if not start and not end:
                return [_shown(event, self._zone) for event in self._calendars.events(calendar)]
            after = self._bound(start) if start else self._bound(end or "") - YEAR
            before = self._bound(end, last=True) if end else after + YEAR
            found = [
                (event, event.occurrences(after, before)) for event in self._calendars.everything(calendar)
            ]
            return [_shown(event, self._zone, occurrences) for event, occurrences in found if occurrences]

    def create_event(self, summary: str, start: str, end: str, **fields: Any) -> Json:
        """A new event."""
        fields.update(summary=summary, start=start, end=end)
        with self._answering("create_event", {name: str(value)[:200] for name, value in fields.items()}):
            path = self._chosen(fields.pop("calendar", None))
            uid = self._calendars.add(path, self._timed(fields))
            return _shown(self._find(uid), self._zone)

    def update_event(self, uid: str, **fields: Any) -> Json:
        """An event changed."""
        request = {"uid": uid, **{name: str(value)[:200] for name, value in fields.items()}}
        with self._answering("update_event", request):
            self._calendars.update(self._find(uid), self._timed(fields))
            return _shown(self._find(uid), self._zone)

    def answer_event(self, uid: str, answer: str) -> Json:
        """The agent's own answer."""
        with self._answering("answer_event", {"uid": uid, "answer": answer}):
            own = self._calendars.context.accounts.agent.address
            self._calendars.answer(self._find(uid), own, answer)
            return _shown(self._find(uid), self._zone)

    def delete_event(self, uid: str) -> Json:
        """An event gone."""
        with self._answering("delete_event", {"uid": uid}):
            event = self._find(uid)
            self._calendars.delete(event)
            return {"deleted": uid, "summary": event.summary}

    @property
    def _zone(self) -> tzinfo | None:
        return self._calendars.store.moment.tzinfo

    def _chosen(self, calendar: str | None) -> str:
        named = self._calendars.named()
        if calendar is not None:
            return self._calendars.find(calendar)[0]
        if not named:
            return self._calendars.create(DEFAULT_CALENDAR)
        if len(named) > 1:
            raise LookupError(f"say which calendar: {', '.join(repr(name) for _, name in named)}")
        return named[0][0]

    def _find(self, uid: str) -> Event:
        for event in self._calendars.events():
            if event.uid == uid:
                return event
        raise LookupError(f"there is no event with uid {uid!r}: list them with calendar_events")

    def _timed(self, fields: dict[str, Any]) -> dict[str, Any]:
        timed = dict(fields)
        if "start" in timed:
            timed["start"] = self._moment(timed["start"])
        if "end" in timed:
            end = self._moment(timed["end"])
            timed["end"] = end if isinstance(end, datetime) else day_after(end)
        return timed

    def _moment(self, text: str) -> datetime | date:
        if len(text) == 10:
            return as_moment(text)
        moment = datetime.fromisoformat(text)
        return as_moment(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))

    def _bound(self, text: str, *, last: bool = False) -> datetime:
        moment = self._moment(text)
        if isinstance(moment, datetime):
            return moment
        midnight = datetime.combine(moment, time(), self._zone)
        return midnight + timedelta(days=1) if last else midnight

    @contextmanager
    def _answering(self, verb: str, request: Json) -> Iterator[None]:
        """An exchange in which a refusal is an answer, not a fault."""
        refusal: ToolError | None = None
        store = self._calendars.store
        with store.lock, self._context.exchange(f"tool.{verb}", request) as exchange:
            store.moment = exchange.at
            try:
                yield
            except (LookupError, ValueError, EvidenceError) as error:
                exchange.status = 400
                refusal = ToolError(str(error.args[0]) if error.args else str(error))
        if refusal is not None:
            raise refusal


def _tool(name: str, description: str, call: Callable[..., Json], properties: Json, *required: str) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=schema, call=call)


def _shown(
    event: Event, zone: tzinfo | None, occurrences: Sequence[tuple[datetime, datetime]] = ()
) -> dict[str, Json]:
    def local(moment: datetime) -> str:
        # Times in UTC are shown as the office's clock shows them; a named zone is kept.
        return (moment.astimezone(zone) if moment.tzinfo is UTC else moment).isoformat()

    shown: dict[str, Json] = {
        "uid": event.uid,
        "calendar": event.calendar,
        "summary": event.summary,
        "start": event.start.date().isoformat() if event.all_day else local(event.start),
        "end": (event.end - timedelta(days=1)).date().isoformat() if event.all_day else local(event.end),
    }
    for name in ("location", "description", "organizer", "rrule"):
        if getattr(event, name):
            shown[name] = getattr(event, name)
    if event.repeats and occurrences:
        shown["occurrences"] = [local(start) for start, _ in occurrences]
    if event.recurrence_id:
        shown["instead_of"] = local(event.recurrence_id)
    if event.attendees:
        shown["attendees"] = [f"{attendee.address} ({attendee.partstat})" for attendee in event.attendees]
    return shown
