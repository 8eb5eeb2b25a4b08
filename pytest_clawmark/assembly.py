"""Puts a measurement together from what the user decided: agents, sandbox, toolbox, executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.agents.contract import Agent
from pytest_clawmark.episode import Player, Resources
from pytest_clawmark.executors.contract import Executor
from pytest_clawmark.executors.threads import ThreadExecutor
from pytest_clawmark.gateway.secrets import Scrubber, secrets_in
from pytest_clawmark.runs.budget import Budget
from pytest_clawmark.runs.forking import ForkPoints
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.sandboxes.contract import Blueprint, Sandbox, SandboxProvider
from pytest_clawmark.settings import Settings
from pytest_clawmark.task import LoadedTask
from pytest_clawmark.world.premises import Premises


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where worlds will be built, and a sentence that says why there."""

    provider: SandboxProvider
    reason: str


def offered(answers: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """What plugins offer under each name; the plugin registered last wins."""
    found: dict[str, Any] = {}
    for answer in reversed(answers):
        found.update(answer or {})
    return found


def assemble_agents(config: pytest.Config, settings: Settings) -> list[Agent]:
    """The agents that the options name; raises `SettingsError` for one that does not exist."""
    from pytest_clawmark.agents.agent_tables import load_agents
    from pytest_clawmark.agents.choose import build_agents, built_in_kinds
    from pytest_clawmark.agents.models import load_models

    theirs = offered(config.hook.pytest_clawmark_agents(config=config))
    models = load_models(config.rootpath)
    ours = built_in_kinds(load_agents(config.rootpath))
    return build_agents(settings.agents, settings.models, models, {**ours, **theirs})


def known_secrets(config: pytest.Config) -> Scrubber:
    """What takes the keys of all models that this project describes out of texts; raises `SettingsError`."""
    from pytest_clawmark.agents.models import load_models

    return secrets_in(entry.api_key_env for entry in load_models(config.rootpath).values())


def choose_place(config: pytest.Config, settings: Settings, agents: Sequence[Agent]) -> Place:
    """Where worlds are built; raises `SettingsError` when nothing fit for these agents works here."""
    from pytest_clawmark.sandboxes.choose import choose, providers

    theirs = offered(config.hook.pytest_clawmark_sandboxes(config=config))
    trusted = all(agent.trusted for agent in agents)
    tasks = [config.rootpath, *(path for each in config.args if (path := _folder(config, each)))]
    known = {**providers(settings.image, rootfs=settings.rootfs, hidden=tasks), **theirs}
    # Naming an image is asking for Docker: running elsewhere would measure something else.
    name = "docker" if settings.image is not None and settings.sandbox == "auto" else settings.sandbox
    provider, reason = choose(name, trusted=trusted, known=known)
    return Place(provider=provider, reason=reason)


def _folder(config: pytest.Config, argument: str) -> Path | None:
    """The folder that an argument of pytest's names, or that its file is in."""
    path = (config.invocation_params.dir / argument.partition("::")[0]).absolute()
    return next((found for found in (path, path.parent) if found.is_dir()), None)


def ensure_toolbox(say: Callable[[str], None]) -> None:
    """Build the agents' Python if this machine has none yet; `say` is told of the progress."""
    from pytest_clawmark.toolbox import ensure

    ensure(say)


def sandbox_opener(provider: SandboxProvider) -> Callable[[], Sandbox]:
    """A function that opens a sandbox without services, for the commands of a checker."""

    def open_sandbox() -> Sandbox:
        from pytest_clawmark.toolbox import ensure

        return provider.open(Blueprint(hosts={}, listen=(), authority=b"", toolbox=ensure()))

    return open_sandbox


def executor_starter(
    config: pytest.Config,
    settings: Settings,
    agents: Mapping[str, Agent],
    provider: SandboxProvider,
    processes: int,
) -> Callable[[Mapping[str, LoadedTask]], Executor]:
    """A function that makes the executor when the first episode is due.

    `processes` shares `--episodes` out among the workers of one run.
    """

    def start(tasks: Mapping[str, LoadedTask]) -> Executor:
        from pytest_clawmark.toolbox import ensure

        premises = Premises(provider=provider, toolbox=ensure())
        dollars = config.getoption("budget")
        resources = Resources(
            premises=premises,
            run=RunFolder(settings.run_dir, scrub=known_secrets(config)),
            tasks=tasks,
            agents=agents,
            limits=settings.limits,
            tasks_minutes=settings.tasks_minutes,
            faults=settings.faults,
            fork_points=ForkPoints(settings.fork) if settings.fork is not None else None,
            budget=Budget(RunFolder(settings.run_dir), dollars) if dollars is not None else None,
        )
        player = Player(resources)
        episodes = max(1, settings.episodes // processes)
        theirs = config.hook.pytest_clawmark_executor(config=config, play=player.play, episodes=episodes)
        executor = theirs or ThreadExecutor(player, episodes)
        return _ClosingPremises(executor, premises)

    return start


class _ClosingPremises:
    """An executor after whose end the premises are closed too."""

    def __init__(self, executor: Executor, premises: Premises) -> None:
        self._executor, self._premises = executor, premises
        self.submit = executor.submit

    def close(self) -> None:
        """See `Executor.close`."""
        self._executor.close()
        self._premises.close()
