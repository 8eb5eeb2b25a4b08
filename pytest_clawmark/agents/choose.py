"""Which agents a run has, from the values of `--agent` and `--model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from pytest_clawmark.agents.agent_tables import AgentTable
from pytest_clawmark.agents.contract import Agent
from pytest_clawmark.agents.models import ModelEntry, find_model
from pytest_clawmark.agents.scripted import golden, idle
from pytest_clawmark.failures import SettingsError

DEFAULT_WITH_MODEL = "chat"
HARNESSES = ("claude-code", "codex", "hermes", "openclaw")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKind:
    """A value of `--agent`. Exactly one is set: `alone` builds an agent that needs no model,
    `around` builds one around a model."""

    alone: Callable[[], Agent] | None = None
    around: Callable[[ModelEntry], Agent] | None = None

    def __post_init__(self) -> None:
        if (self.alone is None) == (self.around is None):
            raise ValueError("an agent kind is built either alone or around a model")


def build_agents(
    agent_names: Sequence[str],
    model_names: Sequence[str],
    models: Mapping[str, ModelEntry],
    kinds: Mapping[str, AgentKind] | None = None,
) -> list[Agent]:
    """The agents in the order they were named; one per model for those that need one.

    Naming models alone means `chat`; naming nothing means nobody. `kinds` is what `--agent` may be, the
    plugin's own by default. Raises `SettingsError`.
    """
    known = built_in_kinds() if kinds is None else kinds
    names = list(dict.fromkeys(agent_names)) or ([DEFAULT_WITH_MODEL] if model_names else [])
    chosen = {name: _kind(name, known) for name in names}
    entries = [find_model(name, models) for name in dict.fromkeys(model_names)]
    _refuse_mismatch(chosen, entries, known)
    agents: list[Agent] = []
    for kind in chosen.values():
        if kind.alone is not None:
            agents.append(kind.alone())
        elif kind.around is not None:
            agents.extend(kind.around(entry) for entry in entries)
    _refuse_twins(agents)
    return agents


def built_in_kinds(
    tables: Mapping[str, AgentTable] | None = None, progress: Callable[[str], None] = lambda _: None
) -> dict[str, AgentKind]:
    """The plugin's own agents, and the command lines that `tables` describe.

    `progress` is told how the installation of a harness goes.
    """
    set_up = tables or {}
    kinds = {
        "golden": AgentKind(alone=golden),
        "idle": AgentKind(alone=idle),
        "chat": AgentKind(around=partial(_chat, set_up.get("chat"))),
    }
    for name in HARNESSES:
        kinds[name] = AgentKind(around=partial(_harness, name, set_up.get(name), progress))
    for name, table in set_up.items():
        if table.command:
            _refuse_taken(name, kinds)
            kinds[name] = AgentKind(around=partial(_command, table))
    if "command" not in kinds:
        kinds["command"] = AgentKind(around=_no_command)
    return kinds


def _chat(table: AgentTable | None, entry: ModelEntry) -> Agent:
    from pytest_clawmark.agents.chat import ChatAgent

    return ChatAgent(entry, prompt=table.system_prompt if table else None)


def _harness(
    name: str, table: AgentTable | None, progress: Callable[[str], None], entry: ModelEntry
) -> Agent:
    from pytest_clawmark.agents.harness import HarnessAgent
    from pytest_clawmark.agents.harness.known import harness

    return HarnessAgent(harness(name, table.version if table else None), entry, progress=progress)


def _command(table: AgentTable, entry: ModelEntry) -> Agent:
    from pytest_clawmark.agents.harness import HarnessAgent
    from pytest_clawmark.agents.harness.command import Command
    from pytest_clawmark.agents.harness.contract import folder

    command = Command(
        name=table.name,
        command=table.command,
        message=table.message,
        env=table.env,
        mounts=tuple(folder(path) for path in table.show),
    )
    return HarnessAgent(command, entry)


def _no_command(entry: ModelEntry) -> Agent:
    raise SettingsError(
        f"--agent=command with --model={entry.name}: say which command, in clawmark.toml: "
        '[agents.command] with command = ["python3", "agent.py"]'
    )


def _refuse_taken(name: str, kinds: Mapping[str, AgentKind]) -> None:
    if name in kinds:
        raise SettingsError(f"[agents.{name}] has a command, but {name} is an agent of its own: rename it")


def _kind(name: str, known: Mapping[str, AgentKind]) -> AgentKind:
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise SettingsError(f"--agent={name}: no such agent.{guess} Allowed are {', '.join(known)}.")


def _refuse_mismatch(
    chosen: Mapping[str, AgentKind], entries: Sequence[ModelEntry], known: Mapping[str, AgentKind]
) -> None:
    needing = [name for name, kind in chosen.items() if kind.around is not None]
    if needing and not entries:
        raise SettingsError(f"--agent={needing[0]} needs a model: add --model=NAME")
    if entries and not needing:
        able = ", ".join(name for name, kind in known.items() if kind.around is not None)
        raise SettingsError(
            f"--model={entries[0].name}: --agent={', '.join(chosen)} uses no model; "
            f"add an agent that does ({able}), or leave --model out"
        )


def _refuse_twins(agents: Sequence[Agent]) -> None:
    """Labels tell results apart, so no two agents may share one."""
    labels = [agent.label for agent in agents]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise SettingsError(
            f"several agents would be called {', '.join(twice)} in the results: "
            "run them one at a time, or give the model another name in clawmark.toml"
        )
