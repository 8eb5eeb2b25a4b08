"""Messages in the order that every model's template takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_clawmark.gateway.dialects.contract import Body


def orderly(messages: Iterable[Body]) -> list[Body]:
    """One system message, and that first; neighbours of the same role joined.

    Clients of the other APIs instruct the model in mid-conversation too, which many templates of chat models
    refuse: such instructions are told as the user's.
    """
    kept: list[Body] = []
    for message in messages:
        role = message["role"]
        if role == "system" and any(earlier["role"] != "system" for earlier in kept):
            message = {**message, "role": "user"}  # noqa: PLW2901 - the message as it is kept
        if kept and kept[-1]["role"] == message["role"] and message["role"] != "tool":
            kept[-1] = _joined(kept[-1], message)
        else:
            kept.append(message)
    return kept


def _joined(first: Body, second: Body) -> Body:
    joined = {**first, "content": _together(first.get("content"), second.get("content"))}
    calls = [*first.get("tool_calls", ()), *second.get("tool_calls", ())]
    return joined | ({"tool_calls": calls} if calls else {})


def _together(first: Any, second: Any) -> Any:
    if isinstance(first, list) or isinstance(second, list):
        return [*_parts(first), *_parts(second)]
    return "\n\n".join(said for said in (first, second) if said)


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
