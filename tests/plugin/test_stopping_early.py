"""A run that is stopped leaves nothing: no process, mount, socket or temporary file."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SOLUTION = """
import os


def monday(agent):
    agent.shell("setsid sleep {marker} >/dev/null 2>&1 &")
    with open({fifo!r}, "w") as ready:
        ready.write("working")
    agent.shell("sleep {marker}", timeout_seconds=300, check=False)


def tuesday(agent): pass
"""


@pytest.fixture(params=["local", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def sandbox(request: pytest.FixtureRequest) -> str:
    return request.param


class Started:
    """A pytest that is in the middle of a turn, in a session and a temporary folder of its own."""

    def __init__(self, root: Path, sandbox: str, marker: int) -> None:
        self.marker, self.temporary = marker, root / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o777)
        fifo = root / "ready"
        os.mkfifo(fifo)
        (root / "tasks/hr/letter/solution.py").write_text(SOLUTION.format(marker=marker, fifo=str(fifo)))
        command = [
            "tasks",
            "--agent=golden",
            f"--sandbox={sandbox}",
            "--run-dir=run",
            "-p",
            "no:cacheprovider",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *command],
            cwd=root,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert select.select([reading], [], [], 60)[0], "the turn never began"
            self._wait(lambda: bool(self.left_over()))
        except BaseException:
            self.process.kill()
            raise
        finally:
            os.close(reading)

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)

    def left_over(self) -> list[str]:
        """Command lines of processes of the agent's that are still alive."""
        wanted = f"sleep\0{self.marker}\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if wanted in line or str(self.temporary).encode() in line:
                found.append(line.decode(errors="replace"))
        return found

    def wait_until_nothing_is_left(self) -> None:
        self._wait(lambda: not self.left_over() and not list(self.temporary.iterdir()))
        assert self.left_over() == []
        assert list(self.temporary.iterdir()) == []


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_and_writes_its_results(office, sandbox: str) -> None:
    office.add()
    started = Started(office.root, sandbox, 91_000 + os.getpid() % 1000)
    assert started.left_over()
    started.process.send_signal(signal.SIGINT)
    output, _ = started.process.communicate(timeout=60)
    assert started.process.returncode == pytest.ExitCode.INTERRUPTED, output
    started.wait_until_nothing_is_left()
    results = json.loads((office.run_dir / "results.json").read_text())
    assert results["tasks"][0]["score"] is None
    assert "run: " in output


@pytest.mark.slow
def test_a_killed_run_leaves_nothing(office, sandbox: str) -> None:
    office.add()
    started = Started(office.root, sandbox, 92_000 + os.getpid() % 1000)
    started.process.kill()
    started.process.communicate(timeout=60)
    started.wait_until_nothing_is_left()
    episode = json.loads((office.run_dir / "episodes/hr/letter/golden/1/episode.json").read_text())
    assert episode["state"] == "running"
    wake = office.run_dir / "episodes/hr/letter/golden/1/monday/wake.json"
    assert json.loads(wake.read_text())["turn"] == "monday"
