"""Identifiers drawn from an episode's seed instead of from chance."""

from __future__ import annotations

import hashlib
import threading
import uuid


class Ids:
    """A stream of identifiers: the n-th one depends on the seed, the service and n alone.

    `count` is the whole state; a service freezes it and sets it again when it is restored. Draw one only
    when something is created, so that reading changes no state.
    """

    def __init__(self, seed: int, service: str) -> None:
        self._prefix = f"{seed}:{service}:".encode()
        self._lock = threading.Lock()
        self.count = 0

    def digest(self) -> bytes:
        """The next 32 bytes."""
        with self._lock:
            self.count += 1
            return hashlib.sha256(self._prefix + str(self.count).encode()).digest()

    def uuid(self) -> str:
        """The next identifier as a version 4 UUID, dashed and lower case."""
        return str(uuid.UUID(bytes=self.digest()[:16], version=4))

    def token(self, length: int, alphabet: str) -> str:
        """The next identifier as `length` (at most 32) characters of `alphabet`."""
        if not 0 < length <= 32:
            raise ValueError(f"a token has 1 to 32 characters, not {length}")
        return "".join(alphabet[byte % len(alphabet)] for byte in self.digest()[:length])
