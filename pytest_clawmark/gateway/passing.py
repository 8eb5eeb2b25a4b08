"""One streamed answer on its way from the provider's loop to a client's, translated where they differ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass

from pytest_clawmark.gateway.answer import Delta
from pytest_clawmark.gateway.desk import Desk, Exchange, Refusal
from pytest_clawmark.gateway.events import Event
from pytest_clawmark.gateway.faults import Fault
from pytest_clawmark.gateway.provider import Answered, GivenUp

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    event: Event
    deltas: Sequence[Delta]
    last: bool


class Passing:
    """Made on the client's loop: `begin`, then `events`; `give_up` in any case."""

    def __init__(self, desk: Desk, exchange: Exchange) -> None:
        self._desk, self._exchange = desk, exchange
        self._began_at = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[_Item | None] = asyncio.Queue()
        self._same = desk.entry.api == exchange.dialect.name
        self._writer = exchange.dialect.writer(exchange.given)
        self._streamed = desk.line.stream(exchange.sent, self._deliver, exchange.headers)
        self._streamed.ended.add_done_callback(lambda _: self._put(None))

    async def begin(self) -> None:
        """Wait for the beginning of the answer; raises `Refusal`, or `GivenUp`."""
        try:
            self._tried = await asyncio.wrap_future(self._streamed.began)
        except GivenUp:
            raise
        except Exception as error:  # noqa: BLE001 - the desk knows what to make of each
            raise self._refusal(error) from None

    async def events(self) -> AsyncIterator[Event]:
        """What the client is sent, as it comes; raises `Refusal` when the answer breaks off.

        The answer is written down before the client learns that it is whole: then it may be gone at once, and
        its turn with it.
        """
        if not self._same:
            for event in self._writer.begin():
                yield event
        held: list[Event] = []
        while (item := await self._queue.get()) is not None:
            for event in self._written(item):
                if item.last:
                    held.append(event)
                else:
                    yield event
        for event in [*held, *await self._finish()]:
            yield event

    def give_up(self) -> None:
        """End it, if it has not ended."""
        self._streamed.ended.cancel()

    def _written(self, item: _Item) -> Iterable[Event]:
        if self._same:
            return [item.event] if self._wanted(item.event) else []
        try:
            return [event for delta in item.deltas for event in self._writer.write(delta)]
        except Fault as error:
            raise self._refusal(error) from None

    async def _finish(self) -> Sequence[Event]:
        try:
            answer = self._streamed.ended.result(timeout=0)
        except CancelledError:
            raise GivenUp from None
        except Exception as error:  # noqa: BLE001 - the desk knows what to make of each
            raise self._refusal(error) from None
        tried = self._tried
        seconds = time.monotonic() - self._began_at - tried.lost
        whole = Answered(
            value=None, seconds=seconds, retries=tried.retries, lost=tried.lost, faults=tried.faults
        )
        await asyncio.to_thread(self._desk.done, self._exchange, answer, whole)
        return [] if self._same else list(self._writer.end(answer))

    def _refusal(self, error: Exception) -> Refusal:
        return self._desk.refuse(self._exchange, error, time.monotonic() - self._began_at)

    def _wanted(self, event: Event) -> bool:
        """Whether the client asked for this event: the gateway always asks for the count of tokens."""
        if self._desk.entry.api != "chat":
            return True
        options = self._exchange.given.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            return True
        data = event.json()
        return not (isinstance(data, dict) and data.get("usage") and not data.get("choices"))

    def _deliver(self, event: Event, deltas: Sequence[Delta], last: bool) -> None:  # noqa: FBT001 - see Deliver
        self._put(_Item(event=event, deltas=deltas, last=last))

    def _put(self, item: _Item | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:
            log.debug("the world ended before the answer did")
