"""OpenAI's responses, to and from chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_clawmark.gateway.answer import Answer
from pytest_clawmark.gateway.dialects.contract import Api, Body
from pytest_clawmark.gateway.dialects.responses_items import (
    Named,
    answer_items,
    counted,
    finish_reason,
    response_object,
)
from pytest_clawmark.gateway.dialects.responses_requests import from_chat, to_chat
from pytest_clawmark.gateway.dialects.responses_streams import ResponsesReader, ResponsesWriter
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, is_overflow
from pytest_clawmark.gateway.json_reading import table, tables, text, text_of

_SHOWN = 500


class Responses:
    """Implements `Dialect`."""

    name: Api = "responses"
    path = "/responses"

    def to_chat(self, body: Mapping[str, Any]) -> Body:
        return to_chat(body)

    def from_chat(self, body: Mapping[str, Any]) -> Body:
        return from_chat(body)

    def read(self, data: Any) -> Answer:
        return read_response(data)

    def write(self, answer: Answer, asked: Mapping[str, Any]) -> Body:
        return response_object(answer, asked, answer_items(answer, Named(asked)))

    def reader(self) -> ResponsesReader:
        return ResponsesReader(read_response)

    def writer(self, asked: Mapping[str, Any]) -> ResponsesWriter:
        return ResponsesWriter(asked)

    def refusal(self, status: int, why: str, *, overflow: bool = False) -> Body:
        code = "context_length_exceeded" if overflow else None
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": code}}


def read_response(data: Any) -> Answer:
    """The answer that a response object holds."""
    response = table(data)
    items = tables(response.get("output"))
    if response.get("status") not in ("completed", "incomplete") or not isinstance(
        response.get("output"), list
    ):
        shown = json.dumps(data, ensure_ascii=False, default=str)[:_SHOWN]
        if response.get("error") and is_overflow(shown):
            raise ContextOverflow(shown)
        raise Fault(f"the answer is no response: {shown}")
    message: Body = {"role": "assistant", "content": ""}
    calls = []
    for item in items:
        match item.get("type"):
            case "message":
                message["content"] += "".join(
                    text(part.get("text")) or text(part.get("refusal"))
                    for part in tables(item.get("content"))
                )
            case "reasoning":
                thought = text_of(item.get("content")) or text_of(item.get("summary"))
                if thought:
                    message["reasoning_content"] = message.get("reasoning_content", "") + thought
            case "function_call" | "custom_tool_call" | "local_shell_call":
                calls.append(_call(item))
    if calls:
        message["tool_calls"] = calls
    return Answer(
        message=message,
        finish_reason=finish_reason(response, called=bool(calls)),
        counted=counted(response.get("usage")),
    )


def _call(item: Mapping[str, Any]) -> Body:
    arguments = item.get("arguments", item.get("input", item.get("action")))
    return {
        "id": text(item.get("call_id")),
        "type": "function",
        "function": {
            "name": text(item.get("name")) or "local_shell",
            "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments or {}),
        },
    }
