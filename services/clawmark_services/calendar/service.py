"""The calendar service: Radicale over a store of ours, any user, any password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clawmark_services.calendar.author import CalendarAuthor
from clawmark_services.calendar.calendars import Calendars
from clawmark_services.calendar.routes import DEFAULT_USER, CalDav
from clawmark_services.calendar.store import CalendarStore
from clawmark_services.calendar.tools import CalendarTools
from clawmark_services.calendar.view import CalendarView
from clawmark_services.change import Change
from clawmark_services.context import Context
from clawmark_services.contract import Door, Endpoint, Json, Tool, Wsgi

ENDPOINTS = (
    Endpoint(key="caldav", hosts=("radicale",), port=5232, scheme="http", variable="CLAWMARK_CALENDAR_URL"),
)


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """Calendars, as a task declares them."""

    name: str = "calendar"

    def open(self, context: Context) -> CalendarService:
        """No calendar yet."""
        return CalendarService(context)

    def view(self, state: Json) -> CalendarView:
        """`snapshot.calendar`."""
        return CalendarView(state)

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """Which calendars and events differ."""
        from clawmark_services.calendar.changes import changes

        return changes(before, after)

    def to_json(self) -> Json:
        """Nothing can be set."""
        return {"service": "calendar"}


class CalendarService:
    """The calendars of one world."""

    name = "calendar"
    endpoints = ENDPOINTS

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = CalendarStore(context.clock.now())
        self._calendars = Calendars(context, self._store)

    @cached_property
    def author(self) -> CalendarAuthor:
        """`world.calendar`."""
        return CalendarAuthor(self._context, self._calendars)

    def door(self, key: str) -> Door:
        """How connections to "caldav" are answered."""
        return {"caldav": Wsgi(CalDav(self._context, self._store))}[key]

    def tools(self) -> Sequence[Tool]:
        """`calendar_list`, `calendar_events`, and to create, update, answer and delete one."""
        return CalendarTools(self._context, self._calendars).all()

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """What CalDAV programs ask for."""
        return {"CALDAV_URL": urls["caldav"], "CALDAV_USERNAME": DEFAULT_USER, "CALDAV_PASSWORD": ""}

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG002 - the contract's
        """None: nothing is asked for a password."""
        return {}

    def skill(self) -> str:
        """How an agent reaches the calendars."""
        return Path(__file__).with_name("SKILL.md").read_text(encoding="utf-8")

    def freeze(self) -> Json:
        """The calendars, and how many identifiers were drawn."""
        with self._store.lock:
            return {**self._store.freeze(), "ids": self._context.ids.count}

    def restore(self, state: Json) -> None:
        """Become what was frozen."""
        with self._store.lock:
            self._store.restore(state)
            self._context.ids.count = state["ids"]
