"""What a task remembers from turn to turn, and the commands that it runs in its world."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pytest_clawmark.failures import TaskFailure
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.records import Audit, Trajectory
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.snapshots.view import Snapshot
from pytest_clawmark.task import Place, Turn
from pytest_clawmark.world.author import AuthorWorld

START = datetime.fromisoformat("2024-03-19T09:00:00+08:00")
TURN = Turn(
    name="monday",
    index=0,
    time=START,
    function=lambda world: "Begin.",
    inject=None,
    tools=None,
    place=Place(file="task.py", line=1),
)


def manifest(world, store: BlobStore) -> Manifest:
    frozen = world.freeze(store)
    return Manifest(
        task="t",
        turn="monday",
        time=START.isoformat(),
        files=frozen.files,
        services=frozen.services,
        clocks=frozen.clocks,
        memory=frozen.memory,
    )


def snapshot(of: Manifest, store: BlobStore) -> Snapshot:
    return Snapshot(of, store, (), audit=lambda: Audit([]), trajectory=lambda: Trajectory([]))


def test_what_a_task_remembers_is_in_the_snapshot_and_in_its_digest(office, tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    nothing = manifest(office.world, store)
    AuthorWorld(office.world, TURN).memory["page"] = {"id": "x", "seen": (1, 2)}
    something = manifest(office.world, store)
    assert nothing.memory is None
    assert "memory" not in nothing.to_json()
    assert nothing.digest != something.digest == Manifest.from_json(something.to_json()).digest
    assert snapshot(nothing, store).memory == {}
    view = snapshot(something, store)
    view.memory["page"]["id"] = "changed"
    assert view.memory == {"page": {"id": "x", "seen": [1, 2]}}
    assert replace(something, memory=None).digest == nothing.digest


def test_a_task_meets_its_memory_as_a_resumed_run_would_give_it_back(office, tmp_path: Path) -> None:
    memory = AuthorWorld(office.world, TURN).memory
    memory["pair"] = (1, 2)
    memory[3] = "three"  # type: ignore[index] # what an author might do
    office.world.freeze(BlobStore(tmp_path / "blobs"))
    assert AuthorWorld(office.world, TURN).memory == {"pair": [1, 2], "3": "three"}


def test_a_memory_that_is_no_json_is_the_tasks_fault(office, tmp_path: Path) -> None:
    AuthorWorld(office.world, TURN).memory["when"] = START
    with pytest.raises(TaskFailure, match=r"world\.memory.*datetime is not JSON"):
        office.world.freeze(BlobStore(tmp_path / "blobs"))


def test_the_task_runs_commands_with_the_agents_rights(office) -> None:
    world = AuthorWorld(office.world, TURN)
    done = world.run(
        ["sh", "-c", "echo $EXTRA; echo $CLAWMARK_WORKSPACE; pwd; exit 3"], env={"EXTRA": "more"}
    )
    extra, workspace, folder = done.stdout.decode().split()
    assert (done.exit_code, extra, workspace) == (3, "more", folder)
    world.run(["touch", "mine"])
    assert office.shell("rm mine && ls") == ""


def test_a_service_is_found_by_its_name_alone(office) -> None:
    world = AuthorWorld(office.world, TURN)
    assert world.service("desk") is office.world.services["desk"]
    with pytest.raises(LookupError, match=r"no service 'crm': it declares .*desk"):
        world.service("crm")


def test_memory_is_written_as_canonical_json(office, tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    office.world.memory |= {"b": 1, "a": 2}
    assert json.loads(store.get(office.world.freeze(store).memory or "")) == {"a": 2, "b": 1}
