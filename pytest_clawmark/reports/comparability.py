"""Whether runs measured the same thing: tasks, checkers, services and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.reports.reading import StoredRun

_SHOWN = 5
_SETTINGS = ("seed", "limits", "faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One agent of one run, under the name that a comparison shows it by."""

    name: str
    run: StoredRun
    label: str


def contestants(runs: Sequence[StoredRun]) -> tuple[Contestant, ...]:
    """Every agent of every run; those of one label are told apart by their runs."""
    found = [(run, label) for run in runs for label in dict.fromkeys(result.label for result in run.results)]
    labels = [label for _, label in found]
    return tuple(
        Contestant(
            name=label if labels.count(label) == 1 else f"{label} ({run.name})",
            run=run,
            label=label,
        )
        for run, label in found
    )


def differences(runs: Sequence[StoredRun]) -> list[str]:
    """What keeps these runs from being compared, a sentence each; nothing where they measured the same."""
    first, *others = runs
    return [f"{other.name} and {first.name}: {text}" for other in others for text in _between(first, other)]


def common_tasks(runs: Sequence[StoredRun]) -> frozenset[str]:
    """The tasks that are the same in all runs, by id and content."""
    first, *others = (_digests(run) for run in runs)
    return frozenset(
        task for task, digest in first.items() if all(other.get(task) == digest for other in others)
    )


def _between(first: StoredRun, second: StoredRun) -> Iterator[str]:
    one, two = _digests(first), _digests(second)
    changed = sorted(task for task in one.keys() & two.keys() if one[task] != two[task])
    if changed:
        yield f"the files of {_some(changed)} differ"
    for run, missing in ((second, one.keys() - two.keys()), (first, two.keys() - one.keys())):
        if missing:
            yield f"{run.name} did not play {_some(sorted(missing))}"
    yield from _other_checkers(first, second, one.keys() & two.keys() - set(changed))
    yield from _other_settings(first.record, second.record)


def _other_checkers(first: StoredRun, second: StoredRun, tasks: Iterable[str]) -> Iterator[str]:
    one, two = _checkers(first), _checkers(second)
    differing = sorted(task for task in tasks if task in one and task in two and one[task] != two[task])
    if differing:
        yield f"other checkers ran on {_some(differing)}"


def _checkers(run: StoredRun) -> dict[str, frozenset[tuple[str, float, bool]]]:
    """The checkers that ran on each task, by id, weight and whether they are red lines."""
    return {
        result.task: frozenset((verdict.id, verdict.weight, verdict.red_line) for verdict in result.checkers)
        for result in run.results
        if result.checkers and not result.void
    }


def _other_settings(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    for name in _SETTINGS:
        before, after = one["settings"].get(name), two["settings"].get(name)
        if before != after:
            yield f"{name} is {after} in one and {before} in the other"
    for name in ("pytest-clawmark",):
        before, after = one["versions"].get(name), two["versions"].get(name)
        if before != after:
            yield f"{name} is {after} in one and {before} in the other"
    if one.get("services") != two.get("services"):
        yield "the code of the services differs"


def _digests(run: StoredRun) -> dict[str, str]:
    digests: dict[str, str] = dict(run.record.get("tasks", {}))
    return digests


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
