"""Agents described in a project's file, and budgets given by options."""

from __future__ import annotations

import pytest

from pytest_clawmark.agents import build_agents, built_in_kinds
from pytest_clawmark.agents.agent_tables import load_agents
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.failures import SettingsError

ENTRY = ModelEntry(name="m", base_url="http://localhost:1/v1", model="x")


@pytest.fixture
def load(tmp_path):
    def write(text, name="clawmark.toml"):
        (tmp_path / name).write_text(text)
        return load_agents(tmp_path)

    return write


def agents(tables, *names):
    return build_agents(names, ["m"], {"m": ENTRY}, built_in_kinds(tables))


def test_a_project_without_tables_has_none(tmp_path):
    assert load_agents(tmp_path) == {}


def test_a_command_line_becomes_an_agent_named_after_it_and_its_model(load, tmp_path):
    (tmp_path / "tools").mkdir()
    tables = load('[agents.mine]\ncommand = ["run"]\nmessage = "argument"\nenv = {A = "b"}\nshow = ["tools"]')
    (agent,) = agents(tables, "mine")
    assert (agent.name, agent.label, agent.model, agent.trusted) == ("mine", "mine-m", "m", False)
    table = tables["mine"]
    assert (table.message, table.env, table.show) == ("argument", {"A": "b"}, (tmp_path / "tools",))


def test_pyproject_may_hold_the_tables_too_and_clawmark_toml_wins(load, tmp_path):
    load(
        '[tool.clawmark.agents.codex]\nversion = "1"\n[tool.clawmark.agents.x]\ncommand = ["x"]',
        "pyproject.toml",
    )
    tables = load('[agents.codex]\nversion = "2"')
    assert {name: table.version for name, table in tables.items()} == {"codex": "2", "x": None}


def test_the_same_model_may_be_measured_in_several_agents(load):
    tables = load('[agents.command]\ncommand = ["run"]')
    labels = [agent.label for agent in agents(tables, "chat", "codex", "command")]
    assert labels == ["m", "codex-m", "command-m"]


def test_a_harness_may_have_another_version(load):
    (agent,) = agents(load('[agents.codex]\nversion = "9.9.9"'), "codex")
    assert agent.describe()["versions"] == {"@openai/codex": "9.9.9"}


def test_the_chat_agent_may_have_another_prompt(load, tmp_path):
    (tmp_path / "prompt.md").write_text("Be {role}.")
    (ours,), (theirs,) = (
        agents({}, "chat"),
        agents(load('[agents.chat]\nsystem_prompt = "prompt.md"'), "chat"),
    )
    assert ours.describe()["prompt"] != theirs.describe()["prompt"]


def test_the_command_agent_says_where_its_command_belongs():
    with pytest.raises(SettingsError, match=r"\[agents.command\] with command = "):
        agents({}, "command")


def test_no_command_takes_the_name_of_another_agent(load):
    with pytest.raises(
        SettingsError, match=r"\[agents.codex\] has a command, but codex is an agent of its own"
    ):
        built_in_kinds(load('[agents.codex]\ncommand = ["x"]'))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("agents = 1", r"agents = 1 must be a table"),
        ("[agents]\nx = 1", r"\[agents.x\] = 1 must be a table"),
        ("[agents.x]\ncomand = ['y']", r"unknown key 'comand': use command, message"),
        ("[agents.x]\ncommand = 'y'", r"command = 'y' must be a list of texts"),
        ("[agents.x]\nmessage = 'mail'", r"message = 'mail' must be 'stdin' or 'argument'"),
        ("[agents.x]\nenv = {A = 1}", r"env must be a table of texts"),
        ("[agents.x]\nshow = ['nowhere']", r"show names 'nowhere', and .*nowhere is no folder"),
        ("[agents.x]\nversion = ''", r"version = '' must be a text"),
        ("[agents.chat]\nsystem_prompt = 'none.md'", r"system_prompt names a file that cannot be read"),
        ("[agents.'a b']\ncommand = ['x']", r"an agent's name has letters"),
        ("[agents", r"cannot be read as TOML"),
    ],
)
def test_a_wrong_table_is_told_with_its_place(load, tmp_path, text, told):
    with pytest.raises(SettingsError, match=told) as caught:
        load(text)
    assert str(tmp_path / "clawmark.toml") in str(caught.value)
