"""What one episode has asked of its model: written down, counted, and held to its limits."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_clawmark.agents.contract import Record, TurnLimits, Usage
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.answer import CHARACTERS_PER_TOKEN, Answer
from pytest_clawmark.gateway.hearing import Hearing, Message, recordable
from pytest_clawmark.gateway.json_reading import table, tables, text, text_of
from pytest_clawmark.gateway.provider import Answered, Meet
from pytest_clawmark.gateway.secrets import secrets_in

_TOKENS_PER_PICTURE = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, in the form of chat completions: which conversation it goes on with, and what is new."""

    conversation: int
    news: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] | None
    removed: Sequence[str]
    estimate: int


class Ledger:
    """Called from any thread. `begin` and `end` enclose each turn.

    With `tools`, it also writes down the tools that the model asked for, as a client's next request tells of
    their results: for a harness, whose tools run where nobody else sees them.
    """

    def __init__(self, entry: ModelEntry, *, tools: bool = False) -> None:
        self._entry, self._writes_tools = entry, tools
        self._lock = threading.RLock()
        self._scrub = secrets_in([entry.api_key_env])
        self._hearing = Hearing()
        self._offered: dict[int, str] = {}
        self._pending: dict[str, tuple[str, str, float]] = {}
        self._record: Record | None = None
        self._limits = TurnLimits()
        self._began = self._lost = 0.0
        self._earlier, self._earlier_seconds = Usage(), 0.0
        self.meet: Meet = _nothing
        """The fault on purpose that the next request meets."""
        self.usage = Usage()
        """Of this turn; the calls of tools only with `tools`."""
        self.answers = 0
        """How many answers the model has given in this episode."""

    def begin(self, record: Record, limits: TurnLimits, meet: Meet | None = None) -> None:
        """A turn begins: write to `record`, and hold to `limits`. Requests meet the faults that `meet` gives."""
        with self._lock:
            self.meet = meet or _nothing
            self._record, self._limits = record, limits
            self._began, self._lost, self.usage = time.monotonic(), 0.0, Usage()
            self._pending.clear()

    def end(self) -> None:
        """The turn is over: nothing more is written, and what it used counts as the episode's."""
        with self._lock:
            self._earlier += self.usage
            self._earlier_seconds += self._seconds()
            self._record, self.usage, self._began = None, Usage(), 0.0

    def freeze(self) -> dict[str, Any]:
        """What the episode has used, and told its model, in turns that are over; as JSON."""
        return {
            "usage": {name: getattr(self._earlier, name) for name in Usage.__slots__},
            "seconds": round(self._earlier_seconds, 3),
            "answers": self.answers,
            "heard": self._hearing.freeze(),
            "offered": {str(number): tools for number, tools in self._offered.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where an episode was frozen."""
        self._earlier, self._earlier_seconds = Usage(**state["usage"]), state["seconds"]
        self.answers = state["answers"]
        self._hearing.restore(state["heard"])
        self._offered = {int(number): tools for number, tools in state["offered"].items()}

    def spent(self) -> str | None:
        """Which limit of the turn or the episode is reached, if one is."""
        with self._lock:
            whole, limits = self._earlier + self.usage, self._limits
            return (
                _over("turn", "tokens", limits.tokens, _tokens(self.usage))
                or _over("turn", "US dollars", limits.cost, self.usage.cost or 0.0)
                or _over("episode", "tokens", limits.episode_tokens, _tokens(whole))
                or _over("episode", "US dollars", limits.episode_cost, whole.cost or 0.0)
                or self._out_of_calls()
                or self.out_of_minutes()
            )

    def _out_of_calls(self) -> str | None:
        limit = self._limits.tool_calls if self._writes_tools else None
        if limit is None or self.usage.tool_calls < limit:
            return None
        return f"the turn's limit of {limit} tool calls is reached"

    def out_of_minutes(self) -> str | None:
        """Whether the turn's or the episode's time is over."""
        seconds, limits = self._seconds(), self._limits
        if limits.minutes is not None and seconds >= limits.minutes * 60:
            return f"the turn's limit of {limits.minutes:g} minutes is reached"
        whole = self._earlier_seconds + seconds
        if limits.episode_minutes is not None and whole >= limits.episode_minutes * 60:
            return f"the episode's limit of {limits.episode_minutes:g} minutes is reached"
        return None

    def seconds_left(self) -> float | None:
        """Until the turn's or the episode's time is over; None without a limit."""
        seconds, limits = self._seconds(), self._limits
        left = [] if limits.minutes is None else [limits.minutes * 60 - seconds]
        if limits.episode_minutes is not None:
            left.append(limits.episode_minutes * 60 - self._earlier_seconds - seconds)
        return min(left, default=None)

    def asks(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] = (),
        removed: Sequence[str] = (),
    ) -> Asked:
        """A request is about to be sent."""
        with self._lock:
            conversation, news = self._hearing.news(messages)
            told = [message for message in news if message.get("role") != "tool"]
            if self._writes_tools:
                for message in news:
                    if message.get("role") == "tool":
                        self._write_tool(message)
            offered = hashlib.sha256(json.dumps(list(tools), sort_keys=True).encode()).hexdigest()
            changed = self._offered.get(conversation) != offered
            self._offered[conversation] = offered
            return Asked(
                conversation=conversation,
                news=[recordable(message) for message in told],
                tools=tools if changed else None,
                removed=removed,
                estimate=estimate(messages),
            )

    def answered(self, asked: Asked, answer: Answer, tried: Answered[Any]) -> Usage:
        """Write an answer down; what it used."""
        counted = answer.counted
        given = asked.estimate if counted.input is None else counted.input
        output = answer.estimate() if counted.output is None else counted.output
        cost = self._entry.cost(given, counted.cached, output)
        used = Usage(
            input_tokens=given, cached_tokens=counted.cached, output_tokens=output, cost=cost, model_calls=1
        )
        with self._lock:
            self.answers += 1
            self.usage += used
            self._lost += tried.lost
            for call in answer.calls():
                function = table(call.get("function"))
                started = (text(function.get("name")), text(function.get("arguments")), time.monotonic())
                self._pending[_plain(call.get("id"))] = started
            self._write(
                {
                    "type": "model",
                    **_told(asked),
                    "message": answer.message,
                    "usage": {
                        "input_tokens": given,
                        "cached_tokens": counted.cached,
                        "output_tokens": output,
                        "estimated": counted.input is None or counted.output is None,
                    },
                    "cost": cost,
                    "seconds": round(tried.seconds, 3),
                    "retries": tried.retries,
                    "finish_reason": answer.finish_reason,
                    **({"faults": list(tried.faults)} if tried.faults else {}),
                }
            )
        return used

    def failed(self, asked: Asked, error: Exception, seconds: float) -> None:
        """Write down that no answer came, or half of one."""
        told = {"error": str(error) or type(error).__name__, "kind": type(error).__name__}
        with self._lock:
            self._write({"type": "model_error", **_told(asked), **told, "seconds": round(seconds, 3)})

    def _seconds(self) -> float:
        return time.monotonic() - self._began - self._lost if self._began else 0.0

    def _write_tool(self, message: Message) -> None:
        """A result of a tool that the model asked for in this turn."""
        call = self._pending.pop(_plain(message.get("tool_call_id")), None)
        if call is None:
            return
        name, arguments, began = call
        self.usage = replace(self.usage, tool_calls=self.usage.tool_calls + 1)
        self._write(
            {
                "type": "tool",
                "name": name,
                "arguments": _readable(arguments),
                "output": text_of(message.get("content")),
                "error": bool(message.get("error")),
                "seconds": round(time.monotonic() - began, 3),
            }
        )

    def _write(self, record: Mapping[str, Any]) -> None:
        # What a harness still asks for after its turn is answered by nobody, and belongs nowhere.
        if self._record is not None:
            self._record(self._scrub.json(record))


def _nothing() -> None:
    """No fault."""


def estimate(messages: Sequence[Message]) -> int:
    """About how many tokens a conversation has, where a provider does not tell."""
    parts = [part for message in messages for part in tables(message.get("content"))]
    pictures = sum(part.get("type") != "text" for part in parts)
    called = [
        table(call.get("function")) for message in messages for call in tables(message.get("tool_calls"))
    ]
    characters = sum(len(text_of(message.get("content"))) for message in messages)
    characters += sum(len(text(function.get("arguments"))) for function in called)
    return int(characters // CHARACTERS_PER_TOKEN + pictures * _TOKENS_PER_PICTURE)


def _plain(identifier: Any) -> str:
    """Some harnesses leave only letters and digits of a call's identifier."""
    return "".join(letter for letter in text(identifier) if letter.isalnum())


def _told(asked: Asked) -> dict[str, Any]:
    told: dict[str, Any] = {"conversation": asked.conversation, "asked": list(asked.news)}
    if asked.tools is not None:
        told["tools"] = list(asked.tools)
    if asked.removed:
        told["removed"] = list(asked.removed)
    return told


def _over(whose: str, what: str, limit: float | None, used: float) -> str | None:
    if limit is None or used < limit:
        return None
    return (
        f"the {whose}'s limit of {limit:g} {what} is reached ({used:g} used)"
        if what != "tokens"
        else (f"the {whose}'s limit of {limit} tokens is reached ({used} used)")
    )


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _readable(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments
