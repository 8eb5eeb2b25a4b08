"""An asyncio loop on a thread of its own: what serves the mail of one world keeps no other waiting."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

JOIN_SECONDS = 5.0

log = logging.getLogger(__name__)


class StreamLoop:
    """Runs coroutines; `began` and `ended` are called on the loop for every task, however deep a library
    starts it."""

    def __init__(self, began: Callable[[], None], ended: Callable[[], None]) -> None:
        self._began, self._ended = began, ended
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(self._counted)
        self._thread = threading.Thread(target=self._loop.run_forever, name="clawmark-loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as a task, in an empty context; counted from now on."""
        self._began()

        def begin() -> None:
            self._loop.create_task(work).add_done_callback(lambda _: self._ended())

        contextvars.Context().run(self._loop.call_soon_threadsafe, begin)

    def cancel(self) -> None:
        """Cancel every task at the next point where it waits."""

        def every() -> None:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()

        self._loop.call_soon_threadsafe(every)

    def close(self) -> None:
        """End the thread, unless something on it does not end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive():
            log.warning("a mail client's command did not end with its world")
        else:
            self._loop.close()

    def _counted(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        self._began()
        task.add_done_callback(lambda _: self._ended())
        return task
