"""Calendars as CalDAV clients keep them: iCalendar texts under names. For an author with a client of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clawmark_services.calendar.calendars import Calendars
from clawmark_services.calendar.ics import Line, parse, stamp
from clawmark_services.calendar.routes import DEFAULT_USER
from clawmark_services.context import Context


class CalendarTexts:
    """Does what a CalDAV client of the task's does, under the same names in the audit.

    Paths have no slashes at their ends. `LookupError` for what is not there, `ValueError` for a text that the
    server refuses.
    """

    def __init__(self, context: Context, calendars: Calendars) -> None:
        self._context, self._calendars = context, calendars
        self._store = calendars.store

    def create(self, name: str) -> str:
        """A new calendar by its display name, which others may have too; its path."""
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if not slug or self._store.collection(f"{DEFAULT_USER}/{slug}") is not None:
            slug = self._context.ids.uuid()
        path = f"{DEFAULT_USER}/{slug}"
        with self._request("mkcalendar", path, name=name):
            self._store.create(path, {"tag": "VCALENDAR", "D:displayname": name})
        return path

    def named(self) -> list[tuple[str, str]]:
        """(path, display name) of every calendar, by path."""
        with self._request("propfind", DEFAULT_USER):
            return self._calendars.named()

    def items(self, path: str) -> list[tuple[str, str]]:
        """(name, text) of everything in a calendar, by name."""
        with self._request("report", path):
            collection = self._store.collection(path)
            if collection is None:
                raise LookupError(f"there is no calendar at {path!r}")
            return [(name, item.text) for name, item in sorted(collection.items.items())]

    def put(self, path: str, name: str, text: str) -> None:
        """Write an item, replacing what has its name; an event without a DTSTAMP gets one."""
        from clawmark_services.calendar.radicale_storage import normalised, own_time_zones
        from clawmark_services.calendar.repetitions import allowance

        with self._request("put", f"{path}/{name}"):
            root = parse(text)
            for component in root.within("VEVENT"):
                if component.line("DTSTAMP") is None:
                    component.put("DTSTAMP", Line("DTSTAMP", stamp(self._store.moment)))
            with own_time_zones(), allowance():
                written, derived = normalised(root.written())
            self._store.put(path, name, written, derived)

    def remove(self, path: str, name: str) -> None:
        """Remove an item."""
        with self._request("delete", f"{path}/{name}"):
            try:
                self._store.remove(path, name)
            except KeyError:
                raise LookupError(f"there is no item {name!r} in {path!r}") from None

    def drop(self, path: str) -> None:
        """Remove a calendar with all it holds."""
        with self._request("delete", path):
            self._store.drop(path)

    @contextmanager
    def _request(self, method: str, path: str, **more: Any) -> Iterator[None]:
        asked = {"path": f"/{path}", "user": DEFAULT_USER, **more}
        with self._store.lock, self._context.exchange(f"calendar.{method}", asked) as exchange:
            self._store.moment = exchange.at
            yield
