"""Room for what the task writes, however full the agent has made its file systems.

An agent that fills a disk, uses up its files or locks a folder harms itself; the task's next upload must succeed
all the same, for an episode that breaks there would drop out of the mean. While nothing of the agent's runs,
the task may therefore write as much again as the agent was allowed; before the agent's next command the limit
falls back, to what is in use if that is more.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Limits, Tree

Resize = Callable[[Tree, int, int], None]
"""Lets a tree hold that many bytes and files; raises `WorldFailure` if it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Bytes and files of a tree."""

    size: int
    files: int


def allowances(limits: Limits) -> dict[Tree, Allowance]:
    """What an agent may put into each tree."""
    scratch = Allowance(size=limits.scratch, files=limits.files)
    return {
        "workspace": Allowance(size=limits.workspace, files=limits.files),
        "home": scratch,
        "tmp": scratch,
    }


class Room:
    """Of one sandbox. `resize` is None where trees have no limit."""

    def __init__(
        self, trees: Mapping[Tree, int], allowed: Mapping[Tree, Allowance], resize: Resize | None
    ) -> None:
        self._trees, self._allowed, self._resize = trees, allowed, resize
        self._lock = threading.Lock()
        self._larger: set[Tree] = set()  # those that may hold more than was allowed

    def make(self) -> None:
        """Before the task writes: open what the agent has locked, and have half of each tree's allowance free."""
        with self._lock:
            self.unlock()
            for tree in self._trees:
                if self._resize and not self._half_free(tree):
                    used, allowed = self._used(tree), self._allowed[tree]
                    # Where an engine refuses it, what the task writes may still find room.
                    with contextlib.suppress(WorldFailure):
                        self._resize(tree, used.size + allowed.size, used.files + allowed.files)
                        self._larger.add(tree)

    def unlock(self) -> None:
        """Open the trees themselves: what lies in them can then be looked at by their owner."""
        for descriptor in self._trees.values():
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.fchmod(descriptor, mode | stat.S_IRWXU)

    def take_back(self) -> None:
        """Before the agent's next command."""
        if self._resize is None or not self._larger:
            return
        with self._lock:
            for tree in tuple(self._larger):
                used, allowed = self._used(tree), self._allowed[tree]
                # Refused where a process fills the tree this very moment; then the next command tries again.
                with contextlib.suppress(WorldFailure):
                    self._resize(tree, max(used.size, allowed.size), max(used.files, allowed.files))
                    if used.size <= allowed.size and used.files <= allowed.files:
                        self._larger.discard(tree)

    def _used(self, tree: Tree) -> Allowance:
        state = os.fstatvfs(self._trees[tree])
        return Allowance(
            size=(state.f_blocks - state.f_bfree) * state.f_frsize, files=state.f_files - state.f_ffree
        )

    def _half_free(self, tree: Tree) -> bool:
        used, allowed = self._used(tree), self._allowed[tree]
        return 2 * used.size <= allowed.size and 2 * used.files <= allowed.files
