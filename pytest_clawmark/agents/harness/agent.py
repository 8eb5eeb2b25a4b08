"""An agent made of a harness and a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_clawmark.agents.chat.prompt import digest
from pytest_clawmark.agents.contract import Office, Session
from pytest_clawmark.agents.equipment import Outfit
from pytest_clawmark.agents.harness.contract import Harness
from pytest_clawmark.agents.harness.session import HarnessSession
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.gateway.desk import Desk
from pytest_clawmark.gateway.door import GatewayDoor
from pytest_clawmark.gateway.provider import Provider, Sleep
from pytest_clawmark.sandboxes.contract import Mount


class HarnessAgent:
    """Implements `Agent` and `NeedsOutfit`. `progress` is told how an installation goes."""

    trusted = False

    def __init__(
        self,
        harness: Harness,
        entry: ModelEntry,
        *,
        progress: Callable[[str], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._harness, self._entry, self._progress = harness, entry, progress
        self._provider = Provider(entry, sleep=sleep)
        self._lock = threading.Lock()
        self._mounts: tuple[Mount, ...] | None = None

    @property
    def label(self) -> str:
        """The harness and the model, since the same model may be measured in several."""
        return f"{self._harness.name}-{self._entry.name}"

    @property
    def name(self) -> str:
        """The harness's."""
        return self._harness.name

    @property
    def model(self) -> str | None:
        """The model's name."""
        return self._entry.name

    def check(self) -> None:
        """Raise `SettingsError` when it cannot be installed, or its model cannot be asked."""
        self._provider.check()
        self._installed()

    def describe(self) -> Mapping[str, Any]:
        """The model's entry, and the versions of what is installed."""
        return {
            "agent": self.name,
            "model": self._entry.to_json(),
            "prompt": digest(),
            "versions": dict(self._harness.versions),
        }

    def outfit(self) -> Outfit:
        """A gateway of the episode's own, and the harness itself."""
        desk = Desk(self._provider)

        def begin(office: Office) -> HarnessSession:
            return HarnessSession(self._harness, self._entry, desk, office)

        return Outfit(open=begin, doors=(GatewayDoor(desk),), mounts=tuple(self._installed()))

    def open(self, office: Office) -> Session:
        """A harness cannot work in a world without a gateway: see `outfit`."""
        raise SettingsError(
            f"--agent={self.name} reaches its model through a gateway, which this world lacks; whoever opens "
            f"worlds for agents must ask `outfit_of(agent)` first (role: {office.role!r})"
        )

    def close(self) -> None:
        """Close the connections to the model."""
        self._provider.close()

    def _installed(self) -> Sequence[Mount]:
        with self._lock:
            if self._mounts is None:
                self._mounts = tuple(self._harness.install(self._progress))
            return self._mounts
