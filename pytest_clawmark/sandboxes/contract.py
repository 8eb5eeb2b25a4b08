"""What every sandbox gives: a place with files, processes and listening sockets, and an end."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

Tree = Literal["workspace", "home", "tmp"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one world may use. Sizes in bytes, times in seconds.

    `command_seconds` is the default for one command; `output` is kept per stream of a command, the rest
    is read and dropped; `workspace` and `scratch` size the file systems of `/workspace` and of home and
    `/tmp`; `files` caps their inodes.
    """

    command_seconds: float = 120.0
    memory: int = 2048 * MIB
    processes: int = 256
    output: int = 1 * MIB
    workspace: int = 512 * MIB
    scratch: int = 256 * MIB
    files: int = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service listens inside: a loopback address of the world's own and a port."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder of the host's that is shown inside at `target`; both absolute."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """Everything a provider needs to know to build one sandbox.

    `hosts` maps names to loopback addresses of the world; `authority` is the PEM of the run's
    certificate authority, to be trusted beside the system's own; `toolbox` is the agent's Python, as
    built on this machine, or None where there is none. `mounts` are shown beside all that; in `local`,
    where nothing is hidden, they change nothing.
    """

    hosts: Mapping[str, str]
    listen: Sequence[Address]
    authority: bytes
    toolbox: Path | None
    limits: Limits = field(default_factory=Limits)
    mounts: Sequence[Mount] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: `exit_code` and `timed_out` as in `Completed`, and what the sandbox has to say."""

    exit_code: int
    timed_out: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command's end. A command that failed is a result like any other, never an exception.

    `exit_code` is negative (-signal) for a killed one. `timed_out` says that its limit killed it with its
    children; `truncated` that more output came than was kept.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


WritingRights = AbstractContextManager[None]
"""See `Sandbox.as_agent`."""


class Process(Protocol):
    """A command that was started with `Sandbox.spawn`."""

    def wait(self) -> Ended:
        """Return when it has ended; to be called once. What it left in the background goes on until `settle`.

        Raises `WorldFailure` when the sandbox is gone.
        """

    def signal(self, number: int) -> None:
        """Send SIGINT, SIGTERM, SIGHUP, SIGQUIT or SIGUSR2 to its process group; nothing if it has ended."""


class Sandbox(Protocol):
    """One place. Methods may be called from any thread.

    Every method raises `WorldFailure` when the sandbox itself is broken or gone, and for nothing else.
    """

    @property
    def listeners(self) -> Mapping[Address, socket.socket]:
        """The listening sockets, bound inside, to be served by this process; closed by `close`.

        In `local` they are bound to free ports of 127.0.0.1 instead of the address asked for.
        """

    @property
    def paths(self) -> Mapping[Tree, str]:
        """Where each tree lies as programs inside see it, e.g. `/workspace`."""

    @property
    def trust(self) -> Mapping[str, str]:
        """Variables that make clients trust the run's authority."""

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Run one command with the world's rights and limits, and wait for its end.

        `env` is added to the sandbox's own variables (PATH, HOME, LANG, those of `trust`). `cwd` defaults
        to the workspace. What a finished command left in the background goes on until `settle`.
        """

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
        """Start one command on descriptors of the caller's, which stay the caller's, and without a time limit.

        Otherwise as `run`. With `terminal`, stdin is a terminal that becomes the command's controlling one.
        """

    def set_time(self, moment: datetime) -> None:
        """Let programs inside see `moment`, in its time zone, and the time that passes from now on.

        What cannot be reached sees the machine's time: statically linked programs, and everything on machines
        for which there is no library (`pytest_clawmark.sandboxes.clock`).
        """

    def give(self, descriptor: int) -> None:
        """Make a pipe or terminal of the caller's the agent's own, so that commands can open it again."""

    def tree(self, tree: Tree) -> int:
        """A directory descriptor of a tree, owned by the sandbox; for `openat` without following links."""

    def settle(self) -> None:
        """Kill every process of the agent's, and return when none is left. The trees can then be read by this
        process, if the agent had locked them; what lies in them stays as it is."""

    def as_agent(self) -> WritingRights:
        """A context in which this thread creates files through `tree` with the agent's ownership.

        There is room for them and each tree's root can be written to, however full or locked the agent has made
        it, where nothing of the agent's runs meanwhile.
        """

    def close(self) -> None:
        """End it: no process, mount, socket or file is left. Calling it twice is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `pytest-clawmark doctor`: what was looked at, whether it works, how to mend it."""

    subject: str
    works: bool
    detail: str
    remedy: str = ""


class SandboxProvider(Protocol):
    """A kind of sandbox."""

    @property
    def name(self) -> str:
        """The value of `--sandbox`."""

    @property
    def isolated(self) -> bool:
        """Whether what runs inside is kept from the host; an untrusted agent needs that."""

    def check(self) -> Sequence[Finding]:
        """Whether it works on this machine, found by trying. It is usable when all findings work."""

    def open(self, blueprint: Blueprint) -> Sandbox:
        """Build one; raises `WorldFailure` when it cannot be built."""

    def close(self) -> None:
        """End of the run: release what all its sandboxes shared."""
