"""An episode as its days: what is on record of each, and what changed on it."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_clawmark.changes import Changes, TurnRecord, turn_changes
from pytest_clawmark.reports.changes import Change, changed_files
from pytest_clawmark.runs.layout import EpisodeFolder, TurnFolder
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, score_turns
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.records import read_lines
from pytest_clawmark.snapshots.store import DamagedRun
from pytest_clawmark.viewer.kinds import spec_of
from pytest_clawmark.viewer.places import Damaged, Missing, Place

MOMENTS = ("wake", "snapshot")
"""When the agent was woken, and the end of the day."""
_WRONG = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One turn. `result` is None while it is being played; `inherited` names the run that it was played in."""

    name: str
    index: int
    folder: TurnFolder
    result: TurnResult | None
    verdicts: tuple[Verdict, ...]
    score: float | None
    inherited: str = ""

    @property
    def outcome(self) -> str:
        """worked, stopped, void, or playing."""
        return self.result.outcome if self.result is not None else "playing"

    def count(self, outcome: str) -> int:
        """How many verdicts there are of this outcome."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def crossed(self) -> int:
        """How many red lines were crossed."""
        return sum(verdict.crossed for verdict in self.verdicts)


class Episode:
    """What is on record of one episode; files are read when they are asked for."""

    def __init__(self, place: Place, result: EpisodeResult) -> None:
        self.place, self.result = place, result
        self.damage: list[str] = []
        self.folder: EpisodeFolder = place.folder.episode(result.task, result.label, result.trial)
        self.record = self._read_record()

    def _read_record(self) -> Mapping[str, Any]:
        try:
            return self.place.object_of(self.folder.path / "episode.json")
        except Missing:
            return {}
        except Damaged as error:
            self.damage.append(str(error))
            return {}

    @property
    def state(self) -> str:
        """running, ended, void, or waiting; ended where only results are left of it."""
        state = self.record.get("state")
        return state if isinstance(state, str) else ("ended" if self.result.turns else "waiting")

    @cached_property
    def days(self) -> tuple[Day, ...]:
        """All turns on record, in their order."""
        known: dict[str, tuple[TurnResult | None, str]] = {}
        for result, run in self._known_turns():
            known.setdefault(result.turn, (result, run))
        known |= dict.fromkeys(self._begun(known), (None, ""))
        folders = {name: self._turn_folder(name) for name in known}
        scores = {turn.turn: turn.score.lower for turn in score_turns(self.result)}
        there = [(name, folder) for name, folder in folders.items() if folder is not None]
        return tuple(
            Day(
                name=name,
                index=index,
                folder=folder,
                result=known[name][0],
                verdicts=tuple(verdict for verdict in self.result.checkers if verdict.turn == name),
                score=scores.get(name),
                inherited=known[name][1],
            )
            for index, (name, folder) in enumerate(there)
        )

    def _known_turns(self) -> Iterator[tuple[TurnResult, str]]:
        """Those of the results, or of the episode's own record; the inherited ones first."""
        inherited = self.record.get("inherited")
        if isinstance(inherited, Mapping):
            for turn in self._turns_of(inherited):
                yield turn, str(inherited.get("run", "another run"))
        for turn in self.result.turns or self._turns_of(self.record):
            yield turn, ""

    def _turns_of(self, record: Mapping[str, Any]) -> Sequence[TurnResult]:
        try:
            return tuple(TurnResult.from_json(turn) for turn in record.get("turns", ()))
        except _WRONG:
            self.damage.append("episode.json: its turns are damaged")
            return ()

    def _begun(self, known: Container[str]) -> list[str]:
        """Folders of turns that no record tells of yet, in the order in which they were made."""
        try:
            path = self.place.inside(self.folder.path)
            found = [entry for entry in path.iterdir() if entry.is_dir() and entry.name not in known]
        except (Missing, OSError):
            return []
        return [entry.name for entry in sorted(found, key=lambda entry: entry.stat().st_ctime_ns)]

    def _turn_folder(self, name: str) -> TurnFolder | None:
        """Its folder, which lies directly in the episode's."""
        path = self.folder.path / name
        if path.parent != self.folder.path or name in ("", ".", ".."):
            self.damage.append(f"a turn is called {name!r}, which names no folder of the episode")
            return None
        return self.folder.turn(name)

    def day(self, name: str | None) -> Day:
        """One day, by default the first; raises `Missing`."""
        if not self.days:
            raise Missing("nothing of this episode was recorded yet")
        if not name:
            return self.days[0]
        found = next((day for day in self.days if day.name == name), None)
        if found is None:
            raise Missing(f"the episode has no day {name!r}")
        return found

    def manifest(self, day: Day, moment: str) -> Manifest:
        """A frozen moment of a day; raises `Missing` or `Damaged`."""
        if moment not in MOMENTS:
            raise Missing(f"there is no moment {moment!r}: there are {', '.join(MOMENTS)}")
        path = day.folder.path / f"{moment}.json"
        try:
            return Manifest.from_json(self.place.object_of(path))
        except _WRONG as error:
            raise Damaged(f"{self.place.within(path)} is damaged: {type(error).__name__}: {error}") from error

    def latest(self, day: Day) -> tuple[str, Manifest]:
        """The end of the day, or the wake-up while there is none."""
        try:
            return "snapshot", self.manifest(day, "snapshot")
        except Missing:
            return "wake", self.manifest(day, "wake")

    def evening_before(self, day: Day) -> Manifest | None:
        """The end of the day before; None on the first day."""
        if day.index == 0:
            return None
        return self.manifest(self.days[day.index - 1], "snapshot")

    def blob(self, digest: str) -> bytes:
        """Raises `Damaged` for what is not what was recorded. `digest` comes from a manifest of this episode."""
        self.place.inside(self.place.folder.blobs.path(digest))
        try:
            return self.place.folder.blobs.checked(digest)
        except DamagedRun as error:
            raise Damaged(str(error)) from error

    def state_of(self, manifest: Manifest, service: str) -> Any:
        """The frozen state of one service; raises `Missing` or `Damaged`."""
        if service not in manifest.services:
            raise Missing(f"there is no service {service!r} on this day")
        try:
            return json.loads(self.blob(manifest.services[service]))
        except (ValueError, RecursionError) as error:
            raise Damaged(f"the state of {service} is damaged: {error}") from error

    def changes(self, day: Day) -> Changes:
        """What changed on a day and by whom; raises `Missing` before its end, or `Damaged`."""
        after = self.manifest(day, "snapshot")
        specs = [
            spec for name in after.services if (spec := spec_of(name, self.state_of(after, name))) is not None
        ]
        record = TurnRecord(
            before=self.evening_before(day),
            wake=self.manifest(day, "wake"),
            after=after,
            audit=lambda: read_lines(self.place.inside(day.folder.audit)),
            trajectory=lambda: read_lines(self.place.inside(day.folder.trajectory)),
        )
        try:
            return turn_changes(record, specs, self.place.folder.blobs)
        except (DamagedRun, *_WRONG) as error:
            raise Damaged(f"what changed cannot be told: {type(error).__name__}: {error}") from error

    def file_changes(self, day: Day, moment: str) -> list[Change]:
        """What differs in the workspace from the evening before; on the first day from its wake-up."""
        after = self.manifest(day, moment)
        before = self.evening_before(day) or self.manifest(day, "wake")
        return changed_files(before.files, after.files, self.blob)
