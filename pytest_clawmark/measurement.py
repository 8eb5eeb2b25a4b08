"""One pytest session's measurement: who plays what, where, and what is known of it so far."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_clawmark.agents.contract import Agent
from pytest_clawmark.changes import FILES, Changes, TurnRecord, turn_changes
from pytest_clawmark.collect.items import CheckerItem, Contestant, EpisodeItem
from pytest_clawmark.collect.module import task_of
from pytest_clawmark.episode import EpisodeRecord, EpisodeSpec
from pytest_clawmark.executors.contract import Executor
from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.grading.answers import Answers
from pytest_clawmark.grading.desk import Desk, Frozen, Grading
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder
from pytest_clawmark.scoring import TurnResult
from pytest_clawmark.settings import Settings
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.records import Audit, Trajectory, read_lines
from pytest_clawmark.snapshots.store import DamagedRun
from pytest_clawmark.snapshots.view import Snapshot
from pytest_clawmark.task import LoadedTask

Moment = Literal["wake", "snapshot"]

# An episode's checkers ask for the same few again and again.
_MANIFESTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedEpisode:
    """An episode that has ended, as its checkers meet it. `manifests` are those read already, for all to use."""

    task: LoadedTask
    record: EpisodeRecord
    run: RunFolder
    manifests: dict[tuple[object, ...], Manifest] = field(default_factory=dict)

    @property
    def folder(self) -> EpisodeFolder:
        """Where it is recorded."""
        return self.run.episode(*self.record.spec.key)

    def snapshot(self, turn: str, moment: Moment = "snapshot") -> Snapshot:
        """The frozen world of a turn; a new object each time."""
        turns = list(self.task.task.turns)
        recorded = turns[: turns.index(turn) + 1]
        return Snapshot(
            self._manifest(turn, moment),
            self.run.blobs,
            self.task.services,
            audit=lambda: Audit([line for t in recorded for line in self._requests(t)]),
            trajectory=lambda: Trajectory(_lines(self.folder.turn(turn).trajectory)),
        )

    def manifest(self, turn: str) -> Manifest:
        """What was frozen at the end of a turn; raises `WorldFailure` when that was not recorded."""
        return self._manifest(turn, "snapshot")

    def _manifest(self, turn: str, moment: Moment) -> Manifest:
        place = (*self.record.spec.key, turn, moment)
        if place not in self.manifests:
            if len(self.manifests) >= _MANIFESTS:
                self.manifests.clear()
            self.manifests[place] = self._read_manifest(turn, moment)
        return self.manifests[place]

    def _read_manifest(self, turn: str, moment: Moment) -> Manifest:
        try:
            return self.folder.turn(turn).read(moment)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedRun(
                f"{moment}.json of the turn {turn!r} cannot be read: {type(error).__name__}"
            ) from error

    def grading(self, desk: Desk) -> Grading:
        """What one checker may do with the frozen worlds; to be closed when it has ended."""
        frozen = Frozen(key=self.record.spec.key, store=self.run.blobs, manifest=self.manifest)
        return Grading(frozen, desk)

    def _requests(self, turn: str) -> list[dict[str, Any]]:
        """The audit of a turn without what the task did to files, which are no service."""
        return [line for line in _lines(self.folder.turn(turn).audit) if line["service"] != FILES]

    def changes(self, turn: str) -> Changes:
        """What changed in the world in a turn, and by whom."""
        turns = list(self.task.task.turns)
        folder, place = self.folder.turn(turn), turns.index(turn)
        record = TurnRecord(
            before=self.manifest(turns[place - 1]) if place else None,
            wake=self._manifest(turn, "wake"),
            after=self.manifest(turn),
            audit=lambda: _lines(folder.audit),
            trajectory=lambda: _lines(folder.trajectory),
        )
        return turn_changes(record, self.task.services, self.run.blobs)

    def turn_result(self, turn: str) -> TurnResult:
        """How a turn went for the agent."""
        return next(result for result in self.record.turns if result.turn == turn)

    def before(self, turn: str) -> Snapshot:
        """The frozen world of the turn before; raises `LookupError` for the first."""
        turns = list(self.task.task.turns)
        if turns.index(turn) == 0:
            raise LookupError(f"{turn!r} is the first turn: there is no turn before it. Take `wake` instead.")
        return self.snapshot(turns[turns.index(turn) - 1])


def _lines(path: Path) -> list[dict[str, Any]]:
    """What was recorded; that nothing was is no evidence that nothing happened."""
    if not path.is_file():
        raise DamagedRun(f"{path.name} of the turn {path.parent.name!r} is missing")
    return read_lines(path)


class Measurement:
    """Begins episodes as items need them, and hands them out when they have ended."""

    def __init__(
        self,
        settings: Settings,
        agents: Sequence[Agent],
        run: RunFolder,
    ) -> None:
        self.settings, self.run, self.source = settings, run, run
        self.desk = Desk(answers=Answers(run.path / "answers", scrub=run.scrub))
        self.agents = {agent.label: agent for agent in agents}
        self.tasks: dict[str, LoadedTask] = {}
        self._manifests: dict[tuple[object, ...], Manifest] = {}
        self._start: Callable[[Mapping[str, LoadedTask]], Executor] | None = None
        self._executor: Executor | None = None
        self.only: Collection[tuple[str, str, int]] | None = None
        self.given_up: dict[tuple[str, str, int], str] = {}
        self.inherited: dict[tuple[str, str, int], frozenset[str]] = {}
        self.collected: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        self._specs: dict[tuple[str, str, int], EpisodeSpec] = {}
        self._futures: dict[tuple[str, str, int], Future[EpisodeRecord]] = {}

    def start_with(self, start: Callable[[Mapping[str, LoadedTask]], Executor]) -> None:
        """How to make the executor at the first episode: nothing is built for a session that plays nothing."""
        self._start = start

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        """Who plays every task: each agent, each trial."""
        trials = range(1, self.settings.trials + 1)
        return tuple(Contestant(label=label, trial=trial) for label in self.agents for trial in trials)

    def plays(self, task: str, contestant: Contestant) -> bool:
        """Whether this session is about the episode at all; a run that is graded again knows its own only."""
        return self.only is None or (task, contestant.label, contestant.trial) in self.only

    def count(self, items: Sequence[pytest.Item]) -> None:
        """Count each episode's checkers before any is deselected; parametrized fixtures make several of one."""
        for item in items:
            key = episode_key(item)
            if key is not None and isinstance(item, CheckerItem):
                self.collected[key].add(item.checker_id)

    def planned_checkers(self, task: LoadedTask, key: tuple[str, str, int]) -> int:
        """How many checkers an episode has; naming items on the command line collects only some of them."""
        if self.settings.fork is not None or key in self.inherited:
            return len(self.collected[key])
        return max(task.planned, len(self.collected[key]))

    def plan(self, items: Sequence[pytest.Item]) -> None:
        """Work out the episodes that the selected items need, each only as far as its last turn needed."""
        for item in items:
            task = task_of(item)
            if not isinstance(item, EpisodeItem) or task is None or item.contestant is None:
                continue
            self._claim_id(task)
            key = (task.id, item.contestant.label, item.contestant.trial)
            turns = task.task.turns[item.turn_name].index + 1
            known = self._specs.get(key)
            self._specs[key] = EpisodeSpec(
                task=task.id,
                label=item.contestant.label,
                trial=item.contestant.trial,
                seed=episode_seed(self.settings.seed, task.id, item.contestant.trial),
                turns=max(turns, known.turns if known else 0),
            )

    @property
    def planned(self) -> Sequence[EpisodeSpec]:
        """The episodes of the selected items, in their order."""
        return tuple(self._specs.values())

    def begin(self, items: Sequence[pytest.Item]) -> None:
        """Submit the episodes of these items; those already submitted go on."""
        for item in items:
            key = episode_key(item)
            if key is not None and key in self._specs and key not in self._futures:
                self._futures[key] = self._started().submit(self._specs[key])

    def played(self, item: EpisodeItem) -> PlayedEpisode:
        """Wait for the end of an item's episode. Raises what made the item's turn void."""
        key = episode_key(item)
        if key is None:
            raise LookupError(f"{item.nodeid} has nobody to play it")
        self.begin([item])
        record = self._futures[key].result()
        played = PlayedEpisode(
            task=self.tasks[key[0]], record=record, run=self.source, manifests=self._manifests
        )
        measured = {turn.turn for turn in record.turns if turn.outcome != "void"}
        if item.turn_name not in measured:
            raise record.void or WorldFailure(f"the turn {item.turn_name!r} was not played")
        return played

    def look(self, key: tuple[str, str, int]) -> PlayedEpisode | None:
        """An episode that has ended, without waiting for it; None for any other."""
        future = self._futures.get(key)
        if future is None or not future.done() or future.cancelled() or future.exception() is not None:
            return None
        return PlayedEpisode(
            task=self.tasks[key[0]], record=future.result(), run=self.source, manifests=self._manifests
        )

    def spec(self, key: tuple[str, str, int]) -> EpisodeSpec:
        """The plan of one episode."""
        return self._specs[key]

    def close(self) -> None:
        """End all that runs; harmless when it has ended already."""
        self.desk.close()
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        for agent in self.agents.values():
            agent.close()

    def _started(self) -> Executor:
        if self._executor is None:
            if self._start is None:
                raise LookupError("this session only collects: it plays nothing")
            self._executor = self._start(self.tasks)
        return self._executor

    def _claim_id(self, task: LoadedTask) -> None:
        other = self.tasks.setdefault(task.id, task)
        if other.path != task.path:
            raise pytest.UsageError(
                f"two tasks are called {task.id!r}: {other.path} and {task.path}. Rename one of the folders, or "
                "run them apart."
            )


