"""Asking a model until it answers: time limits, retries and interruption."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_clawmark.agents.chat.completion import Completion, read_completion
from pytest_clawmark.agents.chat.faults import Fault, ProviderAnswer
from pytest_clawmark.agents.chat.loop_thread import LoopThread
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.failures import ModelFailure, SettingsError

if TYPE_CHECKING:
    from pytest_clawmark.agents.chat.endpoint import ModelEndpoint

Sleep = Callable[[float], Awaitable[None]]

_ATTEMPTS = 5
_FIRST_WAIT = 1.0
# Who asks to be left alone for longer than this will not be back within a turn.
_LONGEST_WAIT = 600.0
_LOOK_SECONDS = 10.0


class OutOfTime(Exception):
    """The turn's time ended before the model had answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A completion, the seconds it took, the retries before it and the seconds lost to those."""

    completion: Completion
    seconds: float
    retries: int
    lost: float


class Provider:
    """One endpoint, shared by all episodes of an agent; everything here may be called from any thread."""

    def __init__(self, entry: ModelEntry, *, sleep: Sleep = asyncio.sleep) -> None:
        self._entry = entry
        self._sleep = sleep
        self._lock = threading.Lock()
        self._running: tuple[LoopThread, ModelEndpoint] | None = None
        self._closed = False

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        seconds: float | None,
    ) -> Future[Answered]:
        """Ask for the next message, within `seconds` unless None; cancelling the future ends it at once.

        The future raises `ContextOverflow`, `Refused`, `OutOfTime` or `ModelFailure`. Time lost to the
        service's own faults does not count as the turn's.
        """
        body: dict[str, Any] = {"model": self._entry.model, "messages": list(messages)}
        if tools:
            body["tools"] = list(tools)
        thread, endpoint = self._start()
        return thread.submit(self._persist(endpoint, body, seconds))

    def check(self) -> None:
        """Raise `SettingsError` when the key is missing or refused, or nobody answers."""
        thread, endpoint = self._start()
        answer = thread.submit(_look(endpoint)).result()
        # Not every endpoint lists its models, and a busy one is there all the same.
        if answer is None or answer.status in {404, 405, 429}:
            return
        entry = self._entry
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
        # The client takes half a second to import, which a run that never asks need not spend.
        from pytest_clawmark.agents.chat.endpoint import ModelEndpoint

        with self._lock:
            if self._closed:
                raise ModelFailure(f"the connection to {self._entry.name!r} was closed at the end of the run")
            if self._running is None:
                endpoint = ModelEndpoint(self._entry)
                self._running = LoopThread(f"model-{self._entry.name}"), endpoint
            return self._running

    async def _persist(
        self, endpoint: ModelEndpoint, body: Mapping[str, Any], seconds: float | None
    ) -> Answered:
        """Ask until there is an answer, or a reason to stop asking."""
        began = time.monotonic()
        for attempt in range(_ATTEMPTS):
            asked = time.monotonic()
            try:
                completion = await self._ask_once(endpoint, body, seconds)
            except Fault as answer:
                fault = answer
            else:
                now = time.monotonic()
                return Answered(
                    completion=completion, seconds=now - asked, retries=attempt, lost=asked - began
                )
            if attempt + 1 == _ATTEMPTS or (fault.wait or 0.0) > _LONGEST_WAIT:
                break
            await self._sleep(_pause(attempt, fault))
        waiting = f", and asks to wait {fault.wait:g} seconds" if fault.wait is not None else ""
        raise ModelFailure(
            f"model {self._entry.name!r} at {self._entry.base_url} gave no answer in "
            f"{attempt + 1} attempts: {fault}{waiting}"
        )

    async def _ask_once(
        self, endpoint: ModelEndpoint, body: Mapping[str, Any], seconds: float | None
    ) -> Completion:
        patience = self._entry.timeout_seconds
        limit = patience if seconds is None else max(0.0, min(patience, seconds))
        try:
            async with asyncio.timeout(limit):
                answer = await endpoint.chat(body)
        except TimeoutError:
            if limit < patience:
                raise OutOfTime from None
            raise Fault(f"no answer within {patience:g} seconds") from None
        return read_completion(answer, endpoint.scrub_answer)


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
