"""Where the requests of a harness are decided: let through, sent, written down, or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pytest_clawmark.agents.contract import Interrupted, Record, Stop, TurnLimits
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.failures import ModelFailure
from pytest_clawmark.gateway.answer import Answer
from pytest_clawmark.gateway.dialects import DIALECTS, Dialect
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, Refused
from pytest_clawmark.gateway.guard import admit, admit_headers, misshapen
from pytest_clawmark.gateway.ledger import Asked, Ledger, estimate
from pytest_clawmark.gateway.line import Line, outgoing
from pytest_clawmark.gateway.provider import Answered, Meet, OutOfTime, Provider

_BROKEN_IN_A_ROW = 5
# The provider will answer no request of this run like that: the key, the money or the name of the model.
_HOPELESS = frozenset({401, 402, 403, 404})


class Refusal(Exception):
    """What a client is told instead of an answer."""

    def __init__(self, status: HTTPStatus, body: Body) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that may be sent: as it came, as it goes out, and what is written down of it."""

    dialect: Dialect
    given: Mapping[str, Any]
    sent: Mapping[str, Any]
    headers: Mapping[str, str]
    asked: Asked
    streams: bool


class Desk:
    """One episode's. `open_for` and `close_for_today` enclose each turn; all else may come from any thread.

    `over` is set when the turn cannot go on: `stop` then tells of a limit, `failure` of the model's service.
    """

    def __init__(self, provider: Provider) -> None:
        self.entry: ModelEntry = provider.entry
        self.ledger = Ledger(provider.entry, tools=True)
        self.line = Line(provider, self.ledger)
        self._lock = threading.Lock()
        self._is_open = False
        self._broken = 0
        self._refused: Refused | None = None
        self._tell: Callable[[], None] = lambda: None
        self.over = threading.Event()
        self.stop: Stop | None = None
        self.failure: ModelFailure | None = None

    def open_for(
        self,
        record: Record,
        limits: TurnLimits,
        tell: Callable[[], None] = lambda: None,
        meet: Meet | None = None,
    ) -> None:
        """A turn begins. `tell` is called, from any thread, when `over` is set."""
        self._tell = tell
        self.ledger.begin(record, limits, meet)
        self.over.clear()
        self.stop = self.failure = self._refused = None
        self._broken = 0
        self._is_open = True

    def close_for_today(self) -> None:
        """The turn is over: no request is answered until the next."""
        self._is_open = False
        self.line.hang_up()
        self.ledger.end()

    def raise_failure(self) -> None:
        """Raise `ModelFailure` if the model's service failed in this turn, whatever its client made of that."""
        if self.failure is None and self.ledger.answers == 0 and self._refused is not None:
            # It never worked: that is no fault of an agent's.
            self.failure = self._failure(f"refuses every request: {self._refused}")
        if self.failure is not None:
            raise self.failure

    def admit(self, dialect: Dialect, content: bytes, headers: Mapping[str, str]) -> Exchange:
        """Read a request and let it through; raises `Refusal`."""
        given = self._read(dialect, content)
        if not self._is_open:
            raise _refusal(dialect, HTTPStatus.SERVICE_UNAVAILABLE, "no turn is being played")
        self._refuse_if_spent(dialect)
        if wrong := misshapen(dialect.name, given):
            raise _refusal(dialect, HTTPStatus.BAD_REQUEST, wrong)
        try:
            kept, removed = admit(dialect.name, given, self.entry.server_tools)
            streams = bool(kept.get("stream"))
            chat = dialect.to_chat(kept)
            asked = self.ledger.asks(chat["messages"], chat.get("tools", ()), removed)
            sent = outgoing(self.entry, kept, dialect, stream=streams)
        except (RecursionError, AttributeError, KeyError, TypeError, ValueError) as error:
            why = f"the request cannot be read: {type(error).__name__}: {error}"
            raise _refusal(dialect, HTTPStatus.BAD_REQUEST, why) from error
        self._refuse_if_spent(dialect)
        return Exchange(
            dialect=dialect,
            given=given,
            sent=sent,
            headers=admit_headers(self.entry.api, headers),
            asked=asked,
            streams=streams,
        )

    def done(self, exchange: Exchange, answer: Answer, tried: Answered[Any]) -> Body:
        """Write an answer down; what to tell the client."""
        self._broken = 0
        self.ledger.answered(exchange.asked, answer, tried)
        if answer.raw is not None and exchange.dialect.name == self.entry.api:
            return dict(answer.raw)
        return exchange.dialect.write(answer, exchange.given)

    def refuse(self, exchange: Exchange, error: Exception, seconds: float) -> Refusal:
        """What to tell the client instead of an answer; the turn ends where nothing else will help.

        Raises `Interrupted` when that is the error, and what no provider can be blamed for.
        """
        if isinstance(error, Interrupted):
            raise error
        self.ledger.failed(exchange.asked, error, seconds)
        dialect = exchange.dialect
        if isinstance(error, OutOfTime):
            self.end(Stop(kind="limit", reason=self.ledger.out_of_minutes() or "the turn's time is over"))
            return _refusal(dialect, HTTPStatus.FORBIDDEN, "the turn's time is over")
        if isinstance(error, ContextOverflow):
            told = dialect.refusal(400, str(error), overflow=True)
            return Refusal(HTTPStatus.BAD_REQUEST, told)
        if isinstance(error, Refused):
            return self._refused_by_provider(dialect, error)
        if isinstance(error, Fault):
            return self._broke_off(dialect, error)
        if not isinstance(error, ModelFailure):
            raise error
        self.end(error)
        return _refusal(dialect, HTTPStatus.SERVICE_UNAVAILABLE, "the model's service failed")

    def count(self, dialect: Dialect, content: bytes) -> Body:
        """About how many tokens a request has; raises `Refusal`."""
        given = self._read(dialect, content)
        return {"input_tokens": estimate(dialect.to_chat(given)["messages"])}

    def _read(self, dialect: Dialect, content: bytes) -> Mapping[str, Any]:
        try:
            given = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _refusal(dialect, HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
        if not isinstance(given, dict):
            raise _refusal(dialect, HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        return given

    def _refuse_if_spent(self, dialect: Dialect) -> None:
        reason = self.ledger.spent()
        if reason is not None:
            self.end(Stop(kind="limit", reason=reason))
            raise _refusal(dialect, HTTPStatus.FORBIDDEN, reason)
        if self.over.is_set():
            raise _refusal(dialect, HTTPStatus.SERVICE_UNAVAILABLE, "the turn is over")

    def _refused_by_provider(self, dialect: Dialect, error: Refused) -> Refusal:
        if error.status in _HOPELESS or error.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.end(self._failure(f"refuses the request: {error}"))
        self._refused = error
        status = error.status if error.status is not None and 400 <= error.status < 500 else 400
        return Refusal(HTTPStatus(status), dialect.refusal(status, str(error)))

    def _broke_off(self, dialect: Dialect, error: Fault) -> Refusal:
        with self._lock:
            self._broken += 1
            hopeless = self._broken >= _BROKEN_IN_A_ROW
        if hopeless:
            self.end(self._failure(f"broke off {_BROKEN_IN_A_ROW} answers in a row: {error}"))
        return _refusal(dialect, HTTPStatus.BAD_GATEWAY, "the answer broke off")

    def _failure(self, what: str) -> ModelFailure:
        return ModelFailure(f"model {self.entry.name!r} at {self.entry.base_url} {what}")

    def end(self, why: Stop | ModelFailure) -> None:
        """The turn cannot go on."""
        with self._lock:
            if isinstance(why, Stop):
                self.stop = self.stop or why
            else:
                self.failure = self.failure or why
        self.over.set()
        self._tell()


def _refusal(dialect: Dialect, status: HTTPStatus, why: str) -> Refusal:
    return Refusal(status, dialect.refusal(status, why))


def by_path(path: str) -> Dialect | None:
    """The dialect of an address below the base URL."""
    return next((dialect for dialect in DIALECTS.values() if dialect.path == path), None)
