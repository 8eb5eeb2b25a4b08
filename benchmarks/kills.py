"""Kill runs at random moments, resume them each time, and compare what they come to with an uninterrupted run.

    python benchmarks/kills.py [--kills 50] [--agent golden | --agent chat] [-n 2] [--sandbox bubblewrap] TASKS

`chat` plays a scripted model, served here. Ends with status 1 when a verdict or a frozen world differs, or when
something is left behind: a process, a temporary file or a mount.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

PR_SET_CHILD_SUBREAPER = 36
# How long what a killed session left may take to notice.
GRACE = 30.0
# The share of kills that come while episodes are being played; the others may come while pytest starts, too.
PLAYING = 0.8


@dataclass(slots=True)
class Machine:
    """Where runs are made: a folder with tasks, a temporary folder of their own, and a command line."""

    root: Path
    arguments: list[str]
    left: list[str] = field(default_factory=list)

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A pytest with its own temporary folder; its output goes to `output.txt`."""
        self.temporary.mkdir(exist_ok=True)
        with (self.root / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self.arguments, *arguments],
                cwd=self.root,
                env={**os.environ, "TMPDIR": str(self.temporary)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def play(self, run: Path, *arguments: str) -> float:
        """A session to its end; how long it took from its first episode on."""
        process = self.start(*arguments)
        self.await_episode(process, run)
        began = time.monotonic()
        self.check(process.wait())
        return time.monotonic() - began

    def await_episode(self, process: subprocess.Popen[bytes], run: Path) -> None:
        """Return when the session has begun or resumed an episode, or has ended."""
        began = time.time_ns()
        while process.poll() is None:
            for path in run.glob("episodes/**/episode.json"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime_ns > began:
                        return
            time.sleep(0.002)

    def check(self, status: int) -> None:
        """Failed checkers are fine, anything else is not."""
        if status not in (0, 1):
            raise RuntimeError(f"pytest ended with {status}:\n{(self.root / 'output.txt').read_text()}")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill it and nothing else, and wait until nothing of it is left."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.await_nothing()

    def await_nothing(self) -> None:
        """Orphans become children of this process: wait for them to end by themselves, then look around."""
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and orphans():
            time.sleep(0.02)
        for process in orphans():
            command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ")[:80]
            self.left.append(f"process {process}: {command!r}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and self.temporary_files():
            time.sleep(0.02)
        self.left += [f"file {path}" for path in self.temporary_files()]
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        self.left += [f"mount {line}" for line in mounts.splitlines() if str(self.root) in line]

    def temporary_files(self) -> list[Path]:
        """All but what pytest-xdist makes for pytest's own `tmp_path`."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]


def orphans() -> list[int]:
    """The living children of this process, once those that have ended are buried."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children]


def findings(run: Path) -> dict[str, Any]:
    """All that must not depend on interruptions: verdicts, and the digest of every frozen world."""
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = {
        f"{task['id']}[{task['label']}-{task['trial']}] {checker['id']}": (
            checker["outcome"],
            checker["reason"],
        )
        for task in results["tasks"]
        for checker in task["checkers"]
    }
    for moment in ("wake", "snapshot"):
        for path in run.glob(f"episodes/**/{moment}.json"):
            found[str(path.relative_to(run))] = json.loads(path.read_text(encoding="utf-8"))["digest"]
    for path in run.glob("episodes/**/audit.jsonl"):
        found[str(path.relative_to(run))] = len(path.read_bytes().splitlines())
    return found


def resumptions(run: Path) -> Counter[str]:
    """From which moments episodes went on."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in run.glob("episodes/**/episode.json")]
    return Counter(each["moment"] for record in records for each in record.get("resumed", ()))


@contextlib.contextmanager
def scripted_model(root: Path) -> Iterator[list[str]]:
    """Serve a model that works a little in each turn; the options that make it play."""
    from support.scripted_model import Calls, Says, ScriptedModel

    day = [
        Calls(
            (
                "shell",
                {"command": "ls -la > seen-$RANDOM.txt; rm seen-*; date +%F >> days.txt; ls ~ >> days.txt"},
            )
        ),
        Calls(
            ("email_send", {"to": "me@company.example", "subject": "Done", "body": "Once."}),
            ("shell", {"command": "echo note >> /tmp/notes; cp /tmp/notes notes.txt; echo home >> ~/diary"}),
        ),
        Calls(("shell", {"command": "cp ~/diary diary.txt; sleep 0.05"})),
        Says("Done for the day."),
    ]
    with ScriptedModel(day * 5) as model:
        (root / "clawmark.toml").write_text(
            f'[models.scripted]\nbase_url = "{model.url}"\nmodel = "scripted"\ncontext_window = 100000\n'
        )
        yield ["--model=scripted"]


def campaign(machine: Machine, kills: int, chance: random.Random) -> tuple[list[str], Counter[str]]:
    """Kill and resume until that many kills are done; what differed, and from where episodes went on."""
    whole = machine.play(machine.root / "whole", "--run-dir=whole")
    expected = findings(machine.root / "whole")
    print(f"uninterrupted: {whole:.1f} s of playing, {len(expected)} facts", flush=True)
    wrong: list[str] = []
    moments: Counter[str] = Counter()
    done = runs = 0
    while done < kills:
        runs += 1
        run = machine.root / f"run{runs}"
        arguments = [f"--run-dir={run.name}"]
        interrupted = 0
        while done < kills and interrupted < 5:
            process = machine.start(*arguments)
            if chance.random() < PLAYING:
                machine.await_episode(process, run)
            time.sleep(chance.uniform(0.0, whole))
            if process.poll() is not None:
                machine.check(process.returncode)
                break
            machine.kill(process)
            done, interrupted = done + 1, interrupted + 1
            if (run / "run.json").is_file():
                arguments = [f"--resume={run.name}"]
            else:
                shutil.rmtree(run, ignore_errors=True)
        else:
            machine.play(run, *arguments)
        machine.await_nothing()
        found = findings(run)
        wrong += [
            f"{run.name}: {name}: {found.get(name)} instead of {expected.get(name)}"
            for name in sorted({*found, *expected})
            if found.get(name) != expected.get(name)
        ]
        wrong += [f"{run.name}: {path} is left" for path in run.rglob(".*") if path.is_file()]
        moments += resumptions(run)
        print(f"{run.name}: killed {interrupted} times, {len(wrong)} differences so far", flush=True)
        shutil.rmtree(run)
    return wrong, moments


def main() -> int:
    """Run a campaign and tell how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", type=Path, help="a folder of tasks")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--agent", default="golden", help="golden, idle, or chat for a scripted model")
    parser.add_argument("--sandbox", default="bubblewrap")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("-n", "--workers", default=None, help="pytest-xdist's workers")
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory(prefix="clawmark-kills-") as name, contextlib.ExitStack() as closing:
        root = Path(name)
        shutil.copytree(options.tasks, root / "tasks")
        (root / "pytest.ini").write_text("[pytest]\n")
        chat = options.agent == "chat"
        who = closing.enter_context(scripted_model(root)) if chat else [f"--agent={options.agent}"]
        workers = ["-n", options.workers] if options.workers else []
        machine = Machine(root, ["tasks", f"--sandbox={options.sandbox}", *workers])
        machine.arguments += who
        wrong, moments = campaign(machine, options.kills, random.Random(options.seed))
    print("episodes went on from:", dict(moments))
    for line in [*wrong[:20], *machine.left[:20]]:
        print(line)
    print(f"{len(wrong)} differences, {len(machine.left)} things left behind")
    return 1 if wrong or machine.left else 0


if __name__ == "__main__":
    sys.exit(main())
