"""What the audit shows of a request: everything, with long content cut."""

from __future__ import annotations

from typing import Any

Json = Any

TEXT_LIMIT = 1000
LIST_LIMIT = 50
DEPTH_LIMIT = 12


def abridged(value: Json, depth: int = 0) -> Json:
    """The same JSON with long texts and lists cut, and what lies too deep left out; each cut is marked."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else f"{value[:TEXT_LIMIT]}… ({len(value)} characters)"
    if not isinstance(value, dict | list):
        return value
    if depth >= DEPTH_LIMIT:
        return "…"
    if isinstance(value, dict):
        kept = {key: abridged(each, depth + 1) for key, each in list(value.items())[:LIST_LIMIT]}
        return kept if len(value) <= LIST_LIMIT else {**kept, "…": f"{len(value)} fields"}
    items = [abridged(each, depth + 1) for each in value[:LIST_LIMIT]]
    return items if len(value) <= LIST_LIMIT else [*items, f"… ({len(value)} elements)"]
