"""A harness at work in a real world, days played as an episode plays them, in front of a scripted model."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.scripted_model import ScriptedModel

from clawmark_services import Account, AccountBook
from pytest_clawmark.agents.contract import Office, Stop, TurnLimits, Workday
from pytest_clawmark.agents.equipment import outfit_of
from pytest_clawmark.agents.harness import Harness, HarnessAgent
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.agents.toolset import WorldToolset
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

START = datetime(2024, 3, 19, 1, tzinfo=UTC)


class Stage:
    """One world, one agent, one session."""

    def __init__(self, premises: Premises, folder: Path) -> None:
        self._premises, self._folder = premises, folder
        self._closing = ExitStack()
        self.records: list[dict[str, Any]] = []
        self._days = 0
        self.arrived = threading.Event()

    def set(self, harness: Harness, scenario: Any, *, server: Any = None, **entry: Any) -> Stage:
        self.model = self._closing.enter_context(ScriptedModel(scenario, **(server or {})))
        given = {"name": "m", "base_url": self.model.url, "model": "scripted", **entry}
        self.agent = HarnessAgent(harness, ModelEntry(**given), sleep=_no_pause)
        self._closing.callback(self.agent.close)
        outfit = outfit_of(self.agent)
        plan = WorldPlan(
            services=(pytest_clawmark_services()["email"](),),
            accounts=AccountBook(Account("mia", "mia@company.example"), []),
            seed=1,
            start=START,
            material=self._folder,
            mounts=outfit.mounts,
            doors=outfit.doors,
        )
        self.world: World = open_world(plan, self._premises, lambda _: None)
        self._closing.callback(self.world.close)
        self.session = outfit.open(
            Office(
                role="HR assistant",
                sandbox=self.world.sandbox,
                env=self.world.env,
                skills=self.world.skills,
            )
        )
        return self

    def work(self, message: str = "You have mail.", limits: TurnLimits | None = None) -> Stop:
        """Play the next day."""
        time = START + timedelta(days=self._days)
        self.world.begin_turn(f"day{self._days}", time)
        day = Workday(
            turn=f"day{self._days}",
            index=self._days,
            time=time,
            message=message,
            tools=WorldToolset(
                sandbox=self.world.sandbox,
                env=self.world.env,
                services=self.world.services.values(),
                record=self.records.append,
            ),
            limits=limits or TurnLimits(),
            record=self.records.append,
        )
        self._days += 1
        return self.session.work(day)

    def file(self, name: str) -> str:
        """A file of the workspace."""
        return self.shell(f"cat {self.world.sandbox.paths['workspace']}/{name}")

    def shell(self, command: str) -> str:
        """What a command in the world prints."""
        return self.world.sandbox.run(["bash", "-c", command]).stdout.decode()

    def recorded(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]

    def close(self) -> None:
        self._closing.close()


async def _no_pause(_seconds: float) -> None:
    return
