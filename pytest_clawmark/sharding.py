"""Splits a session's tasks over several CI jobs, evenly by how long they took before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import median
from typing import Any

import pytest

from pytest_clawmark.collect.module import task_of
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.scoring import EpisodeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Part `number` of `count`, both counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `2/5`; raises `SettingsError` for anything else."""
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second)):
            raise SettingsError(f"--shard={text}: write it like 2/5, the second of five parts")
        return cls(number=int(first), count=int(second))


class Sharding:
    """Leaves one shard's tasks in the session; tests that are no tasks stay in the first shard."""

    def __init__(self, shard: Shard, seconds: Mapping[str, float]) -> None:
        self._shard, self._seconds = shard, seconds

    @classmethod
    def read(cls, config: pytest.Config) -> Sharding | None:
        """From the options; None without `--shard`. Raises `SettingsError` for what cannot be used."""
        given, earlier = config.getoption("shard"), config.getoption("durations_from")
        if given is None:
            return None
        run = StoredRun.read(config.invocation_params.dir / earlier) if earlier is not None else None
        return cls(Shard.parse(given), durations(run.results) if run is not None else {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the tasks of other shards."""
        found = {item: task_of(item) for item in items}
        tasks = {task.id for task in found.values() if task is not None}
        mine = split(tasks, self._seconds, self._shard.count)[self._shard.number - 1]
        kept = [item for item in items if self._is_mine(found[item], mine)]
        dropped = [item for item in items if not self._is_mine(found[item], mine)]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = kept

    def _is_mine(self, task: Any, mine: frozenset[str]) -> bool:
        return self._shard.number == 1 if task is None else task.id in mine


def split(tasks: Iterable[str], seconds: Mapping[str, float], count: int) -> Sequence[frozenset[str]]:
    """Deal tasks to `count` shards, the longest first, each to the shard with least to do.

    A task of unknown length counts as long as the middle one of the known. The same on every machine.
    """
    known = sorted(tasks)
    middle = median([seconds[task] for task in known if task in seconds] or [1.0])
    lengths = {task: seconds.get(task, middle) for task in known}
    shards: list[list[str]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for task in sorted(known, key=lambda task: (-lengths[task], task)):
        least = loads.index(min(loads))
        shards[least].append(task)
        loads[least] += lengths[task]
    return [frozenset(shard) for shard in shards]


def durations(results: Iterable[EpisodeResult]) -> dict[str, float]:
    """How many seconds each task's agents worked in all, by the task's id."""
    found: dict[str, list[float]] = defaultdict(list)
    for result in results:
        found[result.task].append(fsum(turn.seconds for turn in result.turns))
    return {task: fsum(times) for task, times in found.items()}
