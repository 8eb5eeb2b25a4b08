"""One command from the host's side: its pipes, what is kept of its output, how it ended."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Completed, Ended, Limits
from pytest_clawmark.sandboxes.control import Control, sealed
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.rights import Owner

_CHUNK = 1 << 16
_PATIENCE = 30.0  # seconds beyond a command's limit in which init must have ended it
_KILLED, _CANNOT_RUN = -9, 126

_NOTES = {
    "memory": "a process of this command was killed: together all may use {mebibytes} MiB of memory",
    "background-memory": "a background process was killed: together all may use {mebibytes} MiB of memory",
}
_LAST_WORDS = {
    "ended": "the command was ended together with every other process",
    "lost": "the command's supervisor was killed, so every process was ended",
    "refused": "no process could be started: {detail}",
}


class Spawned:
    """Implements `Process`."""

    def __init__(self, control: Control, reply: int, number: int, limits: Limits) -> None:
        self._control, self._reply, self._number, self._limits = control, reply, number, limits

    def wait(self) -> Ended:
        if self._reply < 0:
            raise ValueError("this command's end has been waited for already")
        reply, self._reply = self._reply, -1
        text = b""
        try:
            while (story := _read_story(text)) is None:
                text += _answer(reply)
        finally:
            os.close(reply)
        return _ended(story, self._limits)

    def signal(self, number: int) -> None:
        self._control.signal(self._number, number)


def complete(
    control: Control, drain: Drain, request: dict[str, Any], stdin: bytes, *, limits: Limits, owner: Owner
) -> Completed:
    """Run one command to its end. Raises `WorldFailure` when init does not answer."""
    output = (_Output(limits.output, owner), _Output(limits.output, owner))
    deadline = time.monotonic() + float(request["timeout"]) + _PATIENCE
    try:
        source = sealed(stdin, "stdin")
        try:
            reply, _ = control.run(request, [source, *(stream.inside for stream in output)])
        finally:
            os.close(source)
            for stream in output:
                stream.close_inside()
        try:
            story = _follow(reply, output, deadline)
        finally:
            os.close(reply)
        for stream in output:
            stream.finish(drain)
    finally:
        for stream in output:
            stream.close()
    return _completed(story, output, limits)


def _owned_pipe(owner: Owner) -> tuple[int, int]:
    """A pipe that commands can open again, as `/dev/stderr` for example; only a file's owner may."""
    ends = os.pipe()
    owner.give(ends[1])
    return ends


class _Output:
    """A pipe whose reading end stays here; beyond `limit` bytes what comes is dropped."""

    def __init__(self, limit: int, owner: Owner) -> None:
        self.kept = bytearray()
        self.truncated = False
        self._limit = limit
        self.pipe, self.inside = _owned_pipe(owner)
        os.set_blocking(self.pipe, False)

    def close_inside(self) -> None:
        if self.inside >= 0:
            os.close(self.inside)
            self.inside = -1

    def read(self, most: int = _CHUNK) -> int:
        """Take what is there; 0 when the writers have ended, -1 when nothing is there."""
        try:
            data = os.read(self.pipe, most)
        except BlockingIOError:
            return -1
        room = self._limit - len(self.kept)
        self.kept += data[:room]
        self.truncated |= len(data) > room
        return len(data)

    def finish(self, drain: Drain) -> None:
        """Take what was written so far; leave the pipe to `drain` if somebody may still write."""
        if self.pipe < 0:
            return
        waiting = int(struct.unpack("i", fcntl.ioctl(self.pipe, termios.FIONREAD, b"\0" * 4))[0])
        while waiting > 0:
            waiting -= max(self.read(min(waiting, _CHUNK)), 1)
        if self.read(1) != 0:
            drain.adopt(self.pipe)
            self.pipe = -1

    def close(self) -> None:
        self.close_inside()
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


def _follow(reply: int, output: tuple[_Output, ...], deadline: float) -> _Story:
    """Collect output until the reply is whole."""
    poll = select.poll()
    poll.register(reply, select.POLLIN)
    streams = {stream.pipe: stream for stream in output}
    for pipe in streams:
        poll.register(pipe, select.POLLIN)
    text = b""
    while (story := _read_story(text)) is None:
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            raise WorldFailure("the sandbox did not end a command that was over its time")
        for descriptor, _ in ready:
            if descriptor == reply:
                text += _answer(reply)
            elif streams[descriptor].read() == 0:
                poll.unregister(descriptor)
    return story


def _answer(reply: int) -> bytes:
    data = os.read(reply, 4096)
    if not data:
        raise WorldFailure("the sandbox ended while a command ran")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """A reply: what was noted while the command ran, then the verb and the detail of its last line."""

    notes: Sequence[str]
    verb: str
    detail: str


def _read_story(text: bytes) -> _Story | None:
    notes: list[str] = []
    for line in text.decode(errors="replace").splitlines():
        if line not in _NOTES:
            verb, _, detail = line.partition(" ")
            return _Story(notes=notes, verb=verb, detail=detail)
        notes.append(line)
    return None


def _completed(story: _Story, output: tuple[_Output, _Output], limits: Limits) -> Completed:
    stdout, stderr = output
    end = _ended(story, limits)
    return Completed(
        exit_code=end.exit_code,
        stdout=bytes(stdout.kept),
        stderr=bytes(stderr.kept) + "".join(f"[sandbox] {remark}\n" for remark in end.remarks).encode(),
        timed_out=end.timed_out,
        truncated=stdout.truncated or stderr.truncated,
    )


def _ended(story: _Story, limits: Limits) -> Ended:
    remarks = [_NOTES[note].format(mebibytes=limits.memory >> 20) for note in dict.fromkeys(story.notes)]
    if story.verb in _LAST_WORDS:
        remarks.append(_LAST_WORDS[story.verb].format(detail=story.detail))
    return Ended(exit_code=_exit_code(story), timed_out=story.verb == "timeout", remarks=tuple(remarks))


def _exit_code(story: _Story) -> int:
    if story.verb == "exit":
        return int(story.detail)
    return _CANNOT_RUN if story.verb == "refused" else _KILLED
