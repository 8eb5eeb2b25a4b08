"""Server-sent events, as all three APIs stream their answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, which chat completions leave out, and its data."""

    name: str
    data: str

    def encode(self) -> bytes:
        """The event on the wire."""
        head = f"event: {self.name}\n" if self.name else ""
        lines = "".join(f"data: {line}\n" for line in self.data.split("\n"))
        return f"{head}{lines}\n".encode("utf-8", "replace")

    def json(self) -> Any:
        """The data, or None where it is no JSON."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            return None


def event(name: str, data: Any) -> Event:
    """An event of JSON."""
    return Event(name, json.dumps(data, ensure_ascii=False, separators=(",", ":")))


async def read_events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """The events of a stream of lines; comments and unknown fields are left out."""
    name, data = "", list[str]()
    async for line in lines:
        if not line:
            if data:
                yield Event(name, "\n".join(data))
            name, data = "", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
    if data:
        yield Event(name, "\n".join(data))
