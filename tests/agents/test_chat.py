"""The chat agent against a real server that plays models good, lazy, malicious and broken."""

import base64
import json
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from support.scripted_model import Calls, Drops, Garbage, Hangs, Says, ScriptedModel, Status

from pytest_clawmark.agents import Interrupted, ModelEntry, Office, TurnLimits, Workday
from pytest_clawmark.agents.chat import ChatAgent
from pytest_clawmark.agents.models import Price
from pytest_clawmark.failures import ModelFailure, WorldFailure

PNG = b"\x89PNG\r\n\x1a\nrest"
KEY = "sk-verysecret-0123456789"
OVERFLOW = {
    "error": {
        "message": "This model's maximum context length is 1000 tokens. However, you requested 1200 tokens.",
        "code": "context_length_exceeded",
    }
}


def list_files(**settings):
    return Calls(("shell", {"command": "ls"}), **settings)


class Stage:
    """A chat agent in an office, its model's server, and what was recorded."""

    def __init__(self, sandbox, build_toolset, records):
        self._sandbox = sandbox
        self._build_toolset = build_toolset
        self.records = records
        self.pauses = []
        self._open = []
        self.model = None
        self.session = None

    def set(self, scenario, *, server=None, skills=None, sleep=None, prompt=None, **entry):
        self.model = ScriptedModel(scenario, **(server or {}))
        given = {"name": "m", "base_url": self.model.url, "model": "scripted", **entry}
        agent = ChatAgent(ModelEntry(**given), prompt=prompt, sleep=sleep or self._note)
        office = Office(role="HR assistant", sandbox=self._sandbox, env={}, skills=skills or {})
        self.session = agent.open(office)
        self._open += [self.session, agent, self.model]
        return self

    def work(self, *, turn="monday", message="You have mail.", limits=None, **toolset):
        return self.session.work(
            Workday(
                turn=turn,
                index=0,
                time=datetime(2024, 3, 18, 9, tzinfo=UTC),
                message=message,
                tools=self._build_toolset(**toolset),
                limits=limits or TurnLimits(),
                record=self.records.append,
            )
        )

    def recorded(self, kind):
        return [record for record in self.records if record["type"] == kind]

    def results(self):
        """What the model was told by tools, as its last request shows."""
        return [m["content"] for m in self.model.requests[-1].messages if m["role"] == "tool"]

    def close(self):
        for part in self._open:
            part.close()

    async def _note(self, seconds):
        self.pauses.append(seconds)


@pytest.fixture
def stage(sandbox, toolset, records):
    stage = Stage(sandbox, toolset, records)
    yield stage
    stage.close()


def test_a_good_model_works_until_it_stops_calling_tools(stage, sandbox):
    stage.set(
        [
            Calls(
                ("write_file", {"path": "plan.txt", "content": "five"}),
                ("shell", {"command": "cat plan.txt"}),
            ),
            Calls(("edit_file", {"path": "plan.txt", "old": "five", "new": "three"})),
            Says("The plan is written."),
        ]
    )
    stop = stage.work()
    assert (stop.kind, stop.reason) == ("done", "stop")
    assert (sandbox.workspace / "plan.txt").read_text() == "three"
    assert stage.results() == ["wrote 4 bytes to plan.txt", "five", "replaced 1 occurrence in plan.txt"]
    assert [r["name"] for r in stage.recorded("tool")] == ["write_file", "shell", "edit_file"]
    assert (stop.usage.model_calls, stop.usage.tool_calls) == (3, 3)
    assert (stop.usage.input_tokens, stop.usage.output_tokens) == (300, 30)


def test_a_lazy_model_is_done_at_once(stage):
    stop = stage.set([Says("I will look into it.")]).work()
    assert (stop.kind, stop.usage.tool_calls) == ("done", 0)


def test_the_model_is_told_its_role_its_place_its_guides_and_exactly_the_days_message(stage, sandbox):
    stage.set([], skills={"email": "how to", "calendar": "how to"}).work(message="New mail.\n\nIt is Monday.")
    system, user = stage.model.requests[0].messages
    assert system["role"] == "system"
    assert "HR assistant" in system["content"]
    assert sandbox.paths["workspace"] in system["content"]
    assert f"- email: {sandbox.paths['home']}/skills/email/SKILL.md" in system["content"]
    assert user == {"role": "user", "content": "New mail.\n\nIt is Monday."}


