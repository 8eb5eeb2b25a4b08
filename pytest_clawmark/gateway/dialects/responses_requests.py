"""Requests for responses, to and from chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.dialects.content import image_part, image_url, text_part
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.dialects.orderly import orderly
from pytest_clawmark.gateway.dialects.responses_items import full_name
from pytest_clawmark.gateway.json_reading import table, tables, text, text_of

_SAME = ("temperature", "top_p", "parallel_tool_calls", "stream", "model")
_FREE_TEXT = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "the whole input, as free text"}},
    "required": ["input"],
}
_COMMAND = {
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}},
        "working_directory": {"type": "string"},
        "timeout_ms": {"type": "number"},
    },
    "required": ["command"],
}


def to_chat(body: Mapping[str, Any]) -> Body:
    """As a request for chat completions. Reasoning is left out: other models do not take it back."""
    chat: Body = {key: body[key] for key in _SAME if body.get(key) is not None}
    messages: list[Body] = []
    if instructions := text(body.get("instructions")):
        messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if isinstance(given, str):
        messages.append({"role": "user", "content": given})
    for item in tables(given):
        messages += _messages(item)
    chat["messages"] = orderly(messages)
    if body.get("max_output_tokens") is not None:
        chat["max_tokens"] = body["max_output_tokens"]
    if tools := [function for tool in tables(body.get("tools")) for function in _functions(tool)]:
        chat["tools"] = tools
        chat |= _choice(body.get("tool_choice"))
    else:
        chat.pop("parallel_tool_calls", None)
    wanted = table(table(body.get("text")).get("format"))
    if wanted.get("type") == "json_schema":
        schema = {key: wanted[key] for key in ("name", "schema", "strict") if key in wanted}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif wanted.get("type") == "json_object":
        chat["response_format"] = {"type": "json_object"}
    return chat


def _messages(item: Mapping[str, Any]) -> Iterable[Body]:
    match item.get("type", "message"):
        case "message":
            return [_message(item)]
        case "function_call":
            name = full_name(text(item.get("namespace")), text(item.get("name")))
            return [_called(item, name, text(item.get("arguments")))]
        case "custom_tool_call":
            arguments = json.dumps({"input": text(item.get("input"))}, ensure_ascii=False)
            return [_called(item, text(item.get("name")), arguments)]
        case "local_shell_call":
            return [_called(item, "local_shell", json.dumps(table(item.get("action"))))]
        case "function_call_output" | "custom_tool_call_output" | "local_shell_call_output":
            return _output(item)
    return []


def _message(item: Mapping[str, Any]) -> Body:
    role = text(item.get("role")) or "user"
    content = item.get("content")
    parts = [text_part(content)] if isinstance(content, str) else [_part(p) for p in tables(content)]
    return {"role": "system" if role == "developer" else role, "content": _plain([p for p in parts if p])}


def _part(part: Mapping[str, Any]) -> Body:
    match part.get("type"):
        case "input_image":
            return image_part(image_url(part))
        case "input_file":
            return {
                "type": "file",
                "file": {key: part[key] for key in ("filename", "file_data") if key in part},
            }
        case "input_audio":
            return {"type": "input_audio", "input_audio": part.get("input_audio")}
    return text_part(text(part.get("text")) or text(part.get("refusal")))


def _plain(parts: list[Body]) -> Any:
    """Many servers take a list of parts only where there are pictures."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _called(item: Mapping[str, Any], name: str, arguments: str) -> Body:
    call = {
        "id": text(item.get("call_id")),
        "type": "function",
        "function": {"name": name, "arguments": arguments or "{}"},
    }
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _output(item: Mapping[str, Any]) -> Iterable[Body]:
    output = item.get("output")
    if isinstance(output, dict):
        output = output.get("content", json.dumps(output, ensure_ascii=False))
    parts = [_part(part) for part in tables(output)]
    said = output if isinstance(output, str) else "\n".join(p["text"] for p in parts if p["type"] == "text")
    yield {"role": "tool", "tool_call_id": text(item.get("call_id")), "content": said}
    pictures = [part for part in parts if part["type"] != "text"]
    if pictures:
        yield {"role": "user", "content": pictures}


