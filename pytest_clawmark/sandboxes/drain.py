"""Reads and drops what background processes write after their command has ended."""

from __future__ import annotations

import os
import select
import threading

_CHUNK = 1 << 16


class Drain:
    """One thread that empties pipes nobody listens to any more.

    Closing them instead would kill a server that logs, once the command that started it has returned.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoll: select.epoll | None = None
        self._pipes: set[int] = set()
        self._stop = -1
        self._closed = False

    def adopt(self, pipe: int) -> None:
        """Take over a non-blocking pipe, until its writers have ended."""
        with self._lock:
            if self._closed:
                os.close(pipe)
                return
            epoll = self._epoll = self._epoll or self._start()
            self._pipes.add(pipe)
            epoll.register(pipe, select.EPOLLIN)

    def close(self) -> None:
        """Close all pipes and end the thread."""
        with self._lock:
            if self._epoll is not None and not self._closed:
                os.eventfd_write(self._stop, 1)
            self._closed = True

    def _start(self) -> select.epoll:
        epoll = select.epoll()
        self._stop = os.eventfd(0)
        epoll.register(self._stop, select.EPOLLIN)
        work = threading.Thread(
            target=self._work, args=(epoll, self._stop), name="clawmark-drain", daemon=True
        )
        work.start()
        return epoll

    def _work(self, epoll: select.epoll, stop: int) -> None:
        while True:
            for pipe, _ in epoll.poll():
                if pipe == stop:
                    self._end(epoll, stop)
                    return
                self._empty(epoll, pipe)

    def _empty(self, epoll: select.epoll, pipe: int) -> None:
        try:
            if os.read(pipe, _CHUNK):
                return
        except BlockingIOError:
            return
        with self._lock:
            epoll.unregister(pipe)
            self._pipes.discard(pipe)
            os.close(pipe)

    def _end(self, epoll: select.epoll, stop: int) -> None:
        with self._lock:
            for pipe in self._pipes:
                os.close(pipe)
            self._pipes.clear()
            os.close(stop)
            epoll.close()
