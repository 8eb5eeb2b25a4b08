"""Where runs lie, and that nothing outside of them is ever read.

What a page names is looked up in a listing: a run by its name, an episode by its key, a blob by a digest that a
manifest of the run holds. No name that a browser sends becomes a part of a path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder

_MARKS = ("run.json", "plan.json", "results.json")


class Missing(LookupError):
    """What was asked for is not there, or lies outside of the runs."""


class Damaged(Exception):
    """A file of a run cannot be read for what it is; the text is for people."""


class ReadOnlyRun(RunFolder):
    """A run's folder that reading never changes, and whose episodes lie inside of it."""

    def read_plan(self) -> dict[str, Any]:
        """The plan that stands; one that a session proposes is for that session to accept."""
        plan = self.find_plan()
        if plan is None:
            raise FileNotFoundError(self.path / "plan.json")
        return plan

    def episode(self, task: str, label: str, trial: int) -> EpisodeFolder:
        """The folder of one episode; raises `ValueError` for names that lead elsewhere."""
        found = super().episode(task, label, trial)
        if not found.path.resolve().is_relative_to(self.path):
            raise ValueError(f"the episode {task!r} [{label}] lies outside of the run")
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """One run: the name it has on the pages, and its folder with all links followed."""

    name: str
    root: Path

    @property
    def folder(self) -> ReadOnlyRun:
        """The run's folder."""
        return ReadOnlyRun(self.root)

    def inside(self, path: Path) -> Path:
        """The path with all links followed; raises `Missing` when that lies outside of the run or nowhere."""
        try:
            found = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise Missing(f"{path.name} is not there") from None
        if not found.is_relative_to(self.root):
            raise Missing(f"{path.name} leads out of the run")
        return found

    def bytes_of(self, path: Path) -> bytes:
        """What a file of the run holds; raises `Missing` or `Damaged`."""
        found = self.inside(path)
        try:
            return found.read_bytes()
        except OSError as error:
            raise Damaged(f"{self.within(path)} cannot be read: {error.strerror}") from error

    def json_of(self, path: Path) -> Any:
        """What a JSON file of the run says; raises `Missing` or `Damaged`."""
        try:
            return json.loads(self.bytes_of(path))
        except (ValueError, RecursionError) as error:
            raise Damaged(f"{self.within(path)} is damaged: {one_line(str(error))[:200]}") from error

    def object_of(self, path: Path) -> Mapping[str, Any]:
        """As `json_of`, of a file that holds an object."""
        found = self.json_of(path)
        if not isinstance(found, Mapping):
            raise Damaged(f"{self.within(path)} is damaged: it holds no JSON object")
        return found

    def within(self, path: Path) -> str:
        """How a path is called on pages: relative to the run."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else path.name


@dataclass(frozen=True, slots=True)
class Listing:
    """The runs at some paths: folders of runs, and folders that hold such folders."""

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Listing:
        """Raises `SettingsError` for a path that is no folder."""
        for path in paths:
            if not path.is_dir():
                raise SettingsError(
                    f"{path} is no folder: name runs, or a folder that holds runs, such as runs/"
                )
        return cls(tuple(path.resolve() for path in paths))

    def places(self) -> dict[str, Place]:
        """All runs there are by now, by the names they have on pages."""
        found: dict[str, Place] = {}
        for root in dict.fromkeys(root for given in self.roots for root in _runs_in(given)):
            name = _free_name(root.name, found)
            found[name] = Place(name, root)
        return found

    def place(self, name: str) -> Place:
        """One run by its name; raises `Missing`."""
        places = self.places()
        if name not in places:
            raise Missing(f"there is no run {name!r} here")
        return places[name]


def _runs_in(root: Path) -> Iterator[Path]:
    if _is_run(root):
        yield root
        return
    try:
        below = sorted(entry.path for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return
    for path in below:
        found = Path(path).resolve()
        if found.is_relative_to(root) and _is_run(found):
            yield found


def _is_run(path: Path) -> bool:
    return any((path / mark).is_file() for mark in _MARKS)


def _free_name(name: str, taken: Iterable[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}~{number}"
    return free
