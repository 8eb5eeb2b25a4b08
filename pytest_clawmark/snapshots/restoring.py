"""Builds a frozen directory tree again, step by step through descriptors, so that no name leads out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from pytest_clawmark.snapshots.manifest import Entry
from pytest_clawmark.snapshots.store import BlobStore, DamagedRun, write_sparse
from pytest_clawmark.snapshots.trees import FrozenTree

_CHUNK = 64 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# Ranks become times this far apart, in nanoseconds, where the times themselves are unknown: enough for every file
# system to tell them from each other.
_STEP = 1_000_000_000

Rights = Callable[[], AbstractContextManager[None]]
"""Gives this thread the rights of the tree's owner; see `Sandbox.as_agent`."""

Contents = Callable[[Entry], BinaryIO]
"""Opens what a file is to contain, with the rights of this process."""


def contents_of(store: BlobStore) -> Contents:
    """The files of a snapshot are blobs of its run's store."""

    def opened(entry: Entry) -> BinaryIO:
        if entry.digest is None:
            raise LookupError(f"{entry.path!r} was not stored")
        try:
            return store.path(entry.digest).open("rb")
        except OSError as error:
            raise DamagedRun(f"the run lacks the blob {entry.digest}: {error.strerror}") from error

    return opened


def restore_tree(root: int, tree: FrozenTree, contents: Contents, rights: Rights) -> list[str]:
    """Make the folder `root` hold what was frozen, and nothing else: modes, times, links and all.

    Returns what could not be restored, as one text each; a socket cannot, nor what was never stored. Raises
    `DamagedRun` when a content is missing or is not what was recorded.
    """
    clear_folder(root, rights)
    building = _Building(tree, contents, rights)
    building.fill(root, "")
    with rights():
        building.link(root)
        building.finish(root, "")
        os.fchmod(root, tree.details.mode)
    return building.lost


def clear_folder(root: int, rights: Rights) -> None:
    """Remove everything below a folder."""
    with rights():
        for name in os.listdir(root):
            if stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
                remove_folder(name, root)
            else:
                os.unlink(name, dir_fd=root)


def remove_folder(name: str, folder: int) -> None:
    """Remove a folder and all below it, however locked; symlinks are not followed."""
    os.chmod(name, 0o700, dir_fd=folder)
    below = os.open(name, _FOLDER, dir_fd=folder)
    try:
        for entry in os.listdir(below):  # noqa: PTH208 - pathlib knows no descriptors
            if stat.S_ISDIR(os.stat(entry, dir_fd=below, follow_symlinks=False).st_mode):
                remove_folder(entry, below)
            else:
                os.unlink(entry, dir_fd=below)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=folder)


@dataclass(slots=True)
class _Building:
    """`lost` is told to people; `_made` are the paths that are there."""

    tree: FrozenTree
    contents: Contents
    rights: Rights
    lost: list[str] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)
    _children: dict[str, list[Entry]] = field(default_factory=dict)
    _second_names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for entry in self.tree.entries:
            self._children.setdefault(entry.path.rpartition("/")[0], []).append(entry)
        self._second_names = frozenset(name for _, *others in self.tree.details.links for name in others)

    def fill(self, folder: int, path: str) -> None:
        """Make what lies in one folder, open to its owner for now."""
        for entry in self._children.get(path, ()):
            if entry.path in self._second_names:
                continue
            try:
                self._make(entry, folder)
            except OSError as error:
                self._lose(entry.path, error.strerror or str(error))

    def link(self, root: int) -> None:
        """Give files of several names their other ones."""
        for first, *others in self.tree.details.links:
            for other in others:
                try:
                    with _parent(root, first) as source, _parent(root, other) as target:
                        os.link(
                            _name(first),
                            _name(other),
                            src_dir_fd=source,
                            dst_dir_fd=target,
                            follow_symlinks=False,
                        )
                    self._made.add(other)
                except OSError as error:
                    self._lose(other, f"the other name of {_shown(first)}: {error.strerror}")

    def finish(self, folder: int, path: str) -> None:
        """Set times and modes; what lies deepest comes first, since filling a folder changes its time."""
        for entry in self._children.get(path, ()):
            if entry.path not in self._made:
                continue
            name = _name(entry.path)
            if entry.type == "directory":
                with _below(name, folder) as inner:
                    self.finish(inner, entry.path)
            time = self._time(entry.rank)
            os.utime(name, ns=(time, time), dir_fd=folder, follow_symlinks=False)
            if entry.type != "symlink":
                os.chmod(name, entry.mode, dir_fd=folder)

    def _make(self, entry: Entry, folder: int) -> None:
        name = _name(entry.path)
        if entry.type == "file" and entry.note is None:
            self._write(entry, name, folder)
        elif entry.type == "symlink":
            with self.rights():
                os.symlink(entry.target or "", name, dir_fd=folder)
        elif entry.type == "directory" and entry.note is None:
            with self.rights():
                os.mkdir(name, 0o700, dir_fd=folder)
            with _below(name, folder) as inner:
                self.fill(inner, entry.path)
        elif entry.path in self.tree.details.pipes:
            with self.rights():
                os.mkfifo(name, 0o600, dir_fd=folder)
        else:
            self._lose(entry.path, entry.note or "a socket or device")
            return
        self._made.add(entry.path)

    def _write(self, entry: Entry, name: str, folder: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self.contents(entry) as source:
            with self.rights():
                descriptor = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as target:
                    _copy(source, target, entry)
            except OSError:
                os.unlink(name, dir_fd=folder)
                raise

    def _time(self, rank: int) -> int:
        times = self.tree.details.times
        return times[rank] if rank < len(times) else (rank + 1) * _STEP

    def _lose(self, path: str, reason: str) -> None:
        self.lost.append(f"{_shown(path)}: {reason}")


def _copy(source: BinaryIO, target: BinaryIO, entry: Entry) -> None:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        write_sparse(target, chunk)
    target.truncate()
    if entry.digest is not None and digest.hexdigest() != entry.digest:
        raise DamagedRun(f"the blob {entry.digest} ({_shown(entry.path)}) is not what was recorded")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _shown(path: str) -> str:
    return path if path.isprintable() else repr(path)


@contextmanager
def _below(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _parent(root: int, path: str) -> Iterator[int]:
    """The folder that a path lies in."""
    current = os.dup(root)
    try:
        for name in path.split("/")[:-1]:
            below = os.open(name, _FOLDER, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)
