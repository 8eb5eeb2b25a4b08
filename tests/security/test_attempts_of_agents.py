"""Attempts of a hostile agent, in every sandbox that isolates: each is contained, and harms neither the world's
clean end nor other worlds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts import GREEDY, HARMLESS, PREFACE

from pytest_clawmark.sandboxes import Completed
from pytest_clawmark.sandboxes.contract import MIB
from pytest_clawmark.snapshots.store import BlobStore


def attempt(office, host, program: str, **options) -> Completed:
    arguments = (str(host.folder), str(host.port), host.name, str(host.pid))
    return office.run(PREFACE + program + "\nprint('TRIED')", *arguments, **options)


def memory_available() -> int:
    with Path("/proc/meminfo").open() as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def test_there_are_at_least_forty_attempts() -> None:
    assert len(HARMLESS) + len(GREEDY) >= 40


def test_an_attempt_that_succeeds_would_be_noticed(office, host) -> None:
    done = attempt(office, host, "readable('/etc/passwd'); call(39, 172)")
    assert done.stdout.count(b"REACHED") == 2


@pytest.mark.parametrize("what", HARMLESS)
def test_an_agent_does_not_reach(office, host, what: str) -> None:
    done = attempt(office, host, HARMLESS[what])
    assert b"REACHED" not in done.stdout, done
    assert b"TRIED" in done.stdout, done


def test_after_all_attempts_both_worlds_work_and_close_cleanly(
    office, neighbour, open_office, store: BlobStore
) -> None:
    for each in (office, neighbour):
        assert each.works()
        each.world.freeze(store)
    office.world.close()
    assert neighbour.works()
    assert open_office().works()


@pytest.fixture
def victim(open_office) -> Iterator[object]:
    """A world for one greedy attempt."""
    office = open_office()
    yield office
    office.world.close()


@pytest.mark.parametrize("what", GREEDY)
def test_an_agent_that_exhausts_harms_only_itself(
    victim, neighbour, host, store: BlobStore, what: str
) -> None:
    before = memory_available()
    done = attempt(victim, host, GREEDY[what], timeout=8)
    assert len(done.stdout) <= MIB
    assert len(done.stderr) <= MIB + 1000
    assert neighbour.works()
    victim.world.freeze(store)
    assert memory_available() > before - 1500 * MIB
    assert victim.works()
    victim.world.close()
    assert neighbour.works()


def test_what_runs_at_the_freeze_cannot_change_what_was_frozen(
    victim, host, store: BlobStore, tmp_path: Path
) -> None:
    program = """
if not os.fork():
    os.setsid()
    while True:
        open("ticking", "w").write(str(time.monotonic_ns()))
time.sleep(0.2)
"""
    attempt(victim, host, program)
    first, second = victim.world.freeze(store), victim.world.freeze(store)
    assert [entry.digest for entry in first.files] == [entry.digest for entry in second.files]


def test_links_that_an_agent_leaves_are_frozen_as_links(victim, host, store: BlobStore) -> None:
    attempt(victim, host, "os.symlink(folder, 'all'); os.symlink(folder + '/solution.py', 'one')")
    entries = {entry.path: entry for entry in victim.world.freeze(store).files}
    assert {(entries[name].type, entries[name].digest) for name in ("all", "one")} == {("symlink", None)}
