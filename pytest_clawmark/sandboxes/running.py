"""A sandbox that runs: the contract, kept by way of init, the same for every provider."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from socket import socket
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.clock import set_clock, zone_of
from pytest_clawmark.sandboxes.command import Spawned, complete
from pytest_clawmark.sandboxes.contract import Address, Completed, Limits, Process, Tree
from pytest_clawmark.sandboxes.control import Control, Doors
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.rights import Owner
from pytest_clawmark.sandboxes.room import Resize, Room, allowances


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What distinguishes one running sandbox: its doors, and how things are called inside.

    `end` is called once, after the conversation with init has ended; it returns when nothing is left. `resize`
    lets a tree hold more or less; None where trees have no limit.
    """

    doors: Doors
    paths: Mapping[Tree, str]
    trust: Mapping[str, str]
    env: Mapping[str, str]
    limits: Limits
    owner: Owner
    end: Callable[[], None]
    resize: Resize | None = None


class RunningSandbox:
    """Implements `Sandbox`."""

    def __init__(self, control: Control, place: Place, drain: Drain) -> None:
        self._control = control
        self._place = place
        self._drain = drain
        self._room = Room(place.doors.trees, allowances(place.limits), place.resize)
        self._closing = threading.Lock()
        self._closed = False
        self._zone: Mapping[str, str] = {}

    @property
    def listeners(self) -> Mapping[Address, socket]:
        return self._place.doors.listeners

    @property
    def paths(self) -> Mapping[Tree, str]:
        return self._place.paths

    @property
    def trust(self) -> Mapping[str, str]:
        return self._place.trust

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
    ) -> Completed:
        place = self._place
        seconds = place.limits.command_seconds if timeout is None else timeout
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"a command's time limit is a positive number of seconds, not {seconds}")
        request = self._request(command, env, cwd) | {"timeout": float(seconds), "terminal": False}
        return complete(self._control, self._drain, request, stdin, limits=place.limits, owner=place.owner)

    def spawn(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        terminal: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Process:
        request = self._request(command, env, cwd) | {"timeout": math.inf, "terminal": terminal}
        reply, number = self._control.run(request, (stdin, stdout, stderr))
        return Spawned(self._control, reply, number, self._place.limits)

    def _request(
        self, command: Sequence[str], env: Mapping[str, str] | None, cwd: str | None
    ) -> dict[str, Any]:
        if not command:
            raise ValueError("an empty command cannot be run")
        self._room.take_back()
        return {
            "command": list(command),
            "env": {**self._place.env, **self._place.trust, **self._zone, **(env or {})},
            "cwd": str(PurePosixPath(self._place.paths["workspace"], cwd or ".")),
        }

    def set_time(self, moment: datetime) -> None:
        self._zone = {"TZ": zone_of(moment)}
        if self._closed:
            raise WorldFailure("the sandbox is closed")
        if self._place.doors.clock is not None:
            set_clock(self._place.doors.clock, moment)

    def give(self, descriptor: int) -> None:
        self._place.owner.give(descriptor)

    def tree(self, tree: Tree) -> int:
        if self._closed:
            raise WorldFailure("the sandbox is closed")
        return self._place.doors.trees[tree]

    def settle(self) -> None:
        self._control.settle()
        if not self._closed:
            self._room.unlock()

    @contextlib.contextmanager
    def as_agent(self) -> Iterator[None]:
        if self._closed:
            raise WorldFailure("the sandbox is closed")
        self._room.make()  # with this process's own rights, which an engine may want to see
        with self._place.owner.writing():
            yield

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._control.close()
            self._place.doors.close()
            self._place.end()
