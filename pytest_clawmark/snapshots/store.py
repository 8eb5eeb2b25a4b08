"""A content-addressed store: every file and every service's state once, however often it is frozen."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_clawmark.atomic import replace_file

_CHUNK = 1024 * 1024


def canonical_json(value: Any) -> bytes:
    """Equal values give equal bytes, in any process: sorted keys, no white space, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


class BlobStore:
    """Blobs below `root`, as `ab/abcdef...` by SHA-256; several processes may write to one store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return self._root / digest[:2] / digest

    def put(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        digest = hashlib.sha256(content).hexdigest()
        if not self.path(digest).exists():
            replace_file(self.path(digest), content, sync_folder=False)
        return digest

    def put_stream(self, read: Callable[[int], bytes], limit: int) -> tuple[str, int]:
        """Store what `read(size)` gives until it is empty, at most `limit` bytes, in constant memory.

        Returns the digest and the size. Raises `OverflowError` beyond the limit.
        """
        digest, size = hashlib.sha256(), 0
        self._root.mkdir(parents=True, exist_ok=True)
        aside = self._root / f".incoming.{os.getpid()}.{threading.get_ident()}"
        try:
            with aside.open("wb") as file:
                while chunk := read(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise OverflowError(f"more than {limit} bytes")
                    file.write(chunk)
                    digest.update(chunk)
                file.flush()
                os.fsync(file.fileno())
            final = self.path(digest.hexdigest())
            final.parent.mkdir(exist_ok=True)
            aside.rename(final)
        finally:
            aside.unlink(missing_ok=True)
        return final.name, size

    def get(self, digest: str) -> bytes:
        """The bytes of a blob; raises `FileNotFoundError` when the store lacks it."""
        return self.path(digest).read_bytes()
