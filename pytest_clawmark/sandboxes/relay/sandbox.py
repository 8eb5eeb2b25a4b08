"""A sandbox on another machine: as any that runs, but for its files, of which this machine has copies."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.clock import mark_in_library
from pytest_clawmark.sandboxes.contract import Tree
from pytest_clawmark.sandboxes.control import TREES, Control
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.relay.link import Link
from pytest_clawmark.sandboxes.relay.mirror import Mirror
from pytest_clawmark.sandboxes.room import Allowance, Room, allowances
from pytest_clawmark.sandboxes.running import Place, RunningSandbox


class RemoteRoom(Room):
    """Room in trees that are not here."""

    def __init__(self, link: Link, place: Place) -> None:
        super().__init__(place.doors.trees, allowances(place.limits), place.resize)
        self._link = link

    def unlock(self) -> None:
        self._link.ask("unlock")

    def _used(self, tree: Tree) -> Allowance:
        return Allowance(**self._link.ask("use", tree=TREES.index(tree)))


class RelayedSandbox(RunningSandbox):
    """Implements `Sandbox`. Between `settle` and the next command the copies are exact; before, `tree` and
    `as_agent` bring them up to date, and what a task writes goes to the world when its block ends."""

    def __init__(self, control: Control, place: Place, drain: Drain, link: Link, mirror: Mirror) -> None:
        super().__init__(control, place, drain)
        self._room = RemoteRoom(link, place)
        self._link, self._mirror = link, mirror
        self._using = threading.RLock()
        self._writing = False
        self._exact: set[Tree] = set()
        self._busy = False

    def set_time(self, moment: datetime) -> None:
        super().set_time(moment)
        if place := mark_in_library():
            self._link.ask("clock", moment=int(moment.timestamp() * 10**6) * 1000, place=place)

    def give(self, descriptor: int) -> None:
        """Nothing: commands get pipes and terminals of the other machine's."""

    def tree(self, tree: Tree) -> int:
        descriptor = super().tree(tree)
        with self._using:
            self._bring(tree)
        return descriptor

    def settle(self) -> None:
        super().settle()
        with self._using:
            self._busy = False
            self._exact.clear()
            for tree in TREES:
                self._bring(tree)

    @contextlib.contextmanager
    def as_agent(self) -> Iterator[None]:
        with self._using:
            if self._closed:
                raise WorldFailure("the sandbox is closed")
            outermost = not self._writing
            if outermost:
                self._room.make()
                for tree in TREES:
                    self._bring(tree)
            self._writing = True
            try:
                with self._place.owner.writing():
                    yield
            finally:
                if outermost:
                    self._writing = False
                    for tree in TREES:
                        self._mirror.push(tree)

    def _request(
        self, command: Sequence[str], env: Mapping[str, str] | None, cwd: str | None
    ) -> dict[str, Any]:
        request = super()._request(command, env, cwd)
        self._busy = True
        self._exact.clear()
        return request

    def _bring(self, tree: Tree) -> None:
        """Bring a copy up to date, unless it is, or is being written to."""
        if self._writing or tree in self._exact:
            return
        if self._closed:
            raise WorldFailure("the sandbox is closed")
        self._mirror.pull(tree)
        if not self._busy:
            self._exact.add(tree)
