"""How far a run is, read from its folder: by the session that plays it, by another process, or long afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from pathlib import Path
from typing import Any, Literal

from pytest_clawmark.runs.layout import RunFolder

State = Literal["waiting", "running", "ended", "void"]
_TAIL = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeProgress:
    """One planned episode. `turn` and `doing` say where a running one is: its turn, and its latest step.

    `doing` quotes what an agent wrote: make it visible text before it is shown.
    """

    task: str
    label: str
    trial: int
    state: State
    turns: int = 0
    turn: str = ""
    doing: str = ""
    tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All planned episodes, in the order of the plan."""

    episodes: tuple[EpisodeProgress, ...] = ()

    def count(self, *states: State) -> int:
        """How many are in one of these states."""
        return sum(episode.state in states for episode in self.episodes)

    @property
    def running(self) -> tuple[EpisodeProgress, ...]:
        """Those that are being played."""
        return tuple(episode for episode in self.episodes if episode.state == "running")

    @property
    def tokens(self) -> int:
        """Of all turns that have ended, in and out."""
        return sum(episode.tokens for episode in self.episodes)

    @property
    def cost(self) -> float | None:
        """US dollars of all turns that have ended, None where no price is known."""
        costs = [episode.cost for episode in self.episodes if episode.cost is not None]
        return fsum(costs) if costs else None


@dataclass(slots=True)
class ProgressReader:
    """Reads a run's progress again and again; what has ended is read once."""

    run: RunFolder
    _ended: dict[Path, EpisodeProgress] = field(default_factory=dict)

    def read(self) -> Progress:
        """The progress by now; empty as long as there is no plan. What is half written counts as not written."""
        try:
            planned = self.run.find_plan() or {}
        except (OSError, ValueError):
            return Progress()
        return Progress(episodes=tuple(self._read(each) for each in planned.get("episodes", ())))

    def _read(self, planned: Mapping[str, Any]) -> EpisodeProgress:
        key = (planned["task"], planned["label"], planned["trial"])
        folder = self.run.episode(*key)
        known = self._ended.get(folder.path)
        if known is not None:
            return known
        record = _record(folder.path / "episode.json")
        if record is None:
            return EpisodeProgress(
                task=key[0],
                label=key[1],
                trial=key[2],
                state="void" if planned.get("void_reason") else "waiting",
            )
        found = _progress(record, folder.path)
        if found.state in ("ended", "void"):
            self._ended[folder.path] = found
        return found


def _record(path: Path) -> Mapping[str, Any] | None:
    try:
        record: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record


def _progress(record: Mapping[str, Any], folder: Path) -> EpisodeProgress:
    turns = record["turns"]
    costs = [cost for turn in turns if (cost := turn["usage"].get("cost")) is not None]
    turn, doing = _latest_step(folder, record) if record["state"] == "running" else ("", "")
    return EpisodeProgress(
        task=record["task"],
        label=record["label"],
        trial=record["trial"],
        state=record["state"],
        turns=len(turns),
        turn=turn,
        doing=doing,
        tokens=sum(_tokens(turn["usage"]) for turn in turns),
        cost=fsum(costs) if costs else None,
    )


def _tokens(usage: Mapping[str, Any]) -> int:
    return int(usage.get("input_tokens") or 0) + int(usage.get("output_tokens") or 0)


def _latest_step(folder: Path, record: Mapping[str, Any]) -> tuple[str, str]:
    """The turn in progress, and the last step on record there."""
    over = {turn["turn"] for turn in record["turns"]}
    found = [path for path in _listed(folder) if path.is_dir() and path.name not in over]
    if not found:
        return "", "opening the office"
    newest = max(found, key=_changed)
    return newest.name, _told(_last_line(newest / "trajectory.jsonl"))


def _listed(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return ()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _last_line(path: Path) -> Mapping[str, Any]:
    """The last whole line of a file that another thread or process is appending to."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            lines = [line for line in file.read().split(b"\n")[:-1] if line]
    except OSError:
        return {}
    try:
        step = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return step if isinstance(step, dict) else {}


def _told(step: Mapping[str, Any]) -> str:
    """A step in a few words."""
    kind = step.get("type")
    if kind == "tool":
        arguments = step.get("arguments")
        given = arguments.get("command") if isinstance(arguments, dict) else None
        return f"{step.get('name')}: {given}" if given else str(step.get("name"))
    if kind in ("wakeup", "model"):
        return "thinking" if kind == "wakeup" else "working"
    return "being graded" if kind == "stop" else "the task changes the world"
