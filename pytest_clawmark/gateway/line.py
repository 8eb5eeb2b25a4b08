"""One session's requests to its model, which another thread may cut off."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_clawmark.agents.contract import Interrupted, Usage
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.answer import Answer
from pytest_clawmark.gateway.dialects import DIALECTS, Dialect
from pytest_clawmark.gateway.ledger import Ledger
from pytest_clawmark.gateway.provider import Answered, OutOfTime, Provider, Streamed

if TYPE_CHECKING:
    from pytest_clawmark.gateway.streaming import Deliver

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer and what it used."""

    answer: Answer
    used: Usage


class Line:
    """Asks, and writes down what comes. Requests may overlap; `cut` may come from any thread."""

    def __init__(self, provider: Provider, ledger: Ledger) -> None:
        self._provider, self.ledger = provider, ledger
        self._lock = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._is_cut = False

    def ask(self, chat: Body) -> Reply:
        """Ask in the form of chat completions, within the turn's time.

        Raises `ContextOverflow`, `Refused`, `OutOfTime`, `ModelFailure`, and `Interrupted` once it is cut.
        """
        asked = self.ledger.asks(chat["messages"], chat.get("tools", ()))
        began = time.monotonic()
        try:
            tried = self.send(outgoing(self._provider.entry, chat, DIALECTS["chat"]), {}).result()
        except CancelledError:
            raise Interrupted("the run was stopped while the model was being asked") from None
        except (Interrupted, OutOfTime):
            raise
        except Exception as error:
            self.ledger.failed(asked, error, time.monotonic() - began)
            raise
        used = self.ledger.answered(asked, tried.value, tried)
        return Reply(answer=tried.value, used=used)

    def send(self, body: Body, headers: Mapping[str, str]) -> Future[Answered[Answer]]:
        """As `Provider.ask`, until the line is cut."""
        with self._lock:
            self.refuse_when_cut()
            pending = self._provider.ask(body, self.ledger.seconds_left(), headers, self.ledger.meet)
            self._pending.add(pending)
        pending.add_done_callback(self._forget)
        return pending

    def stream(self, body: Body, deliver: Deliver, headers: Mapping[str, str]) -> Streamed:
        """As `Provider.stream`, until the line is cut."""
        with self._lock:
            self.refuse_when_cut()
            streamed = self._provider.stream(
                body, deliver, self.ledger.seconds_left(), headers, self.ledger.meet
            )
            self._pending.add(streamed.ended)
        streamed.ended.add_done_callback(self._forget)
        return streamed

    def refuse_when_cut(self) -> None:
        """Raise `Interrupted` once it is cut."""
        if self._is_cut:
            raise Interrupted("the run was stopped")

    def hang_up(self) -> None:
        """End every request in progress, waits between retries included."""
        with self._lock:
            pending = list(self._pending)
        for future in pending:
            future.cancel()

    def cut(self) -> None:
        """Hang up, and refuse every later request."""
        with self._lock:
            self._is_cut = True
        self.hang_up()

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            self._pending.discard(future)


def outgoing(entry: ModelEntry, body: Body, spoken: Dialect, *, stream: bool = False) -> dict[str, Any]:
    """The request as the endpoint takes it: in its dialect, with its model and the entry's parameters."""
    target = DIALECTS[entry.api]
    translated = dict(body) if spoken is target else target.from_chat(spoken.to_chat(body))
    if {"max_tokens", "max_completion_tokens"} & entry.parameters.keys():
        for key in ("max_tokens", "max_completion_tokens"):
            translated.pop(key, None)
    sent = {**translated, "model": entry.model, **entry.parameters, "stream": stream}
    if not stream:
        del sent["stream"]
    elif entry.api == "chat":
        sent["stream_options"] = {"include_usage": True}
    if entry.api == "responses":
        # Nothing of an episode stays with the provider, and nothing that stayed there is asked for.
        sent["store"] = False
    return sent
