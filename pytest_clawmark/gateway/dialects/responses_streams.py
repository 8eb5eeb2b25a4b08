"""OpenAI's streamed responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.answer import Answer, Delta, Gathering
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.dialects.responses_items import (
    Named,
    message_item,
    reasoning_item,
    response_object,
)
from pytest_clawmark.gateway.events import Event, event
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, is_overflow
from pytest_clawmark.gateway.json_reading import table, text

_REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_CALLS = ("function_call", "custom_tool_call")


class ResponsesReader:
    """Implements `StreamReader`: the last event holds the whole response, which `read` understands."""

    def __init__(self, read: Callable[[Any], Answer]) -> None:
        self._read = read
        self._gathering = Gathering()
        self._whole: Answer | None = None

    @property
    def ended(self) -> bool:
        return self._whole is not None

    def feed(self, event: Event) -> Iterable[Delta]:
        data = table(event.json())
        kind = data.get("type")
        if kind in ("error", "response.failed"):
            shown = json.dumps(data, ensure_ascii=False)[:500]
            raise ContextOverflow(shown) if is_overflow(shown) else Fault(f"the answer broke off: {shown}")
        if kind in ("response.completed", "response.incomplete"):
            self._end(data.get("response"))
        elif kind == "response.output_text.delta":
            return [self._kept(Delta(kind="text", text=text(data.get("delta"))))]
        elif kind in _REASONING:
            return [self._kept(Delta(kind="reasoning", text=text(data.get("delta"))))]
        elif kind == "response.output_item.added":
            return self._begin(data)
        elif kind == "response.function_call_arguments.delta":
            index = _index(data)
            return [self._kept(Delta(kind="arguments", index=index, text=text(data.get("delta"))))]
        return ()

    def answer(self) -> Answer:
        return self._whole or self._gathering.answer()

    def _end(self, response: Any) -> None:
        whole = self._read(response)
        streamed = self._gathering.answer().message
        # Some servers stream items and leave them out of the response at the end.
        kept = whole.message if whole.message.get("content") or whole.calls() else streamed
        self._whole = Answer(message=kept, finish_reason=whole.finish_reason, counted=whole.counted)

    def _begin(self, data: Mapping[str, Any]) -> Iterable[Delta]:
        item = table(data.get("item"))
        if item.get("type") not in _CALLS:
            return ()
        name, identifier = text(item.get("name")), text(item.get("call_id"))
        return [self._kept(Delta(kind="call", index=_index(data), id=identifier, name=name))]

    def _kept(self, delta: Delta) -> Delta:
        self._gathering.add(delta)
        return delta


class ResponsesWriter:
    """Implements `StreamWriter`: one item is open at a time."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = asked
        self._named = Named(asked)
        self._number = -1
        self._done: list[Body] = []
        self._open: Delta | None = None
        self._text = ""

    def begin(self) -> Iterable[Event]:
        response = response_object(None, self._asked, [])
        return [
            self._event("response.created", {"response": response}),
            self._event("response.in_progress", {"response": response}),
        ]

    def write(self, delta: Delta) -> Iterable[Event]:
        if delta.kind == "arguments":
            if self._open is None or self._open.kind != "call" or self._open.index != delta.index:
                raise Fault("the arguments of several tool calls came mixed")
        elif self._open is None or (self._open.kind, self._open.index) != (delta.kind, delta.index):
            yield from self._close()
            yield from self._begin(delta)
        if delta.text:
            self._text += delta.text
            yield from self._piece(delta)

    def end(self, answer: Answer) -> Iterable[Event]:
        yield from self._close()
        response = response_object(answer, self._asked, self._done)
        yield self._event(f"response.{response['status']}", {"response": response})

    @property
    def _place(self) -> int:
        return len(self._done)

    def _begin(self, delta: Delta) -> Iterable[Event]:
        self._open, self._text = delta, ""
        item = {**self._item(), "status": "in_progress"}
        yield self._event("response.output_item.added", {"item": item})
        if delta.kind == "text":
            part = {"type": "output_text", "text": "", "annotations": []}
            yield self._part("response.content_part.added", {"part": part})
        elif delta.kind == "reasoning":
            part = {"type": "summary_text", "text": ""}
            yield self._part("response.reasoning_summary_part.added", {"part": part}, "summary_index")

    def _piece(self, delta: Delta) -> Iterable[Event]:
        if delta.kind == "text":
            yield self._part("response.output_text.delta", {"delta": delta.text})
        elif delta.kind == "reasoning":
            yield self._part("response.reasoning_summary_text.delta", {"delta": delta.text}, "summary_index")
        elif self._open is not None and self._named.plain(self._open.name):
            data = {"item_id": self._item()["id"], "delta": delta.text}
            yield self._event("response.function_call_arguments.delta", data)

    def _close(self) -> Iterable[Event]:
        if self._open is None:
            return
        item = self._item()
        if self._open.kind == "text":
            part = item["content"][0]
            yield self._part("response.output_text.done", {"text": self._text})
            yield self._part("response.content_part.done", {"part": part})
        elif self._open.kind == "reasoning":
            part = item["summary"][0]
            yield self._part("response.reasoning_summary_text.done", {"text": self._text}, "summary_index")
            yield self._part("response.reasoning_summary_part.done", {"part": part}, "summary_index")
        elif item["type"] == "function_call":
            data = {"item_id": item["id"], "arguments": self._text}
            yield self._event("response.function_call_arguments.done", data)
        elif item["type"] == "custom_tool_call":
            data = {"item_id": item["id"], "input": item["input"]}
            yield self._event("response.custom_tool_call_input.done", data)
        yield self._event("response.output_item.done", {"item": item})
        self._done.append(item)
        self._open = None

    def _item(self) -> Body:
        opened = self._open
        if opened is None or opened.kind == "text":
            return message_item(self._text) | {"id": f"msg_{self._place}"}
        if opened.kind == "reasoning":
            return reasoning_item(self._text) | {"id": f"rs_{self._place}"}
        return self._named.item(opened.id, opened.name, self._text)

    def _part(self, name: str, data: Body, index: str = "content_index") -> Event:
        return self._event(name, {"item_id": self._item()["id"], index: 0, **data})

    def _event(self, name: str, data: Body) -> Event:
        self._number += 1
        place = {} if "response" in data else {"output_index": self._place}
        return event(name, {"type": name, "sequence_number": self._number, **place, **data})


def _index(data: Mapping[str, Any]) -> int:
    index = data.get("output_index")
    return index if isinstance(index, int) else 0
