"""A content-addressed store: every file and every service's state once, however often it is frozen."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pytest_clawmark.atomic import sync_file_system
from pytest_clawmark.failures import WorldFailure

_CHUNK = 1024 * 1024


class DamagedRun(WorldFailure):
    """What a run recorded is not there, or is something else by now."""


def canonical_json(value: Any) -> bytes:
    """Equal values give equal bytes, in any process: sorted keys, no white space, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


class BlobStore:
    """Blobs below `root`, as `ab/abcdef...` by SHA-256; several processes may write to one store.

    A blob survives a power cut only after the next `sync`: call it before writing down a digest.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return self._root / digest[:2] / digest

    def put(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        digest = hashlib.sha256(content).hexdigest()
        if not self._has(digest, len(content)):
            aside = self._aside()
            try:
                aside.write_bytes(content)
                self._keep(aside, digest)
            finally:
                aside.unlink(missing_ok=True)
        return digest

    def put_stream(self, read: Callable[[int], bytes], limit: int) -> tuple[str, int]:
        """Store what `read(size)` gives until it is empty, at most `limit` bytes, in constant memory.

        Returns the digest and the size. Raises `OverflowError` beyond the limit. Runs of zeros take no space.
        """
        digest, size = hashlib.sha256(), 0
        aside = self._aside()
        try:
            with aside.open("wb") as file:
                while chunk := read(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise OverflowError(f"more than {limit} bytes")
                    write_sparse(file, chunk)
                    digest.update(chunk)
                file.truncate(size)
            self._keep(aside, digest.hexdigest())
        finally:
            aside.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def get(self, digest: str) -> bytes:
        """The bytes of a blob; raises `FileNotFoundError` when the store lacks it."""
        return self.path(digest).read_bytes()

    def checked(self, digest: str) -> bytes:
        """The bytes of a blob; raises `DamagedRun` unless they are what was put."""
        try:
            content = self.get(digest)
        except OSError as error:
            raise DamagedRun(f"the run lacks the blob {digest}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamagedRun(f"the blob {digest} is not what was recorded")
        return content

    def adopt(self, other: BlobStore, digest: str) -> None:
        """Take over a blob of another store, sharing its bytes on disk where that can be: no blob ever changes."""
        source, final = other.path(digest), self.path(digest)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, final)
        except FileExistsError:
            return
        except FileNotFoundError as error:
            raise DamagedRun(f"{source} is missing") from error
        except OSError:
            # Another file system, or one without links.
            with source.open("rb") as file:
                self.put_stream(file.read, source.stat().st_size)

    def sync(self) -> None:
        """Return when everything that was put, by whichever process, would survive a power cut."""
        if self._root.is_dir():
            sync_file_system(self._root)

    def _has(self, digest: str, size: int) -> bool:
        # A power cut may have left an empty file under a name whose content was never synced.
        try:
            return self.path(digest).stat().st_size == size
        except FileNotFoundError:
            return False

    def _aside(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        return self._root / f".incoming.{os.getpid()}.{threading.get_ident()}"

    def _keep(self, aside: Path, digest: str) -> None:
        final = self.path(digest)
        final.parent.mkdir(exist_ok=True)
        aside.rename(final)


def write_sparse(file: BinaryIO, chunk: bytes) -> None:
    """Write a chunk, or leave a hole where it is all zeros; truncate the file to its size at the end."""
    if chunk.count(0) == len(chunk):
        file.seek(len(chunk), os.SEEK_CUR)
    else:
        file.write(chunk)
