"""Joins runs that measured parts of one whole, such as the shards of a CI run, into one run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.runs.layout import RunFolder

_SAME = ("settings", "versions", "services", "sandbox")
_OWN_SETTINGS = ("episodes", "agents", "models")


def merge(runs: Sequence[StoredRun], into: Path) -> StoredRun:
    """Write a run that holds all episodes of `runs`, which stay as they are.

    Raises `SettingsError` for runs that were not made alike or hold the same episode twice, and for a folder that
    already holds something.
    """
    _refuse_unlike(runs)
    _refuse_twice(runs)
    folder = RunFolder(into)
    record = _joined(runs, into)
    folder.create(record)
    for run in runs:
        _copy(run.path / "blobs", into / "blobs")
        _copy(run.path / "answers", into / "answers")
        _copy(run.path / "episodes", into / "episodes")
    folder.write_plan(_joined_plan(runs))
    results = [result for run in runs for result in run.results]
    write_results(folder.results, results_document(record, results))
    return StoredRun.read(into)


def _refuse_unlike(runs: Sequence[StoredRun]) -> None:
    first, *others = runs
    for other in others:
        for what, one, two in _unlike(first.record, other.record):
            raise SettingsError(
                f"{other.name} and {first.name} cannot be one run: {what} is {two} in one and {one} in the other. "
                "Set them side by side with `pytest-clawmark compare`."
            )


def _unlike(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in _SAME:
        before, after = one.get(name), two.get(name)
        if name == "settings":
            before, after = _shared_settings(before), _shared_settings(after)
        if before != after:
            yield name, before, after
    for task in one["tasks"].keys() & two["tasks"].keys():
        if one["tasks"][task] != two["tasks"][task]:
            yield f"the content of the task {task}", one["tasks"][task][:12], two["tasks"][task][:12]


def _shared_settings(settings: Any) -> dict[str, Any]:
    """What must agree: not how many worlds were alive at once, nor who played in which part."""
    return {name: value for name, value in settings.items() if name not in _OWN_SETTINGS}


def _refuse_twice(runs: Sequence[StoredRun]) -> None:
    seen: dict[tuple[str, str, int], StoredRun] = {}
    for run in runs:
        for result in run.results:
            key = (result.task, result.label, result.trial)
            other = seen.setdefault(key, run)
            if other is not run:
                raise SettingsError(
                    f"{other.name} and {run.name} both hold {result.task}[{result.label}], trial {result.trial}: "
                    "merge runs of different tasks, agents or trials"
                )


def _joined(runs: Sequence[StoredRun], into: Path) -> dict[str, Any]:
    first = runs[0].record
    agents = {agent["label"]: agent for run in runs for agent in run.record["agents"]}
    settings = {
        **first["settings"],
        **{
            name: list(dict.fromkeys(each for run in runs for each in run.record["settings"][name]))
            for name in ("agents", "models")
        },
    }
    return {
        **first,
        "created": min((run.record["created"] for run in runs), key=datetime.fromisoformat),
        "command": ["pytest-clawmark", "merge", *(run.name for run in runs), "--into", into.name],
        "tasks": dict(sorted((task, digest) for run in runs for task, digest in run.record["tasks"].items())),
        "settings": settings,
        "agents": list(agents.values()),
        "merged_from": [run.name for run in runs],
    }


def _joined_plan(runs: Sequence[StoredRun]) -> dict[str, Any]:
    plans = [RunFolder(run.path).read_plan() for run in runs]
    joined: dict[str, Any] = {**plans[0], "episodes": [each for plan in plans for each in plan["episodes"]]}
    for name, value in plans[0].items():
        if isinstance(value, dict):
            joined[name] = {key: found for plan in plans for key, found in plan.get(name, {}).items()}
    return joined


def _copy(source: Path, target: Path) -> None:
    """Blobs and answers lie under their digests, so the same name is the same content."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
