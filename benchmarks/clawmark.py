"""Play a checkout of the ClawMark corpus and tell what it took.

    python benchmarks/clawmark.py CHECKOUT [--agent idle] [--keep FOLDER] [PYTEST OPTIONS ...]

Prints the seconds and the memory (the most that all processes together held at once, shared pages counted once) of
collecting, playing and grading again, and how many verdicts there were of each kind. Ends with status 1 when a
target is missed, a checker is broken or void, or grading again gives another verdict.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
TARGETS = {"collecting": 3.0, "playing": 60.0, "grading again": 15.0}
MEMORY = 1024 * MIB
_INTERVAL = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One command: its seconds, the bytes it held at most, its exit status and its output."""

    seconds: float
    memory: int
    status: int
    output: str


def measure(root: Path, *arguments: str) -> Took:
    """Run pytest in a folder and watch it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rN", *arguments]
    began = time.monotonic()
    ended = threading.Event()
    held = [0]
    with (root / "output.txt").open("w+b") as output:
        process = subprocess.Popen(command, cwd=root, stdout=output, stderr=subprocess.STDOUT)

        def watch() -> None:
            while not ended.wait(_INTERVAL):
                held[0] = max(held[0], sum(_held(pid) for pid in _family(process.pid)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            status = process.wait()
        finally:
            ended.set()
            watcher.join()
        seconds = time.monotonic() - began
        output.seek(0)
        return Took(
            seconds=seconds, memory=held[0], status=status, output=output.read().decode(errors="replace")
        )


def _family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they still live."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    return found


def _held(pid: int) -> int:
    """A process's own share of memory; 0 when it has just ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def verdicts(run: Path) -> dict[str, str]:
    """Each checker's outcome, by task and id."""
    tasks = json.loads((run / "results.json").read_text())["tasks"]
    return {f"{task['id']}::{each['id']}": each["outcome"] for task in tasks for each in task["checkers"]}


def report(name: str, took: Took) -> bool:
    """Print what something took; whether it kept its target."""
    print(f"{name:14} {took.seconds:7.1f} s (target {TARGETS[name]:.0f} s) {took.memory / MIB:6.0f} MiB")
    return took.seconds <= TARGETS[name] and took.memory <= MEMORY


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="a clone of evolvent-ai/ClawMark")
    parser.add_argument("--agent", default="idle", help="who plays (default: idle)")
    parser.add_argument("--keep", type=Path, help="a new folder for the run, which is removed otherwise")
    options, others = parser.parse_known_args()
    tasks = str((options.checkout / "tasks").resolve())
    with tempfile.TemporaryDirectory(prefix="clawmark-benchmark-") as temporary:
        root = Path(temporary)
        run = (options.keep or root / "run").resolve()
        collecting = measure(root, tasks, "--collect-only", *others)
        playing = measure(root, tasks, f"--agent={options.agent}", f"--run-dir={run}", *others)
        if not (run / "results.json").is_file():
            print(playing.output)
            return 1
        grading = measure(root, tasks, f"--regrade={run}", f"--run-dir={root / 'again'}")
        first, again = verdicts(run), verdicts(root / "again")
    counts = Counter(first.values())
    measured = {"collecting": collecting, "playing": playing, "grading again": grading}
    kept = [report(name, took) for name, took in measured.items()]
    told = ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "broken", "void"))
    different = sum(first[name] != again.get(name) for name in first)
    print(f"verdicts       {len(first)}: {told}; {different} differ when graded again")
    print(f"processors     {len(os.sched_getaffinity(0))}")
    fine = first == again and not counts["broken"] and not counts["void"]
    return 0 if all(kept) and fine else 1


if __name__ == "__main__":
    sys.exit(main())
