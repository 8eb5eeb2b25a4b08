"""JSON objects, one a line, as the audit and the trajectory are recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pytest_clawmark.gateway.secrets import Scrubber
from pytest_clawmark.snapshots.store import DamagedRun

_TOO_DEEP = "not recorded: nested too deeply"


class JsonLines:
    """Appends JSON objects to one file after another; every line is handed to the kernel at once.

    Safe to call from any thread. A line that comes before the first file was opened is an error of ours.
    Secrets that `scrub` knows are not written.
    """

    def __init__(self, scrub: Scrubber | None = None) -> None:
        self._scrub = scrub or Scrubber()
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._bytes = 0

    @property
    def position(self) -> int:
        """How many bytes the current file holds."""
        return self._bytes

    def open(self, path: Path, *, keep: int = 0) -> None:
        """Write to `path` from now on, after the first `keep` bytes of what it holds; the rest goes.

        Raises `DamagedRun` when it holds less.
        """
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        if file.tell() < keep:
            file.close()
            raise DamagedRun(f"{path} holds {path.stat().st_size} bytes: {keep} were recorded")
        file.truncate(keep)
        with self._lock:
            self._file, self._bytes = file, keep

    def __call__(self, record: Mapping[str, Any]) -> None:
        try:
            line = self._line(record)
        except RecursionError:
            # An agent may nest its request beyond what can be written; the deed must be on record all the same.
            line = self._line(
                {key: value if isinstance(value, str | int) else _TOO_DEEP for key, value in record.items()}
            )
        with self._lock:
            if self._file is None:
                raise RuntimeError(f"nothing is being recorded, got {line[:200]!r}")
            self._file.write(line)
            self._file.flush()
            self._bytes += len(line)

    def _line(self, record: Mapping[str, Any]) -> bytes:
        written = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
        return (self._scrub.line(record, written) + "\n").encode("ascii")

    def close(self) -> None:
        """Close the current file, if any."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
