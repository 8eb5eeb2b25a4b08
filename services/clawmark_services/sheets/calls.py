"""A request on its way to the method that answers it, and routes as data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from werkzeug.datastructures import MultiDict

from clawmark_services.sheets.errors import bad_field
from clawmark_services.sheets.oauth import Credentials
from clawmark_services.sheets.store import Store

Api = Literal["sheets", "drive", "oauth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: `path` holds the parts of the address, `at` its moment in the world."""

    store: Store
    credentials: Credentials
    path: Mapping[str, str]
    query: MultiDict[str, str]
    body: Any
    at: datetime

    def flag(self, name: str) -> bool:
        """A boolean parameter; Python's `True` is understood."""
        return self.query.get(name, "").lower() == "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer that is not JSON."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Route:
    """A method of an API: `template` has `{part}` for a piece of the path and `{rest*}` for all that is
    left; `known` is its name in the discovery document, where it is in one, and `bound` the field that its
    body is bound to. An answer of None is 204."""

    method: str
    template: str
    operation: str
    handler: Callable[[Call], Any]
    api: Api
    known: str | None = None
    bound: str = ""

    def match(self, path: str) -> dict[str, str] | None:
        """The parts of a path that fits."""
        found = _compiled(self.template).fullmatch(path)
        return found.groupdict() if found else None


@lru_cache(maxsize=256)
def _compiled(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+\*?)\}", template)
    form = "".join(_part(part) if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile(form, re.DOTALL)


def _part(name: str) -> str:
    return f"(?P<{name[:-1]}>.+)" if name.endswith("*") else f"(?P<{name}>[^/:]+)"


def parse_body(content: bytes) -> Any:
    """JSON, or None for no body; refuses what is no JSON, and numbers that are none."""
    if not content.strip():
        return None
    try:
        body = json.loads(content, parse_constant=_no_constant, parse_float=_real, parse_int=_whole)
        # Half of a surrogate pair cannot be written as UTF-8; Google replaces it.
        return _mended(body) if b"\\ud" in content.lower() else body
    except (ValueError, RecursionError):
        raise bad_field(
            "", "Invalid JSON payload received. Parsing terminated before end of input."
        ) from None


def _mended(body: Any) -> Any:
    return json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _real(text: str) -> float:
    amount = float(text)
    return amount if math.isfinite(amount) else _no_constant(text)


def _whole(text: str) -> int | float:
    # No field of Google's holds a larger one than a double does.
    return int(text) if len(text) < 300 else _real(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def shortened(value: Any, text: int = 400, items: int = 40) -> Any:
    """A request as the audit keeps it: long texts and lists are cut, and say so."""
    if isinstance(value, str):
        return value if len(value) <= text else f"{value[:text]}... ({len(value)} characters)"
    if isinstance(value, dict):
        return {str(name): shortened(part, text, items) for name, part in value.items()}
    if isinstance(value, list):
        kept = [shortened(part, text, items) for part in value[:items]]
        return kept if len(value) <= items else [*kept, f"... ({len(value)} items)"]
    return value
