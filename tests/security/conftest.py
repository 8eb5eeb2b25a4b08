"""Two worlds side by side: the attacker's, and one that must stay unharmed; and what the host would hide."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clawmark_services import Account, AccountBook
from clawmark_services.rest import RestApi
from pytest_clawmark.sandboxes import Completed, Limits, SandboxProvider, providers
from pytest_clawmark.sandboxes.contract import MIB
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

DESK = RestApi("desk", resources={"tickets": {"type": "object", "properties": {"title": {"type": "string"}}}})
START = datetime.fromisoformat("2024-03-19T09:00:00+08:00")
SMALL = Limits(
    command_seconds=30,
    memory=300 * MIB,
    processes=60,
    output=MIB,
    workspace=16 * MIB,
    scratch=8 * MIB,
    files=300,
)
KEY = f"sk-of-the-host-{uuid.uuid4().hex}"
ISOLATED = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("docker", marks=pytest.mark.docker),
]


@dataclass(kw_only=True)
class Host:
    """What an agent must not get at: a task's folder, a listening port, an abstract socket, this process."""

    folder: Path
    port: int
    name: str
    pid: int = field(default_factory=os.getpid)


@dataclass(kw_only=True)
class Office:
    """A world in its first turn."""

    world: World
    audit: list[dict[str, Any]]

    def run(self, program: str, *arguments: str, **options: Any) -> Completed:
        """Run a Python program with the world's variables."""
        return self.world.sandbox.run(["python3", "-c", program, *arguments], env=self.world.env, **options)

    def shell(self, script: str, **options: Any) -> Completed:
        return self.world.sandbox.run(["bash", "-c", script], env=self.world.env, **options)

    def works(self) -> bool:
        """Whether commands run, files go in and services answer."""
        self.world.files.write("from/the/task.txt", "for the agent")
        ask = "cat from/the/task.txt && curl -s --max-time 20 $CLAWMARK_DESK_URL/tickets"
        done = self.shell(ask)
        return done.exit_code == 0 and done.stdout.startswith(b"for the agent")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("task")
    for path in (folder, *folder.parents):
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)  # rights of the host's must not be what protects it
    (folder / "task.py").write_text(f"def check_secret(): '{KEY}'\n")
    (folder / "solution.py").write_text(f"SOLUTION = '{KEY}'\n")
    name = "clawmark-" + uuid.uuid4().hex
    before = os.environ.get("MODEL_KEY")
    os.environ["MODEL_KEY"] = KEY
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + name)
        abstract.listen()
        yield Host(folder=folder, port=server.getsockname()[1], name=name)
    if before is None:
        del os.environ["MODEL_KEY"]


@pytest.fixture(scope="session")
def provider_of() -> Iterator[Callable[[str], SandboxProvider]]:
    made: dict[str, SandboxProvider] = {}
    with contextlib.ExitStack() as closing:

        def get(name: str) -> SandboxProvider:
            if name not in made:
                made[name] = providers()[name]()
                closing.callback(made[name].close)
            faults = [finding.detail for finding in made[name].check() if not finding.works]
            if faults and os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
                pytest.fail(f"{name} does not work here: {faults}", pytrace=False)
            if faults:
                pytest.skip(f"{name} does not work here: {faults}")
            return made[name]

        yield get


Open = Callable[[], Office]


@pytest.fixture(scope="module", params=ISOLATED)
def open_office(
    request: pytest.FixtureRequest, provider_of: Callable[[str], SandboxProvider], host: Host
) -> Iterator[Open]:
    premises = Premises(provider=provider_of(request.param), toolbox=ensure(), limits=SMALL)
    opened: list[Office] = []

    def open_one() -> Office:
        audit: list[dict[str, Any]] = []
        plan = WorldPlan(
            services=(DESK,),
            accounts=AccountBook(Account("mia", "mia@company.example")),
            seed=len(opened),
            start=START,
            material=host.folder,
        )
        world = open_world(plan, premises, audit.append)
        opened.append(Office(world=world, audit=audit))
        world.begin_turn("monday", START)
        return opened[-1]

    yield open_one
    for office in opened:
        office.world.close()
    premises.host.close()


@pytest.fixture(scope="module")
def neighbour(open_office: Open) -> Office:
    """Another world of the same run, with something to find in it."""
    office = open_office()
    office.shell("for d in . ~ /tmp /dev/shm; do echo of-the-neighbour > $d/neighbours-file; done")
    return office


@pytest.fixture(scope="module")
def office(open_office: Open, neighbour: Office) -> Office:
    """The attacker's world, shared by attempts that take nothing from each other."""
    return open_office()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")
