"""A command line of one's own as an agent, in worlds of each kind that needs no engine."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from support.harness_stage import Stage
from support.scripted_model import Drops, Hangs, Runs, Says, Status

from pytest_clawmark.agents.contract import Interrupted, TurnLimits
from pytest_clawmark.agents.harness.command import Command
from pytest_clawmark.failures import ModelFailure, SettingsError
from pytest_clawmark.sandboxes.choose import providers
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world.premises import Premises

# An agent of thirty lines, which keeps its conversation in the world's home.
AGENT = r"""
import json, os, pathlib, subprocess, sys, urllib.request
kept = pathlib.Path.home() / "talk.json"
talk = json.loads(kept.read_text()) if kept.exists() else []
talk.append({"role": "user", "content": sys.stdin.read()})
shell = {"type": "function", "function": {"name": "shell", "parameters": {"type": "object"}}}
while True:
    body = json.dumps({"model": "any", "messages": talk, "tools": [shell]}).encode()
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)
    answer = json.load(urllib.request.urlopen(request))["choices"][0]["message"]
    talk.append(answer)
    kept.write_text(json.dumps(talk))
    for call in answer.get("tool_calls") or ():
        command = json.loads(call["function"]["arguments"])["command"]
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        talk.append({"role": "tool", "tool_call_id": call["id"], "content": done.stdout + done.stderr})
    if not answer.get("tool_calls"):
        print(answer["content"])
        break
