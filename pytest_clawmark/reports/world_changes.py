"""What changed in a turn, for reports: counted whole, shown in part, and safe to print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_clawmark.changes import Changes, WorldChange
from pytest_clawmark.reports.text import one_line, visible
from pytest_clawmark.scoring import TurnResult

SHOWN = 60
FIELDS = 12
TEXT = 160
_OPERATIONS = 6

Json = dict[str, Any]


def summary(changes: Changes) -> Json:
    """Counts by whom, and at most `SHOWN` changes in their order; unexplained ones go before others."""
    counts = {who: len(changes.by(who)) for who in ("task", "agent", "unexplained")}
    return {**counts, "silent": len(changes.silent), "shown": [_shown(change) for change in _chosen(changes)]}


def turn_entry(turn: TurnResult) -> Json:
    """A turn in `results.json`: of explained changes it has the names of the fields, without their values."""
    told = turn.changes
    shown = [_compact(change) for change in told.get("shown", ())]
    return turn.to_json() | ({"changes": {**told, "shown": shown}} if told else {})


def unexplained(told: Mapping[str, Any]) -> Iterator[str]:
    """A line per change that nobody is known to have made; what is not shown is one line."""
    lines = [line(change) for change in told.get("shown", ()) if change["by"] == "unexplained"]
    yield from lines
    more = told.get("unexplained", 0) - len(lines)
    if more > 0:
        yield f"and {more} more"


def line(change: Mapping[str, Any]) -> str:
    """One change in a line, such as `notion: row 'Ada' in Interns updated: Status`."""
    place = f" in {change['place']}" if change["place"] else ""
    fields = f": {', '.join(change['fields'])}" if change["kind"] == "updated" and change["fields"] else ""
    return f"{change['service']}: {change['item']} {change['label']!r}{place} {change['kind']}{fields}"


def groups(told: Mapping[str, Any]) -> list[Json]:
    """For a template: the changes by service, each with its fields as rows of name, before and after."""
    found: dict[str, list[Json]] = {}
    for change in told.get("shown") or ():
        if isinstance(change, Mapping):
            rows = [
                {"name": name, "before": _said(pair[0]), "after": _said(pair[1])}
                for name, pair in change.get("fields", {}).items()
                if isinstance(pair, Sequence) and len(pair) == 2
            ]
            found.setdefault(str(change.get("service", "?")), []).append({**change, "rows": rows})
    return [{"service": service, "changes": changes} for service, changes in found.items()]


def _chosen(changes: Changes) -> list[WorldChange]:
    unknown = [place for place, change in enumerate(changes) if change.by == "unexplained"][:SHOWN]
    others = [place for place, change in enumerate(changes) if change.by != "unexplained"]
    return [changes[place] for place in sorted([*unknown, *others[: SHOWN - len(unknown)]])]


def _shown(change: WorldChange) -> Json:
    fields = {
        _text(name): [_value(part) for part in pair] for name, pair in list(change.fields.items())[:FIELDS]
    }
    if len(change.fields) > FIELDS:
        fields[f"{len(change.fields) - FIELDS} more"] = [None, None]
    return {
        "service": change.service,
        "phase": change.phase,
        "by": change.by,
        "silent": change.silent,
        "kind": change.kind,
        "item": change.item,
        "label": _text(change.label),
        "place": _text(change.place),
        "fields": fields,
        "requests": [_text(operation) for operation in change.requests[:_OPERATIONS]],
    }


def _compact(change: Mapping[str, Any]) -> Json:
    if change["by"] == "unexplained":
        return dict(change)
    return {**change, "fields": {name: [] for name in change["fields"]}}


def _value(value: Any) -> Any:
    """As it is where it is small; else as text, cut."""
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return _text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _text(text: str) -> str:
    # Cut first: making a text visible takes time with its length.
    shown = visible(text[: 2 * TEXT])
    return shown if len(text) <= TEXT and len(shown) <= TEXT else f"{shown[:TEXT]}..."


def _said(value: Any) -> str:
    return "" if value is None else one_line(value if isinstance(value, str) else json.dumps(value))
