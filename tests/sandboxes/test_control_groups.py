"""Control groups, where this machine has them and in hierarchies made for the test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_clawmark.sandboxes import cgroups
from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
from pytest_clawmark.sandboxes.cgroups import Ceiling, ControlGroups, Hierarchy, find_hierarchy

UNIFIED = "30 24 0:27 / {point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
SPLIT = (
    "31 24 0:28 / {point}/memory rw - cgroup cgroup rw,memory\n"
    "32 24 0:29 / {point}/pids rw - cgroup cgroup rw,pids\n"
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the hierarchy of a made-up machine."""
    monkeypatch.setattr(cgroups, "_MOUNTS", tmp_path / "mountinfo")
    monkeypatch.setattr(cgroups, "_OWN", tmp_path / "own")
    return tmp_path


def describe(machine: Path, mounts: str, own: str) -> None:
    (machine / "mountinfo").write_text(mounts.format(point=machine))
    (machine / "own").write_text(own)


def test_the_nearest_group_that_deals_both_controllers_out_is_taken(machine: Path) -> None:
    session = machine / "user.slice/session"
    session.mkdir(parents=True)
    (session / "cgroup.subtree_control").write_text("")
    (session.parent / "cgroup.subtree_control").write_text("cpu memory pids")
    describe(machine, UNIFIED, "0::/user.slice/session\n")
    assert find_hierarchy() == Hierarchy(version=2, memory=session.parent, pids=session.parent)


def test_version_one_is_taken_where_memory_is_counted_there(machine: Path) -> None:
    for name in ("memory", "pids"):
        (machine / name / "job").mkdir(parents=True)
    describe(machine, SPLIT, "8:pids:/job\n4:memory:/job\n0::/\n")
    assert find_hierarchy() == Hierarchy(version=1, memory=machine / "memory/job", pids=machine / "pids/job")


def test_a_machine_without_either_has_none(machine: Path) -> None:
    describe(machine, "", "0::/\n")
    assert find_hierarchy() is None
    assert ControlGroups().make(Ceiling(memory=1, processes=1)) is None


def test_a_hierarchy_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    groups = ControlGroups(Hierarchy(version=2, memory=absent, pids=absent))
    assert groups.make(Ceiling(memory=1, processes=1)) is None


@pytest.mark.parametrize("version", [1, 2])
def test_the_ceiling_is_written_in_the_words_of_the_version(version: int) -> None:
    hierarchy = Hierarchy(version=version, memory=Path("/m"), pids=Path("/p"))
    files = [file for _, file, _, _ in hierarchy.settings(Ceiling(memory=2**20, processes=9))]
    assert files[-1] == "pids.max"
    assert files[0] == ("memory.limit_in_bytes" if version == 1 else "memory.max")


def test_a_world_is_held_by_its_group_and_leaves_none() -> None:
    groups = ControlGroups()
    if groups.hierarchy is None:
        pytest.skip("this machine lets nobody like us make control groups")
    from sandbox_cases import blueprint

    provider = Bubblewrap(groups=groups)
    sandbox = provider.open(blueprint(memory=200 * 2**20))
    try:
        mine = sorted(groups.hierarchy.memory.glob(f"clawmark-{os.getpid()}-*"))
        assert len(mine) >= 1
        # More than the group allows, in pieces of which each is small.
        program = (
            "import mmap\nkept = []\nfor _ in range(200):\n"
            "    part = mmap.mmap(-1, 4 << 20)\n    part[::4096] = bytes(1024)\n"
            "    part.madvise(mmap.MADV_DONTNEED)\n    kept.append(part)\n"
        )
        done = sandbox.run(["python3", "-c", program])
        assert done.exit_code == -9
        assert b"together all may use 200 MiB" in done.stderr
        assert sandbox.run(["true"]).exit_code == 0
    finally:
        sandbox.close()
        provider.close()
    assert not [group for group in mine if group.exists()]


def test_groups_whose_makers_have_ended_are_found(machine: Path) -> None:
    for name in ("memory", "pids"):
        for maker in (os.getpid(), ended_process()):
            (machine / name / f"clawmark-{maker}-ab").mkdir(parents=True)
    describe(machine, SPLIT, "8:pids:/\n4:memory:/\n")
    found = cgroups.abandoned_groups()
    assert len(found) == 2
    assert not any(str(os.getpid()) in folder.name for folder in found)


def ended_process() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid
