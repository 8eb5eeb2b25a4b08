"""Asking a model until it answers: patience, retries with growing pauses, and when to give up."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from clawmark_services.faults import Fault as FaultOnPurpose
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.agents.wording import each_text, encodable
from pytest_clawmark.failures import ModelFailure, SettingsError
from pytest_clawmark.gateway.answer import Answer
from pytest_clawmark.gateway.dialects import DIALECTS
from pytest_clawmark.gateway.faults import Fault, ProviderAnswer
from pytest_clawmark.gateway.loop_thread import LoopThread

if TYPE_CHECKING:
    from pytest_clawmark.gateway.endpoint import ModelEndpoint
    from pytest_clawmark.gateway.streaming import AnswerStream, Deliver

Sleep = Callable[[float], Awaitable[None]]
Body = Mapping[str, Any]
Headers = Mapping[str, str]
Meet = Callable[[], FaultOnPurpose | None]
"""The fault on purpose that the next request meets."""
T = TypeVar("T")

_ATTEMPTS = 5
_FIRST_WAIT = 1.0
# Who asks to be left alone for longer than this will not be back within a turn.
_LONGEST_WAIT = 600.0
_LOOK_SECONDS = 10.0
_SHOWN = 500
_NO_HEADERS: Headers = {}


class OutOfTime(Exception):
    """The turn's time ended before the model had answered."""


