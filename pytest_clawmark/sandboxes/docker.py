"""The same world in a container: where bubblewrap is missing, or an image is wanted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, Limits, Sandbox, Tree
from pytest_clawmark.sandboxes.control import Configuration, Control, Doors, resource_limits
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.program import FLAGS, SOURCE
from pytest_clawmark.sandboxes.rights import Owner, Owners
from pytest_clawmark.sandboxes.running import Place, RunningSandbox

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

BASE_IMAGE = "clawmark-base"

_TREES: dict[Tree, str] = {"workspace": "/workspace", "home": "/root", "tmp": "/tmp"}  # noqa: S108 - inside
_CONTROL = "/opt/control"
_IMAGE_PYTHON = "python3"
_CALL_SECONDS = 60
_CONNECT_SECONDS = 30.0
_REMOVE_SECONDS = 20
# Beside the agent's processes: init, and a keeper for each command that runs.
_SPARE_PROCESSES = 16
_TRUST_SPACE = 4 * 1024 * 1024
_ROOT = Owner(uid=0, gid=0)


class Docker:
    """Implements `SandboxProvider`. One container per world, without a network."""

    name = "docker"
    isolated = True

    def __init__(self, image: str = BASE_IMAGE) -> None:
        self._image = image
        self._run = uuid.uuid4().hex
        self._owners = Owners()
        self._drain = Drain()
        self._interpreters: dict[Path | None, str] = {}
        self._lock = threading.Lock()
        self._client: DockerClient | None = None

    @property
    def client(self) -> DockerClient:
        """The engine that the environment names. Raises `WorldFailure` when none answers."""
        with self._lock:
            if self._client is None:
                self._client = _connect_to_engine()
            return self._client

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_docker

        return check_docker(self, self._image)

    def has_image(self) -> bool:
        """Whether the engine has the image; raises `WorldFailure` when it does not answer."""
        from docker.errors import ImageNotFound

        with _engine_at_work("cannot be asked for its images"):
            try:
                self.client.images.get(self._image)
            except ImageNotFound:
                return False
        return True

    def open(self, blueprint: Blueprint) -> Sandbox:
        interpreter = self._interpreter(blueprint.toolbox)
        owner = self._owners.lend()
        with contextlib.ExitStack() as undo:
            undo.callback(self._owners.take_back, owner)
            with _meeting_point(owner) as folder, _listening(folder, owner) as door:
                container = self._start(blueprint, folder, interpreter, owner)
                undo.callback(_discard, container)
                control = Control(_connected(door, container))
                undo.callback(control.close)
                doors = control.build(_configuration(blueprint), blueprint.listen)
            undo.pop_all()
        return RunningSandbox(control, self._place(blueprint, doors, owner, container), self._drain)

    def close(self) -> None:
        self._drain.close()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            with _engine_at_work("cannot remove the containers of this run"):
                ours: dict[str, str | list[str] | bool] = {"label": f"clawmark={self._run}"}
                for container in client.containers.list(all=True, filters=ours, ignore_removed=True):
                    _discard(container)
            client.close()

    def _interpreter(self, toolbox: Path | None) -> str:
        """The toolbox's Python if it runs in the image, else the image's own."""
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
        from docker.errors import APIError

        program = [*FLAGS, "-c", "import sys, ctypes, _socket; sys.exit(sys.version_info < (3, 11))"]
        with _engine_at_work("cannot run the image"):
            container = self.client.containers.create(
                self._image,
                program,
                entrypoint=[interpreter],
                network_mode="none",
                labels={"clawmark": self._run},
                mounts=_toolbox_mounts(toolbox),
            )
            try:
                container.start()
                return bool(container.wait(timeout=_CALL_SECONDS)["StatusCode"] == 0)
            except APIError:
                return False  # the image has no such program
            finally:
                container.remove(force=True)

    def _start(self, blueprint: Blueprint, folder: Path, interpreter: str, owner: Owner) -> Container:
        with _engine_at_work("cannot start a container"):
            inside = _ROOT if self._rootless else owner
            return self.client.containers.run(
                self._image,
                [*FLAGS, f"{_CONTROL}/init.py", f"{_CONTROL}/control"],
                entrypoint=[interpreter],
                detach=True,
                auto_remove=True,
                labels={"clawmark": self._run},
                user=f"{inside.uid}:{inside.gid}",
                mounts=[
                    _bind(folder, _CONTROL),
                    *_toolbox_mounts(blueprint.toolbox),
                    *(_bind(m.source, m.target, writable=m.writable) for m in blueprint.mounts),
                ],
                tmpfs=_file_systems(blueprint.limits, inside),
                **_rights(blueprint),
            )

    @cached_property
    def _rootless(self) -> bool:
        """Whether the engine runs as us, so that root inside is this user."""
        return any("rootless" in option for option in self.client.info().get("SecurityOptions") or ())

    def _place(self, blueprint: Blueprint, doors: Doors, owner: Owner, container: Container) -> Place:
        def end() -> None:
            _remove(container)
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


@contextlib.contextmanager
def _engine_at_work(trouble: str) -> Iterator[None]:
    """Turns what docker's library raises into `WorldFailure`."""
    from docker.errors import DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException) as failure:
        raise WorldFailure(f"the Docker engine {trouble}: {failure}") from failure


