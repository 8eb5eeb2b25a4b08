"""Channels over one stream of bytes, the same at both ends. Standard library only: it also runs beside the world.

A frame is a header (channel, kind, length) and its content. Each end numbers the channels that it opens; what a
channel carries waits at the sender once `WINDOW` bytes of it have not been consumed, so that a slow reader of one
channel delays no other.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import socket
import struct
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = struct.Struct("!IBI")
DATA, END, CONSUMED, HANG_UP, ASK = range(5)
CHUNK = 1 << 16
WINDOW = 1 << 18


class Channel:
    """One direction of bytes each way. What arrives is given to `sink` by a thread of its own."""

    def __init__(self, wire: Wire, number: int) -> None:
        self.number = number
        self._wire = wire
        self._room = threading.Condition()
        self._unconsumed = 0
        self._hung_up = False
        self._arrived: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0

    def send(self, content: bytes) -> bool:
        """Pass on some bytes when there is room; False when nobody wants them any more."""
        with self._room:
            self._room.wait_for(lambda: self._hung_up or self._unconsumed < WINDOW)
            if self._hung_up:
                return False
            self._unconsumed += len(content)
        return self._wire.send(self.number, DATA, content)

    def end(self) -> None:
        """Nothing more will be sent."""
        self._wire.send(self.number, END, b"")

    def hang_up(self) -> None:
        """Nothing more is wanted."""
        self._wire.send(self.number, HANG_UP, b"")

    def receive(self) -> bytes:
        """What has arrived next, empty at the end; `consumed` must be called when it has been dealt with."""
        return self._arrived.get() or b""

    def consumed(self, count: int) -> None:
        self._wire.send(self.number, CONSUMED, struct.pack("!I", count))
        with self._room:
            self._waiting -= count
            self._room.notify_all()

    def emptied(self) -> None:
        """Return when all that has arrived so far has been dealt with."""
        with self._room:
            self._room.wait_for(lambda: self._waiting <= 0 or self._hung_up)

    def into(self, descriptor: int, done: Callable[[], None] = lambda: None) -> None:
        """Write to `descriptor` what arrives, until the end; then close it."""
        try:
            while content := self.receive():
                with contextlib.suppress(OSError):
                    write_all(descriptor, content)
                    self.consumed(len(content))
                    continue
                self.consumed(len(content))
                self.hang_up()
                self._skip()
                return
        finally:
            self.given_up()
            os.close(descriptor)
            done()

    @property
    def unwanted(self) -> bool:
        """Whether nobody listens to what is sent."""
        return self._hung_up

    def _skip(self) -> None:
        while content := self.receive():
            self.consumed(len(content))

    # What the wire's reading thread tells

    def given_up(self) -> None:
        with self._room:
            self._hung_up = True
            self._room.notify_all()

    def arrived(self, content: bytes) -> None:
        with self._room:
            self._waiting += len(content)
        self._arrived.put(content)

    def ended(self) -> None:
        self._arrived.put(None)

    def acknowledged(self, count: int) -> None:
        with self._room:
            self._unconsumed -= count
            self._room.notify_all()


class Wire:
    """`read(count)` gives at most so many bytes, none at the end; `write` sends all it is given."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        self._read, self._write = read, write
        self._writing = threading.Lock()
        self._known = threading.Lock()
        self._channels: dict[int, Channel] = {}
        self._over = False

    def channel(self, number: int) -> Channel:
        """The channel of that number, new if nobody has used it yet."""
        with self._known:
            if number not in self._channels:
                self._channels[number] = Channel(self, number)
                if self._over:
                    self._channels[number].given_up()
                    self._channels[number].ended()
            return self._channels[number]

    def forget(self, number: int) -> None:
        with self._known:
            self._channels.pop(number, None)

    def send(self, channel: int, kind: int, content: bytes) -> bool:
        """Whether it could be sent."""
        try:
            with self._writing:
                self._write(HEADER.pack(channel, kind, len(content)) + content)
        except (OSError, ValueError):
            return False
        return True

    def serve(self, asked: Callable[[int, bytes], None]) -> None:
        """Deal with what arrives until the stream ends; `asked` gets what was sent as `ASK`."""
        try:
            while header := self._exactly(HEADER.size):
                number, kind, length = HEADER.unpack(header)
                content = self._exactly(length)
                if kind == ASK:
                    asked(number, content)
                else:
                    self._deal_with(number, kind, content)
        except OSError:
            return  # the stream broke: that is its end
        finally:
            with self._known:
                self._over = True
                left = list(self._channels.values())
            for channel in left:
                channel.given_up()
                channel.ended()

    def _deal_with(self, number: int, kind: int, content: bytes) -> None:
        with self._known:
            channel = self._channels.get(number)
        if channel is None:
            return  # both ends are done with it
        if kind == DATA:
            channel.arrived(content)
        elif kind == END:
            channel.ended()
        elif kind == HANG_UP:
            channel.given_up()
        else:
            channel.acknowledged(struct.unpack("!I", content)[0])

    def _exactly(self, count: int) -> bytes:
        content = bytearray()
        while len(content) < count:
            part = self._read(min(count - len(content), CHUNK))
            if not part:
                return b""
            content += part
        return bytes(content)


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte, however long it takes."""
    left = memoryview(content)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


def start(work: Callable[..., None], *arguments: object, name: str = "clawmark-relay") -> threading.Thread:
    """Run it in a thread that ends with this process."""
    thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def join(client: socket.socket, channel: Channel) -> None:
    """Pass on what either side says, until both have ended."""

    def listen() -> None:
        while content := channel.receive():
            try:
                client.sendall(content)
            except OSError:
                channel.hang_up()
            channel.consumed(len(content))
        try:
            client.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side has ended it already

    listening = start(listen)
    try:
        while content := client.recv(CHUNK):
            if not channel.send(content):
                break
    except ConnectionError:
        pass  # that is its end too
    channel.end()
    if channel.unwanted:
        # Nobody is there to answer: the client must not wait for it.
        with contextlib.suppress(OSError):  # it is gone already
            client.shutdown(socket.SHUT_RDWR)
    listening.join()
    channel.given_up()
