"""Service time: the turn's in-universe time plus one second per request."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta


class ServiceClock:
    """The logical clock of one service in one world.

    Each service counts its own requests, so that the order in which requests to *different* services
    happen to arrive leaves no trace in any of them. All times are timezone-aware and keep the offset of
    the turn's time.
    """

    def __init__(self, start: datetime, turn: str = "") -> None:
        self._lock = threading.Lock()
        self.set(start, turn)

    def set(self, start: datetime, turn: str = "", ticks: int = 0) -> None:
        """Begin a turn: the next request happens one second after `start`."""
        if start.tzinfo is None:
            raise ValueError(f"service time needs a time zone, got the naive {start.isoformat()}")
        with self._lock:
            self._start, self._ticks, self._turn = start.replace(microsecond=0), ticks, turn

    @property
    def turn(self) -> str:
        """The name of the turn in progress."""
        return self._turn

    @property
    def ticks(self) -> int:
        """Requests since the turn began; with the turn's time it is the whole state of the clock."""
        return self._ticks

    def now(self) -> datetime:
        """The moment of the latest request, or the turn's own time before the first."""
        with self._lock:
            return self._start + timedelta(seconds=self._ticks)

    def tick(self) -> datetime:
        """Advance by one request and return its moment."""
        with self._lock:
            self._ticks += 1
            return self._start + timedelta(seconds=self._ticks)
