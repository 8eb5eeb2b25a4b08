"""A sandbox of Linux namespaces: no root, no daemon, a few hundredths of a second."""

from __future__ import annotations

import contextlib
import os
import socket
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, Limits, Mount, Sandbox, Tree
from pytest_clawmark.sandboxes.control import Configuration, Control, Doors, resource_limits, sealed
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.launcher import Launched, Launcher
from pytest_clawmark.sandboxes.program import FLAGS, compiled, system_python
from pytest_clawmark.sandboxes.rights import Owner, Owners
from pytest_clawmark.sandboxes.running import Place, RunningSandbox

_TREES: dict[Tree, str] = {"workspace": "/workspace", "home": "/root", "tmp": "/tmp"}  # noqa: S108 - inside
_INIT = "/opt/init.pyc"
_FOLDERS = ("/etc", "/etc/ssl", "/etc/ssl/certs", "/opt", "/var", *_TREES.values())

_NAMESPACES = (
    *("--unshare-user", "--uid", "0", "--gid", "0"),
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", etc.HOSTNAME, "--new-session", "--die-with-parent", "--as-pid-1", "--clearenv"),
)

# What init needs to mount, to bind low ports and to forbid user namespaces; it drops them before it serves.
# Forbidding these itself replaces `--disable-userns`, which would leave init no right to mount.
_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_NET_BIND_SERVICE", "CAP_SETPCAP")

# Parts of the machine's configuration that programs in /usr cannot do without.
_CONFIGURATION = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/openssl.cnf",
)

# Sources and site packages below /usr may be the project under test, and its checkers.
_HIDDEN = ("/usr/src", "/usr/local/src")


class Bubblewrap:
    """Implements `SandboxProvider`."""

    name = "bubblewrap"
    isolated = True

    def __init__(self, program: str = "bwrap") -> None:
        self._program = program
        self._launcher = Launcher()
        self._owners = Owners()
        self._drain = Drain()

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_bubblewrap

        return check_bubblewrap(self, self._program)

    def try_namespaces(self) -> str:
        """Have bubblewrap do its part without init, which may have no interpreter yet; what it complains of."""
        owner = self._owners.lend()
        try:
            command = [
                self._program,
                *_NAMESPACES,
                *_rights(),
                *_system(),
                "--proc",
                "/proc",
                "--dev",
                "/dev",
            ]
            return self._launcher.start([*command, "/usr/bin/true"], descriptors=(), owner=owner).end()
        finally:
            self._owners.take_back(owner)

    def open(self, blueprint: Blueprint) -> Sandbox:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control = Control(ours)
        owner = self._owners.lend()
        try:
            with theirs:
                launched = self._launch(blueprint, theirs.fileno(), owner)
        except BaseException:
            control.close()
            self._owners.take_back(owner)
            raise
        try:
            doors = control.build(_configuration(blueprint), blueprint.listen)
        except BaseException as failure:
            control.close()
            complaint = launched.end()
            self._owners.take_back(owner)
            if isinstance(failure, WorldFailure) and complaint:
                raise WorldFailure(f"{failure}: {complaint}") from failure
            raise
        return RunningSandbox(control, self._place(blueprint, doors, owner, launched), self._drain)

    def close(self) -> None:
        self._drain.close()
        self._launcher.close()

    def _place(self, blueprint: Blueprint, doors: Doors, owner: Owner, launched: Launched) -> Place:
        def end() -> None:
            launched.end()
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

    def _launch(self, blueprint: Blueprint, control: int, owner: Owner) -> Launched:
        with contextlib.ExitStack() as stack:
            files = [
                (path, stack.enter_context(_descriptor(content)))
                for path, content in self._files(blueprint).items()
            ]
            arguments = [self._program, *_arguments(blueprint, files), str(control)]
            descriptors = [control, *(number for _, number in files)]
            return self._launcher.start(arguments, descriptors=descriptors, owner=owner)

    def _files(self, blueprint: Blueprint) -> dict[str, bytes]:
        return {
            "/etc/hosts": etc.hosts(blueprint.hosts),
            "/etc/passwd": etc.PASSWD,
            "/etc/group": etc.GROUP,
            "/etc/nsswitch.conf": etc.NSSWITCH,
            "/etc/resolv.conf": b"",
            etc.BUNDLE: self._authorities + blueprint.authority,
            _INIT: compiled(_host_interpreter(blueprint)),
        }

    @cached_property
    def _authorities(self) -> bytes:
        return etc.bundle(b"")


@contextlib.contextmanager
def _descriptor(content: bytes) -> Iterator[int]:
    number = sealed(content, "file")
    try:
        yield number
    finally:
        os.close(number)


def _host_interpreter(blueprint: Blueprint) -> str:
    """The interpreter that runs init, as a path on this machine."""
    if blueprint.toolbox is not None:
        return str(blueprint.toolbox / "bin/python3")
    if found := system_python():
        return found
    raise WorldFailure("no toolbox was given, and /usr/bin has no Python 3.11: run `pytest-clawmark setup`")


def _arguments(blueprint: Blueprint, files: Sequence[tuple[str, int]]) -> list[str]:
    """bubblewrap's arguments up to the number of the control descriptor."""
    interpreter = f"{etc.TOOLBOX}/bin/python3" if blueprint.toolbox else _host_interpreter(blueprint)
    toolbox = ["--ro-bind", str(blueprint.toolbox), etc.TOOLBOX] if blueprint.toolbox else []
    return [
        *_NAMESPACES,
        *_rights(),
        *("--proc", "/proc", "--dev", "/dev"),
        *(part for path in _FOLDERS for part in ("--dir", path)),
        *("--symlink", _TREES["tmp"], "/var/tmp"),  # noqa: S108 - inside
        *_system(),
        *(part for path, number in files for part in ("--perms", "0644", "--file", str(number), path)),
        *toolbox,
        *(part for mount in blueprint.mounts for part in _shown(mount)),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"),
        *(interpreter, *FLAGS, _INIT),
    ]


def _shown(mount: Mount) -> tuple[str, str, str]:
    return ("--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target)


def _rights() -> list[str]:
    return ["--cap-drop", "ALL", *(part for name in _CAPABILITIES for part in ("--cap-add", name))]


@cache
def _system() -> tuple[str, ...]:
    """The machine's programs and libraries, read-only, whether /bin is a link into /usr or a folder."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")):
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for name in _CONFIGURATION:
        arguments += ["--ro-bind-try", name, name] if Path(name).exists() else []
    for hidden in sorted(_hidden()):
        arguments += ["--tmpfs", hidden, "--remount-ro", hidden]
    return tuple(arguments)


def _hidden() -> set[str]:
    ours = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    below = {path for path in ours if path.startswith("/usr/")}
    return {path for path in (*_HIDDEN, *below) if Path(path).is_dir()}


def _configuration(blueprint: Blueprint) -> Configuration:
    limits = blueprint.limits
    return Configuration(
        listen=[(address.ip, address.port) for address in blueprint.listen],
        trees=list(_TREES.values()),
        namespace=True,
        memory=limits.memory,
        rlimits=resource_limits(limits, count_processes=True),
        mounts=_mounts(limits),
        close_kernel_doors=True,
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
