"""Whole worlds, in every sandbox that isolates and in the one that does not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clawmark_services import Account, AccountBook
from clawmark_services.rest import RestApi
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.sandboxes.choose import providers
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

DESK = RestApi("desk", resources={"tickets": {"type": "object", "properties": {"title": {"type": "string"}}}})
START = datetime.fromisoformat("2024-03-19T09:00:00+08:00")


class OpenedWorld:
    """A world in its first turn, and the audit of what happens in it."""

    def __init__(self, world: World, audit: list[dict[str, Any]]) -> None:
        self.world, self.audit = world, audit

    def python(self, program: str) -> str:
        """Run a program with the world's Python and variables; its output, or a failure that shows it."""
        done = self.world.sandbox.run(
            ["python3", "-W", "ignore", "-"], stdin=program.encode(), env=self.world.env
        )
        assert done.exit_code == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode().strip()

    def shell(self, command: str) -> str:
        """Run a shell command; its output, errors included."""
        done = self.world.sandbox.run(["/bin/bash", "-c", f"exec 2>&1; {command}"], env=self.world.env)
        return done.stdout.decode(errors="replace").strip()


Open = Callable[..., OpenedWorld]


@pytest.fixture(scope="session")
def _premises() -> Iterator[Callable[[str], Premises]]:
    made: dict[str, Premises] = {}
    with ExitStack() as closing:

        def get(name: str) -> Premises:
            if name not in made:
                provider = providers()[name]()
                faults = [finding.detail for finding in provider.check() if not finding.works]
                if faults and os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
                    pytest.fail(f"{name} does not work here: {faults}", pytrace=False)
                if faults:
                    pytest.skip(f"{name} does not work here: {faults}")
                made[name] = closing.enter_context(Premises(provider=provider, toolbox=ensure()))
            return made[name]

        yield get


@pytest.fixture(
    params=[
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=pytest.mark.docker),
        "local",
    ]
)
def premises(request: pytest.FixtureRequest, _premises: Callable[[str], Premises]) -> Premises:
    """Each kind of sandbox, with what its worlds share."""
    return _premises(request.param)


@pytest.fixture
def open_office(premises: Premises, tmp_path: Path) -> Iterator[Open]:
    """Opens worlds with all five services; `tmp_path` is the task's folder."""
    with ExitStack() as closing:

        def open_one(seed: int = 1) -> OpenedWorld:
            audit: list[dict[str, Any]] = []
            plan = WorldPlan(
                services=(*(make() for make in pytest_clawmark_services().values()), DESK),
                accounts=AccountBook(
                    Account("mia", "mia@company.example"), [Account("boss", "boss@company.example")]
                ),
                seed=seed,
                start=START,
                material=tmp_path,
            )
            world = open_world(plan, premises, audit.append)
            closing.callback(world.close)
            world.begin_turn("monday", START)
            return OpenedWorld(world, audit)

        yield open_one


@pytest.fixture
def office(open_office: Open) -> OpenedWorld:
    """One world."""
    return open_office()