"""
OWN = Command(name="own", command=("python3", "-c", AGENT))
KEY = "sk-verysecret-0123456789"


def shell(command: str, **settings) -> Command:
    return Command(name="own", command=("bash", "-c", command), **settings)


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bubblewrap), "local"])
def premises(request):
    provider = providers()[request.param]()
    if not all(finding.works for finding in provider.check()):
        if os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
            pytest.fail(f"{request.param} does not work here", pytrace=False)
        pytest.skip(f"{request.param} does not work here")
    with Premises(provider=provider, toolbox=ensure()) as premises:
        yield premises


@pytest.fixture
def stage(premises, tmp_path):
    stage = Stage(premises, tmp_path)
    yield stage
    stage.close()


def test_a_command_works_two_days_in_one_conversation(stage):
    stage.set(
        OWN, [Runs("echo one > a.txt"), Says("Done."), Runs("cat a.txt; echo two >> a.txt"), Says("Again.")]
    )
    first, second = stage.work("Monday."), stage.work("Tuesday.")
    assert (first.kind, second.kind) == ("done", "done")
    assert stage.file("a.txt") == "one\ntwo\n"
    assert [record["output"] for record in stage.recorded("tool")] == ["", "one\n"]
    assert (first.usage.model_calls, first.usage.tool_calls, first.usage.input_tokens) == (2, 1, 200)
    told = [message["content"] for message in stage.model.requests[-1].messages if message["role"] == "user"]
    assert told[0].endswith("Monday.")
    assert "HR assistant" in told[0]
    assert told[1] == "Tuesday."
    assert [record["conversation"] for record in stage.recorded("model")] == [0, 0, 0, 0]
    assert stage.recorded("harness")[1]["stdout"] == "Again.\n"


def test_the_wake_up_may_be_an_argument(stage):
    stage.set(shell('echo "$0" > told.txt', message="argument"), [])
    assert stage.work("Wake up; $(id)").kind == "done"
    assert stage.file("told.txt").endswith("Wake up; $(id)\n")


def test_placeholders_are_filled_in_and_other_braces_stay(stage):
    stage.set(Command(name="own", command=("echo", "{model} {message} {other}")), [])
    stage.work("Hi")
    assert stage.recorded("harness")[0]["stdout"].startswith("m You work")
    assert stage.recorded("harness")[0]["stdout"].endswith("Hi {other}\n")


def test_a_command_that_fails_is_the_agents_own_error(stage):
    stage.set(shell("echo oh no >&2; exit 3"), [])
    stop = stage.work()
    assert (stop.kind, stop.reason) == ("error", "it ended with exit code 3: oh no")


def test_a_program_that_does_not_exist_is_the_agents_own_error(stage):
    stage.set(Command(name="own", command=("no-such-program",)), [])
    assert stage.work().kind == "error"


@pytest.mark.parametrize("trouble", [Status(500), Drops()], ids=["500", "drop"])
def test_a_provider_that_stays_broken_is_void_although_the_command_ends_well(stage, trouble):
    stage.set(
        shell("curl -s $OPENAI_BASE_URL/chat/completions -d '{\"messages\": []}'; exit 0"), [trouble] * 9
    )
    with pytest.raises(ModelFailure, match="gave no answer in 5 attempts"):
        stage.work()


def test_a_limit_ends_the_command(stage):
    stage.set(OWN, lambda _: Runs("true"))
    stop = stage.work(limits=TurnLimits(tokens=500))
    assert (stop.kind, stop.reason) == ("limit", "the turn's limit of 500 tokens is reached (550 used)")
    assert stop.usage.input_tokens + stop.usage.output_tokens == 550


def test_a_command_that_never_ends_is_ended_by_its_time(stage):
    stage.set(shell("trap '' TERM; while true; do sleep 1; done"), [])
    stop = stage.work(limits=TurnLimits(minutes=0.01))
    assert (stop.kind, stop.reason) == ("limit", "the turn's limit of 0.01 minutes is reached")


def test_a_model_that_hangs_does_not_outlive_the_turns_time(stage):
    stage.set(OWN, [Hangs()])
    assert stage.work(limits=TurnLimits(minutes=0.02)).kind == "limit"


def test_what_it_leaves_in_the_background_does_not_hold_up_the_turn(stage):
    stage.set(shell("sleep 1000 & echo started"), [])
    assert stage.work().kind == "done"
    assert stage.recorded("harness")[0]["stdout"] == "started\n"


def test_endless_output_is_cut(stage):
    stage.set(shell("yes | head -c 3000000; echo end"), [])
    assert stage.work().kind == "done"
    output = stage.recorded("harness")[0]["stdout"]
    assert len(output) < 10_000
    assert output.endswith("end\n")


def test_an_interruption_ends_the_command(stage):
    stage.set(OWN, [Hangs()])
    thread = threading.Thread(target=lambda: (stage.model.arrived.acquire(), stage.session.interrupt()))
    thread.start()
    with pytest.raises(Interrupted):
        stage.work()
    thread.join()


def test_no_day_begins_after_an_interruption(stage):
    stage.set(OWN, [])
    stage.session.interrupt()
    with pytest.raises(Interrupted):
        stage.work()


def test_the_key_is_nowhere_inside(stage, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    look = (
        "env; cat /proc/*/environ /proc/*/cmdline; cat ~/.* ~/.*/* ; curl -s $CLAWMARK_MODELS_URL/v1/models"
    )
    stage.set(
        OWN,
        [Runs(f"({look}) > seen.txt 2>&1; true"), Says("ok")],
        server={"key": KEY},
        api_key_env="SOME_KEY",
    )
    assert stage.work().kind == "done"
    assert "no-key-needed" in stage.file("seen.txt")
    if stage.world.sandbox.paths["workspace"] == "/workspace":  # local hides nothing of this machine
        assert KEY not in stage.file("seen.txt")
    assert KEY not in json.dumps(stage.records)


def test_budgets_go_on_in_a_restored_session(stage):
    stage.set(OWN, lambda _: Says("ok"))
    stage.work()
    state = json.loads(json.dumps(stage.session.freeze()))
    stage.session.restore(state)
    stop = stage.work(limits=TurnLimits(episode_tokens=100))
    assert stop.reason == "the episode's limit of 100 tokens is reached (110 used)"


def test_opening_a_harness_without_its_outfit_says_what_is_missing(stage):
    stage.set(OWN, [])
    with pytest.raises(SettingsError, match="outfit_of"):
        stage.agent.open(stage.session._office)


def test_signals_that_a_command_sends_harm_nobody_else(stage):
    stage.set(shell(f"kill -{signal.SIGTERM.value} 0; sleep 5"), [])
    assert stage.work().kind == "error"
    assert stage.shell("echo alive") == "alive\n"
