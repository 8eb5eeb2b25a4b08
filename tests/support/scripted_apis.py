"""What the scripted model speaks: three APIs, streamed and not, written down from their documentation.

Nothing here is shared with the gateway, so that each checks the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"

# How the harnesses' own tools for running a command are called, and where the command goes.
SHELLS = {
    "shell": "command",
    "Bash": "command",
    "exec_command": "cmd",
    "exec": "command",
    "terminal": "command",
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer: its text, its tool calls (id, name, raw arguments), and why it ended in chat's words."""

    text: str
    calls: Sequence[tuple[str, str, str]]
    finish_reason: str
    usage: Mapping[str, Any] | None


def tool_names(body: Mapping[str, Any]) -> list[str]:
    """What the client offers, by name, whichever API it uses."""
    return [tool.get("function", tool).get("name", tool.get("type")) for tool in body.get("tools", ())]


def answers(path: str, body: Mapping[str, Any]) -> int:
    """How many answers of the model a request already holds."""
    if path != RESPONSES:
        return sum(message["role"] == "assistant" for message in body["messages"])
    items = body["input"] if isinstance(body["input"], list) else []
    own = [
        item.get("role") == "assistant"
        or item.get("type") in ("function_call", "custom_tool_call", "reasoning")
        for item in items
    ]
    return sum(now and not before for before, now in zip([False, *own], own, strict=False))


def whole(path: str, spoken: Spoken) -> dict[str, Any]:
    """The answer in one piece."""
    return {CHAT: _chat, RESPONSES: _response, MESSAGES: _message}[path](spoken)


def pieces(path: str, spoken: Spoken, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """The answer as server-sent events; the first words come in pieces of their own."""
    return {CHAT: _chat_stream, RESPONSES: _response_stream, MESSAGES: _message_stream}[path](spoken, asked)


def _chat(spoken: Spoken) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": spoken.text}
    if spoken.calls:
        message["tool_calls"] = [
            {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call, name, arguments in spoken.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": spoken.finish_reason}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "scripted"}
    return {**answer, "choices": [choice]} | ({"usage": spoken.usage} if spoken.usage else {})


def _chat_stream(spoken: Spoken, asked: Mapping[str, Any]) -> Iterator[bytes]:
    def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        choices = [] if "usage" in more else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return _event("", {**head, "choices": choices, **more})

    yield chunk({"role": "assistant", "content": ""})
    for word in _words(spoken.text):
        yield chunk({"content": word})
    for index, (call, name, arguments) in enumerate(spoken.calls):
        function = {"name": name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call, "type": "function", "function": function}]})
        for half in _halves(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield chunk({}, spoken.finish_reason)
    if spoken.usage and asked.get("stream_options", {}).get("include_usage"):
        yield chunk({}, usage=spoken.usage)
    yield b"data: [DONE]\n\n"


def _items(spoken: Spoken) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if spoken.text or not spoken.calls:
        content = [{"type": "output_text", "text": spoken.text, "annotations": []}]
        items.append(
            {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": content}
        )
    items += [
        {
            "type": "function_call",
            "id": f"f{index}",
            "call_id": call,
            "name": name,
            "arguments": arguments,
            "status": "completed",
        }
        for index, (call, name, arguments) in enumerate(spoken.calls)
    ]
    return items


def _response(spoken: Spoken) -> dict[str, Any]:
    cut = spoken.finish_reason == "length"
    usage = spoken.usage and {
        "input_tokens": spoken.usage["prompt_tokens"],
        "output_tokens": spoken.usage["completion_tokens"],
        "total_tokens": spoken.usage["prompt_tokens"] + spoken.usage["completion_tokens"],
        "input_tokens_details": {"cached_tokens": _cached(spoken.usage)},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": "scripted",
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": _items(spoken),
        "usage": usage,
        "error": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _response_stream(spoken: Spoken, _asked: Mapping[str, Any]) -> Iterator[bytes]:
    number = iter(range(10_000))

    def event(name: str, **data: Any) -> bytes:
        return _event(name, {"type": name, "sequence_number": next(number), **data})

    begun = {**_response(spoken), "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=begun)
    for index, item in enumerate(_items(spoken)):
        place = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "message":
            empty = {**item, "content": [], "status": "in_progress"}
            yield event("response.output_item.added", output_index=index, item=empty)
            part = item["content"][0]
            yield event("response.content_part.added", **place, content_index=0, part={**part, "text": ""})
            for word in _words(spoken.text):
                yield event("response.output_text.delta", **place, content_index=0, delta=word)
            yield event("response.output_text.done", **place, content_index=0, text=spoken.text)
            yield event("response.content_part.done", **place, content_index=0, part=part)
        else:
            empty = {**item, "arguments": "", "status": "in_progress"}
            yield event("response.output_item.added", output_index=index, item=empty)
            for half in _halves(item["arguments"]):
                yield event("response.function_call_arguments.delta", **place, delta=half)
            yield event("response.function_call_arguments.done", **place, arguments=item["arguments"])
        yield event("response.output_item.done", output_index=index, item=item)
    response = _response(spoken)
    yield event(f"response.{response['status']}", response=response)


_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def _message_usage(spoken: Spoken) -> dict[str, Any]:
    usage = spoken.usage or {"prompt_tokens": 0, "completion_tokens": 0}
    cached = _cached(usage)
    return {
        "input_tokens": usage["prompt_tokens"] - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage["completion_tokens"],
    }


def _message(spoken: Spoken) -> dict[str, Any]:
    content: list[Any] = [{"type": "text", "text": spoken.text}] if spoken.text or not spoken.calls else []
    content += [
        {"type": "tool_use", "id": call, "name": name, "input": json.loads(arguments)}
        for call, name, arguments in spoken.calls
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": content,
        "stop_reason": _STOPS[spoken.finish_reason],
        "stop_sequence": None,
        "usage": _message_usage(spoken),
    }


def _message_stream(spoken: Spoken, _asked: Mapping[str, Any]) -> Iterator[bytes]:
    def event(name: str, **data: Any) -> bytes:
        return _event(name, {"type": name, **data})

    usage = _message_usage(spoken)
    begun = {**_message(spoken), "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield event("message_start", message=begun)
    yield event("ping")
    for index, block in enumerate(_message(spoken)["content"]):
        if block["type"] == "text":
            yield event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            deltas = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
        else:
            yield event("content_block_start", index=index, content_block={**block, "input": {}})
            raw = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": half} for half in _halves(raw)]
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    ended = {"stop_reason": _STOPS[spoken.finish_reason], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": usage["output_tokens"]})
    yield event("message_stop")


def _cached(usage: Mapping[str, Any]) -> int:
    return (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)


def _words(text: str) -> list[str]:
    head, blank, tail = text.partition(" ")
    return [part for part in (head + blank, tail) if part]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def _event(name: str, data: Any) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()
