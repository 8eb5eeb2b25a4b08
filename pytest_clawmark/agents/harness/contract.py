"""What a command-line harness is: how it is installed, set up, sent to work, and understood when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.sandboxes.contract import Mount

SECRET = "no-key-needed"  # noqa: S105 - what clients send that insist on a key; the gateway asks for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a harness works, as it sees it. `url` is the gateway's, without a path; `briefing` tells of the
    office. `exists` looks for a path inside."""

    home: str
    workspace: str
    url: str
    model: str
    context_window: int
    sees: bool
    briefing: str
    exists: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A command to run for one turn, in the workspace."""

    command: Sequence[str]
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended; of its output the beginning and the end."""

    exit_code: int
    stdout: str
    stderr: str


class Harness(Protocol):
    """One kind of harness; it keeps no state of any episode. What it must remember lies in the world's home."""

    @property
    def name(self) -> str:
        """The value of `--agent`."""

    @property
    def versions(self) -> Mapping[str, str]:
        """What is installed, pinned: package and version."""

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:
        """Make sure that it is there; the folders to show in a world. Raises `SettingsError`."""

    def files(self, place: Place) -> Mapping[str, bytes]:
        """Its configuration, by path relative to home; written before its first turn."""

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:
        """What to run for a turn: `first` begins a session, later turns go on with it."""

    def understand(self, finished: Finished) -> Stop:
        """Why it ended of its own accord: `done`, or an `error` of its own."""


def by_exit_code(finished: Finished) -> Stop:
    """Programs end well with 0; what they complained of is in the last lines."""
    if finished.exit_code == 0:
        return Stop(kind="done")
    said = (finished.stderr.strip() or finished.stdout.strip())[-500:]
    return Stop(kind="error", reason=f"it ended with exit code {finished.exit_code}: {said or 'no output'}")


def folder(path: Path) -> Mount:
    """A folder of this machine, shown at the same path, read-only."""
    return Mount(source=path, target=str(path))
