"""What the HTML report of a large run costs: time and memory to write it, its size, and time to open it.

    python benchmarks/reports.py [--tasks 100] [--agents 3] [--keep FOLDER] [--save]

A real session of pytest over constructed reports: each task has two to four turns with long transcripts, each
turn some checkers, of which a third fail by an `assert` of their own. Then Chromium opens the page, several times.
Prints a table; `--save` also writes it to `benchmarks/results/reports.md`. Times of writing are the process's own,
so that a busy machine does not count; times of opening are by the clock, so leave the machine alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overhead import machine

RESULTS = Path(__file__).parent / "results" / "reports.md"
FAMILIES = ("hr", "finance", "research", "legal", "sales", "support", "clinic", "property")
CATEGORIES = ("silent_change", "writeback", "evidence", "communication", "compliance", "scenario")
LIMITS = {
    "written after the last test (s)": 10.0,
    "written, all hooks of the session (s)": 10.0,
    "peak memory of the session (MB)": 500.0,
    "size of the page (MB)": 20.0,
    "first row in sight, median (s)": 2.0,
}

SESSION = """
import random, resource, time
import pytest
from reports import FAMILIES, construct, words
from pytest_clawmark.reports.html import register_html

TIMES = {"hooks": 0.0, "end": 0.0}
TASKS, AGENTS = @TASKS@, @AGENTS@
ITEMS, RESULTS = construct(TASKS, AGENTS)

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        register_html(config, lambda: RESULTS, location="runs/constructed")
        config.pluginmanager.unregister(name="terminalreporter")
        config.stash[START] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

START = pytest.StashKey()

