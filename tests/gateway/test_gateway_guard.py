"""What is passed on to a provider, and what never is."""

from __future__ import annotations

import json

import httpx
import pytest
from support.scripted_model import Calls, Says, Status

from pytest_clawmark.gateway.guard import admit, admit_headers

KEY = "sk-verysecret-0123456789"
PICTURE = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"chat": {"type": "function", "function": {"name": "f", "parameters": {}}}}
FUNCTION["responses"] = {"type": "function", "name": "f", "parameters": {}}
FUNCTION["messages"] = {"name": "f", "input_schema": {"type": "object"}}
HI = [{"role": "user", "content": "Hi"}]

SERVER_TOOLS = [
    ("responses", {"type": "web_search"}),
    ("responses", {"type": "web_search_preview"}),
    ("responses", {"type": "file_search", "vector_store_ids": ["v"]}),
    ("responses", {"type": "code_interpreter", "container": {"type": "auto"}}),
    ("responses", {"type": "mcp", "server_url": "https://evil.example", "server_label": "x"}),
    ("responses", {"type": "image_generation"}),
    ("messages", {"type": "web_search_20250305", "name": "web_search"}),
    ("messages", {"type": "web_fetch_20250910", "name": "web_fetch"}),
    ("messages", {"type": "code_execution_20250825", "name": "code_execution"}),
    ("messages", {"type": "mcp_toolset", "mcp_server_name": "x"}),
    ("chat", {"type": "browser_search"}),
    ("chat", {"type": ["function"]}),
]


@pytest.mark.parametrize(("api", "tool"), SERVER_TOOLS, ids=str)
def test_a_tool_that_the_provider_would_run_is_left_out(api, tool):
    kept, removed = admit(api, {"tools": [tool, FUNCTION[api]]}, ())
    assert kept["tools"] == [FUNCTION[api]]
    assert removed == [f"tool {tool['type']}"]


def test_a_request_whose_tools_were_all_left_out_has_no_choice_of_tools():
    body = {"tools": [{"type": "web_search"}], "tool_choice": "required", "parallel_tool_calls": True}
    assert admit("responses", body, ())[0] == {}


@pytest.mark.parametrize(
    ("api", "tool"),
    [
        ("responses", {"type": "web_search_preview"}),
        ("messages", {"type": "web_search_20250305", "name": "w"}),
    ],
    ids=str,
)
def test_the_models_entry_may_allow_a_kind_of_server_tool(api, tool):
    assert admit(api, {"tools": [tool]}, ["web_search"]) == ({"tools": [tool]}, [])


@pytest.mark.parametrize(
    ("api", "field", "value"),
    [
        ("chat", "web_search_options", {"search_context_size": "high"}),
        ("responses", "previous_response_id", "resp_of_another_world"),
        ("responses", "conversation", "conv_1"),
        ("responses", "prompt", {"id": "pmpt_1"}),
        ("messages", "mcp_servers", [{"type": "url", "url": "https://evil.example", "name": "x"}]),
        ("messages", "container", "container_1"),
    ],
)
def test_a_field_that_reaches_elsewhere_is_left_out_and_told(api, field, value):
    assert admit(api, {field: value}, ()) == ({}, [field])


