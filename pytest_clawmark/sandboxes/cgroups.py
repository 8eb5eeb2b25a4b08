"""Control groups for worlds that no container engine looks after, where this machine lets us make them.

Root may nearly everywhere; an ordinary user where a part of the hierarchy is delegated, as systemd does for
logged-in users. Version 2 is preferred; version 1 serves where memory is still counted there.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")
_PREFIX = "clawmark-"
_EMPTY_SECONDS = 5.0
_CONTROLLERS = ("memory", "pids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What all processes of a world may use together; `memory` in bytes, its files in memory included."""

    memory: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """Where groups can be made: one folder for each controller, which in version 2 are the same."""

    version: int
    memory: Path
    pids: Path

    def settings(self, ceiling: Ceiling) -> Iterator[tuple[Path, str, int, bool]]:
        """(parent, file, value, whether every kernel has it), in the order in which they must be written."""
        if self.version == 2:
            yield self.memory, "memory.max", ceiling.memory, True
            yield self.memory, "memory.swap.max", 0, False
        else:
            yield self.memory, "memory.limit_in_bytes", ceiling.memory, True
            yield self.memory, "memory.memsw.limit_in_bytes", ceiling.memory, False
        yield self.pids, "pids.max", ceiling.processes, True

    @property
    def counter(self) -> str:
        """The file of a group that counts the processes killed for want of memory."""
        return "memory.events" if self.version == 2 else "memory.oom_control"


class Group:
    """One world's control group. `counter` is an open file for init; see `Control.build`."""

    def __init__(self, hierarchy: Hierarchy, name: str, ceiling: Ceiling) -> None:
        self._folders = [parent / name for parent in dict.fromkeys((hierarchy.memory, hierarchy.pids))]
        try:
            for folder in self._folders:
                folder.mkdir()
            for parent, file, value, required in hierarchy.settings(ceiling):
                with contextlib.nullcontext() if required else contextlib.suppress(OSError):
                    (parent / name / file).write_text(str(value), encoding="ascii")
            self.counter = os.open(hierarchy.memory / name / hierarchy.counter, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._remove()
            raise

    def admit(self, pid: int) -> None:
        """Move a process, and so whatever it starts from now on, into the group."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def close(self) -> None:
        """Remove it; call it when its processes have ended."""
        os.close(self.counter)
        self._remove()

    def _remove(self) -> None:
        for folder in self._folders:
            _remove(folder, time.monotonic() + _EMPTY_SECONDS)


class ControlGroups:
    """Makes groups; nothing at all where this machine does not let us."""

    def __init__(self, hierarchy: Hierarchy | None = None) -> None:
        self._given = hierarchy

    @cached_property
    def hierarchy(self) -> Hierarchy | None:
        """Where groups can be made, found by trying; None where they cannot."""
        found = self._given or find_hierarchy()
        if found is None:
            return None
        try:
            Group(found, _name(), Ceiling(memory=1 << 30, processes=64)).close()
        except OSError:
            return None
        return found

    def make(self, ceiling: Ceiling) -> Group | None:
        """A group for one world, or None where there can be none."""
        return Group(self.hierarchy, _name(), ceiling) if self.hierarchy else None


def find_hierarchy() -> Hierarchy | None:
    """Where groups might be made, as this process's own groups and the machine's mounts tell."""
    mounts = dict(_mounts(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")))
    own = dict(_own_groups(_OWN.read_text(encoding="utf-8", errors="surrogateescape")))
    unified = _unified(mounts, own)
    if unified is not None:
        return Hierarchy(version=2, memory=unified, pids=unified)
    memory, pids = (_below(mounts.get(each), own.get(each)) for each in _CONTROLLERS)
    return Hierarchy(version=1, memory=memory, pids=pids) if memory and pids else None


def abandoned_groups() -> list[Path]:
    """Groups whose makers have ended; those that still have processes cannot be removed."""
    hierarchy = find_hierarchy()
    parents = dict.fromkeys((hierarchy.memory, hierarchy.pids)) if hierarchy else {}
    found = (folder for parent in parents for folder in sorted(parent.glob(f"{_PREFIX}*-*")))
    return [folder for folder in found if _maker_ended(folder)]


def _maker_ended(folder: Path) -> bool:
    maker = folder.name.removeprefix(_PREFIX).partition("-")[0]
    return maker.isdigit() and not Path(f"/proc/{maker}").exists()


def _name() -> str:
    return f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"


def _remove(folder: Path, until: float) -> None:
    """The kernel takes a moment to empty the group of processes that have ended."""
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > until:
                return  # `pytest-clawmark clean` finds it
            time.sleep(0.005)


def _mounts(table: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(controller, (root, mount point)); version 2 goes by the name ''."""
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        root, point = left.split()[3:5]
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2":
            yield "", (root, point)
        elif kind == "cgroup":
            for name in options.rpartition(" ")[2].split(","):
                yield name, (root, point)


def _own_groups(table: str) -> Iterator[tuple[str, str]]:
    """(controller, path of this process's group)."""
    for line in table.splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            yield name, path


def _below(mount: tuple[str, str] | None, group: str | None) -> Path | None:
    """The folder of a group, which a mount may show only in part."""
    if mount is None or group is None:
        return None
    root, point = mount
    inside = os.path.relpath(group, root)
    return None if inside.startswith("..") else Path(point, inside)


def _unified(mounts: dict[str, tuple[str, str]], own: dict[str, str]) -> Path | None:
    """The nearest group above this process that deals both controllers out to its children."""
    folder = _below(mounts.get(""), own.get(""))
    point = Path(mounts[""][1]) if folder else None
    while folder is not None and point is not None and folder.is_relative_to(point):
        if _deals_out(folder):
            return folder
        folder = folder.parent
    return None


def _deals_out(folder: Path) -> bool:
    control = folder / "cgroup.subtree_control"
    if not control.exists() or not os.access(folder, os.W_OK):
        return False
    if not set(_CONTROLLERS) <= set(control.read_text(encoding="ascii").split()):
        # A group that has processes of its own may not deal out, unless it is the root of all.
        with contextlib.suppress(OSError):
            control.write_text(" ".join(f"+{name}" for name in _CONTROLLERS), encoding="ascii")
    return set(_CONTROLLERS) <= set(control.read_text(encoding="ascii").split())
