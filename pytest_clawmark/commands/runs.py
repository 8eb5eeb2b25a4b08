"""`pytest-clawmark runs`: what was recorded, what it came to, and room for more."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_clawmark.commands.run_summary import RunSummary, runs_below
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports import figures
from pytest_clawmark.reports.columns import Column, render
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.reports.terminal import table
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.runs.layout import RUN_FILE

_UNITS = ("B", "kB", "MB", "GB", "TB")


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 1 when somebody said no, and as shells have it when nobody reads on."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        return _list(arguments.dir, as_json=arguments.json)
    if arguments.action == "show":
        return _show(find(arguments.run, arguments.dir), as_json=arguments.json)
    return _remove([find(name, arguments.dir) for name in arguments.runs], sure=arguments.yes)


def find(name: str, folder: Path) -> Path:
    """A run by its path, or by its name below a folder. Raises `SettingsError` when it is neither."""
    for path in (Path(name), folder / name):
        if (path / RUN_FILE).is_file() or path.is_symlink():
            return path
    known = ", ".join(path.name for path in runs_below(folder)) or "none"
    raise SettingsError(f"{name} is no run: there is no {RUN_FILE} in it. The runs in {folder} are: {known}")


def _list(folder: Path, *, as_json: bool) -> int:
    seen: set[tuple[int, int]] = set()
    found = [RunSummary.read(path, seen) for path in runs_below(folder)]
    if as_json:
        print(json.dumps([each.to_json() for each in found], indent=1))
    elif not found:
        print(f"no runs in {folder}")
    else:
        print("\n".join(listed(found, _width())))
    return 0


def listed(runs: Sequence[RunSummary], width: int) -> list[str]:
    """A row for each, and a line that adds up."""
    columns = [
        Column("run", [one_line(run.name) for run in runs], least=20),
        Column("date", [str(run.record["created"])[:16].replace("T", " ") for run in runs]),
        Column("state", [run.state for run in runs]),
        Column("agents", [one_line(", ".join(run.agents)) for run in runs], least=12),
        Column("tasks", [str(len(run.tasks)) for run in runs], right=True),
        Column("score", [_means(run) for run in runs]),
        Column("size", [human(run.size) for run in runs], right=True),
    ]
    total = f"{figures.counted(len(runs), 'run')}, {human(sum(run.size for run in runs))}"
    return [*render(columns, width), "", total]


def _means(run: RunSummary) -> str:
    means = run.means
    return ", ".join(figures.share(means.get(label)) for label in run.agents) if means else figures.NONE


def human(size: int) -> str:
    """Bytes as people say them: `512 B`, `3.1 MB`."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 or amount >= 10 else f"{amount:.1f} {_UNITS[unit]}"


def _show(path: Path, *, as_json: bool) -> int:
    summary = RunSummary.read(path)
    if as_json:
        scores = StoredRun.read(path).results if summary.scores is not None else ()
        episodes = [result.to_json() for result in scores]
        print(json.dumps({**summary.to_json(), "run": summary.record, "episodes": episodes}, indent=1))
        return 0
    print("\n".join([*facts(summary), "", *(_scored(summary) or _unfinished(summary))]))
    return 0


def facts(run: RunSummary) -> list[str]:
    """What a run is, a line each."""
    versions = run.record.get("versions", {})
    sandbox = run.record.get("sandbox")
    told = {
        "run": str(run.path),
        "date": run.record["created"],
        "state": run.state + (f", from {run.source}" if run.source else ""),
        "command": " ".join(map(str, run.record.get("command", ()))),
        "agents": ", ".join(run.agents),
        "sandbox": sandbox if isinstance(sandbox, str) else json.dumps(sandbox),
        "versions": ", ".join(f"{name} {versions[name]}" for name in sorted(versions)),
        "size": human(run.size),
    }
    return [f"{name:<12} {one_line(str(text))}" for name, text in told.items()]


def _scored(run: RunSummary) -> list[str]:
    if run.scores is None:
        return []
    return table(StoredRun.read(run.path).results, width=_width())


def _unfinished(run: RunSummary) -> list[str]:
    """How far each episode came, where there are no scores yet."""
    if not run.episodes:
        return ["nothing was planned yet when it ended"]
    rows = sorted(run.episodes.items(), key=lambda pair: pair[0])
    columns = [
        Column("task", [one_line(task) for (task, _, _), _ in rows], least=12),
        Column("agent", [one_line(label) for (_, label, _), _ in rows], least=10),
        Column("trial", [str(trial) for (_, _, trial), _ in rows], right=True),
        Column("state", [record.state if record is not None else "not begun" for _, record in rows]),
        Column("turns", [figures.of(r.played, r.spec.turns) if r is not None else "-" for _, r in rows]),
    ]
    remedy = f"go on with it: --resume={run.path}" if not run.playing else "it is being played"
    return [*render(columns, _width()), "", remedy]


def _remove(paths: Sequence[Path], *, sure: bool) -> int:
    runs = [RunSummary.read(path) for path in dict.fromkeys(paths)]
    for run in runs:
        if run.playing:
            raise SettingsError(f"{run.path} is being played: let the session end, or stop it, first")
    for run in runs:
        derived = [p.name for p in runs_below(run.path.absolute().parent) if _is_derived(p, run)]
        if derived and not {r.name for r in runs} >= set(derived):
            print(f"{', '.join(derived)}: derived from {run.name}, and cannot be graded again without it")
        if not sure and not _agreed(f"remove {run.path} ({human(run.size)})?"):
            return 1
        remove(run.path)
        print(f"removed {run.path} ({human(run.size)})")
    return 0


def _is_derived(path: Path, run: RunSummary) -> bool:
    return RunSummary.read(path).source == run.name


def remove(path: Path) -> None:
    """Remove a run; what makes it one goes last, so that a removal cut short can be done again."""
    for entry in path.iterdir():
        if entry.name == RUN_FILE:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.rmtree(path)


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise SettingsError(f"{question} Nobody can be asked here: give --yes to remove without asking")
    with contextlib.suppress(EOFError):
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    return False


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
