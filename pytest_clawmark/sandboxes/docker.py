"""The same world in a container: where bubblewrap is missing, or an image is wanted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
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

    @cached_property
    def client(self) -> DockerClient:
        """The engine that the environment names. Raises `WorldFailure` when none answers."""
        import docker
        from docker.utils import parse_host

        try:
            _knock(str(parse_host(os.environ.get("DOCKER_HOST"))))
            return docker.from_env(timeout=_CALL_SECONDS)
        except (OSError, docker.errors.DockerException) as failure:
            raise WorldFailure(f"no Docker engine answers: {failure}") from failure

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_docker

        return check_docker(self, self._image)

    def has_image(self) -> bool:
        """Whether the engine has the image; raises `WorldFailure` when it does not answer."""
        import docker

        try:
            self.client.images.get(self._image)
        except docker.errors.ImageNotFound:
            return False
        except docker.errors.DockerException as failure:
            raise WorldFailure(f"the Docker engine fails: {failure}") from failure
        return True

    def open(self, blueprint: Blueprint) -> Sandbox:
        interpreter = self._interpreter(blueprint.toolbox)
        owner = self._owners.lend()
        with contextlib.ExitStack() as undo:
            undo.callback(self._owners.take_back, owner)
            with _meeting_point(owner) as folder:
                with _listening(folder, owner) as door:
                    container = self._start(blueprint, folder, interpreter, owner)
                    undo.callback(_remove, container)
                    control = Control(_connected(door))
                undo.callback(control.close)
                doors = control.build(_configuration(blueprint), blueprint.listen)
            undo.pop_all()
        return RunningSandbox(control, self._place(blueprint, doors, owner, container), self._drain)

    def close(self) -> None:
        self._drain.close()
        if "client" not in self.__dict__:
            return
        for container in self.client.containers.list(all=True, filters={"label": f"clawmark={self._run}"}):
            _remove(container)
        self.client.close()

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
        import docker

        program = [*FLAGS, "-c", "import sys, ctypes, _socket; sys.exit(sys.version_info < (3, 11))"]
        try:
            container = self.client.containers.create(
                self._image,
                program,
                entrypoint=[interpreter],
                network_mode="none",
                labels={"clawmark": self._run},
                volumes=_volumes(toolbox),
            )
            try:
                container.start()
                return bool(container.wait(timeout=_CALL_SECONDS)["StatusCode"] == 0)
            finally:
                container.remove(force=True)
        except docker.errors.APIError:
            return False  # the image has no such program

    def _start(self, blueprint: Blueprint, folder: Path, interpreter: str, owner: Owner) -> Container:
        import docker

        try:
            return self.client.containers.run(
                self._image,
                [*FLAGS, f"{_CONTROL}/init.py", f"{_CONTROL}/control"],
                entrypoint=[interpreter],
                detach=True,
                auto_remove=True,
                labels={"clawmark": self._run},
                user="0:0" if self._rootless else f"{owner.uid}:{owner.gid}",
                volumes={str(folder): {"bind": _CONTROL, "mode": "ro"}, **_volumes(blueprint.toolbox)},
                **_rights(blueprint, owner),
            )
        except docker.errors.DockerException as failure:
            raise WorldFailure(f"the container cannot be started: {failure}") from failure

    @cached_property
    def _rootless(self) -> bool:
        """Whether the engine runs as us, so that its root is this user."""
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


def _knock(url: str) -> None:
    """Connect once if the engine is behind a Unix socket: where that fails docker leaves its own unclosed."""
    scheme, _, path = url.partition("://")
    if scheme == "http+unix":
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect("/" + path.lstrip("/"))
            except OSError as failure:
                raise OSError(failure.errno, failure.strerror, "/" + path.lstrip("/")) from failure


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


def _connected(door: socket.socket) -> socket.socket:
    door.settimeout(_CONNECT_SECONDS)
    try:
        return door.accept()[0]
    except TimeoutError:
        raise WorldFailure(
            f"the container's init did not connect within {_CONNECT_SECONDS:.0f} s; an engine on another "
            "machine, or one that sees other files, cannot serve worlds"
        ) from None


def _volumes(toolbox: Path | None) -> dict[str, dict[str, str]]:
    return {str(toolbox): {"bind": etc.TOOLBOX, "mode": "ro"}} if toolbox else {}


def _rights(blueprint: Blueprint, owner: Owner) -> dict[str, Any]:
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
        "tmpfs": _file_systems(limits, owner),
        "pids_limit": limits.processes + _SPARE_PROCESSES,
        # Files in memory count here too; init holds the processes alone to `limits.memory`.
        "mem_limit": memory,
        "memswap_limit": memory,
        "working_dir": "/",
    }


def _file_systems(limits: Limits, owner: Owner) -> Mapping[str, str]:
    mine = f"exec,uid={owner.uid},gid={owner.gid},nr_inodes={limits.files}"
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
    import docker
    import requests

    try:
        container.wait(condition="removed", timeout=_REMOVE_SECONDS)
    except docker.errors.NotFound:
        return
    except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
        container.remove(force=True)
