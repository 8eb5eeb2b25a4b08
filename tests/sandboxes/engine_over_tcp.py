"""The engine's Unix socket over TCP, as an engine of another machine is reached; imported by tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

ENGINE = "/var/run/docker.sock"


@contextlib.contextmanager
def engine_over_tcp() -> Iterator[str]:
    """A value for DOCKER_HOST that leads to this machine's engine, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_accept, args=(door,), daemon=True).start()
        yield f"tcp://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


def _accept(door: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = door.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            threading.Thread(target=_both, args=(client, engine), daemon=True).start()


def _both(client: socket.socket, engine: socket.socket) -> None:
    back = threading.Thread(target=_copy, args=(engine, client), daemon=True)
    back.start()
    _copy(client, engine)
    back.join()
    client.close()
    engine.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(1 << 16):
            target.sendall(content)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
