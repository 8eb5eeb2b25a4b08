"""What the task writes finds room, whatever the agent has done to its file systems."""

from __future__ import annotations

import os

import pytest
from sandbox_cases import ISOLATED

from pytest_clawmark.sandboxes import Sandbox
from pytest_clawmark.sandboxes.contract import MIB, Tree

pytestmark = pytest.mark.parametrize("provider", ISOLATED, indirect=True)

FILL = {
    "the disk": "head -c 16777216 /dev/zero > full 2>/dev/null; head -c 8388608 /dev/zero > fuller",
    "the files": "for n in $(seq 300); do : > f$n || break; done",
    "a lock": "chmod 0 .",
}


def write(sandbox: Sandbox, tree: Tree, name: str, size: int) -> None:
    with sandbox.as_agent():
        number = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=sandbox.tree(tree))
        with open(number, "wb") as file:
            file.write(bytes(size))


@pytest.mark.parametrize("what", FILL)
@pytest.mark.parametrize("tree", ["workspace", "home"])
def test_the_task_can_write_where_the_agent_has_left_no_room(fresh: Sandbox, tree: Tree, what: str) -> None:
    fresh.run(["bash", "-c", FILL[what]], cwd=fresh.paths[tree])
    fresh.settle()
    write(fresh, tree, "report", 5 * MIB)
    assert fresh.run(["stat", "-c", "%s", "report"], cwd=fresh.paths[tree]).stdout == b"5242880\n"


def test_the_room_was_the_tasks_and_not_the_agents(fresh: Sandbox) -> None:
    fresh.run(["bash", "-c", FILL["the disk"]])
    fresh.settle()
    write(fresh, "workspace", "report", MIB)
    assert fresh.run(["bash", "-c", "head -c 100000 /dev/zero > more"]).exit_code != 0
    assert fresh.run(["bash", "-c", "rm full fuller; head -c 10000000 /dev/zero > again"]).exit_code == 0
    fresh.run(["true"])
    done = fresh.run(["stat", "-f", "-c", "%b %S", "."])
    blocks, size = map(int, done.stdout.split())
    assert blocks * size == 16 * MIB
