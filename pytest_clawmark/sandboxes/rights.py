"""Whose processes and files a world's are, as the host sees them."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.sandboxes.contract import WritingRights

# Far from accounts, dynamic users and the ranges that container engines hand out (which end at 1_879_048_191).
_FIRST = 1_900_000_000
_COUNT = 65_536
# Where that is not mapped, as in a container with users of its own: one that nobody is meant to have.
_FALLBACK = 65_533


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The user and group that a world's processes run as."""

    uid: int
    gid: int

    def process_arguments(self) -> dict[str, Any]:
        """Arguments that make `subprocess` start a process as the owner; none where that is this process."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def writing(self) -> WritingRights:
        """A context in which this thread makes files as the owner."""
        return _FileRights(self) if os.geteuid() != self.uid else _NoChange()

    def give(self, descriptor: int) -> None:
        """Make a pipe or terminal the owner's: nobody else's processes may open it again."""
        if os.geteuid() != self.uid:
            os.fchown(descriptor, self.uid, self.gid)


class Owners:
    """Lends unprivileged users to worlds started as root, one each: kernels before 5.14 count processes
    per user of the machine, not per world. Started by anybody else, worlds run as that user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[Owner] = []
        self._next = os.getpid() * 64

    def lend(self) -> Owner:
        if os.geteuid() != 0:
            return Owner(uid=os.geteuid(), gid=os.getegid())
        if not _mapped(_FIRST + _COUNT):
            return Owner(uid=_FALLBACK, gid=_FALLBACK)
        with self._lock:
            if self._free:
                return self._free.pop()
            self._next += 1
            number = _FIRST + self._next % _COUNT
            return Owner(uid=number, gid=number)

    def take_back(self, owner: Owner) -> None:
        """Call it when the world has ended: its next user may be another world."""
        with self._lock:
            self._free.append(owner)


def _mapped(uid: int) -> bool:
    ranges = (line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines())
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in ranges)


class _NoChange(nullcontext[None]):
    """The thread's own rights are right."""

    def __enter__(self) -> None:
        return None


class _FileRights(AbstractContextManager[None]):
    """Sets this thread's file system user; the kernel and the C library keep it per thread. A thread that
    is started meanwhile takes it over.

    Root alone would not do: a world's file systems refuse owners that the world does not know.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before: list[tuple[int, int]] = []

    def __enter__(self) -> None:
        gid = self._libc.setfsgid(self._owner.gid)
        uid = self._libc.setfsuid(self._owner.uid)
        self._before.append((uid, gid))
        # setfsuid reports no error; asking with an invalid user answers with the present one.
        if self._libc.setfsuid(-1) != self._owner.uid:
            self.__exit__()
            raise PermissionError(f"this thread may not write as user {self._owner.uid}")

    def __exit__(self, *_: object) -> None:
        uid, gid = self._before.pop()
        self._libc.setfsuid(uid)
        self._libc.setfsgid(gid)
