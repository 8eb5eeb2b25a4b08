"""The Docker engine, as far as worlds need it. Safe to use from any number of threads."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from pytest_clawmark.failures import SettingsError, WorldFailure
from pytest_clawmark.sandboxes.maker import maker

if TYPE_CHECKING:
    from docker import APIClient

LABEL = "clawmark"
MAKER_LABEL = "clawmark.maker"

_CALL_SECONDS = 60
_REMOVE_SECONDS = 20
_BUILD_SECONDS = 1800


class Engine:
    """The engine that the environment names. Every method raises `WorldFailure` when it does not answer.

    Docker's library shares connections between threads in a way that loses some of them, so each call has a
    client that nobody else uses meanwhile.
    """

    def __init__(self, run: str) -> None:
        self._labels = {LABEL: run, MAKER_LABEL: maker()}
        self._lock = threading.Lock()
        self._idle: list[APIClient] = []

    def has_image(self, image: str) -> bool:
        from docker.errors import ImageNotFound

        with self._client("cannot be asked for its images") as client:
            try:
                client.inspect_image(image)  # type: ignore[no-untyped-call]  # docker's stubs leave it out
            except ImageNotFound:
                return False
        return True

    def create(self, image: str, command: Sequence[str], *, host: Mapping[str, Any], **settings: Any) -> str:
        """Make a container; its id. `host` is the engine's HostConfig, as its API spells it, in addition to
        no network; `settings` are Docker's `create_container`'s."""
        with self._client("cannot make a container") as client:
            config = {**client.create_host_config(network_mode="none"), **host}
            made = client.create_container(
                image, list(command), host_config=config, labels=self._labels, **settings
            )
        return str(made["Id"])

    def start(self, container: str) -> None:
        with self._client("cannot start a container") as client:
            client.start(container)

    def runs_well(self, container: str) -> bool:
        """Start it, wait for its end, and remove it: whether it ended well."""
        return self.finish(container)[0] == 0

    def finish(self, container: str) -> tuple[int, str]:
        """Start it, wait for its end, and remove it: its exit code and what it said.

        A program that the image does not have gives 127.
        """
        from docker.errors import APIError

        try:
            with self._client("cannot run the image") as client:
                try:
                    client.start(container)
                except APIError as failure:
                    return 127, str(failure.explanation)
                code = int(client.wait(container, timeout=_CALL_SECONDS)["StatusCode"])
                return code, client.logs(container).decode(errors="replace").strip()
        finally:
            self.discard(container)

    def attach(self, container: str) -> tuple[Any, Callable[[], None]]:
        """A connection to the streams of a container that has not started yet, and what releases it."""
        client = connect()
        try:
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            connection = client.attach_socket(container, params=wanted)
        except BaseException as failure:
            client.close()
            from docker.errors import DockerException
            from requests import RequestException

            if isinstance(failure, (DockerException, RequestException)):
                raise WorldFailure(f"the Docker engine cannot attach to a container: {failure}") from failure
            raise

        def release() -> None:
            connection.close()
            client.close()

        return connection, release

    def stock(self, image: str, archive: IO[bytes], tag: str = "") -> str:
        """A new image: `image`, with the files of a tar archive in it; its id. With a `tag` later runs use it too.

        It inherits this run's labels, so that cleaning up after the run finds it.
        """
        container = self.create(image, ["true"], host={})
        try:
            with self._client("cannot take files for an image") as client:
                client.put_archive(container, "/", archive)
                labels = "".join(f" {name}={json.dumps(value)}" for name, value in self._labels.items())
                changes = [] if tag else [f"LABEL{labels}"]
                repository, _, version = tag.partition(":")
                made = client.commit(container, repository or None, version or None, changes=changes)
        finally:
            self.discard(container)
        return str(made["Id"])

    def image_id(self, image: str) -> str:
        """What names the content of an image that the engine has."""
        with self._client("cannot be asked for its images") as client:
            found = client.inspect_image(image)  # type: ignore[no-untyped-call]  # docker's stubs leave it out
        return str(found["Id"]).removeprefix("sha256:")

    def images(self, label: str) -> list[Mapping[str, Any]]:
        """All with that label, as the engine describes them."""
        with self._client("cannot be asked for its images") as client:
            found: list[Mapping[str, Any]] = client.images(filters={"label": label})
        return found

    def discard_image(self, image: str) -> None:
        from docker.errors import ImageNotFound

        with self._client("cannot remove an image") as client, contextlib.suppress(ImageNotFound):
            client.remove_image(image, force=True)

    def architecture(self) -> str:
        """Of the engine's machine, as `uname` there tells it."""
        with self._client("cannot be asked about itself") as client:
            return str(client.info()["Architecture"])

    def exists(self, container: str) -> bool:
        from docker.errors import NotFound

        with self._client("cannot tell how the container fares") as client:
            try:
                client.inspect_container(container)
            except NotFound:
                return False
        return True

    def await_removal(self, container: str) -> None:
        """Return when a container that removes itself is gone; it is made to go if it takes long."""
        from docker.errors import NotFound
        from requests import RequestException

        with self._client("cannot remove a container") as client:
            try:
                client.wait(container, timeout=_REMOVE_SECONDS, condition="removed")
            except NotFound:
                return
            except RequestException:
                # The connection is not worth keeping, but the container must still go.
                _discard(client, container)

    def discard(self, container: str) -> None:
        """Kill and remove it, unless that has happened or is happening."""
        with self._client("cannot remove a container") as client:
            _discard(client, container)

    def containers(self, label: str) -> list[Mapping[str, Any]]:
        """All with that label (`name` or `name=value`), running or not, as the engine describes them."""
        with self._client("cannot be asked for its containers") as client:
            found: list[Mapping[str, Any]] = client.containers(all=True, filters={"label": label})
        return found

    def volumes(self, label: str) -> list[Mapping[str, Any]]:
        """All with that label, as the engine describes them."""
        with self._client("cannot be asked for its volumes") as client:
            found: list[Mapping[str, Any]] = client.volumes({"label": label})["Volumes"] or []
        return found

    def discard_volume(self, name: str) -> None:
        with self._client("cannot remove a volume") as client:
            client.remove_volume(name, force=True)

    def build(
        self, context: bytes, tag: str, values: Mapping[str, str], network: str | None
    ) -> Iterator[str]:
        """Build an image from a tar archive with a Dockerfile in it; the lines that the engine says.

        Raises `SettingsError` where a step fails.
        """
        with self._client("cannot build the image") as client:
            said = client.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(values),
                network_mode=network,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=_BUILD_SECONDS,
            )
            for part in said:
                if "error" in part:
                    raise SettingsError(f"the image {tag} cannot be built: {str(part['error']).strip()}")
                if text := str(part.get("stream", "")).strip():
                    yield text

    def rootless(self) -> bool:
        """Whether the engine runs as us, so that root inside is this user."""
        with self._client("cannot be asked about itself") as client:
            options = client.info().get("SecurityOptions") or ()
        return any("rootless" in option for option in options)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    @contextlib.contextmanager
    def _client(self, trouble: str) -> Iterator[APIClient]:
        """A client of one's own; what docker's library raises becomes `WorldFailure`."""
        from docker.errors import DockerException
        from requests import RequestException

        with self._lock:
            client = self._idle.pop() if self._idle else None
        try:
            client = client or connect()
            yield client
        except (DockerException, RequestException) as failure:
            if client is not None:
                client.close()
            raise WorldFailure(f"the Docker engine {trouble}: {failure}") from failure
        except BaseException:
            if client is not None:
                client.close()
            raise
        with self._lock:
            self._idle.append(client)


def connect() -> APIClient:
    """A client of the engine that the environment names. Raises `WorldFailure` when none answers."""
    import docker
    from docker.utils import parse_host

    try:
        _knock(str(parse_host(os.environ.get("DOCKER_HOST"))))
        return docker.from_env(timeout=_CALL_SECONDS).api
    except (OSError, docker.errors.DockerException) as failure:
        raise WorldFailure(f"no Docker engine answers: {failure}") from failure


def is_remote() -> bool:
    """Whether the engine that the environment names may be on another machine."""
    scheme, separator, _ = os.environ.get("DOCKER_HOST", "").partition("://")
    return bool(separator) and scheme != "unix"


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


def _discard(client: APIClient, container: str) -> None:
    from docker.errors import APIError

    try:
        client.remove_container(container, force=True, v=True)
    except APIError as failure:
        if failure.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise
