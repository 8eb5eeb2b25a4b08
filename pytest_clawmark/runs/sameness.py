"""Whether a session is about to measure what the run that it resumes set out to measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError

_SHOWN = 10

# Where a model is reached, and by which client, is no part of what is measured: a moved run has another endpoint.
_MAY_DIFFER = frozenset({"api_key_env", "base_url", "httpx", "openai"})

Json = Mapping[str, Any]


def refuse_other_plan(run: Path, before: Json, now: Json) -> None:
    """Raise `SettingsError` naming every task, service and checker that is not as it was planned."""
    _refuse(run, list(_plan_differences(before, now)))


def refuse_other_agents(run: Path, before: Iterable[Json], now: Iterable[Json]) -> None:
    """Raise `SettingsError` naming what is not as it was recorded of agents, by their labels in `run.json`."""
    was, is_now = ({agent["label"]: agent for agent in agents} for agents in (before, now))
    _refuse(
        run,
        [
            difference
            for label in sorted({*was, *is_now})
            for difference in _differences(f"{label}", was.get(label), is_now.get(label))
        ],
    )


def refuse_other_sandbox(run: Path, before: object, now: object) -> None:
    """Raise `SettingsError` when worlds would be built in another kind of sandbox."""
    _refuse(run, list(_differences("the sandbox", before, now)))


def _plan_differences(before: Json, now: Json) -> Iterator[str]:
    yield from _task_differences(before["tasks"], now["tasks"])
    yield from _service_differences(before.get("services", {}), now.get("services", {}))
    if before["tasks"].keys() == now["tasks"].keys():
        was, is_now = _checkers(before), _checkers(now)
        for task, label, trial, name in sorted(was ^ is_now):
            status = _status(selected=(task, label, trial, name) in is_now)
            yield f"the checker {name} of {task}[{label}{'' if trial == 1 else f'-{trial}'}] {status}"


def _task_differences(before: Json, now: Json) -> Iterator[str]:
    for task in sorted({*before, *now}):
        if task not in before or task not in now:
            yield f"the task {task} {_status(selected=task in now)}"
        elif before[task] != now[task]:
            yield f"the task {task} was changed since"


def _service_differences(before: Json, now: Json) -> Iterator[str]:
    changed: dict[str, list[str]] = {}
    for task in sorted(before.keys() & now.keys()):
        for name in sorted({*before[task], *now[task]}):
            if before[task].get(name) != now[task].get(name):
                changed.setdefault(name, []).append(task)
    for name, tasks in sorted(changed.items()):
        yield f"the service {name} was changed since (in {tasks[0]}{_more(len(tasks) - 1)})"


def _checkers(plan: Json) -> set[tuple[str, str, int, str]]:
    """Node ids depend on where a run's tasks lie, so they tell nothing."""
    found = set()
    for checker in plan["checkers"].values():
        task, label, trial = checker["key"]
        found.add((task, label, trial, checker["verdict"]["id"]))
    return found


def _status(*, selected: bool) -> str:
    return "is selected now and was not" if selected else "was selected and is not now"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _differences(name: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now} - _MAY_DIFFER):
            yield from _differences(f"{name}.{key}", before.get(key), now.get(key))
    elif before != now:
        yield f"{name} is {now!r} and was {before!r}"


def _refuse(run: Path, differences: list[str]) -> None:
    if not differences:
        return
    more = len(differences) - _SHOWN
    raise SettingsError(
        f"--resume={run}: a run goes on with what it began with, and this differs:\n"
        + "\n".join(f"    {each}" for each in differences[:_SHOWN])
        + (f"\n   {_more(more)}" if more > 0 else "")
        + "\nSelect the same as then, put back what was changed, or start a new run."
    )