def test_the_tools_offered_are_those_of_the_turn(stage):
    stage.set([Calls(("shell", {"command": "id"})), Says("")]).work(allowed={"read_file"})
    offered = stage.model.requests[0].body["tools"]
    assert [tool["function"]["name"] for tool in offered] == ["read_file"]
    assert "not allowed today. Tools you may call: read_file." in stage.results()[0]


def test_two_turns_share_one_conversation(stage):
    stage.set([list_files(), Says("Done on Monday."), Says("Done on Tuesday.")])
    stage.work(message="Monday")
    stage.work(turn="tuesday", message="Tuesday")
    roles = [(m["role"], m["content"]) for m in stage.model.requests[-1].messages[1:]]
    assert roles == [
        ("user", "Monday"),
        ("assistant", ""),
        ("tool", "(no output)"),
        ("assistant", "Done on Monday."),
        ("user", "Tuesday"),
    ]


def test_each_answer_is_recorded_with_its_usage_and_cost(stage):
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 400},
    }
    stage.set([Says("ok", usage=usage)], price=Price(input=1.0, cached=0.5, output=10.0))
    stop = stage.work()
    (record,) = stage.recorded("model")
    seconds = record.pop("seconds")
    assert seconds >= 0
    assert [message["role"] for message in record.pop("asked")] == ["system", "user"]
    assert "shell" in [tool["function"]["name"] for tool in record.pop("tools")]
    assert record.pop("conversation") == 0
    assert record == {
        "type": "model",
        "message": {"role": "assistant", "content": "ok"},
        "usage": {"input_tokens": 1000, "cached_tokens": 400, "output_tokens": 100, "estimated": False},
        "cost": pytest.approx(0.0018),
        "retries": 0,
        "finish_reason": "stop",
    }
    assert stop.usage.cost == pytest.approx(0.0018)
    assert stop.usage.cached_tokens == 400


def test_without_a_price_there_is_no_cost_and_without_usage_an_estimate(stage):
    stop = stage.set([Says("x" * 400, usage=None)]).work()
    (record,) = stage.recorded("model")
    assert (record["cost"], stop.usage.cost) == (None, None)
    assert record["usage"]["estimated"]
    assert 100 <= stop.usage.output_tokens <= 130
    assert stop.usage.input_tokens > 100


def test_parameters_go_into_every_request(stage):
    stage.set([], parameters={"temperature": 0.25, "chat_template_kwargs": {"thinking": True}}).work()
    body = stage.model.requests[0].body
    assert (body["temperature"], body["chat_template_kwargs"]) == (0.25, {"thinking": True})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("shell", '{"command": "ls'), "not valid JSON"),
        (("shell", "[1]"), "one JSON object"),
        (
            ("browse the web!", {"url": "x"}),
            "the tool 'browse the web!' does not exist. Tools you may call: shell",
        ),
        (("", {}), "does not exist"),
        (("shell", {"cmd": "ls"}), "wrong arguments for shell"),
    ],
)
def test_a_broken_call_is_answered_and_the_conversation_stays_acceptable(stage, call, told):
    stop = stage.set([Calls(call), Says("Sorry.")]).work()
    assert stop.kind == "done"
    assert told in stage.results()[0]
    assistant = stage.model.requests[-1].messages[2]
    function = assistant["tool_calls"][0]["function"]
    assert isinstance(json.loads(function["arguments"]), dict)
    assert function["name"].replace("_", "a").replace("-", "a").isalnum()


def test_what_a_model_really_sent_is_recorded_even_when_it_is_mended_for_the_conversation(stage):
    stage.set([Calls(("no such", "{{")), Says("")]).work()
    sent = stage.recorded("model")[0]["message"]["tool_calls"][0]["function"]
    assert sent == {"name": "no such", "arguments": "{{"}


