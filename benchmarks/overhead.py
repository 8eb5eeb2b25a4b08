"""What a world, a command, a turn, a call of a model and a collection cost, beside what they may cost.

    python benchmarks/overhead.py [--sandbox bubblewrap] [--save]

Prints a table; `--save` also writes it to `benchmarks/results/` with the machine it was measured on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway_latency import added_milliseconds

from clawmark_services import Account, AccountBook
from clawmark_services.rest import RestApi
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.sandboxes.choose import providers
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

TITLE = {"title": {"type": "string"}}
TURN = """

@task.turn("2024-03-{day:02}T09:00+08:00")
def day{day}(world):
    return "Another day."


@pytest.mark.turn("day{day}")
def check_day{day}(snapshot):
    assert not snapshot.files.paths
"""
TASK = '''"""A task of {turns} days with all five services."""
import pytest
from pytest_clawmark import Account, RestApi, Task

TITLE = {{"title": {{"type": "string"}}}}
DESK = RestApi("desk", resources={{"tickets": {{"type": "object", "properties": TITLE}}}})

task = Task(
    role="nobody",
    agent=Account("mia", "mia@company.example"),
    services=["email", "calendar", "notion", "sheets", DESK],
)
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: what was measured, its value and what it may be."""

    name: str
    value: float
    unit: str
    target: float | None = None
    detail: str = ""

    def row(self) -> str:
        """Aligned for a Markdown table."""
        target = f"{self.target:g} {self.unit}" if self.target is not None else ""
        return f"| {self.name:<52} | {self.value:>8.1f} {self.unit:<2} | {target:>8} | {self.detail:<34} |"


def milliseconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def spread(samples: list[float]) -> str:
    """The range that the middle nine tenths lie in."""
    ordered = sorted(samples)
    low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]
    return f"5..95 %: {low:.1f}..{high:.1f}, n={len(ordered)}"


@contextmanager
def premises(sandbox: str) -> Iterator[Premises]:
    """Premises as a run has them."""
    toolbox = ensure(print)
    with Premises(provider=providers()[sandbox](), toolbox=toolbox) as shared:
        yield shared


def plan() -> WorldPlan:
    """A world with all five services."""
    offered = pytest_clawmark_services()
    return WorldPlan(
        services=(
            *(make() for make in offered.values()),
            RestApi("desk", resources={"tickets": {"type": "object", "properties": TITLE}}),
        ),
        accounts=AccountBook(Account("mia", "mia@company.example")),
        seed=0,
        start=datetime(2024, 3, 19, 9, tzinfo=UTC),
        material=Path.cwd(),
    )


def world_figures(sandbox: str, count: int) -> list[Figure]:
    """Opening and closing, a command, a freeze."""
    with premises(sandbox) as shared, tempfile.TemporaryDirectory() as folder:
        store, wanted = BlobStore(Path(folder)), plan()

        def open_it() -> World:
            return open_world(wanted, shared, lambda _: None)

        for _ in range(3):
            open_it().close()
        whole = [milliseconds(lambda: open_it().close()) for _ in range(count)]
        world = open_it()
        commands = [milliseconds(lambda: world.sandbox.run(["true"])) for _ in range(4 * count)]
        shells = [
            milliseconds(lambda: world.sandbox.run(["/bin/sh", "-c", "echo hello"])) for _ in range(count)
        ]
        freezes = [milliseconds(lambda: world.freeze(store)) for _ in range(count)]
        world.close()
    return [
        Figure(
            name=f"{sandbox} world with five services, open and close",
            value=statistics.median(whole),
            unit="ms",
            target=60 if sandbox == "bubblewrap" else None,
            detail=spread(whole),
        ),
        Figure(
            name="a command in it (true)",
            value=statistics.median(commands),
            unit="ms",
            target=3 if sandbox == "bubblewrap" else None,
            detail=spread(commands),
        ),
        Figure(
            name="a command in it (sh -c echo)",
            value=statistics.median(shells),
            unit="ms",
            detail=spread(shells),
        ),
        Figure(
            name="freezing it, nothing changed",
            value=statistics.median(freezes),
            unit="ms",
            detail=spread(freezes),
        ),
    ]


