"""Every API in front of every API, streamed and not, with the vendors' shapes on both sides."""

from __future__ import annotations

import json
import threading

import httpx
import openai
import pytest
from support.scripted_model import BreaksOff, Calls, Drops, Says, Slowly, Status

APIS = ("chat", "responses", "messages")
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 10,
    "total_tokens": 110,
    "prompt_tokens_details": {"cached_tokens": 40},
}
LOOK = ("look", {"path": "a b.txt", "deep": True})
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def request(api: str, *, stream: bool, results: bool = False) -> dict:
    """A question with a tool; with `results`, after two calls of it."""
    if api == "chat":
        body = {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go."}],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
        }
        if results:
            calls = [
                {
                    "id": f"c{n}",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"path": "x"}'},
                }
                for n in (0, 1)
            ]
            body["messages"] += [
                {"role": "assistant", "content": "Looking.", "tool_calls": calls},
                {"role": "tool", "tool_call_id": "c0", "content": "zero"},
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
            ]
    elif api == "responses":
        body = {
            "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go."}]}
            ],
            "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}],
        }
        if results:
            said = {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Looking."}],
            }
            body["input"] += [
                said,
                *(
                    {
                        "type": "function_call",
                        "call_id": f"c{n}",
                        "name": "look",
                        "arguments": '{"path": "x"}',
                    }
                    for n in (0, 1)
                ),
                {"type": "function_call_output", "call_id": "c0", "output": "zero"},
                {"type": "function_call_output", "call_id": "c1", "output": "one"},
            ]
    else:
        body = {
            "system": [{"type": "text", "text": "Be brief."}],
            "max_tokens": 500,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Go."}]}],
            "tools": [{"name": "look", "input_schema": SCHEMA}],
        }
        if results:
            calls = [
                {"type": "tool_use", "id": f"c{n}", "name": "look", "input": {"path": "x"}} for n in (0, 1)
            ]
            told = zip((0, 1), ("zero", "one"), strict=True)
            body["messages"] += [
                {"role": "assistant", "content": [{"type": "text", "text": "Looking."}, *calls]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": f"c{n}", "content": text} for n, text in told
                    ],
                },
            ]
    return {"model": "whatever", "stream": stream, **body}


def events(text: str) -> list[dict]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


def understood(api: str, answer: httpx.Response, *, stream: bool) -> dict:
    """The text, calls, reason and tokens of an answer, as each API's clients read them."""
    assert answer.status_code == 200, answer.text
    read = {"chat": _chat, "responses": _responses, "messages": _messages}[api]
    return read(events(answer.text) if stream else answer.json(), stream)


