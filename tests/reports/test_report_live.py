"""What is shown of a run while it runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import termios
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.reports.live import LiveLine, Screen, status
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.runs.progress import EpisodeProgress, Progress, ProgressReader


def episode(task: str = "hr/a", state: Any = "waiting", **fields: Any) -> EpisodeProgress:
    return EpisodeProgress(task=task, label="m", trial=1, state=state, **fields)


# --- the line ------------------------------------------------------------------------------------------


def test_the_line_says_what_is_done_what_it_took_and_what_is_going_on() -> None:
    progress = Progress(
        episodes=(
            episode("hr/a", "ended", tokens=12_000, cost=0.5),
            episode("hr/b", "running", turn="monday", doing="shell: ls -l", tokens=300),
            episode("hr/c"),
        )
    )
    assert status(progress, 60.0, width=200) == (
        "1/3 episodes, 1 running, 1 waiting, 12.3k tokens, $0.5000, 2m00s left | hr/b monday: shell: ls -l"
    )


def test_void_episodes_are_done_and_nothing_is_foretold_before_the_first_end() -> None:
    assert (
        status(Progress(episodes=(episode(state="void"),)), 9.0, width=99)
        == "1/1 episodes, 0 running, 0 waiting"
    )
    assert "left" not in status(Progress(episodes=(episode(), episode())), 9.0, width=99)


def test_what_an_agent_wrote_drives_no_terminal_and_stays_within_the_width() -> None:
    hostile = episode("hr/a", "running", turn="t", doing="shell: \x1b[2Jecho\n" + "x" * 500)
    shown = status(Progress(episodes=(hostile,)), 1.0, width=80)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert len(shown) <= 80


@pytest.fixture
def terminal():
    """A terminal of 50 columns and 20 rows: its screen, and a function that reads all that was written to it."""
    here, there = pty.openpty()
    os.set_blocking(here, False)

    def read() -> str:
        found = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                found += os.read(here, 65_536)
        return found.decode()

    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 50, 0, 0))
    try:
        yield Screen(descriptor=there), read
    finally:
        os.close(here)
        os.close(there)


def test_the_last_row_is_set_apart_and_given_back(terminal) -> None:
    screen, read = terminal
    line = LiveLine(lambda: Progress(episodes=(episode(),)), screen=screen, print_line=print, interval=3600.0)
    line.start()
    line.tick()
    line.close()
    line.close()
    written = read()
    assert "\x1b[1;19r" in written, "rows 1 to 19 scroll"
    assert "\x1b[20;1H\x1b[K0/1 episodes, 0 running, 1 waiting\x1b8" in written, "the last row is replaced"
    assert written.endswith("\x1b[20;1H\x1b[K\x1b[1;20r\x1b8"), "all rows scroll again"


def test_without_a_terminal_a_line_is_printed_when_nothing_else_was_for_a_while() -> None:
    printed: list[str] = []
    clock = [0.0]
    line = LiveLine(
        lambda: Progress(episodes=(episode(),)),
        screen=None,
        print_line=printed.append,
        silence=60.0,
        now=lambda: clock[0],
    )
    for seconds, expected in ((59, 0), (60, 1), (61, 1), (121, 2)):
        clock[0] = seconds
        line.tick()
        assert len(printed) == expected
    line.heard()
    clock[0] = 180
    line.tick()
    assert len(printed) == 2
    assert printed[0] == "clawmark: 0/1 episodes, 0 running, 1 waiting"


# --- reading the progress ------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    plan = {
        "episodes": [{"task": f"hr/{name}", "label": "m", "trial": 1, "void_reason": ""} for name in "abc"]
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    return RunFolder(tmp_path)


def record(run: RunFolder, task: str, state: str, *turns: str) -> Path:
    folder = run.episode(task, "m", 1).path
    folder.mkdir(parents=True, exist_ok=True)
    usage = {"input_tokens": 10, "output_tokens": 5, "cost": 0.25}
    known = {
        "task": task,
        "label": "m",
        "trial": 1,
        "state": state,
        "turns": [{"turn": turn, "usage": usage} for turn in turns],
    }
    (folder / "episode.json").write_text(json.dumps(known))
    return folder


def test_a_runs_progress_is_read_from_its_folder(run: RunFolder) -> None:
    record(run, "hr/a", "ended", "monday", "tuesday")
    folder = record(run, "hr/b", "running", "monday")
    (folder / "monday").mkdir()
    (folder / "tuesday").mkdir()
    steps = [{"type": "wakeup"}, {"type": "tool", "name": "shell", "arguments": {"command": "ls"}}]
    lines = "".join(json.dumps(step) + "\n" for step in steps)
    (folder / "tuesday" / "trajectory.jsonl").write_text(lines + '{"type": "to')
    progress = ProgressReader(run).read()
    assert [found.state for found in progress.episodes] == ["ended", "running", "waiting"]
    assert (progress.running[0].turn, progress.running[0].doing) == ("tuesday", "shell: ls")
    assert (progress.tokens, progress.cost) == (45, 0.75)


def test_a_run_without_a_plan_or_with_a_damaged_record_is_no_error(run: RunFolder, tmp_path: Path) -> None:
    record(run, "hr/a", "running")
    (run.episode("hr/a", "m", 1).path / "episode.json").write_text("{")
    assert [found.state for found in ProgressReader(run).read().episodes] == ["waiting"] * 3
    assert ProgressReader(RunFolder(tmp_path / "nowhere")).read() == Progress()


def test_what_has_ended_is_read_once(run: RunFolder) -> None:
    reader = ProgressReader(run)
    folder = record(run, "hr/a", "ended", "monday")
    reader.read()
    (folder / "episode.json").unlink()
    assert reader.read().count("ended") == 1
