"""Walks a hostile directory tree and stores what is in it, without following anything.

Every step goes through the descriptor of the folder above, so no name can lead out of the tree; the
agent's processes are dead by now, so nothing moves meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_clawmark.snapshots.manifest import Entry
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.snapshots.trees import FrozenTree, TreeDetails

# Each level of a walk holds a descriptor; an agent that nests deeper hides nothing a checker would read.
MAX_DEPTH = 128
_SMALL = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Seen:
    path: str
    status: os.stat_result
    digest: str | None = None
    size: int | None = None
    target: str | None = None
    note: str | None = None


def freeze_tree(root: int, store: BlobStore, *, limit: int) -> FrozenTree:
    """Store every file below the directory descriptor `root`; entries come sorted by path.

    `limit` is the largest file that is stored, in bytes: a larger one can only be sparse.
    """
    seen = sorted(_Walk(store, limit).below(root, "", MAX_DEPTH), key=lambda item: os.fsencode(item.path))
    times = sorted({item.status.st_mtime_ns for item in seen})
    rank = {time: position for position, time in enumerate(times)}
    return FrozenTree(
        entries=tuple(_entry(item, rank[item.status.st_mtime_ns]) for item in seen),
        details=TreeDetails(
            mode=stat.S_IMODE(os.stat(root).st_mode),
            times=tuple(times),
            links=_links(seen),
            pipes=tuple(item.path for item in seen if stat.S_ISFIFO(item.status.st_mode)),
        ),
    )


def _links(seen: Iterable[_Seen]) -> tuple[tuple[str, ...], ...]:
    """Files of several names, each as its names."""
    names: dict[int, list[str]] = defaultdict(list)
    for item in seen:
        if stat.S_ISREG(item.status.st_mode) and item.status.st_nlink > 1:
            names[item.status.st_ino].append(item.path)
    return tuple(tuple(paths) for paths in names.values() if len(paths) > 1)


def _entry(item: _Seen, rank: int) -> Entry:
    mode = item.status.st_mode
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}
    return Entry(
        path=item.path,
        type=kinds.get(stat.S_IFMT(mode), "other"),  # type: ignore[arg-type] # the values are EntryType's
        mode=stat.S_IMODE(mode),
        rank=rank,
        size=item.size,
        digest=item.digest,
        target=item.target,
        note=item.note,
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    store: BlobStore
    limit: int

    def below(self, folder: int, prefix: str, depth: int) -> Iterator[_Seen]:
        for name in sorted(os.listdir(folder)):
            path = f"{prefix}{name}"
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                yield self.file(folder, name, path, status)
            elif stat.S_ISLNK(status.st_mode):
                yield _Seen(path, status, target=os.readlink(name, dir_fd=folder))
            elif stat.S_ISDIR(status.st_mode) and depth > 0:
                yield _Seen(path, status)
                with _opened(folder, name, status, os.O_DIRECTORY) as inner:
                    yield from self.below(inner, f"{path}/", depth - 1)
            else:
                note = "nested too deeply to be read" if stat.S_ISDIR(status.st_mode) else None
                yield _Seen(path, status, note=note)

    def file(self, folder: int, name: str, path: str, status: os.stat_result) -> _Seen:
        if status.st_size > self.limit:
            return _Seen(path, status, size=status.st_size, note=f"larger than {self.limit} bytes")
        with _opened(folder, name, status, os.O_NONBLOCK) as descriptor:
            if status.st_size > _SMALL:
                digest, size = self.store.put_stream(lambda count: os.read(descriptor, count), self.limit)
            else:
                content = _read_all(descriptor)
                digest, size = self.store.put(content), len(content)
        return _Seen(path, status, digest=digest, size=size)


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, _SMALL):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _opened(folder: int, name: str, status: os.stat_result, flags: int) -> Iterator[int]:
    """Open for reading, even what its owner made unreadable; its mode is put back."""
    flags |= os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    hidden = False
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=folder)
        hidden = True
        descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        if hidden:
            os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=folder)
