"""The plugin's end of the stream: requests to the program beside a world, and what is told to its init."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import socket
import stat
import struct
import termios
import tty
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Address
from pytest_clawmark.sandboxes.control import BUILD_SECONDS, TREES, Configuration, Control, packed
from pytest_clawmark.sandboxes.relay.stream import Stream
from pytest_clawmark.sandboxes.relay.wire import ASK, CHUNK, Channel, Wire, join, start, write_all


class Door(socket.socket):
    """A listening socket of this machine's, for one that is bound inside a world; it gives the address of that."""

    def __init__(self, inside: Address) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self._inside = inside
        self.bind(("127.0.0.1", 0))
        self.listen(128)
        self.here: tuple[str, int] = super().getsockname()

    def getsockname(self) -> tuple[str, int]:
        return self._inside.ip, self._inside.port


class Link:
    """The conversation with the program beside a world. Safe to use from any thread."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.wire = Wire(stream.read, stream.write)
        self._numbers = itertools.count(2, 2)
        self._doors: Sequence[Door] = ()
        self._reading = start(self.wire.serve, self._asked)
        self.closed = False

    def open_doors(self, addresses: Sequence[Address]) -> dict[Address, socket.socket]:
        """Listeners of this machine's, one for each that init has bound inside."""
        self._doors = [Door(address) for address in addresses]
        return dict(zip(addresses, self._doors, strict=True))

    def channel(self) -> Channel:
        """A new one."""
        return self.wire.channel(next(self._numbers))

    def ask(self, verb: str, **details: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer. Raises `WorldFailure` with what the other end says."""
        answer = self.channel()
        try:
            self.tell(answer.number, verb, **details)
            told = b""
            while part := answer.receive():
                told += part
                answer.consumed(len(part))
        finally:
            self.wire.forget(answer.number)
        if not told:
            raise WorldFailure(
                f"the sandbox is {'closed' if self.closed else f'gone{self._stream.complaint()}'}"
            )
        content: dict[str, Any] = json.loads(told)
        if "failed" in content:
            raise WorldFailure(f"the sandbox's relay cannot {verb}: {content['failed']}")
        return content

    def tell(self, number: int, verb: str, **details: Any) -> None:
        """Ask for something whose answer nobody waits for. Raises `WorldFailure` when the stream has ended."""
        if self.closed:
            raise WorldFailure("the sandbox is closed")
        if not self.wire.send(number, ASK, json.dumps({"verb": verb, **details}).encode()):
            raise WorldFailure("the sandbox is gone")

    def close(self) -> None:
        """End the stream, and with it the world."""
        self.closed = True
        self._stream.close()
        self._reading.join()
        self._stream.release()

    def _asked(self, number: int, content: bytes) -> None:
        """Something inside has connected to a service."""
        door = self._doors[json.loads(content)["listener"]]
        start(self._bridge, door.here, self.wire.channel(number))

    def _bridge(self, address: tuple[str, int], channel: Channel) -> None:
        try:
            with socket.create_connection(address) as service:
                join(service, channel)
        except OSError:
            # Nobody serves there any more: the client is told so.
            channel.hang_up()
            channel.end()
        finally:
            self.wire.forget(channel.number)


class RelayedControl(Control):
    """Sends requests to an init on another machine: what descriptors would carry goes along channels."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._commands = itertools.count(1)

    def make(self, configuration: Configuration, listen: Sequence[Address]) -> None:
        """Have the sandbox made; what init hands out stays beside it. Raises `WorldFailure` with its reason."""
        self._tell(b"build", [_file(packed(asdict(configuration)))])
        self._link.ask("ready", listeners=len(listen), trees=len(TREES), seconds=BUILD_SECONDS)

    def run(self, request: dict[str, Any], streams: Sequence[int]) -> tuple[int, int]:
        number = next(self._commands)
        command = _Command(self._link, terminal=request["terminal"])
        reply, answer_here = os.pipe()
        try:
            given = [
                _file(packed({**request, "number": number})),
                command.input(streams[0]),
                command.output(streams[1]),
                command.output(streams[2]),
                command.reply(answer_here),
            ]
            self._tell(b"run", given)
        except BaseException:
            os.close(reply)
            command.abandon()
            raise
        finally:
            os.close(answer_here)
        command.start()
        return reply, number

    def close(self) -> None:
        self._link.close()

    def _send(self, verb: bytes, descriptors: list[int]) -> None:
        command = _Command(self._link, terminal=False)
        try:
            self._tell(verb, [command.reply(descriptor) for descriptor in descriptors])
        except BaseException:
            command.abandon()
            raise
        command.start()

    def _tell(self, verb: bytes, given: Sequence[Mapping[str, Any]]) -> None:
        self._link.tell(0, "tell", message=verb.decode(), given=given)


class _Command:
    """The streams of one command, this end."""

    def __init__(self, link: Link, *, terminal: bool) -> None:
        self._link, self._terminal = link, terminal
        self._inputs: list[tuple[int, Channel]] = []
        self._outputs: list[tuple[int, Channel]] = []
        self._replies: list[tuple[int, Channel]] = []
        self._terminals: dict[int, Channel] = {}

    def input(self, descriptor: int) -> dict[str, Any]:
        if self._terminal and os.isatty(descriptor):
            return self._on_terminal(descriptor, typed=True)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _file(_rest(descriptor))
        channel = self._link.channel()
        self._inputs.append((os.dup(descriptor), channel))
        return {"kind": "input", "channel": channel.number}

    def output(self, descriptor: int) -> dict[str, Any]:
        if self._terminal and os.isatty(descriptor):
            return self._on_terminal(descriptor, typed=False)
        channel = self._link.channel()
        self._outputs.append((os.dup(descriptor), channel))
        return {"kind": "output", "channel": channel.number}

    def reply(self, descriptor: int) -> dict[str, Any]:
        channel = self._link.channel()
        self._replies.append((os.dup(descriptor), channel))
        return {"kind": "reply", "channel": channel.number}

    def start(self) -> None:
        """Let everything flow, once the other end knows of it."""
        over, ended = os.pipe() if self._inputs else (-1, -1)
        for descriptor, channel in self._outputs:
            start(self._write, descriptor, channel)
        for descriptor, channel in self._inputs:
            start(_pump, descriptor, channel, over)
        for descriptor, channel in self._replies:
            start(self._answer, descriptor, channel, ended)

    def abandon(self) -> None:
        """Close what `start` would have used."""
        for descriptor, channel in (*self._inputs, *self._outputs, *self._replies):
            os.close(descriptor)
            self._link.wire.forget(channel.number)

    def _on_terminal(self, descriptor: int, *, typed: bool) -> dict[str, Any]:
        """One terminal beside the world for one of ours, which from now on passes everything on as it is."""
        device = os.fstat(descriptor).st_rdev
        if device not in self._terminals:
            channel = self._terminals[device] = self._link.channel()
            tty.setraw(descriptor)
            self._outputs.append((os.dup(descriptor), channel))
            if typed:
                self._inputs.append((os.dup(descriptor), channel))
        size = struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8)))[:2]
        return {"kind": "terminal", "channel": self._terminals[device].number, "size": size}

    def _write(self, descriptor: int, channel: Channel) -> None:
        channel.into(descriptor)
        self._link.wire.forget(channel.number)

    def _answer(self, descriptor: int, channel: Channel, ended: int) -> None:
        """Pass the reply on after all that the command wrote before it."""
        try:
            while content := channel.receive():
                for _, output in self._outputs:
                    output.emptied()
                with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                    write_all(descriptor, content)
                channel.consumed(len(content))
        finally:
            os.close(descriptor)
            if ended >= 0:
                os.close(ended)
            self._link.wire.forget(channel.number)


def _pump(source: int, channel: Channel, over: int) -> None:
    """Send what can be read, until the end, or until the command has ended."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(over, select.POLLIN)
    try:
        while over not in (ready := dict(poll.poll())):
            content = os.read(source, CHUNK) if source in ready else b""
            if not content or not channel.send(content):
                break
    except OSError:
        pass  # a terminal that is gone: nothing more is typed
    finally:
        channel.end()
        os.close(source)
        os.close(over)


def _file(content: bytes) -> dict[str, Any]:
    return {"kind": "file", "content": base64.b64encode(content).decode()}


def _rest(descriptor: int) -> bytes:
    """What a file holds from where it is read."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()
