"""A sandbox of Linux namespaces: no root, no daemon, a few hundredths of a second."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.cgroups import Ceiling, ControlGroups, Group
from pytest_clawmark.sandboxes.clock import FOLDER, PRELOAD, library
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, Limits, Mount, Sandbox, Tree
from pytest_clawmark.sandboxes.control import Configuration, Control, Doors, resource_limits, sealed
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.hidden import PROC_HIDDEN
from pytest_clawmark.sandboxes.launcher import Launched, Launcher
from pytest_clawmark.sandboxes.program import FLAGS, SOURCE, compiled, system_python
from pytest_clawmark.sandboxes.rights import Owner, Owners
from pytest_clawmark.sandboxes.rootfs import Rootfs
from pytest_clawmark.sandboxes.running import Place, RunningSandbox
from pytest_clawmark.sandboxes.seccomp import filter_here

_TREES: dict[Tree, str] = {"workspace": "/workspace", "home": "/root", "tmp": "/tmp"}  # noqa: S108 - inside
_CLOCK_MADE = "/opt/clock.made"
_FOLDERS = (
    *("/etc", "/etc/ssl", "/etc/ssl/certs", "/opt", "/var", FOLDER, _CLOCK_MADE),
    *_TREES.values(),
)

_NAMESPACES = (
    *("--unshare-user", "--uid", "0", "--gid", "0"),
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", etc.HOSTNAME, "--new-session", "--die-with-parent", "--as-pid-1", "--clearenv"),
)

# What init needs to mount, to bind low ports and to forbid user namespaces; it drops them before it serves.
# Forbidding these itself replaces `--disable-userns`, which would leave init no right to mount.
_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_NET_BIND_SERVICE", "CAP_SETPCAP")

# Beside the agent's processes: init, and a keeper for each command that runs.
_SPARE_PROCESSES = 16
_IMAGE_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
_SUITS = "import sys, ctypes, _socket; sys.exit(sys.version_info < (3, 11))"


class Bubblewrap:
    """Implements `SandboxProvider`."""

    name = "bubblewrap"
    isolated = True

    def __init__(
        self, program: str = "bwrap", *, rootfs: Rootfs | None = None, groups: ControlGroups | None = None
    ) -> None:
        self._program = program
        self._rootfs = Rootfs(None) if rootfs is None else rootfs
        self._groups = ControlGroups() if groups is None else groups
        self._launcher = Launcher()
        self._owners = Owners()
        self._drain = Drain()
        self._interpreters: dict[Path | None, _Interpreter] = {}

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_bubblewrap

        return check_bubblewrap(self, self._program)

    def try_namespaces(self) -> str:
        """Have bubblewrap do its part without init, which may have no interpreter yet; what it complains of."""
        return self._try([], ["/usr/bin/true"])[1]

    def _try(self, more: Sequence[str], command: Sequence[str]) -> tuple[int, str]:
        """Run a command in the root filesystem, without init or anything to write to: exit code, complaint."""
        owner = self._owners.lend()
        try:
            begin = [self._program, *_NAMESPACES, *_rights(), "--proc", "/proc", "--dev", "/dev", *_folders()]
            whole = [*begin, *self._rootfs.arguments, *more, "--", *command]
            launched = self._launcher.start(whole, descriptors=(), owner=owner)
            complaint = launched.end()
            return launched.exit_code, complaint
        finally:
            self._owners.take_back(owner)

    def open(self, blueprint: Blueprint) -> Sandbox:
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            owner = self._owners.lend()
            undo.callback(self._owners.take_back, owner)
            control = Control(ours)
            undo.callback(control.close)
            with theirs:
                launched, init = self._launch(blueprint, theirs.fileno(), owner)
            group = self._group(blueprint.limits, init)
            if group:
                undo.callback(group.close)
            try:
                doors = control.build(
                    _configuration(blueprint, contained=group is not None),
                    blueprint.listen,
                    group.counter if group else None,
                )
            except BaseException as failure:
                control.close()
                complaint = launched.end()
                if isinstance(failure, WorldFailure) and complaint:
                    raise WorldFailure(f"{failure}: {complaint}") from failure
                raise
            undo.pop_all()
        place = self._place(blueprint, doors, owner, launched, group)
        return RunningSandbox(control, replace(place, resize=control.resize), self._drain)

    def _group(self, limits: Limits, init: int) -> Group | None:
        """A control group with init in it, which has started nothing yet; None where this machine has none."""
        ceiling = Ceiling(
            # Files in memory count here too; init holds the processes alone to `limits.memory`.
            memory=limits.memory + limits.workspace + 3 * limits.scratch,
            processes=limits.processes + _SPARE_PROCESSES,
        )
        try:
            group = self._groups.make(ceiling) if init else None
        except OSError:
            return None
        if group is not None:
            try:
                group.admit(init)
            except OSError:  # it ended, or may be limited but not moved: init's own watch remains
                group.close()
                return None
        return group

    def close(self) -> None:
        self._drain.close()
        self._launcher.close()

    def _place(
        self, blueprint: Blueprint, doors: Doors, owner: Owner, launched: Launched, group: Group | None
    ) -> Place:
        def end() -> None:
            launched.end()
            if group:
                group.close()
            self._owners.take_back(owner)

        toolbox = etc.TOOLBOX if blueprint.toolbox else None
        return Place(
            doors=doors,
            paths=_TREES,
            trust=etc.trust(etc.BUNDLE),
            env=etc.environment(home=_TREES["home"], tmp=_TREES["tmp"], toolbox=toolbox),
            limits=blueprint.limits,
            owner=owner,
            end=end,
        )

    def _launch(self, blueprint: Blueprint, control: int, owner: Owner) -> tuple[Launched, int]:
        """bubblewrap, and the process number of init; 0 if it has none because it failed."""
        interpreter = self._interpreter(blueprint.toolbox)
        with contextlib.ExitStack() as stack:
            files = [
                (path, stack.enter_context(_descriptor(content)))
                for path, content in self._files(blueprint, interpreter).items()
            ]
            told, tell = os.pipe()
            stack.callback(os.close, told)
            with os.fdopen(tell, "wb"):
                arguments = [
                    *(self._program, "--info-fd", str(tell)),
                    *self._arguments(blueprint, files),
                    *(interpreter.inside, *FLAGS, interpreter.init, str(control)),
                ]
                descriptors = [control, tell, *(number for _, number in files)]
                launched = self._launcher.start(arguments, descriptors=descriptors, owner=owner)
            return launched, _init_process(told)

    def _interpreter(self, toolbox: Path | None) -> _Interpreter:
        """What runs init: the toolbox's Python, or one of the root filesystem's."""
        if toolbox not in self._interpreters:
            self._interpreters[toolbox] = self._find_interpreter(toolbox)
        return self._interpreters[toolbox]

    def _find_interpreter(self, toolbox: Path | None) -> _Interpreter:
        ours = [f"{etc.TOOLBOX}/bin/python3"] if toolbox else []
        if self._rootfs.folder is None:
            if toolbox is not None:
                return _Interpreter(inside=ours[0], here=str(toolbox / "bin/python3"))
            if found := system_python():
                return _Interpreter(inside=found, here=found)
            raise WorldFailure(
                "no toolbox was given, and /usr/bin has no Python 3.11: run `pytest-clawmark setup`"
            )
        complaint = ""
        for path in (*ours, *_IMAGE_PYTHONS):
            code, complaint = self._try(_toolbox(toolbox), [path, *FLAGS, "-c", _SUITS])
            if code == 0:
                return _Interpreter(inside=path, here=None)
        raise WorldFailure(
            f"the root filesystem {self._rootfs.folder} can run neither the toolbox's Python nor one of its own: "
            f"name one with Python 3.11 or later ({complaint or 'it is older'})"
        )

    def _arguments(self, blueprint: Blueprint, files: Sequence[tuple[str, int]]) -> list[str]:
        """bubblewrap's arguments up to the command."""
        return [
            *_NAMESPACES,
            *_rights(),
            *("--proc", "/proc", "--dev", "/dev"),
            *_folders(),
            *("--symlink", _TREES["tmp"], "/var/tmp"),  # noqa: S108 - inside
            # Leads nowhere until init has made the clock, so that the loader does not complain of init itself.
            *("--symlink", f"{FOLDER}/preload", PRELOAD),
            *self._rootfs.arguments,
            *(part for path, number in files for part in ("--perms", "0644", "--file", str(number), path)),
            *_toolbox(blueprint.toolbox),
            *(part for mount in blueprint.mounts for part in _shown(mount)),
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"),
        ]

    def _files(self, blueprint: Blueprint, interpreter: _Interpreter) -> dict[str, bytes]:
        return {
            "/etc/hosts": etc.hosts(blueprint.hosts),
            "/etc/passwd": etc.PASSWD,
            "/etc/group": etc.GROUP,
            "/etc/nsswitch.conf": etc.NSSWITCH,
            "/etc/resolv.conf": b"",
            etc.BUNDLE: self._authorities + blueprint.authority,
            interpreter.init: interpreter.program,
        }

    @cached_property
    def _authorities(self) -> bytes:
        return etc.bundle(b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interpreter:
    """What runs init: its path inside, and here if it can be run here too, to compile init for it."""

    inside: str
    here: str | None

    @property
    def init(self) -> str:
        return "/opt/init.pyc" if self.here else "/opt/init.py"

    @property
    def program(self) -> bytes:
        return compiled(self.here) if self.here else SOURCE.read_bytes()


def _init_process(told: int) -> int:
    """What bubblewrap writes to `--info-fd`, JSON with the number of its child, as soon as it has one."""
    text = b""
    while b"}" not in text and (more := os.read(told, 4096)):
        text += more
    return int(json.loads(text)["child-pid"]) if b"}" in text else 0


def _folders() -> Iterator[str]:
    return (part for path in _FOLDERS for part in ("--dir", path))


def _toolbox(toolbox: Path | None) -> list[str]:
    return ["--ro-bind", str(toolbox), etc.TOOLBOX] if toolbox else []


@contextlib.contextmanager
def _descriptor(content: bytes) -> Iterator[int]:
    number = sealed(content, "file")
    try:
        yield number
    finally:
        os.close(number)


def _shown(mount: Mount) -> tuple[str, str, str]:
    return ("--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target)


def _rights() -> list[str]:
    return ["--cap-drop", "ALL", *(part for name in _CAPABILITIES for part in ("--cap-add", name))]


def _configuration(blueprint: Blueprint, *, contained: bool) -> Configuration:
    limits = blueprint.limits
    return Configuration(
        listen=[(address.ip, address.port) for address in blueprint.listen],
        trees=list(_TREES.values()),
        namespace=True,
        memory=limits.memory,
        rlimits=resource_limits(limits, count_processes=True),
        mounts=_mounts(limits),
        close_kernel_doors=True,
        contained=contained,
        hidden=PROC_HIDDEN,
        filter=filter_here(),
        clock=library(),
        clock_folders=(_CLOCK_MADE, FOLDER),
    )


def _mounts(limits: Limits) -> list[tuple[str, str]]:
    """Memory is charged for files too, so every writable file system has its size and number of files."""
    scratch = f"size={limits.scratch},nr_inodes={limits.files}"
    return [
        (_TREES["workspace"], f"mode=0755,size={limits.workspace},nr_inodes={limits.files}"),
        (_TREES["home"], f"mode=0755,{scratch}"),
        (_TREES["tmp"], f"mode=1777,{scratch}"),
        ("/dev/shm", f"mode=1777,{scratch}"),  # noqa: S108 - inside
    ]
