"""Dates as Notion takes, keeps and prints them: days, or moments with an offset and milliseconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clawmark_services.notion.errors import MISSING, mismatch
from clawmark_services.notion.grammar import as_object, only

Json = Any

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_RULE = "a valid ISO 8601 date string"


def parse(value: Json, path: str) -> dict[str, Json]:
    """A date of a request: `{start, end, time_zone}` with canonical spellings."""
    value = only(as_object(value, path), ("start", "end", "time_zone"), path)
    zone = _zone(value.get("time_zone"), f"{path}.time_zone")
    start = canonical(value.get("start", MISSING), f"{path}.start", zone)
    end = value.get("end")
    return {
        "start": start,
        "end": None if end is None else canonical(end, f"{path}.end", zone),
        "time_zone": value.get("time_zone"),
    }


def _zone(value: Json, path: str) -> ZoneInfo | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return ZoneInfo(value)
        except (KeyError, OSError, ValueError):
            raise mismatch(path, "a valid time zone", value) from None
    raise mismatch(path, "a valid time zone", value)


def canonical(value: Json, path: str, zone: ZoneInfo | None = None) -> str:
    """A day as `2024-03-19`, a moment as `2024-03-19T09:00:00.000+08:00`; without an offset it is UTC."""
    if not isinstance(value, str):
        raise mismatch(path, "defined" if value is MISSING else _RULE, value)
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise mismatch(path, _RULE, value) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone or UTC)
    return moment.isoformat(timespec="milliseconds")


def plain(value: Mapping[str, Json]) -> str:
    """One line of text: the start, and the end after an arrow."""
    return f"{value['start']} → {value['end']}" if value["end"] else str(value["start"])


def stored(moment: datetime) -> str:
    """A moment as records keep it: UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_the_minute(kept: str) -> str:
    """A record's moment as Notion prints it: cut to the minute."""
    return f"{kept[:16]}:00.000Z"


def to_the_millisecond(kept: str) -> str:
    """A record's moment as databases and views print it: with milliseconds and a numeric offset."""
    return f"{kept[:-1]}.000+00:00"


def an_hour_later(printed: str) -> str:
    """An hour after a moment that is printed to the minute."""
    return (datetime.fromisoformat(printed) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:00.000Z")


def moment(text: str) -> datetime:
    """The instant that a canonical date or a record's moment names; a day begins at midnight UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def day(text: str) -> date:
    """The calendar day of a canonical date, where it was written."""
    return date.fromisoformat(text[:10])
