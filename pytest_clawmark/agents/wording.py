"""Text as an agent may be shown it and as JSON may carry it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def decode(data: bytes) -> str:
    """Text of any bytes: what is not UTF-8, and NUL, which many parsers refuse, become U+FFFD."""
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")


def cut(text: str, limit: int) -> str:
    """At most about `limit` characters: the beginning and the end, and how much is missing between."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    missing = len(text) - head - tail
    note = f"\n[... {missing:,} characters left out of {len(text):,} ...]\n"
    return text[:head] + note + text[len(text) - tail :]


def encodable(value: Any) -> Any:
    """The same value as strict JSON in UTF-8: lone surrogates become question marks, infinities text."""
    return each_text(value, lambda text: text.encode("utf-8", "replace").decode("utf-8"))


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same JSON with every text changed, keys included; numbers that JSON lacks become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(key)): each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [each_text(item, change) for item in value]
    return value


def quoted(name: str) -> str:
    """A path as error texts quote it: one line, odd characters escaped, not endless."""
    return cut(repr(name), 300)
