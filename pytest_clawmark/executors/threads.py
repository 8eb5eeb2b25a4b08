"""Episodes in threads of this process."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from pytest_clawmark.episode import EpisodeRecord, EpisodeSpec, Player


class ThreadExecutor:
    """At most `episodes` worlds at once."""

    def __init__(self, player: Player, episodes: int) -> None:
        self._player = player
        self._pool = ThreadPoolExecutor(episodes, thread_name_prefix="clawmark-episode")
        self._lock = threading.Lock()
        self._futures: dict[tuple[str, str, int], Future[EpisodeRecord]] = {}

    def submit(self, spec: EpisodeSpec) -> Future[EpisodeRecord]:
        """See `Executor.submit`."""
        with self._lock:
            if spec.key not in self._futures:
                self._futures[spec.key] = self._pool.submit(self._player.play, spec)
            return self._futures[spec.key]

    def close(self) -> None:
        """See `Executor.close`."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._player.stop()
        self._pool.shutdown(wait=True)
