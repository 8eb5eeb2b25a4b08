"""Limits, faults and the end of a turn, as a harness inside meets them."""

from __future__ import annotations

import http.client
import json
import socket
import threading

import httpx
import pytest
from support.scripted_model import BreaksOff, Calls, Drops, Garbage, Hangs, Says, Status

from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.agents.models import Price
from pytest_clawmark.failures import ModelFailure
from pytest_clawmark.gateway.door import MAX_BODY

HI = {"messages": [{"role": "user", "content": "Hi"}]}
OVERFLOW = Status(
    400, {"error": {"message": "maximum context length is 9", "code": "context_length_exceeded"}}
)


def following(text: str) -> dict:
    """The next request of a client that ran the tool it was asked to run."""
    call = {
        "id": "call_0",
        "type": "function",
        "function": {"name": "shell", "arguments": '{"command": "ls"}'},
    }
    return {
        "messages": [
            *HI["messages"],
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_0", "content": text},
        ]
    }


def test_a_harnesss_own_tools_are_written_down_like_those_of_any_agent(gateway):
    gateway.open([Calls(("shell", {"command": "ls"})), Says("Done.")])
    gateway.post("chat", HI)
    gateway.post("chat", following("a.txt"))
    kinds = [record["type"] for record in gateway.records]
    assert kinds == ["model", "tool", "model"]
    tool = gateway.recorded("tool")[0]
    assert (tool["name"], tool["arguments"], tool["output"]) == ("shell", {"command": "ls"}, "a.txt")
    assert [record["asked"] for record in gateway.recorded("model")] == [HI["messages"], []]
    assert gateway.desk.ledger.usage.tool_calls == 1


def test_a_tool_that_failed_is_written_down_as_failed(gateway):
    gateway.open([Calls(("look", {})), Says("Oh.")])
    hi = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    gateway.post("messages", hi)
    use = {"type": "tool_use", "id": "call_0", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_0", "is_error": True, "content": "no such file"}
    answered = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    gateway.post("messages", {**hi, "messages": [*hi["messages"], *answered]})
    assert gateway.recorded("tool")[0]["error"] is True
    assert "error" not in gateway.model.requests[-1].messages[-1]


def test_two_conversations_at_once_are_told_apart(gateway):
    gateway.open(lambda _: Says("Yes."))
    other = {"messages": [{"role": "user", "content": "Summarise."}]}
    for body in (HI, other, HI):
        gateway.post("chat", body)
    assert [record["conversation"] for record in gateway.recorded("model")] == [0, 1, 0]


def test_a_picture_is_written_down_by_its_digest(gateway):
    gateway.open([Says("A cat.")])
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    gateway.post("chat", {"messages": [{"role": "user", "content": [picture]}]})
    (part,) = gateway.recorded("model")[0]["asked"][0]["content"]
    assert (part["media_type"], part["bytes"]) == ("image/png", 5)
    assert "aGVsbG8" not in json.dumps(gateway.records)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (TurnLimits(tokens=100), "the turn's limit of 100 tokens is reached (110 used)"),
        (TurnLimits(cost=0.0001), "the turn's limit of 0.0001 US dollars is reached (0.00012 used)"),
        (TurnLimits(episode_tokens=100), "the episode's limit of 100 tokens is reached (110 used)"),
        (
            TurnLimits(episode_cost=0.0001),
            "the episode's limit of 0.0001 US dollars is reached (0.00012 used)",
        ),
        (TurnLimits(minutes=0.0), "the turn's limit of 0 minutes is reached"),
        (TurnLimits(episode_minutes=0.0), "the episode's limit of 0 minutes is reached"),
    ],
    ids=["tokens", "cost", "episode tokens", "episode cost", "minutes", "episode minutes"],
)
def test_a_limit_ends_the_turn_and_is_told_to_the_harness(gateway, limits, told):
    gateway.open(lambda _: Says("More."), limits=limits, price=Price(input=1.0, cached=1.0, output=2.0))
    answers = [gateway.post("chat", HI) for _ in range(2)]
    assert answers[-1].status_code == 403
    assert answers[-1].json()["error"]["message"] == told
    assert (gateway.desk.stop.kind, gateway.desk.stop.reason) == ("limit", told)
    assert gateway.desk.over.is_set()
    gateway.desk.raise_failure()


def test_calls_of_tools_have_a_limit_too(gateway):
    gateway.open([Calls(("shell", {"command": "ls"}))], limits=TurnLimits(tool_calls=1))
    gateway.post("chat", HI)
    assert gateway.post("chat", following("x")).status_code == 403
    assert gateway.desk.stop.reason == "the turn's limit of 1 tool calls is reached"


