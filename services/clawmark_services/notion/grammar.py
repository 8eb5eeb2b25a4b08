"""The small rules that requests are made of; each gives the value back or raises Notion's complaint."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clawmark_services.notion.errors import MISSING, mismatch
from clawmark_services.notion.javascript import js_length, js_number

TEXT_LIMIT = 2000
"""UTF-16 code units in one piece of text (request limits of the API reference)."""

LIST_LIMIT = 100
"""Elements in one array of a request."""

COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")

TEXT_COLORS = COLORS + tuple(f"{color}_background" for color in COLORS)

ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


def as_object(value: Any, path: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise mismatch(path, "defined" if value is MISSING else "an object", value)
    return value


def as_array(value: Any, path: str, limit: int = LIST_LIMIT) -> Sequence[Any]:
    """A JSON array of at most `limit` elements."""
    if not isinstance(value, list):
        raise mismatch(path, "defined" if value is MISSING else "an array", value)
    if len(value) > limit:
        raise mismatch(f"{path}.length", f"≤ `{limit}`", len(value))
    return value


def as_text(value: Any, path: str, limit: int | None = None) -> str:
    """A JSON string of at most `limit` UTF-16 code units."""
    if not isinstance(value, str):
        raise mismatch(path, "defined" if value is MISSING else "a string", value)
    if limit is not None and js_length(value) > limit:
        raise mismatch(f"{path}.length", f"≤ `{limit}`", js_length(value))
    return value


def as_boolean(value: Any, path: str) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise mismatch(path, "defined" if value is MISSING else "a boolean", value)
    return value


def as_number(value: Any, path: str) -> int | float:
    """A JSON number that a double can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise mismatch(path, "defined" if value is MISSING else "a number", value)
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    if not math.isfinite(double):
        raise mismatch(path, "a number", None)
    return js_number(double)


def as_choice(value: Any, options: Sequence[str], path: str) -> str:
    """One of a few strings."""
    if not isinstance(value, str) or value not in options:
        raise mismatch(path, alternatives(options), value)
    return value


def named_kind(value: Mapping[str, Any], kinds: Collection[str], path: str) -> str | None:
    """Which of several alternatives an object is: by its `type`, else by the first alternative it has."""
    kind = value.get("type")
    if kind is None:
        return next((key for key in value if key in kinds), None)
    return as_text(kind, f"{path}.type")


def as_uuid(value: Any, path: str) -> str:
    """An identifier, dashed or not, in any case; comes back dashed and lower case."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise mismatch(path, "defined" if value is MISSING else "a valid uuid", value)
    return dashed(value)


def dashed(id_: str) -> str:
    """The canonical spelling of an identifier."""
    bare = id_.replace("-", "").lower()
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"


def only(value: Mapping[str, Any], allowed: Collection[str], path: str) -> Mapping[str, Any]:
    """An object without any field that Notion does not know here."""
    for key in value:
        if key not in allowed:
            raise mismatch(f"{path}.{key}", "not present", value[key])
    return value


def alternatives(options: Sequence[str]) -> str:
    """Several strings as Notion lists what it would have taken."""
    quoted = [f'`"{option}"`' for option in options]
    if len(quoted) < 3:
        return " or ".join(quoted)
    return ", ".join(quoted[:-1]) + f", or {quoted[-1]}"