def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", ITEMS, ids=[f"{case.name}" for case in ITEMS])

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        report.clawmark = item.callspec.params["case"].payload()
    return report

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_logreport(report):
    start = time.process_time()
    result = yield
    TIMES["hooks"] += time.process_time() - start
    return result

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    start = time.process_time()
    result = yield
    TIMES["end"] = time.process_time() - start
    TIMES["start memory"] = session.config.stash[START] / 1024
    TIMES["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import json, pathlib
    pathlib.Path("times.json").write_text(json.dumps(TIMES))
    return result
"""
TEST = """
def test_item(case):
    if case.verdict is not None:
        rows = case.rows()
        expected = {"name": "Ada", "status": case.status, "note": "as agreed in the mail of Tuesday"}
        assert rows[3] == expected, "the row of Ada is not as it was agreed"
"""


def words(rng: random.Random, count: int) -> str:
    """Text that compresses as prose does, more or less."""
    return " ".join(rng.choices(_VOCABULARY, cum_weights=_WEIGHTS, k=count))


def _vocabulary() -> list[str]:
    rng = random.Random(7)
    return ["".join(rng.choices("etaoinshrdlucmfwypvbgk", k=rng.randint(2, 9))) for _ in range(4_000)]


_VOCABULARY = _vocabulary()
_WEIGHTS = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(_VOCABULARY))))


class Case:
    """One item: a turn, or with `verdict` a checker of it."""

    def __init__(self, name: str, seed: int, where: dict[str, Any], turn: Any, verdict: Any = None) -> None:
        self.name, self.where, self.turn, self.verdict = name, where, turn, verdict
        self._seed = seed
        self.status = "done" if verdict is None or verdict.outcome == "passed" else "open"

    def rows(self) -> list[dict[str, str]]:
        """What a checker would look at."""
        note = "as agreed in the mail of Tuesday"
        return [{"name": name, "status": "done", "note": note} for name in ("Bo", "Cy", "Di", "Ada", "Ed")]

    def payload(self) -> dict[str, Any]:
        """What the report carries."""
        from pytest_clawmark.reports.payload import checker_payload, turn_payload
        from pytest_clawmark.scoring import points

        if self.verdict is not None:
            payload = checker_payload(**self.where, verdict=self.verdict, score=points(self.verdict))
            return payload | {"verdict": self.verdict.to_json()}
        rng = random.Random(self._seed)
        return turn_payload(
            **self.where,
            turn=self.turn,
            wakeup=words(rng, 60),
            trajectory=list(_records(rng)),
            changes=_changes(rng),
            world=_world(rng),
        )


def _records(rng: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(rng.randint(20, 45)):
        yield {
            "type": "model",
            "message": {"content": words(rng, rng.randint(20, 80)), "reasoning_content": words(rng, 60)},
            "usage": {"input_tokens": 21_000, "output_tokens": 310},
            "seconds": 4.2,
        }
        yield {
            "type": "tool",
            "name": "shell",
            "arguments": {"command": words(rng, 20)},
            "output": "\n".join(words(rng, 11) for _ in range(rng.randint(4, 70))),
            "seconds": 0.3,
        }
    yield {"type": "stop", "kind": "done", "reason": ""}


def _changes(rng: random.Random) -> list[dict[str, str]]:
    return [
        {
            "path": f"reports/{words(rng, 1)}.md",
            "change": "added",
            "diff": "@@ -0,0 +1,40 @@\n" + "\n".join(f"+{words(rng, 10)}" for _ in range(40)),
            "note": "",
        }
        for _ in range(rng.randint(0, 4))
    ]


def _world(rng: random.Random) -> dict[str, Any]:
    shown = [
        {
            "service": service,
            "phase": "turn",
            "by": who,
            "silent": False,
            "kind": "updated",
            "item": "row",
            "label": words(rng, 2),
            "place": "Tracker",
            "fields": {"Status": ["open", "done"], "Note": ["", words(rng, 12)]},
            "requests": ["PATCH /pages"],
        }
        for service, who in (("notion", "agent"), ("email", "task"), ("sheets", "agent"))
        for _ in range(rng.randint(1, 8))
    ]
    counts = {who: sum(change["by"] == who for change in shown) for who in ("task", "agent", "unexplained")}
    return {**counts, "silent": 0, "shown": shown}


def construct(tasks: int, agents: int) -> tuple[list[Case], list[Any]]:
    """The items of a run in their order, and its results."""
    from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict

    cases, results = [], []
    for number in range(tasks):
        shape = random.Random(number)
        family, lengths = FAMILIES[number % len(FAMILIES)], shape.choices((2, 3, 4), (1, 4, 1))[0]
        checkers = [shape.randint(4, 7) - (turn == 0) for turn in range(lengths)]
        for agent in range(agents):
            rng = random.Random(f"{number} {agent}")
            where = {"task": f"{family}/task_{number:03}", "label": f"model-{'abcdefgh'[agent]}", "trial": 1}
            turns, verdicts = [], []
            for index in range(lengths):
                turn = TurnResult(
                    turn=("tuesday", "wednesday", "thursday", "friday")[index],
                    index=index,
                    outcome="worked",
                    usage={
                        "model_calls": 30,
                        "tool_calls": 30,
                        "input_tokens": 640_000,
                        "cached_tokens": 512_000,
                        "output_tokens": 9_300,
                        "cost": 0.41,
                    },
                    seconds=rng.uniform(60, 900),
                )
                turns.append(turn)
                name = f"{where['task']}-{where['label']}-{turn.turn}"
                cases.append(Case(name, rng.randrange(2**32), where, turn))
                for place in range(checkers[index]):
                    bad = rng.random() < 0.2 + 0.1 * index + 0.05 * agent
                    verdict = Verdict(
                        id=f"check_{place}",
                        turn=turn.turn,
                        outcome="failed" if bad else "passed",
                        weight=float(1 + place % 3),
                        red_line=place == 0 and index == 1,
                        category=CATEGORIES[(place + index) % len(CATEGORIES)],
                        reason="the row of Ada is not as it was agreed" if bad else "",
                        description=words(rng, 12),
                    )
                    verdicts.append(verdict)
                    cases.append(Case(f"{name}-check_{place}", 0, where, turn, verdict))
            results.append(
                EpisodeResult(
                    **where,
                    family=family,
                    agent="chat",
                    turns=tuple(turns),
                    checkers=tuple(verdicts),
                    planned=len(verdicts),
                )
            )
    return cases, results


def write(folder: Path, tasks: int, agents: int) -> dict[str, float]:
    """Play the session in a process of its own; what it took."""
    (folder / "conftest.py").write_text(
        SESSION.replace("@TASKS@", str(tasks)).replace("@AGENTS@", str(agents)), encoding="utf-8"
    )
    (folder / "test_run.py").write_text(TEST, encoding="utf-8")
    roots = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "--tb=long",
                "--show-capture=no",
                "-p",
                "no:cacheprovider",
            ),
            *("-p", "no:clawmark", "--html=report.html", "--self-contained-html"),
            *("--rootdir", str(folder), str(folder)),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
        capture_output=True,
        text=True,
        check=False,
    )
    if not (folder / "times.json").exists():
        raise SystemExit(f"the session failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    times = json.loads((folder / "times.json").read_text(encoding="utf-8"))
    page = folder / "report.html"
    return {
        "written after the last test (s)": times["end"],
        "written, all hooks of the session (s)": times["end"] + times["hooks"],
        "memory before the first test (MB)": times["start memory"],
        "peak memory of the session (MB)": times["memory"],
        "size of the page (MB)": page.stat().st_size / 1e6,
    }


DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
CLICK = f"""async (selector) => {{
  const start = performance.now();
  document.querySelector(selector).click();
  await ({DRAWN})();
  return (performance.now() - start) / 1000;
}}"""
FILTER = f"""async () => {{
  const start = performance.now();
  const choice = document.querySelector("#cm-filters [name=family]");
  choice.value = "hr";
  choice.dispatchEvent(new Event("input", {{bubbles: true}}));
  await ({DRAWN})();
  return (performance.now() - start) / 1000;
}}"""


def opened(page_file: Path, times: int = 9) -> dict[str, float]:
    """How long Chromium takes to show the first row, to filter, to sort, and to unpack a turn."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CLAWMARK_CHROMIUM") or shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium: install it, or name it in CLAWMARK_CHROMIUM")
    first, figures = [], {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(times):
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(page_file.as_uri(), wait_until="commit")
            page.wait_for_selector("#results-table tbody:not([hidden]) .col-testId")
            page.evaluate(DRAWN)
            first.append(time.perf_counter() - start)
            figures["filtered by family (s)"] = page.evaluate(FILTER)
            figures["sorted by score (s)"] = page.evaluate(CLICK, "th[data-column-type=score]")
            page.evaluate(CLICK, "#results-table tbody:not([hidden]) .col-testId")
            begin = time.perf_counter()
            page.wait_for_selector("#results-table .cm-full .cm-checks")
            figures["a turn unpacked (s)"] = time.perf_counter() - begin
            context.close()
        browser.close()
    return {
        "first row in sight, fastest (s)": min(first),
        "first row in sight, median (s)": statistics.median(first),
        "first row in sight, worst (s)": max(first),
        **figures,
    }


def table(figures: dict[str, float]) -> list[str]:
    """Markdown."""
    rows = [
        f"| {name:<40} | {value:>8.2f} | {f'{LIMITS[name]:g}' if name in LIMITS else '':>7} |"
        for name, value in figures.items()
    ]
    head = f"| {'what':<40} | {'measured':>8} | {'at most':>7} |"
    return [head, f"| {'-' * 40} | {'-' * 7}: | {'-' * 6}: |", *rows]


def main() -> None:
    """Write, open, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder for the page, to look at it")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clawmark-reports-") as name:
        folder = Path(name)
        figures = write(folder, options.tasks, options.agents)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "report.html", options.keep)
        figures |= opened(folder / "report.html")
    cases, results = construct(options.tasks, options.agents)
    checkers = sum(case.verdict is not None for case in cases)
    shape = f"{len(results)} episodes, {len(cases) - checkers} turns, {checkers} checkers"
    lines = [shape + ".", "", *table(figures)]
    print("\n".join(lines))
    if options.save:
        load = f"load {os.getloadavg()[0]:.1f} at the end"
        text = "\n".join(["# The HTML report of a large run", "", f"{machine()}, {load}", "", *lines, ""])
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