def test_the_episodes_budget_lasts_over_turns_and_is_frozen_with_them(gateway):
    limits = TurnLimits(episode_tokens=200)
    gateway.open(lambda _: Says("More."), limits=limits)
    gateway.post("chat", HI)
    gateway.desk.close_for_today()
    state = json.loads(json.dumps(gateway.desk.ledger.freeze()))
    gateway.begin(limits)
    assert [gateway.post("chat", HI).status_code for _ in range(2)] == [200, 403]
    gateway.desk.close_for_today()
    gateway.desk.ledger.restore(state)
    gateway.begin(limits)
    assert gateway.post("chat", HI).status_code == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "trouble",
    [Status(500), Status(429, headers={"Retry-After": "3600"}), Drops(), Garbage(b"<html>")],
    ids=["500", "429", "drop", "html"],
)
def test_a_provider_that_stays_broken_makes_the_turn_void(gateway, trouble, stream):
    gateway.open([trouble] * 9)
    answer = gateway.post("chat", {**HI, "stream": stream})
    assert answer.status_code == 503
    assert gateway.desk.over.is_set()
    assert gateway.post("chat", HI).status_code == 503
    with pytest.raises(ModelFailure, match="gave no answer in"):
        gateway.desk.raise_failure()
    assert gateway.recorded("model_error")[0]["kind"] == "ModelFailure"


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_refused_key_or_model_makes_the_turn_void(gateway, status):
    gateway.open([Status(status, {"error": {"message": "no"}})])
    assert gateway.post("messages", {**HI, "max_tokens": 5}).status_code == status
    with pytest.raises(ModelFailure, match="refuses the request"):
        gateway.desk.raise_failure()


def test_a_request_that_the_provider_refuses_is_the_harnesss_affair_once_it_has_worked(gateway):
    gateway.open([Says("ok"), Status(400, {"error": {"message": "unknown role"}})])
    gateway.post("chat", HI)
    second = {
        "messages": [
            *HI["messages"],
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "?"},
        ]
    }
    answer = gateway.post("chat", second)
    assert (answer.status_code, "unknown role" in answer.text) == (400, True)
    gateway.desk.raise_failure()


def test_a_provider_that_refuses_everything_makes_the_turn_void(gateway):
    gateway.open([Status(422, {"error": {"message": "unknown field"}})] * 3)
    gateway.post("chat", HI)
    with pytest.raises(ModelFailure, match="refuses every request"):
        gateway.desk.raise_failure()


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("chat", lambda body: body["error"]["code"] == "context_length_exceeded"),
        ("responses", lambda body: body["error"]["code"] == "context_length_exceeded"),
        ("messages", lambda body: body["error"]["message"].startswith("prompt is too long")),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_overflow_is_told_as_each_client_understands_it(gateway, api, told, stream):
    gateway.open([OVERFLOW])
    answer = gateway.post(api, {"input": "Hi", **HI, "max_tokens": 5, "stream": stream})
    assert answer.status_code == 400
    assert told(answer.json())
    gateway.desk.raise_failure()


def test_answers_that_keep_breaking_off_make_the_turn_void(gateway):
    gateway.open(lambda _: BreaksOff("never more"))
    for _ in range(5):
        assert not gateway.desk.over.is_set()
        with pytest.raises(httpx.RemoteProtocolError):
            gateway.post("chat", {**HI, "stream": True})
    with pytest.raises(ModelFailure, match="broke off 5 answers in a row"):
        gateway.desk.raise_failure()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_end_of_a_turn_hangs_up_what_still_waits(gateway, stream):
    gateway.open([Hangs()])
    ended = []

    def ask():
        try:
            gateway.post("chat", {**HI, "stream": stream})
        except httpx.RemoteProtocolError:
            ended.append(True)

    client = threading.Thread(target=ask)
    client.start()
    assert gateway.model.arrived.acquire(timeout=10)
    gateway.desk.close_for_today()
    client.join(timeout=10)
    assert ended == [True]
    assert gateway.records == []


def test_nobody_is_answered_between_turns(gateway):
    gateway.open([Says("ok")])
    gateway.desk.close_for_today()
    assert gateway.post("chat", HI).status_code == 503
    assert gateway.model.requests == []


def test_a_client_that_leaves_ends_its_request(gateway):
    gateway.open([Hangs()])
    host, port = gateway.url.removeprefix("http://").split(":")
    client = http.client.HTTPConnection(host, int(port))
    client.request("POST", "/v1/chat/completions", json.dumps({**HI, "stream": True}))
    assert gateway.model.arrived.acquire(timeout=10)
    client.close()
    assert gateway._serving.drain(10)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"[" * 100_000, b'{"messages": 7}', b'{"messages": [{"content": {"a": 1}}]}'],
    ids=["nothing", "broken", "list", "text", "deep", "number", "no role"],
)
@pytest.mark.parametrize("api", ["chat/completions", "responses", "messages"])
def test_no_body_breaks_the_gateway(gateway, api, body):
    gateway.open(lambda _: Says("ok"))
    with httpx.Client(trust_env=False, timeout=20) as client:
        answer = client.post(f"{gateway.url}/v1/{api}", content=body)
        assert answer.status_code == 400
        assert gateway.model.requests == []
        assert client.get(f"{gateway.url}/v1/models").json()["data"][0]["id"] == "m"


def test_a_body_without_end_is_refused(gateway):
    gateway.open([Says("ok")])
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nContent-Length: 99999999999\r\n\r\n"
        )
        chunk = bytes(1024 * 1024)
        with pytest.raises(OSError):  # noqa: PT012 - somewhere in there it is refused
            for _ in range(MAX_BODY // len(chunk) + 16):
                client.sendall(chunk)
            assert client.recv(1) == b"H"
            raise ConnectionResetError


def test_what_is_no_http_is_refused(gateway):
    gateway.open([Says("ok")])
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_requests_follow_each_other_on_one_connection(gateway):
    gateway.open(lambda _: Says("ok"))
    with httpx.Client(trust_env=False, timeout=20, limits=httpx.Limits(max_connections=1)) as client:
        for stream in (False, True, False):
            answer = client.post(f"{gateway.url}/v1/chat/completions", json={**HI, "stream": stream})
            assert answer.status_code == 200
            assert "ok" in answer.text
