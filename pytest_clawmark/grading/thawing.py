"""Writes a frozen workspace into an empty folder, for programs that want files."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.restoring import Rights, contents_of, restore_tree
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.snapshots.trees import FrozenTree, TreeDetails

# What stands deeper could not be opened by its path: a name in a path may have 255 bytes, a path 4,096.
LONGEST_PATH = 3_000
_WORKSPACE = "workspace"
_HOPS = 40
# For all links together: an agent may lay thousands of them, each through forty others.
_STEPS = 500_000
_SECOND = 1_000_000_000


def thaw(root: int, manifest: Manifest, store: BlobStore, rights: Rights = nullcontext) -> None:
    """Write a snapshot's files below the directory descriptor of an empty folder, with `rights` to do so.

    The owner can read everything; times of modification lie in the frozen order, a second apart, the last one at
    the turn's time. Links are kept where they lead to something inside, and are relative then. Left out is what
    no program could read: files that could not be stored, paths that are too long, sockets, pipes and devices.
    Raises `DamagedRun` when the store lacks a file.
    """
    wanted = [entry for entry in manifest.files if len(_encoded(entry.path)) <= LONGEST_PATH]
    links = sound_links(wanted)
    entries = tuple(_readable(entry, links) for entry in wanted if _is_readable(entry, links))
    last = int(datetime.fromisoformat(manifest.time).timestamp())
    newest = max((entry.rank for entry in entries), default=0)
    times = tuple((last - newest + rank) * _SECOND for rank in range(newest + 1))
    tree = FrozenTree(entries=entries, details=TreeDetails(times=times))
    lost = restore_tree(root, tree, contents_of(store), rights)
    if lost:
        raise WorldFailure(f"the frozen workspace cannot be written: {'; '.join(lost[:5])}")


def _is_readable(entry: Entry, links: Mapping[str, str]) -> bool:
    if entry.type == "symlink":
        return entry.path in links
    return entry.note is None and (entry.type == "directory" or entry.digest is not None)


def _readable(entry: Entry, links: Mapping[str, str]) -> Entry:
    if entry.type == "symlink":
        return replace(entry, target=links[entry.path])
    return replace(entry, mode=(entry.mode & 0o777) | (0o700 if entry.type == "directory" else 0o600))


def sound_links(entries: Sequence[Entry]) -> dict[str, str]:
    """The links that lead to a file or folder of these entries, each with a relative path that leads there.

    A link to a folder that holds such a link itself is left out: no program that follows links goes in circles.
    """
    known = {entry.path: entry for entry in entries}
    budget = iter(range(_STEPS))
    goals = {e.path: _goal(e, known, budget) for e in entries if e.type == "symlink"}
    sound = {path: goal for path, goal in goals.items() if goal is not None}
    doors = [path for path, goal in sound.items() if not goal or known[goal].type == "directory"]
    return {
        path: posixpath.relpath(f"/{goal}", f"/{posixpath.dirname(path)}")
        for path, goal in sound.items()
        if path not in doors or not any(f"{door}/".startswith(f"{goal}/" if goal else "") for door in doors)
    }


def _goal(link: Entry, known: Mapping[str, Entry], budget: Iterator[int]) -> str | None:
    """What a link finally leads to, relative to the workspace; None outside of it, in circles and in the void."""
    target = link.target or ""
    at = [] if target.startswith("/") else [_WORKSPACE, *link.path.split("/")[:-1]]
    ahead, hops = deque(target.split("/")), 1
    for _ in budget:
        if not ahead:
            return "/".join(at[1:]) if at else None
        name = ahead.popleft()
        if name in ("", "."):
            continue
        if name == "..":
            at = at[:-1]
            continue
        entry = known.get("/".join([*at[1:], name])) if at else None
        if entry is not None and entry.type == "symlink" and hops < _HOPS:
            hops += 1
            target = entry.target or ""
            ahead.extendleft(reversed(target.split("/")))
            at = [] if target.startswith("/") else at
        elif (at and _may_stand(entry, ahead)) or (not at and name == _WORKSPACE):
            at = [*at, name]
        else:
            return None
    return None


def _may_stand(entry: Entry | None, ahead: deque[str]) -> bool:
    """Whether there is something, and a folder where the path goes on."""
    if entry is None or (entry.type == "file" and entry.digest is None):
        return False
    return entry.type == "directory" or (entry.type == "file" and not ahead)


def _encoded(path: str) -> bytes:
    """File names are bytes, in whatever language this process runs."""
    return path.encode("utf-8", "surrogateescape")