MEASUREMENT = pytest.StashKey[Measurement]()


def episode_key(item: pytest.Item) -> tuple[str, str, int] | None:
    """Which episode an item belongs to, None for anybody else's item."""
    task = task_of(item)
    if task is None or not isinstance(item, EpisodeItem) or item.contestant is None:
        return None
    return task.id, item.contestant.label, item.contestant.trial


def episode_seed(seed: int, task: str, trial: int) -> int:
    """The same for every agent, so that all of them meet the same world."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{task}:{trial}".encode()).digest()[:6], "big")


def task_digest(folder: Path) -> str:
    """Identifies everything in a task's folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        name = path.relative_to(folder).as_posix().encode()
        content = hashlib.sha256(path.read_bytes()).digest()
        digest.update(len(name).to_bytes(4, "big") + name + content)
    return digest.hexdigest()


def task_digests(measurement: Measurement) -> dict[str, str]:
    """The digest of each task of the session, by id."""
    return {name: task_digest(task.path.parent) for name, task in sorted(measurement.tasks.items())}


def run_record(measurement: Measurement, extra: Mapping[str, Any]) -> dict[str, Any]:
    """`run.json`: what is measured, with what. No secret is in it."""
    return {
        "schema": 1,
        **extra,
        "settings": measurement.settings.to_json(),
        "agents": [{**agent.describe(), "label": label} for label, agent in measurement.agents.items()],
    }
