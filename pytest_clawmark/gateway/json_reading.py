"""Reading JSON that may be anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects of a list, or none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a text, otherwise none."""
    return value if isinstance(value, str) else ""


def text_of(content: Any) -> str:
    """Content is a text, nothing, or a list of parts of which some have a text."""
    if isinstance(content, list):
        return "".join(text_of(table(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def tokens(value: Any) -> int | None:
    """The value if it can be a number of tokens."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
