"""One completion of a model, as the conversation keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawmark_services import ToolError
from pytest_clawmark.agents.arguments import parse
from pytest_clawmark.gateway.answer import CHARACTERS_PER_TOKEN, Answer

__all__ = ["CHARACTERS_PER_TOKEN", "Completion", "ToolRequest", "completion_of"]

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequest:
    """A call that a model asks for: `arguments` is the raw text it sent, `id` unique in its completion."""

    id: str
    name: str
    arguments: str

    def echo(self) -> dict[str, Any]:
        """The call as the conversation keeps it.

        Providers refuse whole conversations in which a call has an odd name or arguments that are not a
        JSON object; such a call is kept in a form that they take, and the tool's answer quotes the original.
        """
        try:
            arguments = self.arguments if parse(self.arguments) else "{}"
        except ToolError:
            arguments = "{}"
        name = _NOT_IN_A_NAME.sub("_", self.name)[:64] or "unnamed"
        return {"id": self.id, "type": "function", "function": {"name": name, "arguments": arguments}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said. `message` is the provider's own; the token counts are None where it gave none."""

    message: Mapping[str, Any]
    text: str
    requests: Sequence[ToolRequest]
    finish_reason: str | None
    input_tokens: int | None
    cached_tokens: int
    output_tokens: int | None

    def estimate(self) -> int:
        """About how many tokens it has, for providers that do not tell."""
        return len(json.dumps(self.message, ensure_ascii=False)) // CHARACTERS_PER_TOKEN

    def echo(self) -> dict[str, Any]:
        """The answer as the conversation keeps it: without reasoning, which providers do not take back."""
        kept: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.requests:
            kept["tool_calls"] = [request.echo() for request in self.requests]
        return kept


def completion_of(answer: Answer) -> Completion:
    """The completion that an answer holds, whatever a provider put into it."""
    message = answer.message
    return Completion(
        message=message,
        text=_text(message.get("content")) or _text(message.get("refusal")),
        requests=_requests(message.get("tool_calls")),
        finish_reason=answer.finish_reason,
        input_tokens=answer.counted.input,
        cached_tokens=answer.counted.cached,
        output_tokens=answer.counted.output,
    )


def _text(content: Any) -> str:
    """Content is a text, nothing, or a list of parts of which some are texts."""
    if isinstance(content, list):
        return "".join(_text(_table(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _requests(calls: Any) -> Sequence[ToolRequest]:
    requests: list[ToolRequest] = []
    seen: set[str] = set()
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        function = _table(_table(call).get("function"))
        name, arguments, given = function.get("name"), function.get("arguments"), _table(call).get("id")
        usable = isinstance(given, str) and given and given not in seen
        identifier = str(given) if usable else f"call_{index}_{len(seen)}"
        seen.add(identifier)
        requests.append(
            ToolRequest(
                id=identifier,
                name=name if isinstance(name, str) else "",
                arguments=_argument_text(arguments),
            )
        )
    return tuple(requests)


def _argument_text(arguments: Any) -> str:
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