def write_tasks(root: Path, count: int, turns: int) -> None:
    """Tasks of several days in which nothing happens."""
    text = TASK.format(turns=turns) + "".join(TURN.format(day=day) for day in range(1, turns + 1))
    for number in range(count):
        folder = root / "tasks" / "bench" / f"task{number:03}"
        folder.mkdir(parents=True)
        (folder / "task.py").write_text(text)
    (root / "pytest.ini").write_text("[pytest]\n")


def run_pytest(root: Path, *arguments: str) -> tuple[float, float]:
    """Seconds of wall time and the peak memory in MB of a whole pytest, the worlds' processes left out."""
    peak = root / "peak"
    script = (
        "import resource, sys, pytest\n"
        "code = pytest.main(sys.argv[2:])\n"
        "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))\n"
        "sys.exit(code)\n"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, str(peak), "tasks", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=root,
        # As a user's machine has it: what was imported once need not be compiled again.
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds, int(peak.read_text()) / 1024


def session_figures(sandbox: str) -> list[Figure]:
    """Whole sessions of pytest: idle turns, a hundred episodes, a hundred collected tasks."""
    with tempfile.TemporaryDirectory() as name:
        few, many, hundred = Path(name) / "few", Path(name) / "many", Path(name) / "hundred"
        write_tasks(few, 1, 1)
        write_tasks(many, 1, 28)
        write_tasks(hundred, 100, 1)
        play = ("--agent=idle", f"--sandbox={sandbox}", "--run-dir=run", "--episodes=1")
        short, long = run_again(few, *play), run_again(many, *play)
        turns = turn_milliseconds(many / "run")
        seconds, peak = run_pytest(hundred, *play[:-1], "--episodes=16")
        collecting = min(run_pytest(hundred, "--collect-only")[0] for _ in range(3))
    return [
        Figure(
            name="an idle turn: change, freeze, work, freeze",
            value=statistics.median(turns),
            unit="ms",
            target=100,
            detail=spread(turns),
        ),
        Figure(
            name="a session of 28 idle turns beside one of 1 turn",
            value=long,
            unit="s",
            detail=f"beside {short:.1f} s, checks included",
        ),
        Figure(
            name="100 episodes at --episodes 16: peak memory",
            value=peak,
            unit="MB",
            target=500,
            detail="of the pytest process",
        ),
        Figure(
            name="100 episodes at --episodes 16: wall time", value=seconds, unit="s", detail="one turn each"
        ),
        Figure(
            name="pytest --collect-only over 100 tasks",
            value=collecting,
            unit="s",
            target=2,
            detail="a whole process, best of 3",
        ),
    ]


def gateway_figures(count: int) -> list[Figure]:
    """What the gateway adds to a call."""
    return [
        Figure(
            name=f"the gateway adds: {name}",
            value=statistics.median(samples),
            unit="ms",
            target=5,
            detail=spread(samples),
        )
        for name, samples in added_milliseconds(count).items()
    ]


def turn_milliseconds(run: Path) -> list[float]:
    """What each turn of the run's only episode took."""
    record = json.loads(next(run.rglob("episode.json")).read_text())
    return [turn["seconds"] * 1e3 for turn in record["turns"]]


def run_again(root: Path, *arguments: str) -> float:
    """Wall seconds of a session that may have run here before."""
    shutil.rmtree(root / "run", ignore_errors=True)
    return run_pytest(root, *arguments)[0]


def machine() -> str:
    """Where it was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, uid {os.getuid()}"
    )


def main() -> None:
    """Measure, print, and save when asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sandbox", default="bubblewrap", help="where worlds are built (default: %(default)s)"
    )
    parser.add_argument("--count", type=int, default=40, help="samples per figure (default: %(default)s)")
    parser.add_argument("--save", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    figures = [
        *world_figures(options.sandbox, options.count),
        *gateway_figures(5 * options.count),
        *session_figures(options.sandbox),
    ]
    lines = [
        f"# Overhead, {datetime.now(UTC):%Y-%m-%d}",
        "",
        machine(),
        "",
        f"| {'what':<52} | {'measured':>11} | {'target':>8} | {'':<34} |",
        f"| {'-' * 52} | {'-' * 11} | {'-' * 8} | {'-' * 34} |",
        *(figure.row() for figure in figures),
    ]
    print("\n".join(lines))
    if options.save:
        folder = Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"overhead-{options.sandbox}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