@pytest.mark.parametrize(
    ("api", "part"),
    [
        ("chat", {"type": "image_url", "image_url": {"url": "https://evil.example/?q=secret"}}),
        ("chat", {"type": "file", "file": {"file_id": "file-1"}}),
        ("responses", {"type": "input_image", "image_url": "http://169.254.169.254/"}),
        ("responses", {"type": "input_image", "file_id": "file-1"}),
        ("responses", {"type": "input_file", "file_url": "https://evil.example/x.pdf"}),
        ("messages", {"type": "image", "source": {"type": "url", "url": "https://evil.example/x.png"}}),
        ("messages", {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
    ],
    ids=str,
)
def test_a_part_that_the_provider_would_fetch_becomes_a_word_about_it(api, part):
    key = "input" if api == "responses" else "messages"
    kept, removed = admit(api, {key: [{"role": "user", "content": [part]}]}, ())
    (left,) = kept[key][0]["content"]
    assert "left out" in left["text"]
    assert removed == [f"{part['type']} by address"]


def test_a_picture_by_address_inside_a_tools_result_is_left_out_too():
    part = {"type": "image", "source": {"type": "url", "url": "https://evil.example/x.png"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [part]}
    kept, removed = admit("messages", {"messages": [{"role": "user", "content": [result]}]}, ())
    assert "evil" not in json.dumps(kept).replace("https://evil.example/x.png cannot be fetched", "")
    assert removed == ["image by address"]


def test_a_picture_that_is_sent_along_is_passed_on():
    messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]
    assert admit("chat", {"messages": messages}, ()) == ({"messages": messages}, [])


def test_only_harmless_headers_are_passed_on():
    given = {
        "anthropic-beta": "effort-2025-11-24, mcp-client-2025-04-04,code-execution-x, bad name",
        "x": "y",
    }
    assert admit_headers("messages", given) == {"anthropic-beta": "effort-2025-11-24"}
    assert admit_headers("chat", given) == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/files"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/models/m"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/chat/completions/../files"),
        ("POST", "http://other.example/v1/files"),
        ("CONNECT", "other.example:443"),
    ],
)
def test_no_other_address_is_passed_on(gateway, method, path):
    gateway.open([Says("never")])
    with httpx.Client(trust_env=False) as client:
        request = httpx.Request(method, gateway.url, extensions={"target": path.encode()})
        answer = client.send(request)
    assert answer.status_code == 404
    assert gateway.model.requests == []


def test_the_model_cannot_be_chosen_from_inside(gateway):
    gateway.open([Says("ok")])
    assert gateway.post("chat", {"model": "the-dearest-one", "messages": HI, "n": 50}).status_code == 200
    (request,) = gateway.model.requests
    assert request.body["model"] == "scripted"
    assert "n" not in request.body


def test_the_entrys_parameters_win_over_what_the_client_asks_for(gateway):
    gateway.open([Says("ok")], parameters={"temperature": 0.1, "max_tokens": 99})
    gateway.post("chat", {"messages": HI, "temperature": 1.9, "max_completion_tokens": 5, "top_p": 0.5})
    sent = gateway.model.requests[0].body
    assert (sent["temperature"], sent["max_tokens"], sent["top_p"]) == (0.1, 99, 0.5)
    assert "max_completion_tokens" not in sent


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_the_key_is_added_outside_and_comes_back_to_nobody(gateway, monkeypatch, api):
    monkeypatch.setenv("SOME_KEY", KEY)
    echo = Status(400, {"error": {"message": f"bad request from {KEY}"}})
    steps = iter([echo, *[Says(f"Your key is {KEY}.")] * 2])
    gateway.open(lambda _: next(steps), server={"key": KEY}, api_key_env="SOME_KEY", api=api)
    refused = gateway.post("chat", {"messages": HI}, headers={"Authorization": "Bearer of-the-client"})
    told = gateway.post("chat", {"messages": HI})
    assert refused.status_code == 400
    assert told.json()["choices"][0]["message"]["content"] == "Your key is (key)."
    streamed = gateway.post("messages", {"messages": HI, "stream": True, "max_tokens": 5})
    assert "key is" in streamed.text
    assert KEY not in refused.text + told.text + streamed.text + json.dumps(gateway.records)
    assert len(gateway.model.requests) == 3


def test_nothing_is_kept_at_the_provider(gateway):
    gateway.open([Says("ok")], api="responses")
    gateway.post("responses", {"input": "Hi", "store": True})
    assert gateway.model.requests[0].body["store"] is False


def test_a_key_that_comes_in_pieces_is_not_written_down(gateway, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    arguments = json.dumps({"said": KEY})
    gateway.open([Calls(("say", arguments))], api_key_env="SOME_KEY")
    gateway.post("chat", {"messages": HI, "stream": True})
    (call,) = gateway.recorded("model")[0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"said": "(key)"}
