"""What was read from files, kept for as long as they stay as they were."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")
Version = tuple[tuple[int, int, int] | None, ...]


def version(paths: Iterable[Path]) -> Version:
    """Differs as soon as one of the files was replaced, written to, made or removed."""
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino


class Memory:
    """Keeps what was worked out from files, the `size` used last; safe to call from any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[Version, Any]] = OrderedDict()

    def recall(self, key: Hashable, now: Version, work_out: Callable[[], Found]) -> Found:
        """What was worked out for this version, or is worked out now; errors are not kept."""
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == now:
                self._known.move_to_end(key)
                found: Found = known[1]
                return found
        value = work_out()
        with self._lock:
            self._known[key] = (now, value)
            self._known.move_to_end(key)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return value
