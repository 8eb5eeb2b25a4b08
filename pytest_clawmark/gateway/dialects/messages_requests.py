"""Requests for messages, to and from chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.dialects.content import (
    data_url,
    image_part,
    image_url,
    split_data_url,
    text_part,
)
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.dialects.orderly import orderly
from pytest_clawmark.gateway.json_reading import table, tables, text, text_of

# Anthropic wants to be told how long an answer may become.
_MAX_TOKENS = 16_384
_SAME = ("max_tokens", "temperature", "top_p", "stream", "model")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def to_chat(body: Mapping[str, Any]) -> Body:
    """As a request for chat completions. Thinking is left out: other models do not take it back."""
    chat: Body = {key: body[key] for key in _SAME if body.get(key) is not None}
    system = text_of(body.get("system"))
    messages: list[Body] = [{"role": "system", "content": system}] if system else []
    for message in tables(body.get("messages")):
        messages += _assistant(message) if message.get("role") == "assistant" else _user(message)
    chat["messages"] = orderly(messages)
    if body.get("stop_sequences"):
        chat["stop"] = body["stop_sequences"]
    tools = [_function(tool) for tool in tables(body.get("tools")) if "input_schema" in tool]
    if tools:
        chat["tools"] = tools
        chat |= _choice(table(body.get("tool_choice")))
    wanted = table(table(body.get("output_config")).get("format"))
    if wanted.get("type") == "json_schema":
        schema = {"name": "answer", "schema": wanted.get("schema")}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    return chat


def _assistant(message: Mapping[str, Any]) -> Iterable[Body]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"role": "assistant", "content": content}]
    kept: Body = {"role": "assistant", "content": ""}
    calls = []
    for block in tables(content):
        if block.get("type") == "text":
            kept["content"] += text(block.get("text"))
        elif block.get("type") == "tool_use":
            arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
            function = {"name": text(block.get("name")), "arguments": arguments}
            calls.append({"id": text(block.get("id")), "type": "function", "function": function})
    return [kept | ({"tool_calls": calls} if calls else {})]


def _user(message: Mapping[str, Any]) -> Iterable[Body]:
    role = "system" if message.get("role") == "system" else "user"
    content = message.get("content")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    results: list[Body] = []
    parts: list[Body] = []
    for block in tables(content):
        if block.get("type") == "tool_result":
            said, pictures = _result(block.get("content"))
            result = {"role": "tool", "tool_call_id": text(block.get("tool_use_id")), "content": said}
            results.append(result | ({"error": True} if block.get("is_error") else {}))
            parts += pictures
        else:
            parts += _part(block)
    # Results come first: chat wants them right behind the calls.
    return [*results, *([{"role": role, "content": _plain(parts)}] if parts else [])]


def _result(content: Any) -> tuple[str, list[Body]]:
    if not isinstance(content, list):
        return text(content), []
    parts = [part for block in tables(content) for part in _part(block)]
    said = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return said, [part for part in parts if part["type"] != "text"]


def _part(block: Mapping[str, Any]) -> list[Body]:
    kind, source = block.get("type"), table(block.get("source"))
    if kind == "text":
        return [text_part(text(block.get("text")))]
    if kind in ("image", "document") and source.get("type") == "base64":
        url = data_url(text(source.get("media_type")), text(source.get("data")))
        if kind == "image":
            return [image_part(url)]
        return [
            {"type": "file", "file": {"filename": text(block.get("title")) or "document", "file_data": url}}
        ]
    if kind == "document" and source.get("type") == "text":
        return [text_part(text(source.get("data")))]
    return []


def _plain(parts: list[Body]) -> Any:
    """Many servers take a list of parts only where there are pictures."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _function(tool: Mapping[str, Any]) -> Body:
    function = {"name": tool.get("name"), "parameters": tool["input_schema"]}
    told = {"description": tool["description"]} if tool.get("description") else {}
    return {"type": "function", "function": function | told}


def _choice(choice: Mapping[str, Any]) -> Body:
    chosen: Body = {}
    kind = choice.get("type")
    if kind == "tool":
        chosen["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in _CHOICES:
        chosen["tool_choice"] = _CHOICES[kind]
    if choice.get("disable_parallel_tool_use"):
        chosen["parallel_tool_calls"] = False
    return chosen


def from_chat(body: Mapping[str, Any]) -> Body:
    """As a request for messages."""
    given = tables(body.get("messages"))
    system = "\n\n".join(text_of(message.get("content")) for message in given if _instructs(message))
    asked: Body = {key: body[key] for key in _SAME if body.get(key) is not None}
    asked["max_tokens"] = body.get("max_completion_tokens") or body.get("max_tokens") or _MAX_TOKENS
    if system:
        asked["system"] = system
    asked["messages"] = _turns(message for message in given if not _instructs(message))
    if body.get("stop"):
        asked["stop_sequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    if functions := [_tool(table(tool.get("function"))) for tool in tables(body.get("tools"))]:
        asked["tools"] = functions
        asked |= _tool_choice(body)
    return asked


def _instructs(message: Mapping[str, Any]) -> bool:
    return message.get("role") in ("system", "developer")


def _turns(messages: Iterable[Mapping[str, Any]]) -> list[Body]:
    """The messages with their neighbours of the same role joined, since all results must be in one."""
    turns: list[Body] = []
    for message in messages:
        role = "assistant" if message.get("role") == "assistant" else "user"
        blocks = list(_assistant_blocks(message) if role == "assistant" else _user_blocks(message))
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _assistant_blocks(message: Mapping[str, Any]) -> Iterable[Body]:
    if said := text_of(message.get("content")):
        yield text_part(said)
    for call in tables(message.get("tool_calls")):
        function = table(call.get("function"))
        try:
            arguments = json.loads(text(function.get("arguments")) or "{}")
        except (ValueError, RecursionError):
            arguments = {}
        yield {
            "type": "tool_use",
            "id": text(call.get("id")),
            "name": text(function.get("name")),
            "input": arguments if isinstance(arguments, dict) else {},
        }


def _user_blocks(message: Mapping[str, Any]) -> Iterable[Body]:
    content = message.get("content")
    if message.get("role") == "tool":
        result = {
            "type": "tool_result",
            "tool_use_id": message.get("tool_call_id"),
            "content": text_of(content),
        }
        yield result | ({"is_error": True} if message.get("error") else {})
    elif isinstance(content, str):
        yield text_part(content)
    else:
        for part in tables(content):
            yield from _block(part)


def _block(part: Mapping[str, Any]) -> Iterable[Body]:
    if part.get("type") == "text":
        yield text_part(text(part.get("text")))
        return
    kind = "image" if part.get("type") == "image_url" else "document"
    url = image_url(part) or text(table(part.get("file")).get("file_data"))
    if split := split_data_url(url):
        yield {"type": kind, "source": {"type": "base64", "media_type": split[0], "data": split[1]}}


def _tool(function: Mapping[str, Any]) -> Body:
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    told = {"description": function["description"]} if function.get("description") else {}
    return {"name": function.get("name"), "input_schema": schema} | told


def _tool_choice(body: Mapping[str, Any]) -> Body:
    choice = body.get("tool_choice")
    chosen: Body = {}
    if isinstance(choice, dict):
        chosen = {"type": "tool", "name": table(choice.get("function")).get("name")}
    elif choice in ("auto", "none", "required"):
        chosen = {"type": "any" if choice == "required" else choice}
    if body.get("parallel_tool_calls") is False:
        chosen = {"type": "auto", **chosen, "disable_parallel_tool_use": True}
    return {"tool_choice": chosen} if chosen else {}