class GivenUp(Exception):
    """Who asked no longer wants the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Generic[T]):
    """What came, the seconds it took, the retries before it and the seconds lost to those; `faults` are those
    that were put in its way on purpose."""

    value: T
    seconds: float
    retries: int
    lost: float
    faults: tuple[str, ...] = ()


class Provider:
    """One endpoint, shared by all episodes of an agent; everything here may be called from any thread.

    Requests are in the endpoint's own dialect. Cancelling a future ends its request at once.
    """

    def __init__(self, entry: ModelEntry, *, sleep: Sleep = asyncio.sleep) -> None:
        self.entry = entry
        self._sleep = sleep
        self._lock = threading.Lock()
        self._running: tuple[LoopThread, ModelEndpoint] | None = None
        self._closed = False

    def ask(
        self, body: Body, seconds: float | None, headers: Headers = _NO_HEADERS, meet: Meet = lambda: None
    ) -> Future[Answered[Answer]]:
        """Ask for an answer, within `seconds` unless None.

        The future raises `ContextOverflow`, `Refused`, `OutOfTime` or `ModelFailure`. Time lost to the
        service's own faults does not count as the turn's.
        """
        thread, endpoint = self._start()
        return thread.submit(self._persist(lambda: self._ask_once(endpoint, body, seconds, headers), meet))

    def stream(
        self,
        body: Body,
        deliver: Deliver,
        seconds: float | None,
        headers: Headers = _NO_HEADERS,
        meet: Meet = lambda: None,
    ) -> Streamed:
        """Ask for a streamed answer: `deliver` gets its events, on a thread that must not be kept waiting.

        `began` raises what `ask` does, and `GivenUp`; it has come with the first piece of the answer, behind
        which nothing is tried again. `ended` raises `Fault` when the answer broke off.
        """
        from pytest_clawmark.gateway.streaming import AnswerStream

        thread, endpoint = self._start()
        began: Future[Answered[None]] = Future()
        stream = AnswerStream(endpoint, body, self.entry, deliver, headers)
        return Streamed(began=began, ended=thread.submit(self._pass_on(stream, began, seconds, meet)))

    def check(self) -> None:
        """Raise `SettingsError` when the key is missing or refused, or nobody answers."""
        thread, endpoint = self._start()
        answer = thread.submit(_look(endpoint)).result()
        # Not every endpoint lists its models, and a busy one is there all the same.
        if answer is None or answer.status in {404, 405, 429}:
            return
        entry = self.entry
        place = f"{entry.source}: model {entry.name!r}, base_url = {entry.base_url!r}"
        if answer.status in {401, 403}:
            key = entry.api_key_env
            told = (
                f"the key in {key} is refused" if key else "it wants a key: name its variable as api_key_env"
            )
            raise SettingsError(f"{place}: {told} ({answer})")
        raise SettingsError(
            f"{place}: the endpoint cannot be used ({answer}); start the model's server or correct base_url"
        )

    def close(self) -> None:
        """End every request in progress and the connections. Calling it twice is harmless."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None:
            thread, endpoint = running
            # Closed under a request in progress, a connection would look broken instead of given up.
            thread.close(last=endpoint.close())

    def _start(self) -> tuple[LoopThread, ModelEndpoint]:
        # The client takes a while to import, which a run that never asks need not spend.
        from pytest_clawmark.gateway.endpoint import ModelEndpoint

        with self._lock:
            if self._closed:
                raise ModelFailure(f"the connection to {self.entry.name!r} was closed at the end of the run")
            if self._running is None:
                endpoint = ModelEndpoint(self.entry)
                self._running = LoopThread(f"model-{self.entry.name}"), endpoint
            return self._running

    async def _persist(self, ask_once: Callable[[], Awaitable[T]], meet: Meet) -> Answered[T]:
        """Ask until there is an answer, or a reason to stop asking."""
        began = time.monotonic()
        met: list[str] = []
        for attempt in range(_ATTEMPTS):
            asked = time.monotonic()
            try:
                await self._undergo(meet(), met)
                value = await ask_once()
            except Fault as answer:
                fault = answer
            else:
                now = time.monotonic()
                return Answered(
                    value=value,
                    seconds=now - asked,
                    retries=attempt,
                    lost=asked - began,
                    faults=tuple(met),
                )
            if attempt + 1 == _ATTEMPTS or (fault.wait or 0.0) > _LONGEST_WAIT:
                break
            await self._sleep(_pause(attempt, fault))
        waiting = f", and asks to wait {fault.wait:g} seconds" if fault.wait is not None else ""
        raise ModelFailure(
            f"model {self.entry.name!r} at {self.entry.base_url} gave no answer in "
            f"{attempt + 1} attempts: {fault}{waiting}"
        )

    async def _undergo(self, fault: FaultOnPurpose | None, met: list[str]) -> None:
        """What a fault on purpose makes of a request before it is sent: to whoever asks, it is like any other."""
        if fault is None:
            return
        met.append(fault.kind)
        if fault.kind == "slow":
            await self._sleep(fault.seconds)
        elif fault.kind == "dropped":
            raise Fault("the connection was closed before an answer came (on purpose)")
        else:
            wait = fault.seconds if fault.kind == "429" else None
            raise Fault(f"HTTP {fault.kind} (on purpose)", int(fault.kind), wait)

    async def _ask_once(
        self, endpoint: ModelEndpoint, body: Body, seconds: float | None, headers: Headers
    ) -> Answer:
        return self._read(await self._in_time(endpoint.ask(body, headers), seconds), endpoint.scrub)

    async def _in_time(self, asking: Coroutine[Any, Any, T], seconds: float | None) -> T:
        patience = self.entry.timeout_seconds
        limit = patience if seconds is None else max(0.0, min(patience, seconds))
        try:
            async with asyncio.timeout(limit):
                return await asking
        except TimeoutError:
            if limit < patience:
                raise OutOfTime from None
            raise Fault(f"no answer within {patience:g} seconds") from None

    def _read(self, answer: str, scrub: Callable[[str], str]) -> Answer:
        try:
            data = each_text(encodable(json.loads(answer)), scrub)
        except (ValueError, RecursionError):
            raise Fault(f"the answer is not JSON: {scrub(answer)[:_SHOWN]!r}") from None
        return replace(DIALECTS[self.entry.api].read(data), raw=data)

    async def _pass_on(
        self, stream: AnswerStream, began: Future[Answered[None]], seconds: float | None, meet: Meet
    ) -> Answer:
        try:
            began.set_result(await self._persist(lambda: self._first_piece(stream, seconds), meet))
            return await stream.rest()
        except asyncio.CancelledError:
            if not began.done():
                began.set_exception(GivenUp())
            raise
        except Exception as error:
            if not began.done():
                began.set_exception(error)
            raise
        finally:
            await stream.close()

    async def _first_piece(self, stream: AnswerStream, seconds: float | None) -> None:
        await self._in_time(stream.until_first_piece(), seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer that is being streamed: see `Provider.stream`. Cancelling `ended` ends it."""

    began: Future[Answered[None]]
    ended: Future[Answer]


async def _look(endpoint: ModelEndpoint) -> ProviderAnswer | None:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await endpoint.look()
    except ProviderAnswer as answer:
        return answer
    except TimeoutError:
        return Fault(f"no answer within {_LOOK_SECONDS:g} seconds")
    return None


def _pause(attempt: int, fault: Fault) -> float:
    """Doubling from a second, scattered so that many episodes do not come back at once; at least what
    the service asks for."""
    scatter = random.uniform(0.75, 1.25)  # noqa: S311 - nothing secret depends on it
    return max(_FIRST_WAIT * float(2**attempt) * scatter, fault.wait or 0.0)
