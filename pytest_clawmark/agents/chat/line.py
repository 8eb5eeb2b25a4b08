"""One session's requests to its model, which another thread may cut off."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from pytest_clawmark.agents.chat.provider import Answered, Provider
from pytest_clawmark.agents.contract import Interrupted


class Line:
    """Asks for one thread at a time; `cut` may come from any."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._pending: Future[Answered] | None = None
        self._is_cut = False

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        seconds: float | None,
    ) -> Answered:
        """Wait for the model's next message: see `Provider.ask`. Raises `Interrupted` once it is cut."""
        with self._lock:
            self.refuse_when_cut()
            pending = self._pending = self._provider.ask(messages, tools, seconds)
        try:
            return pending.result()
        except CancelledError:
            raise Interrupted("the run was stopped while the model was being asked") from None

    def refuse_when_cut(self) -> None:
        """Raise `Interrupted` once it is cut."""
        if self._is_cut:
            raise Interrupted("the run was stopped")

    def cut(self) -> None:
        """End a request in progress, waits between retries included, and refuse every later one."""
        with self._lock:
            self._is_cut = True
            if self._pending is not None:
                self._pending.cancel()
