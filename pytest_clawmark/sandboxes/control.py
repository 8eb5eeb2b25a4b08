"""The host's end of the conversation with `init.py`; what goes over the wire is described there."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import marshal
import os
import select
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Address, Limits, Tree

TREES: tuple[Tree, ...] = ("workspace", "home", "tmp")

_RESERVED = 8 * 2**30

BUILD_SECONDS = 30.0
SETTLE_SECONDS = 30.0

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What init is to build.

    `trees` are the paths of workspace, home and tmp. Where `parent` is set init makes a folder of its own
    in it, puts all paths below that, and deletes it in the end. `mounts` are (path, options) of tmpfs;
    `rlimits` are (name without `RLIMIT_`, value); `namespace` says that all processes init sees are its own,
    `contained` that the kernel too limits their memory. Where it mounts, init also puts nothing in the place of
    what is `hidden`. It writes the library `clock` into the first of `clock_folders` and hands it out; where it
    mounts, programs see it in the second, read-only. Commands run under the `filter` of system
    calls (`seccomp.py`).
    """

    listen: Sequence[tuple[str, int]]
    trees: Sequence[str]
    memory: int
    rlimits: Sequence[tuple[str, int]]
    namespace: bool
    contained: bool = False
    mounts: Sequence[tuple[str, str]] = ()
    folders: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    parent: str = ""
    close_kernel_doors: bool = False
    hidden: Sequence[str] = ()
    clock: bytes = b""
    clock_folders: tuple[str, str] = ("", "")
    filter: bytes = b""


def resource_limits(limits: Limits, *, count_processes: bool) -> list[tuple[str, int]]:
    """What each process may use. `count_processes` where the kernel counts those of this world alone."""
    return [
        ("CORE", 0),
        ("NOFILE", 4096),
        ("FSIZE", max(limits.workspace, limits.scratch)),
        # Writable private memory. Each thread of Node's reserves half a GiB of it without using any, and what is
        # really used is counted by the world's control group, or by init.
        ("DATA", limits.memory + _RESERVED),
        *([("NPROC", limits.processes)] if count_processes else []),
    ]


def sealed(content: bytes, name: str) -> int:
    """A descriptor of an unchangeable file in memory, read from its beginning."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def packed(value: dict[str, Any]) -> bytes:
    # Version 2 is read by every Python 3. Only init reads it: what comes back is plain text.
    return marshal.dumps(value, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What init handed out: its folder (empty where it has none), listeners, tree descriptors, and the library
    that is the world's clock, open for writing."""

    folder: str
    listeners: Mapping[Address, socket.socket]
    trees: Mapping[Tree, int]
    clock: int | None = None

    def close(self) -> None:
        for listener in self.listeners.values():
            listener.close()
        for tree in self.trees.values():
            os.close(tree)
        if self.clock is not None:
            os.close(self.clock)


class Control:
    """Sends requests to one init. Thread-safe: messages are whole, replies come over pipes of their own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def build(
        self, configuration: Configuration, listen: Sequence[Address], counter: int | None = None
    ) -> Doors:
        """Have the sandbox made. Raises `WorldFailure` with init's reason.

        `counter` is the file in which the control group that init is in counts whom the kernel killed.
        """
        expected = len(listen) + len(TREES) + bool(configuration.clock)
        content = packed(asdict(configuration))
        with contextlib.closing(_Descriptor(sealed(content, "configuration"))) as file:
            self._send(b"build", [file.number] if counter is None else [file.number, counter])
        self._connection.settimeout(BUILD_SECONDS)
        try:
            message, numbers, _, _ = socket.recv_fds(self._connection, 4096, expected)
        except TimeoutError:
            raise WorldFailure(f"the sandbox was not ready within {BUILD_SECONDS:.0f} s") from None
        except ConnectionError as failure:
            raise WorldFailure(f"the sandbox ended while it was built: {failure}") from failure
        finally:
            self._connection.settimeout(None)
        verb, _, text = message.partition(b" ")
        if verb != b"ready":
            reason = os.fsdecode(text) or "it ended without a word"
            raise WorldFailure(f"the sandbox cannot be built: {reason}")
        return _doors(os.fsdecode(text), numbers, listen, expected)

    def run(self, request: dict[str, Any], streams: Sequence[int]) -> tuple[int, int]:
        """Start a command with its stdin, stdout and stderr; the descriptor its reply comes from, its number."""
        number = next(self._numbers)
        content = packed({**request, "number": number})
        with contextlib.closing(_Descriptor(sealed(content, "request"))) as file:
            return self._ask(b"run", [file.number, *streams]), number

    def signal(self, command: int, number: int) -> None:
        """Send a signal to the process group of the command of that number; nothing if it has ended."""
        self._send(f"signal {command} {number}".encode(), [])

    def settle(self) -> None:
        """Return when init has killed every process but itself."""
        reply = self._ask(b"settle", [])
        try:
            if not select.select([reply], [], [], SETTLE_SECONDS)[0]:
                raise WorldFailure(f"the sandbox's processes did not end within {SETTLE_SECONDS:.0f} s")
            if os.read(reply, 64) != b"settled\n":
                raise WorldFailure("the sandbox ended while its processes were being ended")
        finally:
            os.close(reply)

    def resize(self, tree: Tree, size: int, inodes: int) -> None:
        """Let a tree hold that many bytes and files; not fewer than it does. Raises `WorldFailure`."""
        reply = self._ask(f"resize {TREES.index(tree)} {size} {inodes}".encode(), [])
        with os.fdopen(reply, "rb") as file:
            answer = file.read().decode(errors="replace").strip()
        if answer != "resized":
            raise WorldFailure(f"the sandbox cannot make room in {tree}: {answer or 'it ended'}")

    def close(self) -> None:
        """End the conversation, and with it the sandbox."""
        with self._lock:
            self._connection.close()

    def _ask(self, verb: bytes, descriptors: list[int]) -> int:
        reply, answer_here = os.pipe()
        try:
            self._send(verb, [*descriptors, answer_here])
        except BaseException:
            os.close(reply)
            raise
        finally:
            os.close(answer_here)
        return reply

    def _send(self, verb: bytes, descriptors: list[int]) -> None:
        with self._lock:
            if self._connection.fileno() < 0:
                raise WorldFailure("the sandbox is closed")
            try:
                socket.send_fds(self._connection, [verb], descriptors)
            except OSError as failure:
                raise WorldFailure(f"the sandbox is gone: {failure.strerror}") from failure


class _Descriptor:
    """A descriptor that `contextlib.closing` can close."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        os.close(self.number)


def _doors(folder: str, numbers: Sequence[int], listen: Sequence[Address], expected: int) -> Doors:
    for number in numbers:
        os.set_inheritable(number, False)  # noqa: FBT003 - takes no keyword
    if len(numbers) != expected:
        for number in numbers:
            os.close(number)
        raise WorldFailure(
            f"the sandbox handed out {len(numbers)} descriptors instead of {expected}: "
            "raise the limit of open files (ulimit -n)"
        )
    sockets = (socket.socket(fileno=number) for number in numbers[: len(listen)])
    return Doors(
        folder=folder,
        listeners=dict(zip(listen, sockets, strict=True)),
        trees=dict(zip(TREES, numbers[len(listen) : len(listen) + len(TREES)], strict=True)),
        clock=numbers[-1] if expected > len(listen) + len(TREES) else None,
    )
