"""One answer of a model in the form of chat completions, whichever API it came through, and its pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

CHARACTERS_PER_TOKEN = 4
"""About how much text makes a token, where a provider does not count them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Tokens as the provider counts them, None where it does not; `cached` is part of `input`."""

    input: int | None = None
    cached: int = 0
    output: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`message` has `role`, `content`, and perhaps `reasoning_content` and `tool_calls`; `raw` is the whole
    answer as the endpoint gave it, unless it was streamed."""

    message: Mapping[str, Any]
    finish_reason: str | None
    counted: Counted = field(default_factory=Counted)
    raw: Any = None

    def estimate(self) -> int:
        """About how many tokens it has, for providers that do not tell."""
        return len(json.dumps(self.message, ensure_ascii=False)) // CHARACTERS_PER_TOKEN

    def calls(self) -> Sequence[Mapping[str, Any]]:
        """The tool calls it asks for, each with `id` and `function`."""
        calls = self.message.get("tool_calls")
        return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of an answer that is streamed.

    `text` and `reasoning` carry text; `call` begins the tool call number `index`, of which `arguments`
    carries text.
    """

    kind: Literal["text", "reasoning", "call", "arguments"]
    text: str = ""
    index: int = 0
    id: str = ""
    name: str = ""


class Gathering:
    """Puts the pieces of a streamed answer together."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self.finish_reason: str | None = None
        self.counted = Counted()

    def add(self, delta: Delta) -> None:
        """Keep one piece."""
        if delta.kind == "text":
            self._text.append(delta.text)
        elif delta.kind == "reasoning":
            self._reasoning.append(delta.text)
        elif delta.kind == "call":
            self._calls[delta.index] = (delta.id, delta.name, [])
        elif delta.index in self._calls:
            self._calls[delta.index][2].append(delta.text)

    def has_call(self, index: int) -> bool:
        """Whether the call number `index` has begun."""
        return index in self._calls

    def count(self, counted: Counted) -> None:
        """Take over what is told; counts come in parts with some providers."""
        known = self.counted
        self.counted = replace(
            known,
            input=known.input if counted.input is None else counted.input,
            cached=counted.cached or known.cached,
            output=known.output if counted.output is None else counted.output,
        )

    def answer(self) -> Answer:
        """The answer as far as it has come."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._calls:
            message["tool_calls"] = [
                {
                    "id": identifier,
                    "type": "function",
                    "function": {"name": name, "arguments": "".join(parts)},
                }
                for _, (identifier, name, parts) in sorted(self._calls.items())
            ]
        return Answer(message=message, finish_reason=self.finish_reason, counted=self.counted)
