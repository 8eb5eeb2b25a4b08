"""`pytest-clawmark world`, run as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark import cli
from pytest_clawmark.commands import frozen_world, mounts, world
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes import providers

SANDBOXES = [
    pytest.param("bubblewrap", id="bubblewrap"),
    pytest.param("docker", id="docker", marks=pytest.mark.docker),
    pytest.param("local", id="local"),
]
DESK = {"name": "desk", "resources": {"tickets": {"properties": {"title": {"type": "string"}}}}}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "pytest_clawmark.cli", "world", *map(str, arguments)]


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), capture_output=True, timeout=60, check=False, **options)


@pytest.fixture(params=SANDBOXES, scope="module")
def sandbox(request: pytest.FixtureRequest) -> str:
    provider = providers()[request.param]()
    try:
        missing = [finding.detail for finding in provider.check() if not finding.works]
    finally:
        provider.close()
    if missing and os.environ.get("CLAWMARK_REQUIRE_SANDBOXES") != "1":
        pytest.skip(f"{request.param} does not work here: {missing}")
    return f"--sandbox={request.param}"


def test_streams_are_the_commands_and_so_is_the_exit_status(sandbox: str) -> None:
    content = bytes(range(256)) * 1000
    done = run(
        sandbox, "--service", "email", "--", "sh", "-c", "cat; echo err > /dev/stderr; exit 7", input=content
    )
    assert done.stdout == content
    assert done.stderr.endswith(b"err\n")
    assert b"$CLAWMARK_EMAIL_IMAP_URL" in done.stderr
    assert b"NOTION" not in done.stderr
    assert done.returncode == 7


def test_what_was_frozen_is_what_the_next_world_begins_with(sandbox: str, tmp_path: Path) -> None:
    api, first, second = tmp_path / "desk.json", tmp_path / "first.json", tmp_path / "second.json"
    api.write_text(json.dumps(DESK))
    work = (
        'curl -sf "$CLAWMARK_DESK_URL/tickets" --json \'{"title": "x"}\' && '
        "mkdir -p a/b && echo hello > a/b/c && chmod 600 a/b/c && ln -s a/b/c link && chmod 500 a"
    )
    at = "2024-03-19T09:00+08:00"
    made = run(sandbox, "--rest", api, "--at", at, "--freeze", first, "--", "sh", "-c", work)
    assert made.returncode == 0, made.stderr
    look = 'cat link; readlink link; curl -sf "$CLAWMARK_DESK_URL/openapi.json" > /dev/null; chmod 700 .'
    seen = run(sandbox, "--seed", first, "--freeze", second, "--", "true")
    assert seen.returncode == 0, seen.stderr
    assert first.read_bytes() == second.read_bytes()
    seen = run(sandbox, "--seed", first, "--", "sh", "-c", look)
    assert seen.stdout == b"hello\na/b/c\n"
    frozen = json.loads(first.read_bytes())
    assert frozen["time"] == "2024-03-19T09:00:00+08:00"
    assert frozen["services"]["desk"]["requests"] == 1
    assert [entry["path"] for entry in frozen["files"]] == ["a", "a/b", "a/b/c", "link"]


def test_a_signal_reaches_the_command_and_the_status_tells_of_it(sandbox: str) -> None:
    with subprocess.Popen(
        command(sandbox, "--service", "email", "--", "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"ready")
        process.stdin.flush()
        assert process.stdout.read(5) == b"ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_output_that_nobody_reads_ends_the_command(sandbox: str) -> None:
    with subprocess.Popen(
        command(sandbox, "--service", "email", "--", "yes"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.wait(30) == 128 + signal.SIGPIPE


class Terminal:
    """A command with a person in front of it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        ours, theirs = pty.openpty()
        self.screen = b""
        self._ours = ours
        self.process = subprocess.Popen(
            arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def see(self, text: str) -> None:
        """Read on until the text is on the screen."""
        while text.encode() not in self.screen:
            ready, _, _ = select.select([self._ours], [], [], 30)
            assert ready, f"no {text!r} came; the screen shows {self.screen!r}"
            self.screen += os.read(self._ours, 4096)
        self.screen = self.screen.partition(text.encode())[2]

    def vanish(self) -> None:
        """As a window that is closed, or a line that is cut."""
        os.close(self._ours)
        self._ours = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._ours >= 0:
            self.vanish()


@pytest.fixture
def shell(sandbox: str) -> Any:
    terminal = Terminal(command(sandbox, "--service", "email"))
    yield terminal
    terminal.close()


def test_without_a_command_there_is_a_shell_with_a_terminal_of_its_own(shell: Terminal) -> None:
    # A program that is being interrupted still takes a line that comes before it is gone; the shell's
    # prompt says that it is.
    prompt = "ready> "  # as it is typed, it is none: only the shell's own answer looks like this
    shell.type("PS1='rea''dy> '\n")
    shell.see(prompt)
    shell.type("echo $((40+2))\n")
    shell.see("42\r\n")
    shell.see(prompt)
    shell.type("sh -c 'echo pu\"\"rr; exec cat'\n")
    shell.see("purr\r\n")
    shell.type("\x03")
    shell.see("^C")
    shell.see(prompt)
    shell.type("echo still $((1+1)) > /dev/tty\n")
    shell.see("still 2")
    shell.see(prompt)
    shell.type("stty size; sh -c 'echo me\"\"w; exec cat'\n")
    shell.see("0 0")
    shell.see("mew\r\n")
    shell.type("\x1a")  # Ctrl-Z: only a shell with job control gets the terminal back
    shell.see("Stopped")
    shell.see(prompt)
    shell.type("exit 3\n")  # the first time it only warns that a job is stopped
    shell.see(prompt)
    shell.type("exit 3\n")
    assert shell.process.wait(30) == 3


def test_a_shell_ends_with_the_terminal_in_front_of_it(sandbox: str, tmp_path: Path) -> None:
    frozen = tmp_path / "frozen.json"
    terminal = Terminal(command(sandbox, "--service", "email", "--freeze", frozen))
    try:
        terminal.type("PS1='rea''dy> '; trap 'echo gone > note' EXIT\n")
        terminal.see("ready> ")
        terminal.vanish()
        assert terminal.process.wait(30) == 128 + signal.SIGHUP
    finally:
        terminal.close()
    assert [entry["path"] for entry in json.loads(frozen.read_bytes())["files"]] == ["note"]


def test_what_does_not_care_that_its_terminal_is_gone_is_ended(sandbox: str) -> None:
    careless = "trap '' HUP; echo he''re; while :; do echo noise; done"
    terminal = Terminal(command(sandbox, "--service", "email", "--", "sh", "-c", careless))
    try:
        terminal.see("here\r\nnoise")
        terminal.vanish()
        assert terminal.process.wait(30) == 128 + signal.SIGKILL
    finally:
        terminal.close()


def test_files_that_lead_out_of_the_workspace_are_refused(tmp_path: Path) -> None:
    base = {"schema": 1, "time": "2024-03-19T09:00:00+08:00", "agent": ["a", "a@b.example"], "people": []}
    entry = {"type": "directory", "mode": 493, "rank": 0}
    for paths in (["../x"], ["/x"], ["a/b"], ["a", "a/../.."]):
        files = [{**entry, "path": path} for path in paths]
        seed = tmp_path / "seed.json"
        seed.write_text(json.dumps({**base, "services": {}, "files": files}))
        with pytest.raises(SettingsError, match="no path in a folder named before it"):
            frozen_world.read(seed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--service", "fax"], "--service fax: no such service, use some of email, calendar, notion, sheets"),
        (["--account", "mia"], "--account mia: a mail address"),
        (["--account", "a@x.example", "a@y.example"], "several people would be called a"),
        (["--at", "2024-03-19T09:00"], "a time with its zone is wanted"),
        (["--at", "noon"], "a time with its zone is wanted"),
        (["--seed", "no-such-file"], "--seed no-such-file cannot be read"),
        (["--rest", "no-such-file"], "--rest no-such-file cannot be read"),
        (["--mount", "/no/such/folder"], "is no folder"),
        (["--mount", "/"], "the whole machine cannot be shown"),
        (["--sandbox", "cellar"], "--sandbox=cellar: no such sandbox"),
    ],
)
def test_a_wrong_wish_says_what_may_be_wished_for(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["world", *arguments, "--", "true"]) == 2
    assert told in capsys.readouterr().err


def test_the_first_account_is_the_agents(tmp_path: Path) -> None:
    parsed = cli._parser(cli.COMMANDS).parse_args(
        ["world", "--account", "mia@x.example", "boss@x.example", "--", "git", "log", "--oneline"]
    )
    wish = world.understand(parsed)
    assert wish.plan.accounts.agent.address == "mia@x.example"
    assert wish.plan.accounts.address("boss") == "boss@x.example"
    assert wish.command == ["git", "log", "--oneline"]


def test_a_folder_is_shown_at_its_own_path_unless_the_world_has_files_there(tmp_path: Path) -> None:
    assert mounts.parse("/srv:ro") == mounts.Mount(source=Path("/srv"), target="/srv", writable=False)
    assert mounts.parse("/usr/lib").target == "/mnt/usr/lib"
    assert mounts.parse("/srv").writable
