"""New episodes that begin with the first turns of an earlier run's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.runs.episodes import EpisodeRecord, EpisodeSpec, Inherited, recorded_episode
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder, TurnFolder
from pytest_clawmark.settings import Fork
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.private import PrivateState
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.snapshots.trees import TreeDetails
from pytest_clawmark.task import LoadedTask

_SHOWN = 10
_TAKEN_OVER = ("wake.json", "snapshot.json", "audit.jsonl", "trajectory.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkPoint:
    """An episode of the earlier run, and how many of its turns are taken over."""

    folder: EpisodeFolder
    record: EpisodeRecord
    turns: tuple[str, ...]


class ForkPoints:
    """Where each episode of a forked run goes on."""

    def __init__(self, fork: Fork) -> None:
        self._fork, self._source = fork, RunFolder(fork.source)

    @cached_property
    def _episodes(self) -> Mapping[str, list[tuple[str, int]]]:
        """Labels and trials by task. Not needed any more once all episodes have taken over their turns."""
        return _played(self._source)

    def inherited(self, task: LoadedTask) -> int:
        """How many turns of a task are taken over; none when it has no such turn, which `find` reports."""
        turns, at = list(task.task.turns), self._fork.at
        if at in turns:
            return turns.index(at) + 1
        return int(at) if at.isdecimal() and int(at) <= len(turns) else 0

    def check(self, specs: Iterable[EpisodeSpec], tasks: Mapping[str, LoadedTask]) -> None:
        """Raise `SettingsError` naming every episode that cannot go on from the earlier run, and why.

        `specs` are those that have taken over nothing yet.
        """
        problems = []
        for spec in specs:
            try:
                self.find(spec, tasks[spec.task])
            except SettingsError as error:
                problems.append(str(error))
        if problems:
            more = len(problems) - _SHOWN
            raise SettingsError(
                f"--from={self._fork.source} --at={self._fork.at} cannot be forked:\n"
                + "\n".join(f"    {problem}" for problem in problems[:_SHOWN])
                + (f"\n    and {more} more" if more > 0 else "")
            )

    def find(self, spec: EpisodeSpec, task: LoadedTask) -> ForkPoint:
        """Where one episode goes on; raises `SettingsError` when that is unclear or was never reached."""
        count = self.inherited(task)
        if count == 0:
            raise SettingsError(
                f"{spec.task}: it has no turn {self._fork.at!r}: its turns are {', '.join(task.task.turns)}"
            )
        label = self._label(spec)
        folder = self._source.episode(spec.task, label, self._trial(spec, label))
        record, turns = recorded_episode(folder), tuple(task.task.turns)[:count]
        if (
            record is None
            or record.played < count
            or not (folder.turn(turns[-1]).path / "snapshot.json").is_file()
        ):
            why = f": {record.void}" if record is not None and record.void is not None else ""
            raise SettingsError(f"{spec.task}: {label} did not get to the end of {turns[-1]!r} there{why}")
        return ForkPoint(folder=folder, record=record, turns=turns)

    def take_over(self, spec: EpisodeSpec, task: LoadedTask, run: RunFolder) -> tuple[EpisodeSpec, Inherited]:
        """Copy what the earlier run has on record of the turns; the agent's private state stays behind.

        Identifiers go on where they were, so the episode gets the earlier one's seed.
        """
        point = self.find(spec, task)
        target = run.episode(*spec.key)
        for name in point.turns:
            _copy_turn(point.folder.turn(name), target.turn(name), self._source.blobs, run.blobs)
        last = point.turns[-1]
        manifest = target.turn(last).read("snapshot")
        target.turn(last).write_private("snapshot", _world_alone(point.folder.turn(last), manifest))
        run.blobs.sync()
        known = point.record.inherited.turns if point.record.inherited else ()
        source = point.record.spec
        return (
            EpisodeSpec(
                task=spec.task, label=spec.label, trial=spec.trial, seed=source.seed, turns=spec.turns
            ),
            Inherited(
                run=self._fork.source.name,
                label=source.label,
                trial=source.trial,
                turns=(*known, *point.record.turns)[: len(point.turns)],
            ),
        )

    def _label(self, spec: EpisodeSpec) -> str:
        labels = sorted({label for label, _ in self._episodes.get(spec.task, ())})
        if not labels:
            raise SettingsError(f"{spec.task}: the run has no episode of it")
        wanted = self._fork.label
        if wanted is None:
            wanted = spec.label if spec.label in labels else labels[0]
            if wanted != spec.label and len(labels) > 1:
                raise SettingsError(
                    f"{spec.task}: the run has episodes of {', '.join(labels)}, and none of {spec.label}: name "
                    f"one, as in --from={self._fork.source}::{labels[0]}"
                )
        if wanted not in labels:
            raise SettingsError(f"{spec.task}: the run has episodes of {', '.join(labels)}, none of {wanted}")
        return wanted

    def _trial(self, spec: EpisodeSpec, label: str) -> int:
        trials = sorted(trial for name, trial in self._episodes[spec.task] if name == label)
        if spec.trial in trials:
            return spec.trial
        if len(trials) > 1:
            raise SettingsError(
                f"{spec.task}: the run has {len(trials)} trials of {label}, none for trial {spec.trial}"
            )
        return trials[0]


def _played(source: RunFolder) -> dict[str, list[tuple[str, int]]]:
    plan = source.find_plan()
    if plan is None:
        raise SettingsError(
            f"--from={source.path}: its session ended before it had collected its tasks: there is nothing to fork"
        )
    found: dict[str, list[tuple[str, int]]] = {}
    for episode in plan["episodes"]:
        found.setdefault(episode["task"], []).append((episode["label"], episode["trial"]))
    return found


def _copy_turn(source: TurnFolder, target: TurnFolder, blobs: BlobStore, mine: BlobStore) -> None:
    shutil.rmtree(target.path, ignore_errors=True)
    target.path.mkdir(parents=True)
    for moment in ("wake", "snapshot"):
        for digest in _named_by(source.read(moment)):
            mine.adopt(blobs, digest)
    for name in _TAKEN_OVER:
        shutil.copyfile(source.path / name, target.path / name)


def _named_by(manifest: Manifest) -> Iterator[str]:
    yield from (entry.digest for entry in manifest.files if entry.digest is not None)
    yield from manifest.services.values()
    if manifest.memory is not None:
        yield manifest.memory


def _world_alone(source: TurnFolder, manifest: Manifest) -> PrivateState:
    """For an agent that begins here: only what completes the workspace."""
    workspace = source.read_private("snapshot").workspace if source.has("snapshot") else TreeDetails()
    return PrivateState(
        of=manifest.digest, workspace=workspace, home=None, tmp=None, session=None, audit=0, message=None
    )
