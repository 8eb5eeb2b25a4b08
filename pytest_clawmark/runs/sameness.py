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
    """Raise `SettingsError` naming every task and every service that the plan has not, or otherwise."""
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
    """Less than before may be selected: the rest stays planned."""
    for what in ("task", "service"):
        was, is_now = before.get(f"{what}s", {}), now.get(f"{what}s", {})
        for name in sorted(is_now):
            if name not in was:
                yield f"the {what} {name} is no part of it"
            elif was[name] != is_now[name]:
                yield f"the {what} {name} was changed since"


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
        + (f"\n    and {more} more" if more > 0 else "")
        + "\nPut it back as it was, or start a new run."
    )
