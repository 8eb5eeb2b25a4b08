"""Numbers and lengths as JavaScript, which Notion is written in, counts and prints them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_EXACT = 2**53
_LARGEST_WITHOUT_EXPONENT = 1e21
_SMALLEST_WITHOUT_EXPONENT = 1e-6
_STRING_OR_SMALL_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e-\d+')


def js_length(text: str) -> int:
    """The length as JavaScript counts it: in UTF-16 code units."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def js_number(value: float) -> int | float:
    """A number as JavaScript holds and prints it: a double, without a fraction of zero."""
    double = float(value)
    if not double.is_integer() or abs(double) >= _LARGEST_WITHOUT_EXPONENT:
        return double
    # Beyond 2**53 JavaScript prints the shortest digits that name the double, then zeros.
    return int(double) if abs(double) < _EXACT else int(Decimal(repr(double)))


def js_text(value: float) -> str:
    """A number as `String(value)` prints it (ECMA-262, Number::toString)."""
    number = js_number(value)
    if isinstance(number, int):
        return str(number)
    if number == 0 or abs(number) >= _LARGEST_WITHOUT_EXPONENT or "e" not in repr(number):
        return repr(number)
    if abs(number) >= _SMALLEST_WITHOUT_EXPONENT:
        return f"{Decimal(repr(number)):f}"
    digits, _, exponent = repr(number).partition("e")
    return f"{digits}e{int(exponent)}"


def js_json(value: Any) -> str:
    """What `JSON.stringify(value)` gives."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "e-" not in text:
        return text
    return _STRING_OR_SMALL_NUMBER.sub(_printed, text)


def _printed(match: re.Match[str]) -> str:
    token = match.group()
    return token if token.startswith('"') else js_text(float(token))