def _functions(tool: Mapping[str, Any]) -> Iterable[Body]:
    match tool.get("type"):
        case "function":
            return [_function(tool, text(tool.get("name")), tool.get("parameters"))]
        case "custom":
            grammar = text(table(tool.get("format")).get("definition"))
            told = text(tool.get("description")) + (f"\n\nIts grammar:\n{grammar}" if grammar else "")
            return [_function({"description": told}, text(tool.get("name")), _FREE_TEXT)]
        case "local_shell":
            return [_function({"description": "Run a command."}, "local_shell", _COMMAND)]
        case "namespace":
            space = text(tool.get("name"))
            return [
                _function(inner, full_name(space, text(inner.get("name"))), inner.get("parameters"))
                for inner in tables(tool.get("tools"))
                if inner.get("type") == "function"
            ]
    return []


def _function(tool: Mapping[str, Any], name: str, parameters: Any) -> Body:
    function: Body = {"name": name, "parameters": parameters or {"type": "object", "properties": {}}}
    if tool.get("description"):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Body:
    if isinstance(choice, str) and choice in ("auto", "none", "required"):
        return {"tool_choice": choice}
    if table(choice).get("type") in ("function", "custom"):
        return {"tool_choice": {"type": "function", "function": {"name": table(choice).get("name")}}}
    return {}


def from_chat(body: Mapping[str, Any]) -> Body:
    """As a request for responses."""
    asked: Body = {key: body[key] for key in _SAME if body.get(key) is not None}
    asked["store"] = False
    asked["input"] = [item for message in tables(body.get("messages")) for item in _items(message)]
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if most is not None:
        asked["max_output_tokens"] = most
    if body.get("reasoning_effort"):
        asked["reasoning"] = {"effort": body["reasoning_effort"]}
    if tools := [{"type": "function", **table(tool.get("function"))} for tool in tables(body.get("tools"))]:
        # Chat's functions are not strict unless they say so, those of responses are.
        asked["tools"] = [{"strict": False, **tool} for tool in tools]
        choice = body.get("tool_choice")
        if isinstance(choice, dict):
            choice = {"type": "function", "name": table(choice.get("function")).get("name")}
        asked |= {"tool_choice": choice} if choice else {}
    wanted = table(body.get("response_format"))
    if wanted.get("type") == "json_schema":
        asked["text"] = {"format": {"type": "json_schema", **table(wanted.get("json_schema"))}}
    elif wanted.get("type") == "json_object":
        asked["text"] = {"format": {"type": "json_object"}}
    return asked


def _items(message: Mapping[str, Any]) -> Iterable[Body]:
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        call = text(message.get("tool_call_id"))
        yield {"type": "function_call_output", "call_id": call, "output": text_of(content)}
        return
    kind = "output_text" if role == "assistant" else "input_text"
    parts = [{"type": kind, "text": content}] if isinstance(content, str) else list(_parts(content, kind))
    if any(part.get("text") or part["type"] != kind for part in parts):
        yield {"type": "message", "role": role, "content": parts}
    for called in tables(message.get("tool_calls")):
        function = table(called.get("function"))
        yield {
            "type": "function_call",
            "call_id": text(called.get("id")),
            "name": text(function.get("name")),
            "arguments": text(function.get("arguments")),
        }


def _parts(content: Any, kind: str) -> Iterable[Body]:
    for part in tables(content):
        if part.get("type") == "image_url":
            yield {"type": "input_image", "image_url": image_url(part)}
        elif part.get("type") == "file":
            yield {"type": "input_file", **table(part.get("file"))}
        elif part.get("type") == "input_audio":
            yield dict(part)
        else:
            yield {"type": kind, "text": text(part.get("text"))}
