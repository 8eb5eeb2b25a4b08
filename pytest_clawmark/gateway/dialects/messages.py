"""Anthropic's messages, to and from chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.answer import Answer
from pytest_clawmark.gateway.dialects.contract import Api, Body
from pytest_clawmark.gateway.dialects.messages_requests import from_chat, to_chat
from pytest_clawmark.gateway.dialects.messages_streams import MessagesReader, MessagesWriter
from pytest_clawmark.gateway.dialects.messages_words import counted, finish_reason, stop_reason, usage
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, is_overflow
from pytest_clawmark.gateway.json_reading import table, tables, text

_SHOWN = 500
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
_KINDS |= {404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error"}


class Messages:
    """Implements `Dialect`."""

    name: Api = "messages"
    path = "/messages"

    def to_chat(self, body: Mapping[str, Any]) -> Body:
        return to_chat(body)

    def from_chat(self, body: Mapping[str, Any]) -> Body:
        return from_chat(body)

    def read(self, data: Any) -> Answer:
        answer = table(data)
        if answer.get("type") != "message" or not isinstance(answer.get("content"), list):
            shown = json.dumps(data, ensure_ascii=False, default=str)[:_SHOWN]
            if answer.get("type") == "error" and is_overflow(shown):
                raise ContextOverflow(shown)
            raise Fault(f"the answer is no message: {shown}")
        return Answer(
            message=_message(tables(answer["content"])),
            finish_reason=finish_reason(answer.get("stop_reason")),
            counted=counted(answer.get("usage")),
        )

    def write(self, answer: Answer, asked: Mapping[str, Any]) -> Body:
        return {
            "id": "msg_gateway",
            "type": "message",
            "role": "assistant",
            "model": asked.get("model"),
            "content": list(_blocks(answer)),
            "stop_reason": stop_reason(answer),
            "stop_sequence": None,
            "usage": usage(answer.counted),
        }

    def reader(self) -> MessagesReader:
        return MessagesReader()

    def writer(self, asked: Mapping[str, Any]) -> MessagesWriter:
        return MessagesWriter(asked)

    def refusal(self, status: int, why: str, *, overflow: bool = False) -> Body:
        message = f"prompt is too long: {why}" if overflow else why
        return {"type": "error", "error": {"type": _KINDS.get(status, "api_error"), "message": message}}


def _message(blocks: Iterable[Mapping[str, Any]]) -> Body:
    said, thought, calls = "", "", []
    for block in blocks:
        kind = block.get("type")
        if kind == "text":
            said += text(block.get("text"))
        elif kind == "thinking":
            thought += text(block.get("thinking"))
        elif kind == "tool_use":
            arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
            function = {"name": text(block.get("name")), "arguments": arguments}
            calls.append({"id": text(block.get("id")), "type": "function", "function": function})
    message: Body = {"role": "assistant", "content": said}
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = calls
    return message


def _blocks(answer: Answer) -> Iterable[Body]:
    if thought := text(answer.message.get("reasoning_content")) or text(answer.message.get("reasoning")):
        yield {"type": "thinking", "thinking": thought, "signature": ""}
    said = text(answer.message.get("content")) or text(answer.message.get("refusal"))
    if said:
        yield {"type": "text", "text": said}
    for call in answer.calls():
        function = table(call.get("function"))
        yield {
            "type": "tool_use",
            "id": text(call.get("id")),
            "name": text(function.get("name")),
            "input": _input(function.get("arguments")),
        }


def _input(arguments: Any) -> Any:
    """Arguments that are no JSON object reach the client as what was sent, for its tool to refuse."""
    try:
        value = json.loads(text(arguments) or "{}")
    except (ValueError, RecursionError):
        return {"_unreadable": text(arguments)}
    return value if isinstance(value, dict) else {"_unreadable": text(arguments)}
