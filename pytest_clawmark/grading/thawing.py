"""Writes a frozen workspace into an empty folder, for programs that want files."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.store import BlobStore

# What stands deeper could not be opened by its path: a name in a path may have 255 bytes, a path 4,096.
LONGEST_PATH = 3_000
_WORKSPACE = "workspace"
_HOPS = 40
# For all links together: an agent may lay thousands of them, each through forty others.
_STEPS = 500_000
_SECOND = 1_000_000_000


def thaw(
    root: int,
    manifest: Manifest,
    store: BlobStore,
    rights: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Write a snapshot's files below the directory descriptor of an empty folder, with `rights` to do so.

    The owner can read everything; times of modification lie in the frozen order, a second apart, the last one at
    the turn's time. Links are kept where they lead to something inside, and are relative then. Left out is what
    no program could read: files that could not be stored, paths that are too long, sockets, pipes and devices.
    Raises `WorldFailure` when the store lacks a file.
    """
    wanted = [entry for entry in manifest.files if len(_encoded(entry.path)) <= LONGEST_PATH]
    writing = _Writing(root, store, rights, sound_links(wanted))
    written = [entry for entry in wanted if writing.write(entry)]
    last = int(datetime.fromisoformat(manifest.time).timestamp()) * _SECOND
    ranks = {rank: place for place, rank in enumerate(sorted({e.rank for e in written}, reverse=True))}
    with rights():
        # What lies deepest comes first: filling a folder changes its time.
        for entry in reversed(written):
            path, moment = _encoded(entry.path), last - ranks[entry.rank] * _SECOND
            if entry.type != "symlink":
                os.chmod(path, _readable(entry), dir_fd=root)
            os.utime(path, ns=(moment, moment), dir_fd=root, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class _Writing:
    root: int
    store: BlobStore
    rights: Callable[[], AbstractContextManager[object]]
    links: Mapping[str, str]

    def write(self, entry: Entry) -> bool:
        path = _encoded(entry.path)
        if entry.type == "directory":
            with self.rights():
                os.mkdir(path, 0o700, dir_fd=self.root)
        elif entry.type == "symlink" and entry.path in self.links:
            with self.rights():
                os.symlink(_encoded(self.links[entry.path]), path, dir_fd=self.root)
        elif entry.type == "file" and entry.digest is not None:
            self._copy(self.store.path(entry.digest), path)
        else:
            return False
        return True

    def _copy(self, blob: Path, path: bytes) -> None:
        """The record is opened first, while this thread still has the rights of its own user."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            source = blob.open("rb")
        except FileNotFoundError:
            raise WorldFailure(f"the run lacks the frozen file {blob}") from None
        with source, self.rights(), os.fdopen(os.open(path, flags, 0o600, dir_fd=self.root), "wb") as target:
            shutil.copyfileobj(source, target)


def _readable(entry: Entry) -> int:
    return (entry.mode & 0o777) | (0o700 if entry.type == "directory" else 0o600)


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
