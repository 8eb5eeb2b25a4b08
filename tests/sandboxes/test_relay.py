"""What only a relay has: an engine over TCP, copies of trees, an archive that the other end may have forged."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_over_tcp import engine_over_tcp
from sandbox_cases import GREETER, blueprint

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import Mount, SandboxProvider, providers
from pytest_clawmark.sandboxes.relay.archive import LENGTH, PART, Broken, Packer, Unpacker, walk
from pytest_clawmark.sandboxes.relay.wire import HEADER, Wire


@pytest.fixture
def roots(tmp_path: Path) -> Iterator[tuple[int, int]]:
    numbers = []
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
        numbers.append(os.open(tmp_path / name, os.O_RDONLY | os.O_DIRECTORY))
    yield numbers[0], numbers[1]
    for number in numbers:
        os.close(number)


def packed(root: int, **known: Any) -> io.BytesIO:
    stream = io.BytesIO()
    Packer(stream.write, **known).pack(root)
    stream.seek(0)
    return stream


def test_a_copy_has_contents_modes_links_holes_and_times(roots: tuple[int, int], tmp_path: Path) -> None:
    place = tmp_path / "from"
    (place / "folder").mkdir()
    (place / "folder/file").write_bytes(b"content")
    (place / "folder/file").chmod(0o640)
    (place / "other").hardlink_to(place / "folder/file")
    (place / "link").symlink_to("/etc/passwd")
    os.mkfifo(place / "pipe")
    with (place / "sparse").open("wb") as file:
        file.seek(5_000_000)
        file.write(b"end")
        file.truncate(9_000_000)
    os.utime(place / "folder", ns=(1, 5))
    Unpacker(packed(roots[0]).read, None).unpack(roots[1])
    copy = tmp_path / "to"
    assert (copy / "other").samefile(copy / "folder/file")
    assert (copy / "folder/file").read_bytes() == b"content"
    assert (copy / "folder/file").stat().st_mode & 0o777 == 0o640
    assert (copy / "link").readlink() == Path("/etc/passwd")
    assert (copy / "pipe").is_fifo()
    assert (copy / "folder").stat().st_mtime_ns == 5
    assert (copy / "sparse").read_bytes() == bytes(5_000_000) + b"end" + bytes(3_999_997)
    assert (copy / "sparse").stat().st_blocks * 512 < 1_000_000


def test_only_what_was_changed_is_sent_back(roots: tuple[int, int], tmp_path: Path) -> None:
    place, copy = tmp_path / "from", tmp_path / "to"
    for name in ("kept", "changed", "gone"):
        (place / name).write_text("before")
    Unpacker(packed(roots[0]).read, None).unpack(roots[1])
    known = walk(roots[0])
    (copy / "kept").write_text("of the agent's")
    (place / "changed").write_text("after it")
    (place / "gone").unlink()
    (place / "new").mkdir()
    Unpacker(packed(roots[0], known=known).read, None).unpack(roots[1])
    assert sorted(path.name for path in copy.iterdir()) == ["changed", "kept", "new"]
    assert (copy / "kept").read_text() == "of the agent's"
    assert (copy / "changed").read_text() == "after it"


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc/x", "a\0b", 5])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "gone", "same", "special"])
def test_a_name_that_leads_elsewhere_is_refused(roots: tuple[int, int], kind: str, name: object) -> None:
    entry = json.dumps([kind, name, 0o644, 0, 0]).encode()
    stream = io.BytesIO(LENGTH.pack(len(entry)) + entry + PART.pack(0, 0))
    with pytest.raises(Broken):
        Unpacker(stream.read, None).unpack(roots[1])
    assert os.listdir(roots[1]) == []


def test_nothing_is_written_through_a_link(roots: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("safe")
    entries = [["link", "x", str(tmp_path / "victim"), 0], ["file", "x", 0o644, 0, 3], ["done", ""]]
    content = [json.dumps(entry).encode() for entry in entries]
    framed = [LENGTH.pack(len(each)) + each for each in content]
    framed.insert(2, PART.pack(0, 3) + b"bad" + PART.pack(0, 0))
    Unpacker(io.BytesIO(b"".join(framed)).read, None).unpack(roots[1])
    assert (tmp_path / "victim").read_text() == "safe"
    assert (tmp_path / "to/x").read_text() == "bad"


def test_an_archive_that_is_cut_off_is_refused(roots: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "from/file").write_bytes(bytes(range(256)))
    whole = packed(roots[0]).getvalue()
    with pytest.raises(Broken, match="too early"):
        Unpacker(io.BytesIO(whole[:-30]).read, None).unpack(roots[1])


def test_channels_end_when_their_stream_breaks() -> None:
    stream = io.BytesIO(HEADER.pack(2, 0, 5) + b"hel")
    wire = Wire(stream.read, lambda _: None)
    channel = wire.channel(2)
    wire.serve(lambda *_: None)
    assert channel.receive() == b""
    assert not channel.send(b"anything")


@pytest.fixture
def remote(provider_of: Callable[[str], SandboxProvider], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The sandbox called docker, with an engine that is reached over TCP."""
    provider_of("docker-relay")
    with engine_over_tcp() as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        provider = providers()["docker"]()
        yield provider
        provider.close()


@pytest.mark.docker
def test_an_engine_over_tcp_runs_worlds_whose_services_are_here(remote: SandboxProvider) -> None:
    assert (type(remote).__name__, remote.name) == ("RelayedDocker", "docker")
    sandbox = remote.open(blueprint())
    try:
        hear = "import socket; print(socket.create_connection(('greenmail', 3143)).recv(9).decode())"
        with sandbox.as_agent():
            os.mkdir("made-here", dir_fd=sandbox.tree("workspace"))
        process = _spawned(sandbox, ["python3", "-c", hear])
        client, _ = sandbox.listeners[GREETER].accept()
        with client:
            client.sendall(b"over here")
        assert process.wait().exit_code == 0
        assert sandbox.run(["ls"]).stdout == b"made-here\n"
    finally:
        sandbox.close()


def _spawned(sandbox: Any, command: list[str]) -> Any:
    with open(os.devnull, "r+b") as null:
        return sandbox.spawn(command, stdin=null.fileno(), stdout=null.fileno(), stderr=null.fileno())


@pytest.mark.docker
def test_a_connection_to_a_service_that_is_gone_ends(remote: SandboxProvider) -> None:
    sandbox = remote.open(blueprint())
    try:
        sandbox.listeners[GREETER].shutdown(socket.SHUT_RDWR)
        sandbox.listeners[GREETER].close()
        ask = "import socket; print(socket.create_connection(('greenmail', 3143)).recv(9))"
        assert sandbox.run(["python3", "-c", ask]).stdout == b"b''\n"
    finally:
        sandbox.close()


@pytest.mark.docker
def test_folders_are_shown_as_copies_and_never_to_be_written(remote: SandboxProvider, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "note").write_text("shown")
    mount = Mount(source=tmp_path, target="/mnt/shown")
    sandbox = remote.open(replace(blueprint(), mounts=(mount,)))
    try:
        assert sandbox.run(["cat", "/mnt/shown/note"]).stdout == b"shown"
        assert sandbox.run(["touch", "/mnt/shown/new"]).exit_code != 0
    finally:
        sandbox.close()
    with pytest.raises(WorldFailure, match="read-only"):
        remote.open(replace(blueprint(), mounts=(replace(mount, writable=True),)))
