"""What a snapshot is on disk: the files of the workspace and the digests of the services' states."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_clawmark.snapshots.store import canonical_json

SCHEMA = 1
EntryType = Literal["file", "directory", "symlink", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name in the workspace.

    `path` is relative, separated by `/`; bytes that are no UTF-8 stand as surrogate escapes. `rank` orders
    entries by their time of modification, equal times sharing a rank. A file has `size` and `digest`; its
    digest is None when it could not be stored (`note` says why). A symlink has its `target`, never
    followed. Sockets, pipes and devices are `other`.
    """

    path: str
    type: EntryType
    mode: int
    rank: int
    size: int | None = None
    digest: str | None = None
    target: str | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Without the fields that are None."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One frozen moment of a world. `clocks` counts each service's requests in the turn so far.

    `memory` is the digest of what the task remembers, None when that is nothing.
    """

    task: str
    turn: str
    time: str
    files: tuple[Entry, ...]
    services: Mapping[str, str]
    clocks: Mapping[str, int]
    memory: str | None = None

    @property
    def digest(self) -> str:
        """Identifies the state: agents that sent the same bytes leave the same digest.

        Ranks are left out: two files written within one tick of the kernel's clock may swap them.
        """
        files = [{k: v for k, v in entry.to_json().items() if k != "rank"} for entry in self.files]
        state: dict[str, Any] = {
            "turn": self.turn,
            "time": self.time,
            "files": files,
            "services": dict(self.services),
        }
        if self.memory is not None:
            state["memory"] = self.memory
        return hashlib.sha256(canonical_json(state)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As `wake.json` and `snapshot.json` hold it; schema in `schemas/snapshot.json`."""
        return {
            "schema": SCHEMA,
            "task": self.task,
            "turn": self.turn,
            "time": self.time,
            "digest": self.digest,
            "files": [entry.to_json() for entry in self.files],
            "services": dict(self.services),
            "clocks": dict(self.clocks),
            **({"memory": self.memory} if self.memory is not None else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """The inverse of `to_json`; raises `ValueError` for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"a snapshot of schema {data.get('schema')!r} cannot be read, only {SCHEMA}")
        return cls(
            task=data["task"],
            turn=data["turn"],
            time=data["time"],
            files=tuple(Entry.from_json(entry) for entry in data["files"]),
            services=dict(data["services"]),
            clocks=dict(data["clocks"]),
            memory=data.get("memory"),
        )
