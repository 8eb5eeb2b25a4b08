"""OpenAI's chat completions: also the form in which everything is kept, so little is translated here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.gateway.answer import Answer, Counted, Delta, Gathering
from pytest_clawmark.gateway.dialects.contract import Api, Body
from pytest_clawmark.gateway.events import DONE, Event, event
from pytest_clawmark.gateway.faults import ContextOverflow, Fault, is_overflow
from pytest_clawmark.gateway.json_reading import table, tables, text, text_of, tokens

_SHOWN = 500


class Chat:
    """Implements `Dialect`."""

    name: Api = "chat"
    path = "/chat/completions"

    def to_chat(self, body: Mapping[str, Any]) -> Body:
        """The same request; `developer` is another name for `system`."""
        messages = [
            {**message, "role": "system"} if message.get("role") == "developer" else dict(message)
            for message in tables(body.get("messages"))
        ]
        return {**body, "messages": messages}

    def from_chat(self, body: Mapping[str, Any]) -> Body:
        """The same request without what only the gateway knows."""
        messages = [
            {key: value for key, value in message.items() if key != "error"}
            for message in tables(body.get("messages"))
        ]
        return {**body, "messages": messages}

    def read(self, data: Any) -> Answer:
        choice = table(next(iter(tables(table(data).get("choices"))), None))
        message = choice.get("message")
        if not isinstance(message, dict):
            raise _no_answer(data)
        finish_reason = choice.get("finish_reason")
        if finish_reason == "error":
            raise Fault(f"the answer broke off: {_shown(data)}")
        return Answer(
            message=message,
            finish_reason=finish_reason if isinstance(finish_reason, str) else None,
            counted=_counted(table(data).get("usage")),
        )

    def write(self, answer: Answer, asked: Mapping[str, Any]) -> Body:
        return {
            "id": "chatcmpl-gateway",
            "object": "chat.completion",
            "created": 0,
            "model": asked.get("model"),
            "choices": [
                {"index": 0, "message": dict(answer.message), "finish_reason": answer.finish_reason or "stop"}
            ],
            "usage": _usage(answer.counted),
        }

    def reader(self) -> ChatReader:
        return ChatReader()

    def writer(self, asked: Mapping[str, Any]) -> ChatWriter:
        return ChatWriter(asked)

    def refusal(self, status: int, why: str, *, overflow: bool = False) -> Body:
        code = "context_length_exceeded" if overflow else None
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": code}}


class ChatReader:
    """Implements `StreamReader`."""

    def __init__(self) -> None:
        self._gathering = Gathering()
        self.ended = False

    def feed(self, event: Event) -> Iterable[Delta]:
        if event.data == DONE:
            self.ended = True
            return ()
        data = table(event.json())
        if data.get("error") or event.name == "error":
            raise _no_answer(data)
        if data.get("usage"):
            self._gathering.count(_counted(data["usage"]))
        return [delta for choice in tables(data.get("choices"))[:1] for delta in self._choice(choice)]

    def answer(self) -> Answer:
        return self._gathering.answer()

    def _choice(self, choice: Mapping[str, Any]) -> Iterable[Delta]:
        deltas = list(self._pieces(table(choice.get("delta"))))
        reason = choice.get("finish_reason")
        if reason == "error":
            raise Fault("the answer broke off")
        if isinstance(reason, str):
            # Not every provider says [DONE].
            self._gathering.finish_reason, self.ended = reason, True
        return deltas

    def _pieces(self, delta: Mapping[str, Any]) -> Iterable[Delta]:
        # vLLM and NIM call it reasoning_content, OpenRouter and newer vLLM reasoning.
        if reasoning := text(delta.get("reasoning_content")) or text(delta.get("reasoning")):
            yield self._kept(Delta(kind="reasoning", text=reasoning))
        if said := text_of(delta.get("content")) or text(delta.get("refusal")):
            yield self._kept(Delta(kind="text", text=said))
        for place, call in enumerate(tables(delta.get("tool_calls"))):
            yield from self._call(place, call)

    def _call(self, place: int, call: Mapping[str, Any]) -> Iterable[Delta]:
        index = call.get("index")
        index = index if isinstance(index, int) else place
        function = table(call.get("function"))
        if not self._gathering.has_call(index):
            identifier = text(call.get("id")) or f"call_{index}"
            yield self._kept(Delta(kind="call", index=index, id=identifier, name=text(function.get("name"))))
        if arguments := text(function.get("arguments")):
            yield self._kept(Delta(kind="arguments", index=index, text=arguments))

    def _kept(self, delta: Delta) -> Delta:
        self._gathering.add(delta)
        return delta


class ChatWriter:
    """Implements `StreamWriter`."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._asked = asked

    def begin(self) -> Iterable[Event]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def write(self, delta: Delta) -> Iterable[Event]:
        if delta.kind == "text":
            return [self._chunk({"content": delta.text})]
        if delta.kind == "reasoning":
            return [self._chunk({"reasoning_content": delta.text})]
        call: dict[str, Any] = {"index": delta.index, "function": {"arguments": delta.text}}
        if delta.kind == "call":
            call |= {"id": delta.id, "type": "function", "function": {"name": delta.name, "arguments": ""}}
        return [self._chunk({"tool_calls": [call]})]

    def end(self, answer: Answer) -> Iterable[Event]:
        yield self._chunk({}, answer.finish_reason or "stop")
        if table(self._asked.get("stream_options")).get("include_usage"):
            yield self._object([], _usage(answer.counted))
        yield Event("", DONE)

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> Event:
        return self._object([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def _object(self, choices: list[Any], usage: Any = None) -> Event:
        data = {
            "id": "chatcmpl-gateway",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self._asked.get("model"),
            "choices": choices,
        }
        return event("", data | ({"usage": usage} if usage is not None else {}))


def _no_answer(data: Any) -> Fault | ContextOverflow:
    shown = _shown(data)
    if table(data).get("error") and is_overflow(shown):
        return ContextOverflow(shown)
    return Fault(f"the answer holds no choice with a message: {shown}")


def _shown(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, default=str)[:_SHOWN]


def _counted(usage: Any) -> Counted:
    """OpenAI tells cached tokens in the details, DeepSeek beside the others."""
    told = table(usage)
    given = tokens(told.get("prompt_tokens"))
    details = table(told.get("prompt_tokens_details"))
    cached = tokens(details.get("cached_tokens")) or tokens(told.get("prompt_cache_hit_tokens")) or 0
    return Counted(input=given, cached=min(cached, given or 0), output=tokens(told.get("completion_tokens")))


def _usage(counted: Counted) -> Body:
    given, answered = counted.input or 0, counted.output or 0
    return {
        "prompt_tokens": given,
        "completion_tokens": answered,
        "total_tokens": given + answered,
        "prompt_tokens_details": {"cached_tokens": counted.cached},
    }
