import subprocess
import sys

import pytest

from pytest_clawmark.agents import AgentKind, build_agents, built_in_kinds, load_models
from pytest_clawmark.failures import SettingsError

MODELS = load_models()


def labels(agents, models=(), **settings):
    return [
        (agent.name, agent.label, agent.model) for agent in build_agents(agents, models, MODELS, **settings)
    ]


def test_models_alone_mean_chat_and_one_agent_each():
    assert labels([], ["nemotron-49b", "llama-3.1-8b"]) == [
        ("chat", "nemotron-49b", "nemotron-49b"),
        ("chat", "llama-3.1-8b", "llama-3.1-8b"),
    ]


def test_scripted_agents_need_no_model_and_stand_beside_models():
    assert labels(["golden", "idle", "golden"]) == [("golden", "golden", None), ("idle", "idle", None)]
    assert labels(["golden", "chat"], ["nemotron-49b"]) == [
        ("golden", "golden", None),
        ("chat", "nemotron-49b", "nemotron-49b"),
    ]


def test_naming_nothing_means_nobody():
    assert labels([]) == []


@pytest.mark.parametrize(
    ("agents", "models", "told"),
    [
        (
            ["goldne"],
            [],
            r"--agent=goldne: no such agent\. Did you mean 'golden'\? Allowed are golden, idle, chat, ",
        ),
        (["chat"], [], r"--agent=chat needs a model: add --model=NAME"),
        (
            ["golden"],
            ["nemotron-49b"],
            r"--agent=golden uses no model; add an agent that does \(chat, ",
        ),
        ([], ["nemotron"], r"--model=nemotron: no such model"),
    ],
)
def test_what_does_not_fit_together_is_told(agents, models, told):
    with pytest.raises(SettingsError, match=told):
        build_agents(agents, models, MODELS)


def test_two_agents_of_one_label_are_refused():
    kinds = {**built_in_kinds(), "twin": built_in_kinds()["golden"]}
    with pytest.raises(SettingsError, match="several agents would be called golden"):
        build_agents(["golden", "twin"], [], MODELS, kinds)


def test_an_agent_of_ones_own_is_one_more_kind():
    def build():
        agent = built_in_kinds()["idle"].alone()
        agent.name = agent.label = "sleepy"
        return agent

    kinds = {**built_in_kinds(), "sleepy": AgentKind(alone=build)}
    assert labels(["sleepy"], kinds=kinds) == [("sleepy", "sleepy", None)]
    with pytest.raises(ValueError, match="either alone or around"):
        AgentKind()


def test_importing_the_agents_and_choosing_scripted_ones_loads_no_model_client():
    program = (
        "import sys, pytest_clawmark.agents.toolset;"
        "from pytest_clawmark.agents import build_agents, load_models;"
        "build_agents(['golden'], [], load_models());"
        "print(*{'openai', 'httpx2', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
