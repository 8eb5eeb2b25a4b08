"""What was recorded of a turn beside its state: the audit of every request, and the agent's steps."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a `.jsonl` file; a last line that a kill cut short is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


class Audit(Sequence[dict[str, Any]]):
    """Every request to every service up to the snapshot, oldest turn first.

    Each entry has `time`, `turn`, `service`, `operation`, `request`, `status`, `actor` and `silent`.
    """

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        self._entries = entries

    def __getitem__(self, index: Any) -> Any:
        return copy.deepcopy(self._entries[index])

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(copy.deepcopy(list(self._entries)))

    def requests(self, **equal: Any) -> Audit:
        """The entries whose fields equal what is given: `requests(actor="agent", service="email")`."""
        return Audit([e for e in self._entries if all(e.get(key) == value for key, value in equal.items())])


class Trajectory(Sequence[dict[str, Any]]):
    """The agent's steps in one turn, in order: records of type `wakeup`, `model`, `tool` and `stop`."""

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self._records = records

    def __getitem__(self, index: Any) -> Any:
        return copy.deepcopy(self._records[index])

    def __len__(self) -> int:
        return len(self._records)

    def tool_calls(self, name: str | None = None) -> list[dict[str, Any]]:
        """The calls of one tool, or of all: `name`, `arguments`, `output`, `error`."""
        return [r for r in self if r["type"] == "tool" and name in (None, r["name"])]

    @property
    def commands(self) -> list[str]:
        """The shell commands that were run."""
        return [str(call["arguments"].get("command", "")) for call in self.tool_calls("shell")]

    @property
    def answers(self) -> list[str]:
        """What the agent said, in order; the last is its final answer."""
        contents = [r["message"].get("content") for r in self if r["type"] == "model"]
        return [content for content in contents if isinstance(content, str) and content]

    @property
    def stop(self) -> dict[str, Any]:
        """Why the turn ended: `kind` and `reason`."""
        found = [r for r in self if r["type"] == "stop"]
        return found[-1] if found else {"kind": "unknown", "reason": ""}
