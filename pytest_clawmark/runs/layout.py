"""The run directory: where everything of one pytest session is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_clawmark.atomic import replace_file
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.gateway.secrets import Scrubber
from pytest_clawmark.runs.sameness import refuse_other_plan
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.private import PrivateState
from pytest_clawmark.snapshots.store import BlobStore, DamagedRun

RUN_FILE = "run.json"
PLAN_FILE = "plan.json"
PROPOSED_FILE = "plan.proposed.json"


@dataclass(frozen=True, slots=True)
class TurnFolder:
    """Everything recorded of one turn."""

    path: Path

    @property
    def audit(self) -> Path:
        """Every request to the services, one JSON object a line."""
        return self.path / "audit.jsonl"

    @property
    def trajectory(self) -> Path:
        """The agent's steps, one JSON object a line."""
        return self.path / "trajectory.jsonl"

    def write(self, name: str, manifest: Manifest) -> None:
        """Record the world at the wake-up (`wake`) or at the end of the turn (`snapshot`)."""
        replace_file(self.path / f"{name}.json", pretty_json(manifest.to_json()))

    def write_private(self, name: str, private: PrivateState) -> None:
        """Record what belongs to `NAME.json`, before it; sync before that is written."""
        replace_file(self.path / f"{name}.private.json", _json(private.to_json()), sync=False)

    def read(self, name: str) -> Manifest:
        """The inverse of `write`; raises `FileNotFoundError` for what was not recorded."""
        return Manifest.from_json(json.loads((self.path / f"{name}.json").read_bytes()))

    def read_private(self, name: str) -> PrivateState:
        """The inverse of `write_private`; raises `DamagedRun` for what cannot be read."""
        path = self.path / f"{name}.private.json"
        try:
            private = PrivateState.from_json(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedRun(f"{path} cannot be read: {type(error).__name__}: {error}") from error
        if private.of != self.read(name).digest:
            raise DamagedRun(f"{path} does not belong to the {name}.json beside it")
        return private

    def has(self, name: str) -> bool:
        """Whether a moment is on record, with what it takes to go on from it."""
        return (self.path / f"{name}.json").is_file() and (self.path / f"{name}.private.json").is_file()

    def forget(self, name: str) -> None:
        """Remove what is on record of a moment."""
        for suffix in ("json", "private.json"):
            (self.path / f"{name}.{suffix}").unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class EpisodeFolder:
    """Everything recorded of one episode, without the secrets that `scrub` knows."""

    path: Path
    scrub: Scrubber = field(default_factory=Scrubber, compare=False, repr=False)

    @property
    def log(self) -> Path:
        """What the task and the solution print."""
        return self.path / "log.txt"

    def turn(self, name: str) -> TurnFolder:
        """The folder of one turn."""
        return TurnFolder(self.path / name)

    def write(self, record: Mapping[str, Any]) -> None:
        """Record the episode's state: `episode.json`."""
        replace_file(self.path / "episode.json", pretty_json(self.scrub.json(record)))

    def read(self) -> dict[str, Any] | None:
        """The episode's state, None when it was never written."""
        path = self.path / "episode.json"
        return json.loads(path.read_bytes()) if path.is_file() else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run; `resumed` when it was begun by an earlier session, whose record is then continued, not replaced.

    Secrets that `scrub` knows are not written.
    """

    path: Path
    resumed: bool = False
    scrub: Scrubber = field(default_factory=Scrubber, compare=False, repr=False)

    @property
    def blobs(self) -> BlobStore:
        """The run's content-addressed store."""
        return BlobStore(self.path / "blobs")

    @property
    def log(self) -> Path:
        """What the plugin and the services log."""
        return self.path / "log.txt"

    @property
    def results(self) -> Path:
        """Verdicts and scores."""
        return self.path / "results.json"

    def episode(self, task: str, label: str, trial: int) -> EpisodeFolder:
        """The folder of one episode."""
        path = self.path / "episodes" / task / label.replace("/", "-") / str(trial)
        return EpisodeFolder(path, self.scrub)

    def create(self, record: Mapping[str, Any]) -> None:
        """Begin the run, or go on with it; raises `SettingsError` when a new one's folder holds something."""
        if not self.resumed and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise SettingsError(
                f"--run-dir={self.path}: it already holds something, and a run is never overwritten. Name a "
                f"folder that is empty or does not exist, or go on with the run by --resume={self.path}."
            )
        option = "--resume" if self.resumed else "--run-dir"
        try:
            (self.path / "episodes").mkdir(parents=True, exist_ok=True)
            self.update(record)
        except OSError as error:
            raise SettingsError(
                f"{option}={self.path}: it cannot be written to ({error.strerror}). Name another folder."
            ) from error

    def update(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Replace `run.json`; gives what it holds now."""
        written = self.scrub.json(continued(self.read(), record) if self.resumed else record)
        replace_file(self.path / RUN_FILE, pretty_json(written))
        return dict(written)

    def read(self) -> dict[str, Any]:
        """`run.json`."""
        record: dict[str, Any] = json.loads((self.path / RUN_FILE).read_bytes())
        return record

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Record what the session set out to measure, once it has collected.

        A resumed run's plan stands until `read_plan` has found this one to be the same.
        """
        replace_file(self._written_plan, pretty_json(self.scrub.json(plan)))

    def refuse_plan(self, reason: str) -> None:
        """Make `read_plan` raise: a process that finds what is wrong with a plan may not be the one to tell."""
        self.write_plan({"schema": 1, "episodes": [], "checkers": {}, "tasks": {}, "refused": reason})

    def find_plan(self) -> dict[str, Any] | None:
        """The plan that stands, None where there is none yet."""
        path = self.path / PLAN_FILE
        return json.loads(path.read_bytes()) if path.is_file() else None

    def read_plan(self) -> dict[str, Any]:
        """The inverse of `write_plan`.

        Raises `SettingsError` when it was refused, or a resumed run's plan was another.
        """
        written = self._written_plan
        if written.is_file():
            try:
                self._look_at_plan(json.loads(written.read_bytes()))
            except SettingsError:
                written.unlink()
                raise
            written.replace(self.path / PLAN_FILE)
        found: dict[str, Any] = json.loads((self.path / PLAN_FILE).read_bytes())
        return found

    def _look_at_plan(self, plan: Mapping[str, Any]) -> None:
        if "refused" in plan:
            raise SettingsError(plan["refused"])
        if self.resumed:
            refuse_other_plan(self.path, self.find_plan() or plan, plan)

    @property
    def _written_plan(self) -> Path:
        return self.path / (PROPOSED_FILE if self.resumed else PLAN_FILE)


def continued(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a resumed run: as it was begun, with each time that it was taken up again."""
    times = [each for each in before.get("resumed", ()) if each["at"] != now["created"]]
    again = {"at": now["created"], "command": now["command"], "versions": now["versions"]}
    return {
        **now,
        "created": before["created"],
        "command": before["command"],
        "versions": before["versions"],
        "tasks": now["tasks"] or before["tasks"],
        "resumed": [*times, again],
    }


def _json(value: Any) -> bytes:
    """For programs: of one line."""
    return (json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n").encode()


def pretty_json(value: Any) -> bytes:
    """For people as well as programs: indented, keys in the order given."""
    return (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode()
