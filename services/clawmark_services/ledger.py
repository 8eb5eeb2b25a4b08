"""Keeps the audit of one service within bounds, however often an agent asks."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

Line = dict[str, Any]

MAX_LINES = 10_000
"""Lines of a turn before requests that only read, or were refused, are counted instead of recorded."""

MAX_CHANGES = 100_000
"""Lines of a turn before all requests are counted instead of recorded."""

MAX_REQUEST = 16_384
"""Characters of a request's JSON; a longer one is cut."""

LEFT_OUT = "audit.left_out"

_SHORT_REQUEST = 1024
_READING = (
    *("get", "list", "retrieve", "query", "search", "find", "read", "batchget", "export", "about", "me"),
    *("results", "templates", "propfind", "report", "options", "head", "noop", "select", "examine", "status"),
    *("check", "capability", "idle", "lsub", "login", "logout", "authenticate", "namespace", "unknown"),
)


class Ledger:
    """What of a turn's requests is recorded: the task's own always are. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = ""
        self._lines = 0
        self._left_out: Counter[str] = Counter()

    def entry(self, line: Line) -> Line | None:
        """The line to record for a request; None when it is only counted."""
        with self._lock:
            if line["turn"] != self._turn:
                self._turn, self._lines = line["turn"], 0
                self._left_out.clear()
            full = self._lines >= MAX_LINES
            idle = _reads(line["operation"]) or _refused(line["status"])
            if line["actor"] == "agent" and (self._lines >= MAX_CHANGES or (full and idle)):
                self._left_out[line["operation"]] += 1
                return None
            self._lines += 1
        return {**line, "request": within(line["request"], _SHORT_REQUEST if full else MAX_REQUEST)}

    def left_out(self) -> dict[str, int]:
        """How many requests were only counted since it was last asked, by operation."""
        with self._lock:
            found = dict(sorted(self._left_out.items()))
            self._left_out.clear()
        return found


def within(request: Any, most: int) -> Any:
    """A request, its texts and lists cut as far as is needed to keep its JSON shorter than `most`."""
    if _length(request) <= most:
        return request
    for text, items, depth in ((400, 40, 12), (200, 10, 6), (80, 5, 3)):
        shorter = _cut(request, text, items, depth)
        if _length(shorter) <= most:
            return shorter
    return "not recorded: too long"


def _length(request: Any) -> float:
    try:
        return len(json.dumps(request))
    except (RecursionError, TypeError, ValueError):
        # Nested too deeply, which a cut mends too.
        return float("inf")


def _cut(value: Any, text: int, items: int, depth: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= text else f"{value[:text]}... ({len(value)} characters)"
    if isinstance(value, dict | list) and depth == 0:
        return f"... ({len(value)} items)"
    if isinstance(value, dict):
        some = list(value.items())[:items]
        kept = {str(name)[:text]: _cut(part, text, items, depth - 1) for name, part in some}
        return kept if len(value) <= items else {**kept, "...": f"{len(value)} items"}
    if isinstance(value, list | tuple):
        shown = [_cut(part, text, items, depth - 1) for part in value[:items]]
        return shown if len(value) <= items else [*shown, f"... ({len(value)} items)"]
    return value


def _reads(operation: str) -> bool:
    return operation.rpartition(".")[2].lower().startswith(_READING)


def _refused(status: int | str) -> bool:
    return status >= 400 if isinstance(status, int) else status not in ("OK", "PREAUTH")