def test_a_call_without_an_id_or_with_one_used_twice_is_still_answered(stage):
    calls = [
        {"function": {"name": "shell", "arguments": {"command": f"echo {n}"}}, "id": "same"} for n in (1, 2)
    ]
    calls.append({"type": "function", "function": None})
    calls.append("nonsense")
    body = {"choices": [{"message": {"content": None, "tool_calls": calls}, "finish_reason": "tool_calls"}]}
    first = iter([Garbage(json.dumps(body).encode()), Says("")])
    stage.set(lambda request: next(first)).work()
    messages = stage.model.requests[-1].messages
    asked = [call["id"] for call in messages[2]["tool_calls"]]
    assert len(set(asked)) == 4
    assert asked == [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    assert stage.results()[:2] == ["1\n", "2\n"]


@pytest.mark.parametrize(
    "trouble",
    [
        Status(500),
        Status(503, "<html>busy</html>"),
        Status(429),
        Status(408),
        Drops(),
        Garbage(b"<html>"),
        Garbage(b"{}"),
        Garbage(b'{"choices": []}'),
        Garbage(b'{"choices": [{"message": null}]}'),
        Garbage(b'{"error": {"message": "overloaded", "code": 502}}'),
        Garbage(b"[" * 100_000),
        Garbage(b"hello", "text/plain"),
    ],
)
def test_trouble_in_mid_run_is_tried_again_and_leaves_no_trace_but_the_count(stage, trouble):
    stop = stage.set([list_files(), trouble, trouble, Says("ok")]).work()
    assert stop.kind == "done"
    assert [record["retries"] for record in stage.recorded("model")] == [0, 2]
    assert stage.model.requests[1].body == stage.model.requests[3].body
    assert len(stage.pauses) == 2


def test_pauses_double_and_keep_to_what_the_service_asks(stage):
    stage.set([Status(500), Status(500), Status(429, headers={"Retry-After": "37"}), Status(500), Says("ok")])
    assert stage.work().kind == "done"
    first, second, asked, fourth = stage.pauses
    assert 0.75 <= first <= 1.25
    assert 1.5 <= second <= 2.5
    assert asked == 37
    assert 6 <= fourth <= 10


@pytest.mark.parametrize("trouble", [Status(500), Drops(), Garbage(b"<html>")])
def test_lasting_trouble_is_the_models_failure(stage, trouble):
    stage.set([list_files(), *[trouble] * 5, Says("too late")])
    with pytest.raises(ModelFailure, match="gave no answer in 5 attempts"):
        stage.work()
    assert len(stage.pauses) == 4


def test_a_service_that_wants_to_be_left_alone_for_an_hour_is_not_waited_for(stage):
    stage.set([Status(429, headers={"Retry-After": "3600"})])
    with pytest.raises(ModelFailure, match=r"in 1 attempts: .*asks to wait 3600 seconds"):
        stage.work()
    assert stage.pauses == []


@pytest.mark.parametrize(
    "refusal",
    [
        Status(401),
        Status(403),
        Status(404),
        Status(400, {"error": {"message": "unknown parameter"}}),
        Status(429, {"error": {"code": "insufficient_quota"}}),
    ],
)
def test_a_refusal_is_the_models_failure_without_asking_again(stage, refusal):
    stage.set([refusal, Says("no")])
    with pytest.raises(ModelFailure, match=f"refuses the request: HTTP {refusal.status}"):
        stage.work()
    assert (len(stage.model.requests), stage.pauses) == (1, [])


@pytest.mark.parametrize(
    "overflow",
    [
        Status(400, OVERFLOW),
        Status(400, {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}),
        Status(400, {"error": {"type": "exceed_context_size_error", "message": "..."}}),
        Status(
            400,
            {"error": {"message": "The input token count (9) exceeds the maximum number of tokens allowed"}},
        ),
        Status(422, {"message": "`inputs` tokens + `max_new_tokens` must be <= 4096"}),
        Status(400, {"detail": "The decoder prompt (length 9) is longer than the maximum model length of 8"}),
        Status(413, "<html>Request Entity Too Large</html>"),
        Garbage(json.dumps(OVERFLOW).encode()),
    ],
)
def test_an_overflow_is_the_agents_failure_and_its_day_is_measured(stage, overflow):
    stop = stage.set([list_files(), overflow, Says("no")]).work()
    assert stop.kind == "context"
    assert "outgrew the window of 131072 tokens" in stop.reason
    assert stop.usage.tool_calls == 1
    assert stage.pauses == []


def test_an_overflow_in_the_very_first_request_is_a_wrong_setting(stage):
    stage.set([Status(400, OVERFLOW)])
    with pytest.raises(ModelFailure, match="lower max_tokens in its parameters"):
        stage.work()


def test_a_window_that_the_provider_does_not_guard_is_guarded_here(stage):
    used = {"prompt_tokens": 900, "completion_tokens": 200}
    stop = stage.set([list_files(usage=used), Says("no")], context_window=1000).work()
    assert (stop.kind, stop.usage.tool_calls) == ("context", 0)
    assert "it holds 1100 tokens" in stop.reason


def test_a_conversation_beyond_all_estimates_is_not_sent(stage):
    stage.set([Calls(("shell", {"command": "seq 1 5000"})), Says("no")], context_window=2000)
    assert stage.work().kind == "context"
    assert len(stage.model.requests) == 1


def test_after_an_overflow_the_next_day_still_begins_with_a_valid_conversation(stage):
    used = {"prompt_tokens": 900, "completion_tokens": 200}
    stage.set([list_files(usage=used), Says("morning")], context_window=1000)
    stage.work()
    assert stage.work(turn="tuesday").kind == "done"
    assert stage.results() == [
        "not carried out: the conversation outgrew the window of 1000 tokens: it holds 1100 tokens"
    ]


def test_an_answer_cut_off_by_the_window_is_an_overflow(stage):
    usage = {"prompt_tokens": 900, "completion_tokens": 100}
    stop = stage.set([Says("I was", "length", usage=usage)], context_window=1000).work()
    assert stop.kind == "context"


def test_an_answer_cut_off_by_its_own_limit_goes_on_but_not_for_ever(stage):
    stop = stage.set([Says("I was", "length"), list_files(), Says("done")]).work()
    assert stop.kind == "done"
    assert "cut off" in stage.model.requests[1].messages[-1]["content"]
    stop = stage.set([Says("and", "length")] * 9).work()
    assert (stop.kind, len(stage.model.requests)) == ("limit", 3)


def test_a_call_cut_off_in_the_middle_is_explained(stage):
    stage.set(
        [Calls(("write_file", '{"path": "f", "content": "aaa'), finish_reason="length"), Says("")]
    ).work()
    assert "cut off at its length limit" in stage.results()[0]


def test_the_limit_of_tool_calls_ends_the_turn_and_the_next_day_goes_on(stage):
    many = Calls(*[("shell", {"command": f"echo {n}"}) for n in range(4)])
    stage.set([many, Says("Tuesday.")])
    stop = stage.work(limits=TurnLimits(tool_calls=2))
    assert (stop.kind, stop.reason) == ("limit", "the turn's limit of 2 tool calls is reached")
    assert stop.usage.tool_calls == 2
    assert stage.work(turn="tuesday").kind == "done"
    assert stage.results() == [
        "0\n",
        "1\n",
        *["not carried out: the turn's limit of 2 tool calls is reached"] * 2,
    ]


def test_a_model_that_just_keeps_to_the_limit_of_tool_calls_may_finish(stage):
    stop = stage.set([list_files(), list_files(), Says("done")]).work(limits=TurnLimits(tool_calls=2))
    assert stop.kind == "done"


def test_the_limit_of_tokens_ends_the_turn(stage):
    stop = stage.set([list_files()] * 9).work(limits=TurnLimits(tokens=220))
    assert (stop.kind, stop.usage.model_calls) == ("limit", 2)
    assert "220 tokens" in stop.reason


def test_the_limit_of_minutes_ends_a_request_in_progress(stage):
    stop = stage.set([Hangs()]).work(limits=TurnLimits(minutes=0.005))
    assert (stop.kind, stop.reason) == ("limit", "the turn's limit of 0.005 minutes is reached")


def test_a_model_that_answers_nobody_is_a_fault_of_its_service(stage):
    stage.set([Hangs()] * 5, timeout_seconds=0.05)
    with pytest.raises(ModelFailure, match=r"5 attempts: no answer within 0\.05 seconds"):
        stage.work()


def test_time_lost_to_the_service_is_not_the_agents(stage, monkeypatch):
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("pytest_clawmark.gateway.provider.time", clock)
    monkeypatch.setattr("pytest_clawmark.gateway.ledger.time", clock)

    async def sleep(seconds):
        now[0] += 3600

    stage.set([Status(500), list_files(), Says("done")], sleep=sleep)
    assert stage.work(limits=TurnLimits(minutes=10)).kind == "done"
    (first, _) = stage.recorded("model")
    assert (first["retries"], first["seconds"], now) == (1, 0, [3600])


@pytest.mark.parametrize("waits_in", ["request", "pause"])
def test_an_interruption_ends_the_turn_while_it_waits(stage, waits_in):
    paused = threading.Event()

    async def sleep(seconds):
        import asyncio

        paused.set()
        await asyncio.sleep(3600)

    stage.set([Hangs() if waits_in == "request" else Status(500)], sleep=sleep)
    outcome = []

    def work():
        with pytest.raises(Interrupted):
            stage.work()
        outcome.append("interrupted")

    worker = threading.Thread(target=work)
    worker.start()
    waiting = stage.model.arrived.acquire(timeout=10) if waits_in == "request" else paused.wait(10)
    stage.session.interrupt()
    worker.join(10)
    assert (waiting, outcome) == (True, ["interrupted"])


def test_an_interrupted_session_asks_nobody(stage):
    stage.set([]).session.interrupt()
    with pytest.raises(Interrupted):
        stage.work()
    assert stage.model.requests == []


def test_closing_the_agent_ends_what_still_waits(stage):
    stage.set([Hangs()])
    outcome = []

    def work():
        with pytest.raises(Interrupted):
            stage.work()
        outcome.append("interrupted")

    worker = threading.Thread(target=work)
    worker.start()
    assert stage.model.arrived.acquire(timeout=10)
    stage.close()
    worker.join(10)
    assert outcome == ["interrupted"]


def test_one_agent_plays_many_episodes_at_once(sandbox, toolset):
    with ScriptedModel([list_files(), Status(500), Says("done")]) as model:

        async def sleep(seconds):
            pass

        agent = ChatAgent(ModelEntry(name="m", base_url=model.url, model="x"), sleep=sleep)
        stops = []

        def play(number):
            stage = Stage(sandbox, toolset, [])
            stage.session = agent.open(Office(role=f"clerk {number}", sandbox=sandbox, env={}, skills={}))
            stops.append(stage.work(record=stage.records.append).kind)

        workers = [threading.Thread(target=play, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        agent.close()
    assert stops == ["done"] * 8
    assert len(model.requests) == 24


def test_an_image_is_shown_to_a_model_that_sees(stage, sandbox):
    (sandbox.workspace / "badge.png").write_bytes(PNG)
    look = Calls(("view_image", {"path": "badge.png"}), ("shell", {"command": "echo x"}))
    stage.set([look, Says("A badge.")], input=("text", "image")).work()
    *_, first, second, shown = stage.model.requests[-1].messages
    assert (first["role"], first["content"]) == ("tool", f"badge.png: image/png, {len(PNG)} bytes")
    assert (second["role"], second["content"]) == ("tool", "x\n")
    assert shown["role"] == "user"
    url = shown["content"][1]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == PNG


def test_a_model_without_eyes_is_not_offered_images_and_told_why_when_it_asks(stage, sandbox):
    (sandbox.workspace / "badge.png").write_bytes(PNG)
    stage.set([Calls(("view_image", {"path": "badge.png"})), Says("")]).work()
    assert "view_image" not in json.dumps(stage.model.requests[0].body["tools"])
    assert "takes no images" in stage.results()[0]
    assert stage.recorded("tool")[0]["error"]


@pytest.mark.parametrize("refusal", [Status(400, "cannot decode the image"), Status(500)])
def test_a_damaged_image_cannot_make_the_episode_void(stage, sandbox, refusal):
    (sandbox.workspace / "broken.png").write_bytes(PNG)

    def choose(request):
        if "image_url" in json.dumps(request.messages):
            return refusal
        return (
            Says("I could not see it.") if request.answers else Calls(("view_image", {"path": "broken.png"}))
        )

    assert stage.set(choose, input=("text", "image")).work().kind == "done"
    assert "could not be shown" in stage.model.requests[-1].messages[-1]["content"]


def test_a_broken_world_is_passed_on(stage, sandbox):
    stage.set([list_files(), Says("")])
    sandbox.broken = True
    with pytest.raises(WorldFailure):
        stage.work()


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", f"{KEY}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-somebody-elses")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-somebody-elses")
    return {"api_key_env": "SCRIPTED_KEY"}


def test_the_key_goes_to_the_endpoint_and_into_no_record(stage, key):
    chatty = [list_files(text=f"my key is {KEY}"), Calls(("shell", {"command": f"echo {KEY}"})), Says(KEY)]
    stage.set(chatty, server={"key": KEY}, **key).work()
    assert stage.model.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(stage.records)
    assert KEY not in json.dumps([request.body for request in stage.model.requests])
    assert "my key is (key)" in json.dumps(stage.records)


@pytest.mark.parametrize(
    "trouble", [Status(401, f"wrong: {KEY}"), Status(500, f"{KEY}"), Garbage(KEY.encode())]
)
def test_the_key_is_in_no_exception(stage, key, trouble):
    import traceback

    stage.set([trouble] * 9, **key)
    with pytest.raises(ModelFailure) as caught:
        stage.work()
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert "(key)" in str(caught.value)


def test_nothing_is_sent_that_the_entry_does_not_name(stage, key):
    stage.set([]).work()
    headers = stage.model.requests[0].headers
    assert "authorization" not in headers
    assert "somebody-elses" not in str(headers)


def test_a_placeholder_for_a_key_is_no_secret(stage, monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", "EMPTY")
    stage.set([Says("The folder is EMPTY.")], api_key_env="SCRIPTED_KEY").work()
    assert stage.recorded("model")[0]["message"]["content"] == "The folder is EMPTY."


def talk_at_length(count):
    return [Calls(("shell", {"command": f"printf '{n}%.0s' {{1..4000}}"}), usage=None) for n in range(count)]


def test_old_results_are_left_out_before_the_window_is_full(stage):
    stage.set([*talk_at_length(6), Says("Done.", usage=None)], context_window=5000)
    assert stage.work().kind == "done"
    (first, *_) = stage.recorded("context")
    assert first["tokens"] > 4500 > 3000 >= first["after"]
    assert first["left_out"] > 0
    last = stage.results()
    assert last[0] == "(left out to make room: 4,000 characters; call the tool again if they are needed)"
    assert last[-1] == "5" * 4000
    # What was left out is told once, and makes nothing new of what had been told before.
    assert [len(record["asked"]) for record in stage.recorded("model")] == [2, 0, 0, 0, 0, 0, 0]


def test_a_window_smaller_than_we_were_told_makes_room_once_more(stage):
    steps = [*talk_at_length(3), Says("Done.", usage=None)]

    def narrow(request):
        told = sum(len(message["content"]) for message in request.messages)
        return Status(400, OVERFLOW) if told > 12_000 else steps[request.answers]

    assert stage.set(narrow).work().kind == "done"
    assert len(stage.recorded("context")) == 1
    assert len(stage.recorded("model_error")) == 1


def test_a_conversation_that_cannot_be_shortened_has_outgrown_its_window(stage):
    stage.set([list_files(), Status(400, OVERFLOW)])
    assert stage.work().kind == "context"
    assert stage.recorded("context") == []


def test_a_system_prompt_of_ones_own_replaces_ours(stage, sandbox):
    stage.set([], prompt="You are {role} in {workspace}. {Nothing} else.", skills={"email": "how to"}).work()
    told = stage.model.requests[0].messages[0]["content"]
    assert told == f"You are HR assistant in {sandbox.paths['workspace']}. {{Nothing}} else."


def test_another_prompt_changes_the_description():
    entry = ModelEntry(name="m", base_url="http://h/v1", model="x")
    ours, theirs = ChatAgent(entry), ChatAgent(entry, prompt="Be brief.")
    assert ours.describe()["prompt"] != theirs.describe()["prompt"]


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_it_works_on_an_endpoint_of_any_api(stage, sandbox, api):
    stage.set([Calls(("write_file", {"path": "a.txt", "content": "x"})), Says("Done.")], api=api)
    stop = stage.work()
    assert (stop.kind, stop.usage.input_tokens) == ("done", 200)
    assert (sandbox.workspace / "a.txt").read_text() == "x"
