"""Commands on descriptors of the caller's, in every sandbox."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_cases import ISOLATED, blueprint

from pytest_clawmark.sandboxes import Mount, Sandbox, SandboxProvider
from pytest_clawmark.sandboxes.contract import Process

# One by one; what is shown through a relay is a copy, and read-only.
SHOWS_FOLDERS = [case for case in ISOLATED if case.id != "docker-relay"]


class Pipes:
    """A command's three streams as pipes; stdin is empty unless the test writes to it."""

    def __init__(self, sandbox: Sandbox, command: Sequence[str]) -> None:
        inside_in, self.stdin = os.pipe()
        self.stdout, inside_out = os.pipe()
        sandbox.give(inside_out)
        self.process: Process = sandbox.spawn(command, stdin=inside_in, stdout=inside_out, stderr=inside_out)
        os.close(inside_in)
        os.close(inside_out)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes, as they come."""
        content = b""
        while len(content) < count and (part := os.read(self.stdout, count - len(content))):
            content += part
        return content

    def close(self) -> None:
        for descriptor in (self.stdin, self.stdout):
            os.close(descriptor)


@pytest.fixture
def piped(fresh: Sandbox) -> Callable[[Sequence[str]], Pipes]:
    return lambda command: Pipes(fresh, command)


def test_output_comes_while_the_command_still_runs(piped: Callable[[Sequence[str]], Pipes]) -> None:
    talk = piped(["sh", "-c", "echo ready; read line; echo got $line"])
    assert talk.read(6) == b"ready\n"
    os.write(talk.stdin, b"this\n")
    assert talk.read(9) == b"got this\n"
    assert talk.process.wait().exit_code == 0
    talk.close()


def test_streams_are_binary_and_have_no_limit(opened: Callable[..., Sandbox]) -> None:
    talk = Pipes(opened(output=1000), ["cat"])
    content = bytes(range(256)) * 64
    for _ in range(4):
        os.write(talk.stdin, content)
        assert talk.read(len(content)) == content
    os.close(talk.stdin)
    assert talk.read(1) == b""
    assert talk.process.wait().exit_code == 0
    os.close(talk.stdout)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_reaches_the_command_and_its_children(
    piped: Callable[[Sequence[str]], Pipes], number: signal.Signals
) -> None:
    talk = piped(["sh", "-c", "cat; exit 3"])
    os.write(talk.stdin, b"ready")
    talk.read(5)
    talk.process.signal(number)
    assert talk.process.wait().exit_code == -number
    assert talk.read(1) == b""
    talk.close()


def test_a_signal_right_after_the_start_is_not_lost(fresh: Sandbox) -> None:
    for _ in range(20):
        talk = Pipes(fresh, ["sleep", "1000"])
        talk.process.signal(signal.SIGTERM)
        assert talk.process.wait().exit_code == -signal.SIGTERM
        talk.close()


def test_a_command_may_handle_its_signals(piped: Callable[[Sequence[str]], Pipes]) -> None:
    talk = piped(["sh", "-c", "trap 'echo no; exit 5' INT; echo ready; read line"])
    talk.read(6)
    talk.process.signal(signal.SIGINT)
    assert talk.read(3) == b"no\n"
    assert talk.process.wait().exit_code == 5
    talk.close()


def test_a_signal_for_a_command_that_has_ended_reaches_nobody(
    piped: Callable[[Sequence[str]], Pipes], fresh: Sandbox
) -> None:
    first, second = piped(["true"]), piped(["cat"])
    assert first.process.wait().exit_code == 0
    first.process.signal(signal.SIGTERM)
    assert fresh.run(["true"]).exit_code == 0
    os.write(second.stdin, b"here")
    assert second.read(4) == b"here"
    for talk in (first, second):
        talk.close()
    assert second.process.wait().exit_code in (0, -signal.SIGPIPE)


def test_a_command_that_cannot_start_says_why_and_gives_127(piped: Callable[[Sequence[str]], Pipes]) -> None:
    talk = piped(["no-such-program"])
    assert talk.process.wait().exit_code == 127
    assert talk.read(200).startswith(b"cannot run 'no-such-program'")
    talk.close()


def test_a_terminal_is_the_commands_own(fresh: Sandbox) -> None:
    ours, theirs = pty.openpty()
    fresh.give(theirs)
    process = fresh.spawn(
        ["sh", "-c", "test -t 0 && cat > /dev/tty"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        terminal=True,
    )
    os.close(theirs)
    os.write(ours, b"ready\n")
    told = b""
    while len(told) < 14:  # what was typed, and what cat made of it
        told += os.read(ours, 100)
    assert told == b"ready\r\n" * 2
    os.write(ours, b"\x03")
    assert process.wait().exit_code == -signal.SIGINT
    os.close(ours)


def test_output_can_be_opened_again_by_name(sandbox: Sandbox) -> None:
    done = sandbox.run(["sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr"])
    assert (done.stdout, done.stderr, done.exit_code) == (b"out\n", b"err\n", 0)


@pytest.mark.parametrize("provider", SHOWS_FOLDERS, indirect=True)
def test_mounted_folders_are_seen_and_written_as_declared(provider: SandboxProvider, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    shown, open_to_all = tmp_path / "shown", tmp_path / "open"
    for folder in (shown, open_to_all):
        folder.mkdir()
        folder.chmod(0o777)
        (folder / "note").write_text(folder.name)
    mounts = (
        Mount(source=shown, target="/mnt/shown"),
        Mount(source=open_to_all, target="/srv/open", writable=True),
    )
    sandbox = provider.open(replace(blueprint(), mounts=mounts))
    try:
        assert sandbox.run(["cat", "/mnt/shown/note", "/srv/open/note"]).stdout == b"shownopen"
        assert sandbox.run(["touch", "/mnt/shown/new"]).exit_code != 0
        assert sandbox.run(["touch", "/srv/open/new"]).exit_code == 0
    finally:
        sandbox.close()
    assert (open_to_all / "new").exists()
    assert not (shown / "new").exists()
