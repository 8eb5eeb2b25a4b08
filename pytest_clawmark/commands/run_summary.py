"""What there is to say of a run's folder without reading what lies in it one by one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import ClawmarkError, SettingsError
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.runs.episodes import EpisodeRecord, recorded_episode
from pytest_clawmark.runs.layout import PLAN_FILE, RUN_FILE, RunFolder
from pytest_clawmark.runs.source import DERIVED_FROM
from pytest_clawmark.scoring import Summary, summarise

EpisodeKey = tuple[str, str, int]
Inodes = set[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run. `episodes` are those planned, with what is on record of them; `size` is in bytes, each file counted
    once. `scores` is None where the session did not come to its end."""

    path: Path
    record: Mapping[str, Any]
    episodes: Mapping[EpisodeKey, EpisodeRecord | None]
    planned: bool
    scores: Summary | None
    playing: bool
    size: int

    @classmethod
    def read(cls, path: Path, seen: Inodes | None = None) -> RunSummary:
        """Files in `seen` are not counted again. Raises `SettingsError` for what is no run."""
        record = _object(path / RUN_FILE)
        if record is None or "created" not in record or path.is_symlink():
            why = "it is a link" if path.is_symlink() else f"it has no {RUN_FILE} as a run has it"
            raise SettingsError(f"{path} is no run: {why}")
        plan = _object(path / PLAN_FILE)
        derived = DERIVED_FROM in record
        return cls(
            path=path,
            record=record,
            episodes={} if plan is None or derived else _episodes(RunFolder(path), plan),
            planned=plan is not None,
            scores=_scores(path),
            playing=_is_claimed(path),
            size=size_of(path, set() if seen is None else seen),
        )

    @property
    def name(self) -> str:
        """What its folder is called."""
        return self.path.name

    @property
    def source(self) -> str | None:
        """The run that it was derived from."""
        derived = self.record.get(DERIVED_FROM)
        return Path(derived["path"]).name if isinstance(derived, Mapping) else None

    @property
    def state(self) -> str:
        """`playing`, `interrupted` (something is unfinished), `regraded` (derived from another) or `ended`."""
        if self.playing:
            return "playing"
        unfinished = any(record is None or record.state == "running" for record in self.episodes.values())
        if self.scores is None or unfinished or not self.planned:
            return "interrupted"
        return "regraded" if self.source is not None else "ended"

    @property
    def agents(self) -> list[str]:
        """Who played."""
        return [str(agent.get("label", "?")) for agent in self.record.get("agents", ())]

    @property
    def tasks(self) -> list[str]:
        """What was played."""
        return sorted({task for task, _, _ in self.episodes} or set(self.record.get("tasks", ())))

    @property
    def means(self) -> dict[str, float | None]:
        """The mean score of each agent, as far as it is known."""
        return {label.label: label.totals.score for label in self.scores.labels} if self.scores else {}

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "path": str(self.path),
            "created": self.record["created"],
            "state": self.state,
            "derived_from": self.source,
            "agents": self.agents,
            "tasks": self.tasks,
            "episodes": {"planned": len(self.episodes), "ended": self.ended},
            "scores": self.means,
            "bytes": self.size,
        }

    @property
    def ended(self) -> int:
        """How many episodes came to their end, void ones included."""
        return sum(record is not None and record.state != "running" for record in self.episodes.values())


def runs_below(folder: Path) -> Iterator[Path]:
    """The folders of runs in one folder, by name."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        record = _object(path / RUN_FILE) if path.is_dir() and not path.is_symlink() else None
        if record is not None and "created" in record:
            yield path


def size_of(folder: Path, seen: Inodes) -> int:
    """The bytes that a folder takes on its disk, files of several names once; `seen` grows."""
    total = 0
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(path, name))  # noqa: PTH118 - thousands of them
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def _episodes(folder: RunFolder, plan: Mapping[str, Any]) -> dict[EpisodeKey, EpisodeRecord | None]:
    keys = [
        (each["task"], each["label"], each["trial"]) for each in plan["episodes"] if not each["void_reason"]
    ]
    return {key: recorded_episode(folder.episode(*key)) for key in keys}


def _scores(path: Path) -> Summary | None:
    try:
        return summarise(StoredRun.read(path).results)
    except ClawmarkError:
        return None


def _object(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_claimed(path: Path) -> bool:
    """Whether a session is at it: each holds a lock on the folder while it lasts."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
