"""Which calendars and events differ between two frozen states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from clawmark_services.calendar.event import Event, read_events
from clawmark_services.change import ANYTHING, Cause, Change, differing, kind_of
from clawmark_services.contract import Json
from clawmark_services.evidence import EvidenceError

# What the audit keeps of a text.
_CUT = 200
_UPDATING = ("author.update", "author.answer", "tool.update_event", "tool.answer_event")


def changes(before: Json | None, after: Json) -> list[Change]:
    """Collection by collection in the order of their paths: itself, then its events by name."""
    old = before["collections"] if before else {}
    new = after["collections"]
    return [
        change
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
        for change in (
            *_collection(path, old.get(path), new.get(path)),
            *_items(path, old.get(path), new.get(path)),
        )
    ]


def _collection(path: str, was: Json | None, now: Json | None) -> Iterator[Change]:
    fields = differing(was["props"] if was else None, now["props"] if now else None)
    if was is not None and now is not None and not fields:
        return
    known: Json = was if now is None else now
    calendar = known["props"].get("tag") == "VCALENDAR"
    name = _name(path, known)
    yield Change(
        kind=kind_of(was, now),
        item="calendar" if calendar else "collection",
        label=name,
        id=path,
        fields=fields,
        # A home is made when anybody first asks for it.
        causes=tuple(_collection_causes(path, name)) if calendar else (ANYTHING,),
    )


def _collection_causes(path: str, name: str) -> Iterator[Cause]:
    above = path.rpartition("/")[0]
    yield Cause(
        operations=("calendar.mkcalendar", "calendar.mkcol", "calendar.put", "calendar.proppatch"),
        keys=(path,),
    )
    yield Cause(operations=("calendar.delete",), keys=(path,))
    yield Cause(operations=("calendar.delete",), keys=(above,))
    yield Cause(operations=("author.create",), keys=(name,))
    # The first event makes the first calendar.
    yield Cause(operations=("tool.create_event",))


def _items(path: str, was: Json | None, now: Json | None) -> Iterator[Change]:
    old, new = (was["items"] if was else {}), (now["items"] if now else {})
    calendar = _name(path, now or was)
    for href in sorted({*old, *new}):
        before, after = old.get(href), new.get(href)
        if before != after:
            yield _item(path, href, calendar, before, after)


def _item(path: str, href: str, calendar: str, before: Json | None, after: Json | None) -> Change:
    old, new = _told(before, path, href), _told(after, path, href)
    known = new or old or {}
    fields = differing(old, new)
    if before and after and not set(fields) - {"written"}:
        # Nothing that people read: what its text says, then, and when it was written.
        fields = differing({**before}, {**after})
    return Change(
        kind=kind_of(before, after),
        item="event" if "start" in known else "entry",
        label=str(known.get("summary") or href),
        id=str(known.get("uid") or href),
        place=calendar,
        fields={name: pair for name, pair in fields.items() if name != "written"},
        causes=tuple(_causes(path, href, old, new)),
    )


def _told(item: Json | None, path: str, href: str) -> dict[str, Json] | None:
    """What people read in an event; the text of what is none, or cannot be read."""
    if item is None:
        return None
    written = datetime.fromisoformat(item["modified"])
    try:
        events = list(read_events(item["text"], written=written, calendar="", path=path, href=href))
    except EvidenceError:
        events = []
    series = [event for event in events if event.recurrence_id is None] or events
    if not series:
        return {"text": item["text"]}
    single = [event for event in events if event is not series[0]]
    return {
        **_fields(series[0]),
        "changed occurrences": [_occurrence(event) for event in single] or None,
    }


def _fields(event: Event) -> dict[str, Json]:
    return {
        "uid": event.uid,
        "summary": event.summary,
        "start": event.start.isoformat(),
        "end": event.end.isoformat(),
        "all day": event.all_day or None,
        "description": event.description or None,
        "location": event.location or None,
        "organizer": event.organizer or None,
        "attendees": [f"{each.address} ({each.partstat})" for each in event.attendees] or None,
        "rrule": ";".join(event.rrules) or None,
        "status": event.status or None,
        "excluded": [moment.isoformat() for moment in event.excluded] or None,
    }


def _occurrence(event: Event) -> str:
    when = event.recurrence_id.isoformat() if event.recurrence_id else ""
    return f"{when}: {event.summary}, {event.start.isoformat()} to {event.end.isoformat()}"


def _causes(
    path: str, href: str, old: Mapping[str, Json] | None, new: Mapping[str, Json] | None
) -> Iterator[Cause]:
    uid = str((new or old or {}).get("uid") or "")
    item = f"{path}/{href}"
    if new is None:
        yield Cause(operations=("calendar.delete", "calendar.move"), keys=(item,))
        yield Cause(operations=("calendar.delete", "calendar.put"), keys=(path,))
        if uid:
            yield Cause(operations=("author.delete", "tool.delete_event"), keys=(uid,))
        return
    yield Cause(operations=("calendar.put",), keys=(item,))
    # A whole calendar can be put; where something is moved to stands in a header.
    yield Cause(operations=("calendar.put",), keys=(path,))
    yield Cause(operations=("calendar.move", "calendar.post"))
    if uid:
        yield Cause(operations=_UPDATING, keys=(uid,))
    if old is None:
        summary = str(new.get("summary") or "")[:_CUT]
        yield Cause(operations=("author.add", "tool.create_event"), keys=(summary,) if summary else ())


def _name(path: str, collection: Json) -> str:
    return str(collection["props"].get("D:displayname") or path.rpartition("/")[2])
