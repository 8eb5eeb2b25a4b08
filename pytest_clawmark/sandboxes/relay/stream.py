"""The streams of a container that this process is attached to, as its engine packs them into one connection."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

_HEADER = struct.Struct("!BxxxI")
_STDOUT = 1
_KEPT = 2000


class Stream:
    """Reads the container's stdout and writes its stdin. What it says on stderr is kept for `complaint`."""

    def __init__(self, connection: Any, release: Callable[[], None]) -> None:
        # A plain connection comes as a reader around the socket, an encrypted one as itself.
        self._socket = getattr(connection, "_sock", connection)
        self._connection = connection
        self._release = release
        self._left = 0
        self._said = ""
        self._socket.settimeout(None)

    def read(self, count: int) -> bytes:
        """At most so many bytes of stdout; none at the end."""
        while not self._left:
            header = self._exactly(_HEADER.size)
            if not header:
                return b""
            kind, length = _HEADER.unpack(header)
            if kind == _STDOUT:
                self._left = length
            else:
                self._said = (self._said + self._exactly(length).decode(errors="replace"))[-_KEPT:]
        content: bytes = self._socket.recv(min(count, self._left))
        self._left -= len(content)
        return content

    def write(self, content: bytes) -> None:
        self._socket.sendall(content)

    def complaint(self) -> str:
        """What the program has said on stderr, to be added to a message."""
        return f": {self._said.strip()}" if self._said.strip() else ""

    def close(self) -> None:
        """End both directions, also for a thread that is reading."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the connection; nobody may be reading or writing any more."""
        self._release()
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self._socket.recv(count - len(content))
            if not part:
                return b""
            content += part
        return content
