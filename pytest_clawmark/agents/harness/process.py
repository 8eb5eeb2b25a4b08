"""One command in a sandbox, fed and listened to until it ends."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from pytest_clawmark.agents.harness.contract import Finished
from pytest_clawmark.agents.wording import decode
from pytest_clawmark.failures import VoidError
from pytest_clawmark.sandboxes.contract import Ended, Sandbox

_HEAD, _TAIL = 64 * 1024, 192 * 1024
_CHUNK = 1 << 16


class Running:
    """Started by its construction. `notify` is called from another thread when it has ended; `finish` may be
    called when nothing is left that could write to its output."""

    def __init__(
        self,
        sandbox: Sandbox,
        command: Sequence[str],
        stdin: bytes,
        env: Mapping[str, str],
        notify: Callable[[], None],
    ) -> None:
        self._notify = notify
        self.ended = False
        self._end: Ended | None = None
        self._failure: VoidError | None = None
        (given, feed), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        try:
            self._process = sandbox.spawn(command, stdin=given, stdout=stdout, stderr=stderr, env=env)
        except BaseException:
            for end in (feed, out, err):
                os.close(end)
            raise
        finally:
            for end in (given, stdout, stderr):
                os.close(end)
        self._out, self._err = _Listener(out), _Listener(err)
        self._threads = [
            threading.Thread(target=work, args=arguments, name="clawmark-harness", daemon=True)
            for work, arguments in (
                (_feed, (feed, stdin)),
                (self._out.listen, ()),
                (self._err.listen, ()),
                (self._wait, ()),
            )
        ]
        for thread in self._threads:
            thread.start()

    def signal(self, number: int) -> None:
        """Signal its process group; nothing if it has ended."""
        self._process.signal(number)

    def finish(self) -> Finished:
        """Its end and what it said. Raises `WorldFailure` when the sandbox broke under it."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        assert self._end is not None
        return Finished(exit_code=self._end.exit_code, stdout=self._out.text(), stderr=self._err.text())

    def _wait(self) -> None:
        try:
            self._end = self._process.wait()
        except VoidError as failure:
            self._failure = failure
        self.ended = True
        self._notify()


def _feed(pipe: int, content: bytes) -> None:
    # A command that reads nothing, or has ended, is no error.
    with contextlib.suppress(BrokenPipeError), os.fdopen(pipe, "wb") as file:
        file.write(content)


class _Listener:
    """Keeps the beginning and the end of what is written to a pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._head, self._tail, self._length = bytearray(), bytearray(), 0

    def listen(self) -> None:
        """Read until nobody can write any more."""
        while data := os.read(self._pipe, _CHUNK):
            self._length += len(data)
            room = _HEAD - len(self._head)
            self._head += data[:room]
            self._tail = (self._tail + data[room:])[-_TAIL:]
        os.close(self._pipe)

    def text(self) -> str:
        missing = self._length - len(self._head) - len(self._tail)
        note = b"\n[... %d bytes left out ...]\n" % missing if missing else b""
        return decode(bytes(self._head) + note + bytes(self._tail))
