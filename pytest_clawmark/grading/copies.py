"""Private copies of frozen workspaces, for this process alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

# A folder of ours in a message, and the name it has in the world.
_PREFIX = "clawmark-grading-"
_LOCK = "lock"
_START = r"[^\s'\"`=:,;(<]*"
_COPY = re.compile(rf"{_START}/{_PREFIX}\w+/[0-9a-f]{{16}}/workspace")
# What pytest cut out of the middle of a long text may have been in the middle of such a name.
_BEGUN = re.compile(rf"{_START}/{_PREFIX}\w*")
_ENDED = re.compile(r"\.\.\.\w*/[0-9a-f]{16}/workspace")
# All are as long as this, wherever they lie: where a long text is cut must not depend on the machine.
_LENGTH = 64
_IN_MEMORY, _ROOM = Path("/dev/shm"), 1 << 30  # noqa: S108 - a folder of our own in it

Key = tuple[str, ...]
Thaw = Callable[[int], None]


@dataclass(slots=True)
class _Copy:
    path: Path
    holder: object
    stamp: frozenset[tuple[object, ...]]


class Copies:
    """Folders with frozen workspaces, made when they are asked for, and again when somebody wrote into one.

    `kept` of them at most; the longest unused one makes room. `close` removes them all, and what a process that was
    killed left behind is removed by the next one.
    """

    def __init__(self, kept: int = 24) -> None:
        self._kept = kept
        self._copies: dict[Key, _Copy] = {}
        self._home: Path | None = None
        self._lock: IO[bytes] | None = None

    def hand_out(self, key: Key, holder: object, thaw: Thaw) -> Path:
        """The copy for a key; `thaw` fills an empty folder, given by its descriptor.

        The same `holder` finds what it wrote itself; anybody else a copy as good as new.
        """
        copy = self._copies.pop(key, None)
        if copy is None:
            copy = self._make(key, holder, thaw)
        elif copy.holder is not holder:
            if not _is_as_it_was(copy):
                copy = self._make(key, holder, thaw)
            copy.holder = holder
        self._copies[key] = copy
        while len(self._copies) > self._kept:
            _remove(self._copies.pop(next(iter(self._copies))).path.parent)
        return copy.path

    def close(self) -> None:
        """Remove everything; harmless when it was done already."""
        self._copies.clear()
        if self._home is not None and self._lock is not None:
            _remove(self._home)
            self._lock.close()
        self._home = self._lock = None

    def _make(self, key: Key, holder: object, thaw: Thaw) -> _Copy:
        path = self._folder() / sha256(repr(key).encode()).hexdigest()[:16] / "workspace"
        _remove(path.parent)
        path.mkdir(parents=True)
        with _descriptor(path) as root:
            thaw(root)
        return _Copy(path, holder, _stamp(path))

    def _folder(self) -> Path:
        if self._home is None:
            sweep()
            self._home = _new_home(_base())
            self._lock = (self._home / _LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._home


def _base() -> Path:
    """In memory where there is plenty, else with all other temporary files."""
    with contextlib.suppress(OSError):
        room = os.statvfs(_IN_MEMORY)
        if os.access(_IN_MEMORY, os.W_OK | os.X_OK) and room.f_bavail * room.f_frsize >= _ROOM:
            return _IN_MEMORY
    return Path(tempfile.gettempdir()).resolve()


def _new_home(base: Path) -> Path:
    wanted = max(16, _LENGTH - len(f"{base}/{_PREFIX}"))
    home = base / f"{_PREFIX}{secrets.token_hex(wanted)[:wanted]}"
    home.mkdir(mode=0o700)
    return home


def sweep() -> None:
    """Remove the copies of processes that ended without doing so: nobody holds their lock any more."""
    bases = {_IN_MEMORY, Path(tempfile.gettempdir()).resolve()}
    for lock in (lock for base in bases for lock in base.glob(f"{_PREFIX}*/{_LOCK}")):
        # Somebody else's folder, or one that just went away, is none of ours.
        with contextlib.suppress(OSError), lock.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock.parent)


def as_in_the_world(text: str) -> str:
    """The text with every copy's place told as the agent knew it: `/workspace`."""
    return _ENDED.sub(".../workspace", _BEGUN.sub("/workspace", _COPY.sub("/workspace", text)))


def _is_as_it_was(copy: _Copy) -> bool:
    try:
        return _stamp(copy.path) == copy.stamp
    except OSError:  # removed, or closed to its owner
        return False


def _stamp(root: Path) -> frozenset[tuple[object, ...]]:
    """What no program can change without leaving a trace: the kernel alone sets times of change."""
    found: list[tuple[object, ...]] = []
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        found.append(_traces(folder, os.lstat(folder)))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    found.append(_traces(entry.path, entry.stat(follow_symlinks=False)))
    return frozenset(found)


def _traces(path: str, status: os.stat_result) -> tuple[object, ...]:
    return (path, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _remove(folder: Path) -> None:
    """Remove a folder, however its modes were left."""
    if not folder.exists():
        return
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o700)
    shutil.rmtree(folder)


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)
