"""Runs a command in a sandbox on this process's own streams: a terminal, pipes or files, live."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Ended, Process, Sandbox

_CHUNK = 1 << 16
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Asked a second time to end, this command ends the world, whatever runs in it.
_INSISTENT = (signal.SIGTERM, signal.SIGHUP)
_GRACE = 5.0
"""Seconds that a command has for an end of its own once the terminal in front of it is gone."""

Handler = Callable[[int, FrameType | None], Any]


class Stopped(BaseException):
    """A signal told this process, for the second time, to end: `number` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_here(sandbox: Sandbox, command: Sequence[str], env: Mapping[str, str]) -> Ended:
    """Run a command to its end and pass on all that it has written.

    On a terminal (stdin and stdout are one) it gets a terminal of its own, on which Ctrl-C, Ctrl-Z and the
    window's size work as at home. Otherwise its stdin is ours, and signals sent to us are sent to it.
    Raises `Stopped` when a second SIGTERM or SIGHUP comes. The sandbox's processes are ended.
    """
    if is_terminal():
        return _on_terminal(sandbox, command, env)
    with _Relays(sandbox) as relays:
        process = sandbox.spawn(command, stdin=0, stdout=relays.open(1), stderr=relays.open(2), env=env)
        return relays.finish(sandbox, process)


def is_terminal() -> bool:
    """Whether somebody sits in front of this command."""
    return os.isatty(0) and os.isatty(1)


def _on_terminal(sandbox: Sandbox, command: Sequence[str], env: Mapping[str, str]) -> Ended:
    ours, theirs = pty.openpty()
    sandbox.give(theirs)
    _copy_size(ours)
    env = {**env, "TERM": os.environ.get("TERM", "dumb")}
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, ours)
        relays = stack.enter_context(_Relays(sandbox))
        try:
            stderr = theirs if os.isatty(2) else relays.open(2)
            process = sandbox.spawn(
                command, stdin=theirs, stdout=theirs, stderr=stderr, terminal=True, env=env
            )
        finally:
            os.close(theirs)
        stack.enter_context(_handling({signal.SIGWINCH: lambda *_: _copy_size(ours)}))
        stack.enter_context(_raw_terminal())
        over = threading.Event()
        stack.callback(over.set)
        keys = threading.Thread(
            target=_type, args=(ours, sandbox, process, over), name="clawmark-keys", daemon=True
        )
        keys.start()
        relays.add(_start(ours, 1, discard=True))
        return relays.finish(sandbox, process)


def _type(terminal: int, sandbox: Sandbox, process: Process, over: threading.Event) -> None:
    """Pass keys on. They end only when our terminal is gone: then the command is told, and then ended."""
    _pump(0, terminal)
    with contextlib.suppress(WorldFailure):  # the world has come to its end before the command has
        if not over.is_set():
            process.signal(signal.SIGHUP)
        if not over.wait(_GRACE):
            sandbox.settle()


class _Relays:
    """Pipes of the agent's, whose content goes on to streams of ours as it comes.

    Ours are not handed out: a user of another number could not open them again by name.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._inside: list[int] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> _Relays:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def open(self, stream: int) -> int:
        """The agent's end of a new pipe to our stream of that number."""
        pipe, inside = os.pipe()
        self._sandbox.give(inside)
        self._inside.append(inside)
        self.add(_start(pipe, stream, close=True))
        return inside

    def add(self, thread: threading.Thread) -> None:
        """A thread that ends when everything has been passed on."""
        self._threads.append(thread)

    def finish(self, sandbox: Sandbox, process: Process) -> Ended:
        """Wait for the command, end what it left running and pass on the rest."""
        self._let_go()
        with _passing_on(process):
            end = process.wait()
        sandbox.settle()
        for thread in self._threads:
            thread.join()
        return end

    def _let_go(self) -> None:
        while self._inside:
            os.close(self._inside.pop())


def _start(source: int, target: int, *, close: bool = False, discard: bool = False) -> threading.Thread:
    thread = threading.Thread(
        target=_pump,
        args=(source, target),
        kwargs={"close": close, "discard": discard},
        name="clawmark-relay",
        daemon=True,
    )
    thread.start()
    return thread


def _pump(source: int, target: int, *, close: bool = False, discard: bool = False) -> None:
    """Copy until there is no more, or nobody wants more: then the writer is to learn it by its next write.

    With `discard` it never learns it, and what nobody wants is read and dropped.
    """
    try:
        while data := _read(source):
            while data:
                data = data[os.write(target, data) :]
    except OSError as failure:
        if failure.errno not in (errno.EPIPE, errno.EIO, errno.EBADF):
            sys.stderr.write(f"world: what the command writes cannot be passed on: {failure.strerror}\n")
        while discard and _read(source):
            pass
    finally:
        if close:
            os.close(source)


def _read(source: int) -> bytes:
    try:
        return os.read(source, _CHUNK)
    except OSError as failure:
        if failure.errno == errno.EIO:  # how a terminal says that its other end was closed
            return b""
        raise


@contextlib.contextmanager
def _passing_on(process: Process) -> Iterator[None]:
    asked: set[int] = set()

    def pass_on(number: int, _: FrameType | None) -> None:
        if number in asked and number in _INSISTENT:
            raise Stopped(number)
        asked.add(number)
        process.signal(number)

    with _handling(dict.fromkeys(_PASSED_ON, pass_on)):
        yield


@contextlib.contextmanager
def _handling(handlers: Mapping[int, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Let every key through to the world's terminal, which gives them their meaning."""
    sys.stderr.flush()
    before = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead is for the command
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # a terminal that is gone has nothing to be given back
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def _copy_size(terminal: int) -> None:
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
