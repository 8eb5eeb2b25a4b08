"""The items of a response: what a model says and asks for, as OpenAI's responses list it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_clawmark.gateway.answer import Answer, Counted
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.json_reading import table, tables, text, tokens

_BETWEEN = "__"


class Named:
    """What kind of tool each name in a request stands for, since chat completions know functions only.

    A `custom` tool takes free text, which the function carries as `input`; the functions of a `namespace`
    carry its name before theirs.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._kinds: dict[str, tuple[str, str, str]] = {}
        for tool in tables(asked.get("tools")):
            kind, name = tool.get("type"), text(tool.get("name"))
            if kind == "namespace":
                for inner in tables(tool.get("tools")):
                    self._add(str(inner.get("type")), name, text(inner.get("name")))
            else:
                self._add(str(kind), "", name or str(kind))

    def item(self, identifier: str, name: str, arguments: str) -> Body:
        """The item of a finished call."""
        kind, space, own = self._kinds.get(name, ("function", "", name))
        item: Body = {"id": f"fc_{identifier}", "call_id": identifier, "status": "completed"}
        if kind == "custom":
            return item | {"type": "custom_tool_call", "name": own, "input": _input(arguments)}
        if kind == "local_shell":
            return item | {"type": "local_shell_call", "action": {"type": "exec", **_object(arguments)}}
        item |= {"type": "function_call", "name": own, "arguments": arguments}
        return item | ({"namespace": space} if space else {})

    def plain(self, name: str) -> bool:
        """Whether its arguments go out as they come."""
        return self._kinds.get(name, ("function", "", ""))[0] not in ("custom", "local_shell")

    def _add(self, kind: str, space: str, name: str) -> None:
        self._kinds[full_name(space, name)] = (kind, space, name)


def full_name(space: str, name: str) -> str:
    """The name of a function of a namespace, as chat completions know it."""
    return f"{space.removesuffix(_BETWEEN)}{_BETWEEN}{name}" if space else name


def answer_items(answer: Answer, named: Named) -> list[Body]:
    """Reasoning, text and calls, in that order."""
    items: list[Body] = []
    message = answer.message
    if thought := text(message.get("reasoning_content")) or text(message.get("reasoning")):
        items.append(reasoning_item(thought))
    if said := text(message.get("content")) or text(message.get("refusal")):
        items.append(message_item(said))
    for call in answer.calls():
        function = table(call.get("function"))
        items.append(
            named.item(text(call.get("id")), text(function.get("name")), text(function.get("arguments")))
        )
    return items


def reasoning_item(thought: str) -> Body:
    """What the model thought."""
    return {"type": "reasoning", "id": "rs_0", "summary": [{"type": "summary_text", "text": thought}]}


def message_item(said: str, status: str = "completed") -> Body:
    """What the model said."""
    content = [{"type": "output_text", "text": said, "annotations": []}] if status == "completed" else []
    return {"type": "message", "id": "msg_0", "role": "assistant", "status": status, "content": content}


def response_object(answer: Answer | None, asked: Mapping[str, Any], items: Sequence[Body]) -> Body:
    """The response, in progress without an answer."""
    cut_off = answer is not None and answer.finish_reason == "length"
    status = "in_progress" if answer is None else "incomplete" if cut_off else "completed"
    return {
        "id": "resp_gateway",
        "object": "response",
        "created_at": 0,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut_off else None,
        "model": asked.get("model"),
        "output": list(items),
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools", []),
        "usage": None if answer is None else _usage(answer.counted),
    }


def finish_reason(response: Mapping[str, Any], *, called: bool) -> str:
    """The word of chat completions for why a response ended."""
    reason = table(response.get("incomplete_details")).get("reason")
    if response.get("status") == "incomplete":
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if called else "stop"


def counted(usage: Any) -> Counted:
    """The tokens that a response tells of."""
    told = table(usage)
    given = tokens(told.get("input_tokens"))
    cached = tokens(table(told.get("input_tokens_details")).get("cached_tokens")) or 0
    return Counted(input=given, cached=min(cached, given or 0), output=tokens(told.get("output_tokens")))


def _usage(counted: Counted) -> Body:
    given, answered = counted.input or 0, counted.output or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": counted.cached},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + answered,
    }


def _input(arguments: str) -> str:
    """The free text of a custom tool; a model that sent it bare is taken at its word."""
    given = _object(arguments).get("input")
    return given if isinstance(given, str) else arguments


def _object(arguments: str) -> Mapping[str, Any]:
    try:
        return table(json.loads(arguments or "{}"))
    except (ValueError, RecursionError):
        return {}