def _connect_to_engine() -> DockerClient:
    import docker
    from docker.utils import parse_host

    try:
        _knock(str(parse_host(os.environ.get("DOCKER_HOST"))))
        return docker.from_env(timeout=_CALL_SECONDS)
    except (OSError, docker.errors.DockerException) as failure:
        raise WorldFailure(f"no Docker engine answers: {failure}") from failure


def _knock(url: str) -> None:
    """Connect once if the engine is behind a Unix socket: where that fails docker leaves its own unclosed."""
    scheme, _, rest = url.partition("://")
    if scheme == "http+unix":
        path = "/" + rest.lstrip("/")
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(path)
            except OSError as failure:
                raise OSError(failure.errno, failure.strerror, path) from failure


@contextlib.contextmanager
def _meeting_point(owner: Owner) -> Iterator[Path]:
    """A folder, seen in the container, where init is found and finds us; gone once it has."""
    folder = Path(tempfile.mkdtemp(prefix="clawmark-"))
    try:
        shutil.copyfile(SOURCE, folder / "init.py")
        for path in (folder / "init.py", folder):
            os.chown(path, owner.uid, owner.gid)
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


def _connected(door: socket.socket, container: Container) -> socket.socket:
    """The connection of the container's init. Looks after the container while it waits."""
    from docker.errors import NotFound

    door.settimeout(1.0)
    until = time.monotonic() + _CONNECT_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            return door.accept()[0]
        with _engine_at_work("cannot tell how the container fares"):
            try:
                container.reload()
            except NotFound:
                raise WorldFailure("the container ended before its init had connected") from None
    raise WorldFailure(
        f"the container's init did not connect within {_CONNECT_SECONDS:.0f} s; an engine on another "
        "machine, or one that sees other files, cannot serve worlds"
    )


def _toolbox_mounts(toolbox: Path | None) -> list[Any]:
    return [_bind(toolbox, etc.TOOLBOX)] if toolbox else []


def _bind(source: Path, target: str, *, writable: bool = False) -> Any:
    """A folder of the host. Unlike a volume, one that has gone meanwhile is not made again by the engine."""
    from docker.types import Mount as Bind

    return Bind(target, str(source), type="bind", read_only=not writable)


def _rights(blueprint: Blueprint) -> dict[str, Any]:
    limits = blueprint.limits
    memory = limits.memory + limits.workspace + 3 * limits.scratch + _TRUST_SPACE
    return {
        "network_mode": "none",
        "hostname": etc.HOSTNAME,
        "extra_hosts": dict(blueprint.hosts),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
        "read_only": True,
        "pids_limit": limits.processes + _SPARE_PROCESSES,
        # Files in memory count here too; init holds the processes alone to `limits.memory`.
        "mem_limit": memory,
        "memswap_limit": memory,
        "working_dir": "/",
    }


def _file_systems(limits: Limits, inside: Owner) -> dict[str, str]:
    mine = f"exec,uid={inside.uid},gid={inside.gid},nr_inodes={limits.files}"
    return {
        _TREES["workspace"]: f"{mine},mode=0755,size={limits.workspace}",
        _TREES["home"]: f"{mine},mode=0755,size={limits.scratch}",
        _TREES["tmp"]: f"{mine},mode=1777,size={limits.scratch}",
        "/dev/shm": f"{mine},mode=1777,size={limits.scratch}",  # noqa: S108 - inside
        str(Path(etc.BUNDLE).parent): f"{mine},mode=0755,size={_TRUST_SPACE}",
    }


def _configuration(blueprint: Blueprint) -> Configuration:
    return Configuration(
        listen=[(address.ip, address.port) for address in blueprint.listen],
        trees=list(_TREES.values()),
        namespace=True,
        contained=True,
        memory=blueprint.limits.memory,
        # The kernel would count what this user runs in all worlds; the container has a limit of its own.
        rlimits=resource_limits(blueprint.limits, count_processes=False),
        files={etc.BUNDLE: etc.bundle(blueprint.authority)},
    )


def _remove(container: Container) -> None:
    """Return when the container is gone. It goes by itself when init ends; else it is made to."""
    from docker.errors import NotFound
    from requests import RequestException

    with _engine_at_work("cannot remove a container"):
        try:
            container.wait(condition="removed", timeout=_REMOVE_SECONDS)
        except NotFound:
            return
        except RequestException:
            _discard(container)


def _discard(container: Container) -> None:
    """Kill and remove it, unless that has happened or is happening."""
    from docker.errors import APIError

    with _engine_at_work("cannot remove a container"):
        try:
            container.remove(force=True)
        except APIError as failure:
            if failure.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise
