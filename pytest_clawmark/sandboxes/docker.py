"""The same world in a container: where bubblewrap is missing, or an image is wanted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.clock import INSIDE, PRELOAD, PRELOADED, library
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, Limits, Sandbox, Tree
from pytest_clawmark.sandboxes.control import Configuration, Control, Doors, resource_limits
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.engine import LABEL, Engine
from pytest_clawmark.sandboxes.hidden import PROC_HIDDEN, SYS_HIDDEN
from pytest_clawmark.sandboxes.maker import own_folder
from pytest_clawmark.sandboxes.program import FLAGS, SOURCE
from pytest_clawmark.sandboxes.rights import Owner, Owners
from pytest_clawmark.sandboxes.running import Place, RunningSandbox
from pytest_clawmark.sandboxes.seccomp import filter_here

# What `pytest-clawmark build` makes, and a base that lacks what it adds.
IMAGES = ("clawmark-sandbox", "clawmark-base")
_HOW_TO_BUILD = "build it with `pytest-clawmark build`"

_TREES: dict[Tree, str] = {"workspace": "/workspace", "home": "/root", "tmp": "/tmp"}  # noqa: S108 - inside
_CONTROL = "/opt/control"
_AUTHORITIES, _LIBRARY, _PRELOAD = "authorities.pem", "clock.so", "preload"
_IMAGE_PYTHON = "python3"
_CONNECT_SECONDS = 30.0
# Beside the agent's processes: init, and a keeper for each command that runs.
_SPARE_PROCESSES = 16
_ROOT = Owner(uid=0, gid=0)
_NOTHING: Mapping[str, Any] = {}

_HIDDEN = (*PROC_HIDDEN, *(f"/sys/{name}" for name in SYS_HIDDEN))

_RESIZING: Mapping[str, Any] = {
    "CapDrop": ["ALL"],
    "CapAdd": ["SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE"],
    "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
}
# Run as the machine's root beside a container's processes: their file systems are changed by nobody else. The
# program's own interpreter stays open while it looks at the container's files, of which it runs none.
_RESIZE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
path, options = map(os.fsencode, sys.argv[1:])
place = os.open("/proc/1/ns/mnt", os.O_RDONLY)
NEWNS, REMOUNT, NOSUID, NODEV = 0x20000, 32, 2, 4
if libc.setns(place, NEWNS) or libc.mount(b"tmpfs", path, b"tmpfs", REMOUNT | NOSUID | NODEV, options):
    sys.exit(os.strerror(ctypes.get_errno()))
"""


class Docker:
    """Implements `SandboxProvider`. One container per world, without a network.

    Without an `image` it takes the one that `pytest-clawmark build` makes, or a plain base.
    """

    name: str = "docker"
    isolated = True

    def __init__(self, image: str | None = None) -> None:
        self._images = IMAGES if image is None else (image,)
        self._run = uuid.uuid4().hex
        self.engine = Engine(self._run)
        self._owners = Owners()
        self._drain = Drain()
        self._interpreters: dict[Path | None, str] = {}
        self._finding = threading.Lock()

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_docker

        return check_docker(self)

    def find_image(self) -> str | None:
        """The first of the images that the engine has; raises `WorldFailure` when it does not answer."""
        return next((image for image in self._images if self.engine.has_image(image)), None)

    @property
    def wanted(self) -> str:
        """The image that was asked for."""
        return self._images[0]

    def open(self, blueprint: Blueprint) -> Sandbox:
        interpreter = self._interpreter(blueprint.toolbox)
        owner = self._owners.lend()
        with contextlib.ExitStack() as undo:
            undo.callback(self._owners.take_back, owner)
            with (
                _meeting_point(owner, etc.bundle(blueprint.authority)) as folder,
                _listening(folder, owner) as door,
            ):
                container = self._create(blueprint, _ours(folder), interpreter, owner)
                undo.callback(self.engine.discard, container)
                self.engine.start(container)
                control = Control(self._connected(door, container))
                undo.callback(control.close)
                doors = control.build(configuration_for(blueprint), blueprint.listen)
                doors = replace(doors, clock=_open_clock(folder))
            undo.pop_all()
        place = self._place(blueprint, doors, owner, container, interpreter)
        return RunningSandbox(control, place, self._drain)

    def close(self) -> None:
        self._drain.close()
        try:
            for container in self.engine.containers(f"{LABEL}={self._run}") if self._interpreters else ():
                self.engine.discard(container["Id"])
        finally:
            self.engine.close()

    @cached_property
    def _image(self) -> str:
        found = self.find_image()
        if found is None:
            raise WorldFailure(f"the Docker engine has no image {self.wanted}: {_HOW_TO_BUILD}")
        return found

    def _interpreter(self, toolbox: Path | None) -> str:
        """The toolbox's Python if it runs in the image, else the image's own."""
        with self._finding:
            if toolbox not in self._interpreters:
                ours = [f"{etc.TOOLBOX}/bin/python3"] if toolbox else []
                found = next((path for path in (*ours, _IMAGE_PYTHON) if self._runs(path, toolbox)), None)
                if found is None:
                    raise WorldFailure(
                        f"the image {self._image} can run neither the toolbox's Python nor one of its own: "
                        "name an image with Python 3.11 or later"
                    )
                self._interpreters[toolbox] = found
            return self._interpreters[toolbox]

    def _runs(self, interpreter: str, toolbox: Path | None) -> bool:
        program = "import sys, ctypes, _socket; sys.exit(sys.version_info < (3, 11))"
        container = self._helper(interpreter, toolbox, [program])
        return self.engine.finish(container)[0] == 0

    def _helper(
        self,
        interpreter: str,
        toolbox: Path | None,
        program: Sequence[str],
        host: Mapping[str, Any] = _NOTHING,
    ) -> str:
        """A container that runs a small program in the image's Python."""
        return self.engine.create(
            self._image,
            [*FLAGS, "-c", *program],
            entrypoint=[interpreter],
            host={"Mounts": _toolbox_mounts(toolbox), **host},
        )

    def _create(self, blueprint: Blueprint, ours: Sequence[Any], interpreter: str, owner: Owner) -> str:
        inside = _ROOT if self._rootless else owner
        return self.engine.create(
            self._image,
            [*FLAGS, f"{_CONTROL}/init.py", f"{_CONTROL}/control"],
            entrypoint=[interpreter],
            user=f"{inside.uid}:{inside.gid}",
            hostname=etc.HOSTNAME,
            working_dir="/",
            host={
                "AutoRemove": True,
                "Mounts": [
                    *ours,
                    *_toolbox_mounts(blueprint.toolbox),
                    *(_bind(m.source, m.target, writable=m.writable) for m in blueprint.mounts),
                ],
                "Tmpfs": file_systems(blueprint.limits, inside),
                **rights_of(blueprint),
            },
        )

    @cached_property
    def _rootless(self) -> bool:
        return self.engine.rootless()

    def _connected(self, door: socket.socket, container: str) -> socket.socket:
        """The connection of the container's init. Looks after the container while it waits."""
        door.settimeout(1.0)
        until = time.monotonic() + _CONNECT_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                return door.accept()[0]
            if not self.engine.exists(container):
                raise WorldFailure("the container ended before its init had connected")
        raise WorldFailure(
            f"the container's init did not connect within {_CONNECT_SECONDS:.0f} s; an engine on another "
            "machine, or one that sees other files, cannot serve worlds"
        )

    def _place(
        self, blueprint: Blueprint, doors: Doors, owner: Owner, container: str, interpreter: str
    ) -> Place:
        def end() -> None:
            self.engine.await_removal(container)
            self._owners.take_back(owner)

        def resize(tree: Tree, size: int, inodes: int) -> None:
            options = f"size={size},nr_inodes={inodes}"
            host = {"PidMode": f"container:{container}", **_RESIZING}
            program = [_RESIZE, _TREES[tree], options]
            helper = self._helper(interpreter, blueprint.toolbox, program, host)
            code, said = self.engine.finish(helper)
            if code:
                raise WorldFailure(f"the sandbox cannot make room in {tree}: {said}")

        toolbox = etc.TOOLBOX if blueprint.toolbox else None
        return Place(
            doors=doors,
            paths=_TREES,
            trust=etc.trust(etc.BUNDLE),
            env=etc.environment(home=_TREES["home"], tmp=_TREES["tmp"], toolbox=toolbox),
            limits=blueprint.limits,
            owner=owner,
            end=end,
            resize=resize,
        )


@contextlib.contextmanager
def _meeting_point(owner: Owner, authorities: bytes) -> Iterator[Path]:
    """A folder, seen in the container, where init is found and finds us; gone once it has."""
    folder = own_folder()
    try:
        shutil.copyfile(SOURCE, folder / "init.py")
        for path in (folder / "init.py", folder):
            os.chown(path, owner.uid, owner.gid)
        files = {_AUTHORITIES: authorities}
        if content := library():
            files |= {_LIBRARY: content, _PRELOAD: PRELOADED}
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o644)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _listening(folder: Path, owner: Owner) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        # A socket's path has room for 107 bytes, which a temporary folder of the user's may exceed.
        here = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            door.bind(f"/proc/self/fd/{here}/control")
        finally:
            os.close(here)
        os.chown(folder / "control", owner.uid, owner.gid)
        door.listen(1)
        yield door


def _ours(folder: Path) -> list[Any]:
    """What of the meeting point is shown where. What a container has been given it keeps when it is deleted."""
    shown = {_AUTHORITIES: etc.BUNDLE, _LIBRARY: INSIDE, _PRELOAD: PRELOAD}
    places = {folder / name: target for name, target in shown.items() if (folder / name).exists()}
    return [_bind(folder, _CONTROL), *(_bind(path, target) for path, target in places.items())]


def _open_clock(folder: Path) -> int | None:
    path = folder / _LIBRARY
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC) if path.exists() else None


def _toolbox_mounts(toolbox: Path | None) -> list[Any]:
    return [_bind(toolbox, etc.TOOLBOX)] if toolbox else []


def _bind(source: Path, target: str, *, writable: bool = False) -> Any:
    """A folder of the host. Unlike a volume, one that has gone meanwhile is not made again by the engine."""
    from docker.types import Mount as Bind

    return Bind(target, str(source), type="bind", read_only=not writable)


def rights_of(blueprint: Blueprint) -> dict[str, Any]:
    limits = blueprint.limits
    memory = limits.memory + limits.workspace + 3 * limits.scratch
    return {
        "ExtraHosts": [f"{name}:{ip}" for name, ip in blueprint.hosts.items()],
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "MaskedPaths": list(_HIDDEN),
        "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
        "ReadonlyRootfs": True,
        "PidsLimit": limits.processes + _SPARE_PROCESSES,
        # Files in memory count here too; init holds the processes alone to `limits.memory`.
        "Memory": memory,
        "MemorySwap": memory,
    }


def file_systems(limits: Limits, inside: Owner) -> dict[str, str]:
    mine = f"exec,uid={inside.uid},gid={inside.gid},nr_inodes={limits.files}"
    return {
        _TREES["workspace"]: f"{mine},mode=0755,size={limits.workspace}",
        _TREES["home"]: f"{mine},mode=0755,size={limits.scratch}",
        _TREES["tmp"]: f"{mine},mode=1777,size={limits.scratch}",
        "/dev/shm": f"{mine},mode=1777,size={limits.scratch}",  # noqa: S108 - inside
    }


def configuration_for(blueprint: Blueprint) -> Configuration:
    return Configuration(
        listen=[(address.ip, address.port) for address in blueprint.listen],
        trees=list(_TREES.values()),
        namespace=True,
        contained=True,
        memory=blueprint.limits.memory,
        # The kernel would count what this user runs in all worlds; the container has a limit of its own.
        rlimits=resource_limits(blueprint.limits, count_processes=False),
        filter=filter_here(),
    )
