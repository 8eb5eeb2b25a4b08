"""JSON objects, one a line, as the audit and the trajectory are recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

_TOO_DEEP = "not recorded: nested too deeply"


class JsonLines:
    """Appends JSON objects to one file after another; every line is handed to the kernel at once.

    Safe to call from any thread. A line that comes before the first file was opened is an error of ours.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: TextIOWrapper | None = None

    def open(self, path: Path) -> None:
        """Write to `path` from now on."""
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._file = path.open("w", encoding="utf-8", buffering=1)

    def __call__(self, record: Mapping[str, Any]) -> None:
        try:
            line = _line(record)
        except RecursionError:
            # An agent may nest its request beyond what can be written; the deed must be on record all the same.
            line = _line(
                {key: value if isinstance(value, str | int) else _TOO_DEEP for key, value in record.items()}
            )
        with self._lock:
            if self._file is None:
                raise RuntimeError(f"nothing is being recorded, got {line[:200]}")
            self._file.write(line)

    def close(self) -> None:
        """Close the current file, if any."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n"
