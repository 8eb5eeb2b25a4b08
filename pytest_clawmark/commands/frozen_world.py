"""A whole world in one file: who is there, what the services hold, what lies in the workspace."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from clawmark_services import Account, AccountBook
from pytest_clawmark.atomic import replace_file
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.snapshots.manifest import Entry
from pytest_clawmark.snapshots.restoring import restore_tree
from pytest_clawmark.snapshots.store import BlobStore, canonical_json
from pytest_clawmark.snapshots.trees import FrozenTree
from pytest_clawmark.world.world import World

SCHEMA = 1

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenWorld:
    """A world at one moment, as `--freeze` writes it and `--seed` reads it.

    `declarations` and `states` are by service; `requests` counts those since `time`. `files` are JSON
    objects as in a snapshot, with the content itself (base64) instead of its digest.
    """

    time: datetime
    accounts: AccountBook
    declarations: Mapping[str, Any]
    states: Mapping[str, Any]
    requests: Mapping[str, int]
    files: Sequence[Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Canonical: equal worlds give equal JSON."""
        agent = self.accounts.agent
        people = sorted([p.name, p.address] for p in self.accounts if p.name != agent.name)
        return {
            "schema": SCHEMA,
            "time": self.time.isoformat(),
            "agent": [agent.name, agent.address],
            "people": people,
            "services": {
                name: {
                    "declaration": self.declarations[name],
                    "requests": self.requests[name],
                    "state": state,
                }
                for name, state in self.states.items()
            },
            "files": [dict(entry) for entry in self.files],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FrozenWorld:
        """The inverse of `to_json`. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}, only {SCHEMA} can be read")
        services = data["services"]
        _check_paths(data["files"])
        return cls(
            time=datetime.fromisoformat(data["time"]),
            accounts=AccountBook(Account(*data["agent"]), [Account(*person) for person in data["people"]]),
            declarations={name: service["declaration"] for name, service in services.items()},
            states={name: service["state"] for name, service in services.items()},
            requests={name: int(service["requests"]) for name, service in services.items()},
            files=tuple(data["files"]),
        )


def read(path: Path) -> FrozenWorld:
    """The world in a file. Raises `SettingsError` naming the file and what is wrong with it."""
    try:
        return FrozenWorld.from_json(json.loads(path.read_bytes()))
    except OSError as failure:
        raise SettingsError(f"--seed {path} cannot be read: {failure.strerror}") from failure
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise SettingsError(
            f"--seed {path} holds no world as --freeze writes it: {type(wrong).__name__}: {wrong}"
        ) from wrong


def write(path: Path, frozen: FrozenWorld) -> None:
    """Write it whole or not at all. Raises `SettingsError` where the file cannot be written."""
    try:
        replace_file(path, canonical_json(frozen.to_json()) + b"\n", sync_folder=False)
    except OSError as failure:
        raise SettingsError(f"--freeze {path} cannot be written: {failure.strerror}") from failure


def freeze(world: World, time: datetime) -> tuple[FrozenWorld, list[str]]:
    """End what runs in the world and keep what there is; and the paths that no file can keep."""
    with tempfile.TemporaryDirectory(prefix="clawmark-") as folder:
        store = BlobStore(Path(folder))
        frozen = world.freeze(store)
        kept = [entry for entry in frozen.files if _can_be_kept(entry)]
        ranks = {rank: place for place, rank in enumerate(sorted({entry.rank for entry in kept}))}
        files = [_with_content(entry, store) | {"rank": ranks[entry.rank]} for entry in kept]
        states = {name: json.loads(store.get(digest)) for name, digest in frozen.services.items()}
    left_out = [entry.path for entry in frozen.files if not _can_be_kept(entry)]
    declarations = {spec.name: spec.to_json() for spec in world.plan.services}
    return (
        FrozenWorld(
            time=time,
            accounts=world.plan.accounts,
            declarations=declarations,
            states=states,
            requests=frozen.clocks,
            files=files,
        ),
        left_out,
    )


def restore(world: World, frozen: FrozenWorld) -> None:
    """Give a fresh world what was frozen, for those of its services that the file knows."""
    for name, service in world.services.items():
        if name in frozen.states:
            service.restore(frozen.states[name])
    contents = {entry["path"]: entry["content"] for entry in frozen.files if entry["type"] == "file"}
    lost = restore_tree(
        world.sandbox.tree("workspace"),
        FrozenTree(entries=tuple(_without_content(entry) for entry in frozen.files)),
        lambda entry: io.BytesIO(base64.b64decode(contents[entry.path], validate=True)),
        world.sandbox.as_agent,
    )
    if lost:
        raise SettingsError(f"the frozen world does not fit into this one: {'; '.join(lost[:_SHOWN])}")


def _check_paths(entries: Sequence[Mapping[str, Any]]) -> None:
    """A file may come from anywhere: nothing in it may lead out of the workspace."""
    folders = {""}
    for entry in entries:
        path = PurePosixPath(entry["path"])
        parent = "" if str(path.parent) == "." else str(path.parent)
        if path.is_absolute() or ".." in path.parts or str(path) != entry["path"] or parent not in folders:
            raise ValueError(f"{entry['path']!r} is no path in a folder named before it")
        if entry["type"] == "directory":
            folders.add(str(path))
        elif entry["type"] not in ("file", "symlink"):
            raise ValueError(f"{entry['path']!r} is of the unknown type {entry['type']!r}")


def _can_be_kept(entry: Entry) -> bool:
    return entry.type in ("directory", "symlink") or entry.digest is not None


def _without_content(fields: Mapping[str, Any]) -> Entry:
    return Entry.from_json({name: value for name, value in fields.items() if name != "content"})


def _with_content(entry: Entry, store: BlobStore) -> dict[str, Any]:
    fields = entry.to_json()
    if entry.digest is not None:
        del fields["digest"], fields["size"]
        fields["content"] = base64.b64encode(store.get(entry.digest)).decode("ascii")
    return fields
