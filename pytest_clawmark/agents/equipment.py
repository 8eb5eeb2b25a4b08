"""What an agent needs in a world that is built for it: doors to reach, and folders to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from clawmark_services import Endpoint
from clawmark_services.contract import Door
from pytest_clawmark.agents.contract import Agent, Office, Session
from pytest_clawmark.sandboxes.contract import Mount


class Reachable(Protocol):
    """Something served inside a world; as `world.addresses.Reachable`."""

    @property
    def name(self) -> str: ...

    @property
    def endpoints(self) -> Sequence[Endpoint]: ...

    def door(self, key: str) -> Door: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """One episode's: `open` begins it, in a world with these doors and folders."""

    open: Callable[[Office], Session]
    doors: tuple[Reachable, ...] = ()
    mounts: tuple[Mount, ...] = ()


@runtime_checkable
class NeedsOutfit(Protocol):
    """An agent that needs something of the world; others are opened in the world as it is."""

    def outfit(self) -> Outfit:
        """Called once per attempt at an episode, before its world is built."""


def outfit_of(agent: Agent) -> Outfit:
    """What to build into the world of an episode of this agent, and how to begin it there."""
    return agent.outfit() if isinstance(agent, NeedsOutfit) else Outfit(open=agent.open)
