"""The extension points: task formats, services, agents, sandboxes and executors of your own.

Implement them in a `conftest.py` or a plugin. Each returns a mapping from a name, as it is written in a
task or in an option, to something that makes the part; nothing is imported or built before it is asked
for by name. A name that several plugins offer is taken from the one registered last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from clawmark_services import ServiceSpec
    from pytest_clawmark.agents.choose import AgentKind
    from pytest_clawmark.executors.contract import Executor
    from pytest_clawmark.formats.contract import TaskFormat
    from pytest_clawmark.sandboxes.contract import SandboxProvider


@pytest.hookspec
def pytest_clawmark_formats(config: pytest.Config) -> Mapping[str, TaskFormat] | None:
    """Ways to write tasks down. Called once per session, at the first file; each must be cheap to make and to ask.

    :returns: name to format. The plugin's own is `native`.
    """


@pytest.hookspec
def pytest_clawmark_services(config: pytest.Config) -> Mapping[str, Callable[[], ServiceSpec]] | None:
    """Services that tasks may name in `services=[...]`. Called once per session, at the first task.

    :returns: name to a function that gives the service's declaration.
    """


@pytest.hookspec
def pytest_clawmark_agents(
    config: pytest.Config,
) -> Mapping[str, AgentKind] | None:
    """Agents that `--agent` may name. Called once per session, when `--agent` or `--model` is given.

    :returns: name to how the agent is made, alone or around a model.
    """


@pytest.hookspec
def pytest_clawmark_sandboxes(
    config: pytest.Config,
) -> Mapping[str, Callable[[], SandboxProvider]] | None:
    """Sandboxes that `--sandbox` may name, beside the built-in ones."""


@pytest.hookspec(firstresult=True)
def pytest_clawmark_executor(
    config: pytest.Config, play: Callable[..., Any], episodes: int
) -> Executor | None:
    """Where episodes run. Called once per process, before the first episode.

    `play` plays one `EpisodeSpec` to its end and is safe to call from several threads; `episodes` is how
    many may be alive at once.

    :returns: an executor, or None to leave it to another plugin; threads of this process by default.
    """