def _chat(data, stream) -> dict:
    if not stream:
        message = data["choices"][0]["message"]
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or ()]
        usage = data["usage"]
        reason = data["choices"][0]["finish_reason"]
        text = message["content"]
    else:
        choices = [chunk["choices"][0] for chunk in data if chunk["choices"]]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        parts: dict[int, list] = {}
        for choice in choices:
            for call in choice["delta"].get("tool_calls") or ():
                kept = parts.setdefault(call["index"], ["", ""])
                kept[0] += call["function"].get("name") or ""
                kept[1] += call["function"].get("arguments") or ""
        calls = [tuple(kept) for _, kept in sorted(parts.items())]
        reason = next(choice["finish_reason"] for choice in choices if choice["finish_reason"])
        usage = next(chunk["usage"] for chunk in data if chunk.get("usage"))
    used = (
        usage["prompt_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
        usage["completion_tokens"],
    )
    return {"text": text, "calls": _read(calls), "reason": reason, "used": used}


def _responses(data, stream) -> dict:
    if stream:
        assert [event["sequence_number"] for event in data] == list(range(len(data)))
        deltas = "".join(e["delta"] for e in data if e["type"] == "response.output_text.delta")
        done = [event["item"] for event in data if event["type"] == "response.output_item.done"]
        data = data[-1]["response"]
        assert data["output"] == done
        text = "".join(part["text"] for item in done if item["type"] == "message" for part in item["content"])
        assert deltas == text
    items = data["output"]
    texts = [part["text"] for item in items if item["type"] == "message" for part in item["content"]]
    calls = [(item["name"], item["arguments"]) for item in items if item["type"] == "function_call"]
    usage = data["usage"]
    used = (usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"], usage["output_tokens"])
    reason = "length" if data["status"] == "incomplete" else "tool_calls" if calls else "stop"
    return {"text": "".join(texts), "calls": _read(calls), "reason": reason, "used": used}


def _messages(data, stream) -> dict:
    if stream:
        assert data[0]["type"] == "message_start"
        assert data[-1]["type"] == "message_stop"
        blocks: dict[int, dict] = {}
        for event in data:
            if event["type"] == "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "json": ""}
            elif event["type"] == "content_block_delta":
                block, delta = blocks[event["index"]], event["delta"]
                if delta["type"] == "text_delta":
                    block["text"] += delta["text"]
                else:
                    block["json"] += delta["partial_json"]
        for block in blocks.values():
            if block["type"] == "tool_use":
                block["input"] = json.loads(block["json"])
        (ended,) = [event for event in data if event["type"] == "message_delta"]
        content, reason = list(blocks.values()), ended["delta"]["stop_reason"]
        usage = {**data[0]["message"]["usage"], **ended["usage"]}
    else:
        content, reason, usage = data["content"], data["stop_reason"], data["usage"]
    text = "".join(block["text"] for block in content if block["type"] == "text")
    calls = [(block["name"], block["input"]) for block in content if block["type"] == "tool_use"]
    reason = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}[reason]
    cached = usage["cache_read_input_tokens"]
    used = (usage["input_tokens"] + cached, cached, usage["output_tokens"])
    return {"text": text, "calls": _read(calls), "reason": reason, "used": used}


def _read(calls) -> list:
    return [(name, json.loads(given) if isinstance(given, str) else given) for name, given in calls]


def ask(gateway, api: str, *, stream: bool, results: bool = False) -> dict:
    body = request(api, stream=stream, results=results)
    if api == "chat" and stream:
        body["stream_options"] = {"include_usage": True}
    return understood(api, gateway.post(api, body), stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("endpoint", APIS)
@pytest.mark.parametrize("client", APIS)
class TestEveryPair:
    def test_text_calls_and_tokens_arrive_and_are_recorded_alike(self, gateway, client, endpoint, stream):
        scenario = [Calls(LOOK, ("look", {}), text="Let me see.", usage=USAGE)]
        gateway.open(scenario, api=endpoint)
        assert ask(gateway, client, stream=stream) == {
            "text": "Let me see.",
            "calls": [("look", {"path": "a b.txt", "deep": True}), ("look", {})],
            "reason": "tool_calls",
            "used": (100, 40, 10),
        }
        (record,) = gateway.recorded("model")
        assert record["message"]["content"] == "Let me see."
        calls = [call["function"] for call in record["message"]["tool_calls"]]
        assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [LOOK, ("look", {})]
        assert record["finish_reason"] == "tool_calls"
        assert record["usage"] == {
            "input_tokens": 100,
            "cached_tokens": 40,
            "output_tokens": 10,
            "estimated": False,
        }
        assert [message["role"] for message in record["asked"]] == ["system", "user"]
        assert record["retries"] == 0

    def test_an_answer_cut_off_by_its_length_says_so(self, gateway, client, endpoint, stream):
        gateway.open([Says("So I", finish_reason="length", usage=USAGE)], api=endpoint)
        assert ask(gateway, client, stream=stream)["reason"] == "length"

    def test_a_whole_conversation_reaches_the_endpoint_in_its_own_form(
        self, gateway, client, endpoint, stream
    ):
        gateway.open(lambda _: Says("Done.", usage=USAGE), api=endpoint)
        assert ask(gateway, client, stream=stream, results=True)["text"] == "Done."
        sent = dict(gateway.model.requests[0].body)
        ours = request(endpoint, stream=stream, results=True)
        assert sent["model"] == "scripted"
        assert _told(endpoint, sent) == _told(endpoint, ours)


def _told(api: str, body: dict) -> list:
    """Roles, texts, calls and results of a request, without the freedom that each API leaves."""
    if api == "responses":
        told = [("system", body["instructions"])] if body.get("instructions") else []
        for item in body["input"]:
            if item["type"] == "message":
                parts = item["content"] if isinstance(item["content"], list) else [{"text": item["content"]}]
                told.append((item["role"], "".join(part["text"] for part in parts)))
            elif item["type"] == "function_call":
                told.append((item["call_id"], item["name"], json.loads(item["arguments"])))
            else:
                told.append((item["call_id"], item["output"]))
        return told
    system = body.get("system")
    told = [("system", system if isinstance(system, str) else system[0]["text"])] if system else []
    for message in body["messages"]:
        content = message["content"]
        if message["role"] == "tool":
            told.append((message["tool_call_id"], content))
            continue
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "text":
                told.append((message["role"], block["text"]))
            elif block["type"] == "tool_use":
                told.append((block["id"], block["name"], block["input"]))
            else:
                told.append((block["tool_use_id"], block["content"]))
        for call in message.get("tool_calls") or ():
            told.append((call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
    return told


@pytest.mark.parametrize("endpoint", APIS)
@pytest.mark.parametrize("client", APIS)
def test_words_are_passed_on_as_they_come(gateway, client, endpoint):
    gate = threading.Event()
    gateway.open([Slowly("and the rest", gate)], api=endpoint)
    url = f"{gateway.url}/v1/{ {'chat': 'chat/completions'}.get(client, client) }"
    with (
        httpx.Client(timeout=20, trust_env=False) as http,
        http.stream("POST", url, json=request(client, stream=True)) as answer,
    ):
        lines = answer.iter_lines()
        assert any("first" in line for line in lines)
        assert not gate.is_set()
        gate.set()
        assert any("rest" in line for line in lines)


@pytest.mark.parametrize("endpoint", APIS)
@pytest.mark.parametrize("trouble", [Status(500), Status(429), Drops()], ids=["500", "429", "drop"])
def test_a_stream_that_fails_before_its_first_word_is_asked_for_again(gateway, endpoint, trouble):
    gateway.open([trouble, trouble, Says("Here.", usage=USAGE)], api=endpoint)
    assert ask(gateway, "messages", stream=True)["text"] == "Here."
    (record,) = gateway.recorded("model")
    assert record["retries"] == 2
    assert len(gateway.pauses) == 2


@pytest.mark.parametrize("endpoint", APIS)
@pytest.mark.parametrize("client", APIS)
def test_a_stream_that_breaks_off_breaks_off_for_the_client_too(gateway, client, endpoint):
    gateway.open([BreaksOff("and never more")], api=endpoint)
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.post(client, request(client, stream=True))
    (record,) = gateway.recorded("model_error")
    assert record["kind"] == "Fault"
    assert gateway.desk.failure is None


def test_openais_own_client_reads_both_of_its_apis(gateway):
    gateway.open(lambda _: Says("Good morning.", usage=USAGE), api="messages")
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
        chat = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
        assert chat.choices[0].message.content == "Good morning."
        response = client.responses.create(model="m", input="Hi")
        assert response.output_text == "Good morning."
        with client.responses.stream(model="m", input="Hi") as stream:
            assert stream.get_final_response().output_text == "Good morning."
        with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as talk:
            assert talk.get_final_completion().choices[0].message.content == "Good morning."
        assert [model.id for model in client.models.list()] == ["m"]
