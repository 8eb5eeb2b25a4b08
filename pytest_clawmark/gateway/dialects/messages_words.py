"""Anthropic's words for counts and for why an answer ended."""

from __future__ import annotations

from typing import Any

from pytest_clawmark.gateway.answer import Answer, Counted
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.json_reading import table, tokens

_TO_CHAT = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_FROM_CHAT = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def finish_reason(stop_reason: Any) -> str | None:
    """The word of chat completions."""
    return _TO_CHAT.get(stop_reason, stop_reason) if isinstance(stop_reason, str) else None


def stop_reason(answer: Answer) -> str:
    """Anthropic's word; whoever answers with tool calls waits for them, whatever the provider calls it."""
    if answer.calls() and answer.finish_reason != "length":
        return "tool_use"
    return _FROM_CHAT.get(answer.finish_reason or "", "end_turn")


def counted(usage: Any) -> Counted:
    """Anthropic counts what it read from its cache, and what it put there, beside the rest."""
    told = table(usage)
    fresh = tokens(told.get("input_tokens"))
    cached = tokens(told.get("cache_read_input_tokens")) or 0
    stored = tokens(told.get("cache_creation_input_tokens")) or 0
    given = None if fresh is None else fresh + cached + stored
    return Counted(input=given, cached=cached, output=tokens(told.get("output_tokens")))


def usage(counted: Counted) -> Body:
    """The counts in Anthropic's form."""
    return {
        "input_tokens": (counted.input or 0) - counted.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counted.cached,
        "output_tokens": counted.output or 0,
    }
