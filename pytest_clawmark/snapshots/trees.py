"""A frozen directory tree: its names, and what beyond them it takes to build it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.snapshots.manifest import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDetails:
    """What no checker needs to know of a tree, and a program that goes on in it would notice.

    `mode` is the root's own. `times` are the times of modification in nanoseconds, by rank. `links` are files of
    several names, each as its names; `pipes` are the names of pipes.
    """

    mode: int = 0o755
    times: tuple[int, ...] = ()
    links: tuple[tuple[str, ...], ...] = ()
    pipes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "mode": self.mode,
            "times": list(self.times),
            "links": [list(names) for names in self.links],
            "pipes": list(self.pipes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TreeDetails:
        """The inverse of `to_json`."""
        return cls(
            mode=data["mode"],
            times=tuple(data["times"]),
            links=tuple(tuple(names) for names in data["links"]),
            pipes=tuple(data["pipes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenTree:
    """Everything below one folder; `entries` are sorted by path, a folder before what is in it."""

    entries: tuple[Entry, ...] = ()
    details: TreeDetails = TreeDetails()

    def to_json(self) -> dict[str, Any]:
        """The entries as in a snapshot, and the details."""
        return {"entries": [entry.to_json() for entry in self.entries], **self.details.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FrozenTree:
        """The inverse of `to_json`."""
        return cls(
            entries=tuple(Entry.from_json(entry) for entry in data["entries"]),
            details=TreeDetails.from_json(data),
        )
