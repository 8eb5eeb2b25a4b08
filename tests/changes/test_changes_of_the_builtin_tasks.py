"""Played by their solutions, the built-in tasks change nothing unasked; left alone, nothing at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_change_in_the_hr_tasks_is_explained(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tasks/hr",
        "--agent=golden",
        "--agent=idle",
        "--sandbox=local",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [*command, f"--run-dir={run}", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (run / "results.json").is_file(), done.stdout + done.stderr
    tasks = json.loads((run / "results.json").read_text("utf-8"))["tasks"]
    turns = [(task["label"], turn["changes"]) for task in tasks for turn in task["turns"]]
    assert len(turns) >= 20
    assert [told for _, told in turns if told["unexplained"]] == []
    assert all(told["task"] for _, told in turns)
    assert {told["agent"] for label, told in turns if label == "idle"} == {0}
    assert all(told["agent"] for label, told in turns if label == "golden")
    assert sum(told["silent"] for _, told in turns) > 0
