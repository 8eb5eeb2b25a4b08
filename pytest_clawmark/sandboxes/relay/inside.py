"""The program beside a world on another machine, in a container of its own: it is to the world's init what the
plugin is on its own machine, and passes everything on along its stdin and stdout. Standard library only.

The agent's container shares nothing with it but a folder that the agent cannot write to, in which init finds the
Unix socket. Requests come as `ASK`: JSON with the number of the channel that the answer goes to, and content.
"""

from __future__ import annotations

import array
import base64
import fcntl
import json
import os
import select
import socket
import stat
import struct
import sys
import termios
import threading
import time

# ruff: noqa: PTH101, PTH108, PTH123
# (pathlib takes longer to load than all of this.)
from pytest_clawmark.sandboxes.relay.archive import CHUNK, Packer, Unpacker
from pytest_clawmark.sandboxes.relay.wire import ASK, Channel, Wire, join, start, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FOLDER = "/opt/control"
MOST_CONNECTIONS = 400
CONNECT_SECONDS = 60.0
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class Beside:
    """Serves the plugin's requests until its stream ends; the world ends with this process."""

    def __init__(self) -> None:
        self.wire = Wire(lambda count: os.read(0, count), lambda content: write_all(1, content))
        self.owner = (0, 0)
        self.door: socket.socket | None = None
        self.init: socket.socket | None = None
        self.listeners: list[socket.socket] = []
        self.trees: list[int] = []
        self.clock = -1
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._numbers = iter(range(1, 1 << 31, 2))

    def asked(self, number: int, content: bytes) -> None:
        request = json.loads(content)
        work: Callable[..., Any] = getattr(self, "do_" + request.pop("verb"))
        if "content" in request:
            self.wire.channel(request["content"])  # it must be known before anything arrives for it
        if work == self.do_tell:
            work(**request)  # in the order in which they come
        else:
            start(self.answer, work, number, request)

    def answer(self, work: Callable[..., Any], number: int, request: dict[str, Any]) -> None:
        try:
            told = work(**request)
        except (OSError, ValueError, RuntimeError) as failure:
            told = {"failed": str(failure)}
        channel = self.wire.channel(number)
        channel.send(json.dumps(told or {}).encode())
        channel.end()
        self.wire.forget(number)

    # Before the world starts

    def do_prepare(self, owner: list[int], init: str, clock: str) -> None:
        self.owner = (owner[0], owner[1])
        for name, content in (("init.py", init.encode()), ("clock.so", base64.b64decode(clock))):
            with open(f"{FOLDER}/{name}", "wb") as file:
                file.write(content)
            os.chmod(f"{FOLDER}/{name}", 0o644)
        self.clock = os.open(f"{FOLDER}/clock.so", os.O_WRONLY | os.O_CLOEXEC)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.door.bind(f"{FOLDER}/control")
        os.chown(f"{FOLDER}/control", *self.owner)
        self.door.listen(1)

    def do_meet(self) -> None:
        """Wait for init, and leave no door for anybody else."""
        assert self.door is not None
        self.door.settimeout(CONNECT_SECONDS)
        self.init, _ = self.door.accept()
        self.init.settimeout(None)
        self.door.close()
        os.unlink(f"{FOLDER}/control")
        os.unlink(f"{FOLDER}/init.py")

    def do_ready(self, listeners: int, trees: int, seconds: float) -> dict[str, Any]:
        """Take what init hands out."""
        assert self.init is not None
        self.init.settimeout(seconds)
        message, numbers, _, _ = socket.recv_fds(self.init, 4096, listeners + trees)
        self.init.settimeout(None)
        verb, _, text = message.partition(b" ")
        if verb != b"ready" or len(numbers) != listeners + trees:
            return {"failed": os.fsdecode(text) or "it ended without a word"}
        self.listeners = [socket.socket(fileno=each) for each in numbers[:listeners]]
        self.trees = list(numbers[listeners:])
        for position, listener in enumerate(self.listeners):
            start(self.accept, position, listener)
        return {}

    # Messages to init

    def do_tell(self, message: str, given: list[dict[str, Any]]) -> None:
        """Pass a message on with descriptors made from `given`; what comes out of them goes to their channels."""
        descriptors: list[int] = []
        terminals: dict[int, int] = {}
        outputs: list[Pump] = []
        try:
            descriptors.extend(self.make(each, terminals, outputs) for each in given)
            assert self.init is not None
            packed = array.array("i", descriptors)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)] if descriptors else []
            self.init.sendmsg([message.encode()], ancillary)
        except OSError as failure:
            sys.stderr.write(f"{message}: {failure}\n")
            sys.stderr.flush()
        finally:
            for descriptor in {*descriptors}:
                os.close(descriptor)

    def make(self, given: dict[str, Any], terminals: dict[int, int], outputs: list[Pump]) -> int:
        kind, number = given["kind"], given.get("channel", 0)
        if kind == "file":
            return sealed(base64.b64decode(given["content"]))
        if kind == "terminal":
            if number not in terminals:
                terminals[number] = self.terminal(number, given["size"], outputs)
            return os.dup(terminals[number])
        reader, writer = os.pipe2(os.O_CLOEXEC)
        channel = self.wire.channel(number)
        if kind == "input":
            start(channel.into, writer)
            return reader
        pump = Pump(reader, channel, self.wire, after=list(outputs) if kind == "reply" else [])
        if kind == "output":
            os.fchown(writer, *self.owner)
            outputs.append(pump)
        start(pump.work)
        return writer

    def terminal(self, number: int, size: list[int], outputs: list[Pump]) -> int:
        ours, theirs = os.openpty()
        os.fchown(theirs, *self.owner)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        channel = self.wire.channel(number)
        start(channel.into, os.dup(ours))
        pump = Pump(ours, channel, self.wire, after=[])
        outputs.append(pump)
        start(pump.work)
        return theirs

    # Connections to the services

    def accept(self, position: int, listener: socket.socket) -> None:
        while True:
            self._connections.acquire()
            try:
                client, _ = listener.accept()
            except OSError as failure:
                sys.stderr.write(f"accept: {failure}\n")
                self._connections.release()
                time.sleep(0.05)  # too many descriptors: some will be closed
                continue
            number = next(self._numbers)
            channel = self.wire.channel(number)
            self.wire.send(number, ASK, json.dumps({"listener": position}).encode())
            start(self.bridge, client, channel)

    def bridge(self, client: socket.socket, channel: Channel) -> None:
        try:
            join(client, channel)
        finally:
            client.close()
            self.wire.forget(channel.number)
            self._connections.release()

    # Trees and the clock

    def do_pull(self, tree: int, content: int) -> None:
        channel = self.wire.channel(content)
        try:
            Packer(channel.send).pack(self.trees[tree])
        finally:
            channel.end()
            self.wire.forget(content)

    def do_push(self, tree: int, content: int) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        start(self.wire.channel(content).into, writer)
        try:
            Unpacker(lambda count: os.read(reader, min(count, CHUNK)), self.owner).unpack(self.trees[tree])
        finally:
            os.close(reader)
            self.wire.forget(content)

    def do_use(self, tree: int) -> dict[str, int]:
        state = os.fstatvfs(self.trees[tree])
        size = (state.f_blocks - state.f_bfree) * state.f_frsize
        return {"size": size, "files": state.f_files - state.f_ffree}

    def do_unlock(self) -> None:
        for tree in self.trees:
            mode = stat.S_IMODE(os.fstat(tree).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.fchmod(tree, mode | stat.S_IRWXU)

    def do_clock(self, moment: int, place: int) -> None:
        """`moment`, in nanoseconds, is now; `place` is where in the library it belongs."""
        os.pwrite(self.clock, struct.pack("=qq", *divmod(moment - time.time_ns(), 10**9)), place)


class Pump:
    """Sends what comes out of a pipe. What `after` have taken out of theirs is sent before anything of this."""

    def __init__(self, source: int, channel: Channel, wire: Wire, *, after: list[Pump]) -> None:
        self._source, self._channel, self._wire, self._after = source, channel, wire, after
        self._lock = threading.Lock()
        self._open = True
        os.set_blocking(source, False)

    def work(self) -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        try:
            while True:
                poll.poll()
                for other in self._after:
                    other.empty()
                if not self.some():
                    return
        finally:
            with self._lock:
                self._open = False
                os.close(self._source)
            self._channel.end()
            self._wire.forget(self._channel.number)

    def some(self) -> bool:
        """Pass on what is there; False at the end."""
        with self._lock:
            try:
                content = os.read(self._source, CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False  # a terminal that nobody has open any more
            return bool(content) and self._channel.send(content)

    def empty(self) -> None:
        """Pass on all that was written before now."""
        with self._lock:
            if not self._open:
                return
            waiting = int(struct.unpack("i", fcntl.ioctl(self._source, termios.FIONREAD, b"\0" * 4))[0])
            while waiting > 0:
                try:
                    content = os.read(self._source, min(waiting, CHUNK))
                except OSError:
                    return
                if not content:
                    return
                self._channel.send(content)
                waiting -= len(content)


def sealed(content: bytes) -> int:
    """A descriptor of an unchangeable file in memory, read from its beginning."""
    descriptor = os.memfd_create("request", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    write_all(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


def main() -> None:
    beside = Beside()
    beside.wire.serve(beside.asked)
    # Whatever still waits is of no use to anybody; init ends with its connection.
    os._exit(0)
