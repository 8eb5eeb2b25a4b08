"""Which service a frozen state is of. A run has the states and not the task's declarations, so the state tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services import ServiceSpec
from clawmark_services.calendar.service import CalendarSpec
from clawmark_services.email.service import EmailSpec
from clawmark_services.notion.service import NotionSpec
from clawmark_services.rest.declaration import RestApi
from clawmark_services.sheets.service import SheetsSpec

UNKNOWN = "unknown"
_SHAPES: Mapping[str, frozenset[str]] = {
    "email": frozenset({"mailboxes", "contents", "outbox", "accounts", "agent"}),
    "notion": frozenset({"workspace"}),
    "sheets": frozenset({"drive"}),
    "calendar": frozenset({"collections"}),
    "rest": frozenset({"resources"}),
}


def kind_of(state: Any) -> str:
    """email, notion, sheets, calendar, rest or unknown."""
    if isinstance(state, Mapping):
        for kind, keys in _SHAPES.items():
            if keys <= state.keys() and all(isinstance(state[key], Mapping | list | str) for key in keys):
                return kind
    return UNKNOWN


def spec_of(name: str, state: Any) -> ServiceSpec | None:
    """A declaration that can tell what changed in such a state, None for a service that is not known."""
    match kind_of(state):
        case "email":
            return EmailSpec()
        case "notion":
            return NotionSpec()
        case "sheets":
            return SheetsSpec()
        case "calendar":
            return CalendarSpec()
        case "rest":
            return _rest(name, state["resources"])
    return None


def _rest(name: str, resources: Mapping[str, Any]) -> RestApi | None:
    try:
        return RestApi(name, {called: _schema(known["records"]) for called, known in resources.items()})
    except (ValueError, KeyError, TypeError):
        return None


def _schema(records: Any) -> Mapping[str, Any]:
    """As much of a declaration as can be seen: which field identifies a record."""
    key = key_of(records)
    numbered = all(isinstance(record.get(key), int) for record in records)
    found = {"type": "object", "properties": {key: {"type": "integer" if numbered else "string"}}}
    return found if key == "id" else {**found, "key": key}


def key_of(records: Any) -> str:
    """The field that identifies records: `id`, or the first one that all have and in which none are equal."""
    if not records or all("id" in record for record in records):
        return "id"
    for field in records[0]:
        values = [str(record.get(field)) for record in records]
        if len(set(values)) == len(values) and all(field in record for record in records):
            return str(field)
    return "id"
