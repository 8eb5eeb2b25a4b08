"""One streamed answer of an endpoint, read while it is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx

from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.answer import Answer, Delta
from pytest_clawmark.gateway.dialects import DIALECTS
from pytest_clawmark.gateway.endpoint import ModelEndpoint
from pytest_clawmark.gateway.events import DONE, Event
from pytest_clawmark.gateway.faults import Fault

Deliver = Callable[[Event, Sequence[Delta], bool], None]
"""Gets each event, the pieces that it brings, and whether the answer is whole with it."""


class AnswerStream:
    """Opened by `until_first_piece`, as often as that fails; then `rest`, then `close`.

    What comes before the first piece of the answer is held back until that has come, so that an answer which
    breaks off before it can be asked for again.
    """

    def __init__(
        self,
        endpoint: ModelEndpoint,
        body: Mapping[str, Any],
        entry: ModelEntry,
        deliver: Deliver,
        headers: Mapping[str, str],
    ) -> None:
        self._endpoint, self._body, self._deliver, self._headers = endpoint, body, deliver, headers
        self._dialect, self._patience = DIALECTS[entry.api], entry.timeout_seconds
        self._open = AsyncExitStack()

    async def until_first_piece(self) -> None:
        """Ask, and deliver the answer's beginning. Raises `Fault`, `ContextOverflow` or `Refused`."""
        await self._open.aclose()
        self._events = await self._open.enter_async_context(self._endpoint.stream(self._body, self._headers))
        self._reader = self._dialect.reader()
        self._last = False
        held: list[tuple[Event, Sequence[Delta]]] = []
        while not (held and held[-1][1]) and not self._reader.ended:
            held.append(await self._next())
        for number, (event, deltas) in enumerate(held, start=1):
            self._deliver(event, deltas, self._reader.ended and number == len(held))

    async def rest(self) -> Answer:
        """Deliver what follows; the whole answer. Raises `Fault` when it breaks off."""
        try:
            while True:
                async with asyncio.timeout(self._patience):
                    event, deltas = await self._next()
                self._deliver(event, deltas, self._reader.ended)
        except TimeoutError:
            raise Fault(f"the answer broke off: nothing more for {self._patience:g} seconds") from None
        except _Over:
            return self._reader.answer()

    async def close(self) -> None:
        """Close the connection."""
        await self._open.aclose()

    async def _next(self) -> tuple[Event, Sequence[Delta]]:
        if self._last:
            raise _Over
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            if self._reader.ended:
                raise _Over from None
            raise Fault("the answer broke off before its end") from None
        except httpx.HTTPError as error:
            raise Fault(
                self._endpoint.scrub(f"the answer broke off: {type(error).__name__}: {error}")
            ) from None
        event = Event(event.name, self._endpoint.scrub(event.data))
        deltas = tuple(self._reader.feed(event))
        # Chat completions tell their tokens behind the end of the answer, and say when all is told.
        self._last = event.data == DONE or (self._reader.ended and self._dialect.name != "chat")
        return event, deltas


class _Over(Exception):
    """The stream has ended as it should."""
