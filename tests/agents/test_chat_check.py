"""What is found wrong before any world is built."""

import socket

import pytest
from support.scripted_model import ScriptedModel

from pytest_clawmark.agents import ModelEntry
from pytest_clawmark.agents.chat import ChatAgent
from pytest_clawmark.failures import SettingsError

KEY = "sk-verysecret-0123456789"


@pytest.fixture
def check():
    """Checks an entry and closes its agent."""

    def run(url, **entry):
        settings = {
            "name": "m",
            "base_url": url,
            "model": "x",
            "source": "clawmark.toml: [models.m]",
            **entry,
        }
        agent = ChatAgent(ModelEntry(**settings))
        try:
            agent.check()
        finally:
            agent.close()

    return run


def test_a_reachable_endpoint_is_fine_even_when_it_lists_no_models(check):
    for status in (200, 404, 405, 429):
        with ScriptedModel(models_status=status) as model:
            check(model.url)


def test_a_missing_key_variable_is_named_with_the_place_of_its_entry(check, monkeypatch):
    monkeypatch.setenv("EMPTY_KEY", "  ")
    for variable in ("ABSENT_KEY", "EMPTY_KEY"):
        told = rf"clawmark.toml: \[models.m\]: model 'm' takes its key from the variable {variable}"
        with pytest.raises(SettingsError, match=told):
            check("http://127.0.0.1:1/v1", api_key_env=variable)


def test_a_key_that_no_header_can_carry_is_told_without_showing_it(check, monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", "sk-verysecret\nsecond line")
    with pytest.raises(SettingsError, match="the key in SCRIPTED_KEY holds characters") as caught:
        check("http://127.0.0.1:1/v1", api_key_env="SCRIPTED_KEY")
    assert "verysecret" not in str(caught.value)


def test_a_refused_key_is_told_without_showing_it(check, monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", KEY)
    with (
        ScriptedModel(key="another") as model,
        pytest.raises(SettingsError, match="the key in SCRIPTED_KEY is refused") as caught,
    ):
        check(model.url, api_key_env="SCRIPTED_KEY")
    assert KEY not in str(caught.value)


def test_an_endpoint_that_wants_a_key_says_how_to_give_one(check):
    with (
        ScriptedModel(key=KEY) as model,
        pytest.raises(SettingsError, match="name its variable as api_key_env"),
    ):
        check(model.url)


def test_an_endpoint_where_nobody_listens_is_named(check):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(
            SettingsError, match=f"base_url = '{url}': the endpoint cannot be used .*start the model"
        ):
            check(url)


def test_an_endpoint_that_is_broken_is_told(check):
    with ScriptedModel(models_status=503) as model, pytest.raises(SettingsError, match="HTTP 503"):
        check(model.url)


def test_the_description_holds_what_changes_the_agent_and_no_secret(monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", KEY)
    entry = ModelEntry(name="m", base_url="http://h/v1", model="x", api_key_env="SCRIPTED_KEY")
    described = ChatAgent(entry).describe()
    assert described["model"]["base_url"] == "http://h/v1"
    assert len(described["prompt"]) == 64
    assert described["httpx"]
    assert KEY not in str(described)
