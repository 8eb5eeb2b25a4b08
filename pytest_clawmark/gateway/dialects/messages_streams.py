"""Anthropic's streamed messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.answer import Answer, Counted, Delta, Gathering
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.dialects.messages_words import counted, finish_reason, stop_reason, usage
from pytest_clawmark.gateway.events import Event, event
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, is_overflow
from pytest_clawmark.gateway.json_reading import table, text


class MessagesReader:
    """Implements `StreamReader`."""

    def __init__(self) -> None:
        self._gathering = Gathering()
        self.ended = False

    def feed(self, event: Event) -> Iterable[Delta]:
        data = table(event.json())
        match data.get("type"):
            case "error":
                raise _broken(data)
            case "message_start":
                self._gathering.count(counted(table(data.get("message")).get("usage")))
            case "content_block_start":
                return self._begin(data)
            case "content_block_delta":
                return self._piece(data)
            case "message_delta":
                self._gathering.count(counted(data.get("usage")))
                self._gathering.finish_reason = finish_reason(table(data.get("delta")).get("stop_reason"))
            case "message_stop":
                self.ended = True
        return ()

    def answer(self) -> Answer:
        return self._gathering.answer()

    def _begin(self, data: Mapping[str, Any]) -> Iterable[Delta]:
        block = table(data.get("content_block"))
        if block.get("type") != "tool_use":
            return ()
        index = _index(data)
        return [
            self._kept(
                Delta(kind="call", index=index, id=text(block.get("id")), name=text(block.get("name")))
            )
        ]

    def _piece(self, data: Mapping[str, Any]) -> Iterable[Delta]:
        delta = table(data.get("delta"))
        match delta.get("type"):
            case "text_delta":
                return [self._kept(Delta(kind="text", text=text(delta.get("text"))))]
            case "thinking_delta":
                return [self._kept(Delta(kind="reasoning", text=text(delta.get("thinking"))))]
            case "input_json_delta" if self._gathering.has_call(_index(data)):
                piece = text(delta.get("partial_json"))
                return [self._kept(Delta(kind="arguments", index=_index(data), text=piece))]
        return ()

    def _kept(self, delta: Delta) -> Delta:
        self._gathering.add(delta)
        return delta


class MessagesWriter:
    """Implements `StreamWriter`: one block is open at a time."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = asked
        self._block = -1
        self._open: tuple[str, int] | None = None

    def begin(self) -> Iterable[Event]:
        message: Body = {
            "id": "msg_gateway",
            "type": "message",
            "role": "assistant",
            "model": self._asked.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(Counted()),
        }
        return [_event("message_start", {"message": message})]

    def write(self, delta: Delta) -> Iterable[Event]:
        if delta.kind == "text":
            yield from self._in_block("text", 0, {"type": "text", "text": ""})
            yield self._delta({"type": "text_delta", "text": delta.text})
        elif delta.kind == "reasoning":
            yield from self._in_block("reasoning", 0, {"type": "thinking", "thinking": "", "signature": ""})
            yield self._delta({"type": "thinking_delta", "thinking": delta.text})
        elif delta.kind == "call":
            block = {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}
            yield from self._in_block("call", delta.index, block)
        elif self._open != ("call", delta.index):
            raise Fault("the arguments of several tool calls came mixed")
        else:
            yield self._delta({"type": "input_json_delta", "partial_json": delta.text})

    def end(self, answer: Answer) -> Iterable[Event]:
        yield from self._close()
        delta = {"stop_reason": stop_reason(answer), "stop_sequence": None}
        yield _event("message_delta", {"delta": delta, "usage": usage(answer.counted)})
        yield _event("message_stop", {})

    def _in_block(self, kind: str, index: int, block: Body) -> Iterable[Event]:
        if self._open == (kind, index):
            return
        yield from self._close()
        self._block += 1
        self._open = (kind, index)
        yield _event("content_block_start", {"index": self._block, "content_block": block})

    def _close(self) -> Iterable[Event]:
        if self._open is not None:
            self._open = None
            yield _event("content_block_stop", {"index": self._block})

    def _delta(self, delta: Body) -> Event:
        return _event("content_block_delta", {"index": self._block, "delta": delta})


def _event(name: str, data: Body) -> Event:
    return event(name, {"type": name, **data})


def _index(data: Mapping[str, Any]) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else 0


def _broken(data: Mapping[str, Any]) -> Fault | ContextOverflow:
    shown = json.dumps(data, ensure_ascii=False)[:500]
    return ContextOverflow(shown) if is_overflow(shown) else Fault(f"the answer broke off: {shown}")
