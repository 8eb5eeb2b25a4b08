"""What each API is to the gateway: a way to and from chat completions, the form that everything is kept in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from pytest_clawmark.gateway.answer import Answer, Delta
from pytest_clawmark.gateway.events import Event

Api = Literal["chat", "responses", "messages"]

Body = dict[str, Any]


class StreamReader(Protocol):
    """Reads one streamed answer. A reader raises what `Dialect.read` raises."""

    def feed(self, event: Event) -> Iterable[Delta]:
        """The pieces that an event brings."""

    @property
    def ended(self) -> bool:
        """Whether the answer is whole."""

    def answer(self) -> Answer:
        """The answer, as far as it has come."""


class StreamWriter(Protocol):
    """Writes one streamed answer."""

    def begin(self) -> Iterable[Event]:
        """What comes before the first piece."""

    def write(self, delta: Delta) -> Iterable[Event]:
        """A piece."""

    def end(self, answer: Answer) -> Iterable[Event]:
        """What comes after the last."""


class Dialect(Protocol):
    """One API. It holds no state."""

    @property
    def name(self) -> Api: ...

    @property
    def path(self) -> str:
        """Where requests go, below the base URL."""

    def to_chat(self, body: Mapping[str, Any]) -> Body:
        """A request of this API as one of chat completions.

        A result of a tool that failed carries `"error": True`, which `from_chat` understands or drops.
        """

    def from_chat(self, body: Mapping[str, Any]) -> Body:
        """A request of chat completions as one of this API."""

    def read(self, data: Any) -> Answer:
        """An answer in JSON; raises `Fault` or `ContextOverflow` where it is none."""

    def write(self, answer: Answer, asked: Mapping[str, Any]) -> Body:
        """An answer to the request `asked`, in this API's form."""

    def reader(self) -> StreamReader: ...

    def writer(self, asked: Mapping[str, Any]) -> StreamWriter:
        """For an answer to the request `asked`."""

    def refusal(self, status: int, why: str, *, overflow: bool = False) -> Body:
        """The body of an error, worded as this API's clients understand it."""
