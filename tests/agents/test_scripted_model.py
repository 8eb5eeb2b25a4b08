"""The scripted model itself: what it promises to those who play with it by hand."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support import scripted_model
from support.scripted_model import Calls, Drops, Says, ScriptedModel, Status, read_scenario

SCENARIOS = sorted((Path(scripted_model.__file__).parent / "scenarios").glob("*.json"))


def ask(url, *answers):
    """The message, or the error's status, for a conversation that already holds these answers."""
    messages = [{"role": "user", "content": "hello"}]
    messages += [{"role": "assistant", "content": text} for text in answers]
    request = urllib.request.Request(
        f"{url}/chat/completions",
        data=json.dumps({"messages": messages}).encode(),
        headers={"Connection": "close"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_steps_are_dealt_by_how_far_a_conversation_is():
    with ScriptedModel([Says("one"), Status(503), Says("two")]) as model:
        assert [ask(model.url), ask(model.url)] == ["one", "one"]
        assert [ask(model.url, "one"), ask(model.url, "one"), ask(model.url, "one")] == [503, "two", "two"]
        assert ask(model.url, "one", "two") == "Done."
        assert [request.answers for request in model.requests] == [0, 0, 1, 1, 1, 2]


def test_a_scenario_file_reads_as_steps(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(
        '[{"call": [{"name": "shell", "arguments": "{"}], "text": "hm"}, {"drop": true, "times": 2}, {"say": "x"}]'
    )
    first, *rest = read_scenario(path)
    assert isinstance(first, Calls)
    assert (first.calls, first.says.text, first.says.finish_reason) == ((("shell", "{"),), "hm", "tool_calls")
    assert rest == [Drops(), Drops(), Says("x")]


@pytest.mark.parametrize("step", ['{"sing": "la"}', '{"say": "x", "drop": true}'])
def test_a_wrong_step_is_named(tmp_path, step):
    path = tmp_path / "s.json"
    path.write_text(f'[{{"say": "x"}}, {step}]')
    with pytest.raises(ValueError, match="step 2 must have one of say, call, run, break, status"):
        read_scenario(path)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_at_hand_can_be_played(path):
    steps = read_scenario(path)
    with ScriptedModel(steps) as model:
        assert isinstance(ask(model.url), str)
        assert isinstance(steps[-1], Says)


def test_it_serves_by_hand_and_prints_its_address():
    lazy = next(path for path in SCENARIOS if path.stem == "lazy")
    command = [sys.executable, scripted_model.__file__, "--scenario", str(lazy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert "later today" in ask(server.stdout.readline().strip())
        finally:
            server.terminate()
