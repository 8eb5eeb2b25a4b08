"""`ctx.sandbox` and `ctx.fs`: commands and files, of the live world or of a frozen workspace."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from pytest_clawmark.formats.clawmark.keeping import Keeper
from pytest_clawmark.grading.desk import Grading
from pytest_clawmark.sandboxes.contract import Completed
from pytest_clawmark.world.author import AuthorWorld

WORKSPACE = "/workspace"

# A sandbox that is not isolated has its workspace elsewhere; everywhere else this changes nothing.
_AT_HOME = 'eval "${1//\\/workspace/$PWD}"'


@dataclass(slots=True)
class ExecResult:
    """A command's end: decoded output, and its exit code, -1 when it took too long."""

    stdout: str
    stderr: str
    return_code: int


class Place(Protocol):
    """Where commands run and files lie. Paths are relative to the workspace."""

    def run(self, command: str, timeout: float, env: Mapping[str, str] | None) -> Completed: ...

    def upload(self, local: Path, path: str) -> None: ...

    def file(self, path: str) -> Path | None:
        """Where the file of a frozen workspace lies; None where there is none to look at, as in a live world."""


@dataclass(frozen=True, slots=True)
class LivePlace:
    """The world that a stage changes."""

    world: AuthorWorld
    folder: Path

    def run(self, command: str, timeout: float, env: Mapping[str, str] | None) -> Completed:
        return self.world.run(_shell(command), timeout=timeout, env=env)

    def upload(self, local: Path, path: str) -> None:
        if local.is_relative_to(self.folder):
            self.world.files.upload(str(local.relative_to(self.folder)), path)
            return
        for file in (
            sorted(each for each in local.rglob("*") if each.is_file()) if local.is_dir() else [local]
        ):
            inside = file.relative_to(local) if local.is_dir() else ""
            self.world.files.write(str(PurePosixPath(path) / inside), file.read_bytes())

    def file(self, path: str) -> Path | None:  # noqa: ARG002 - the contract's
        return None


@dataclass(frozen=True, slots=True)
class FrozenPlace:
    """A workspace as it was after a turn; what a checker does to it is its own."""

    grading: Grading
    turn: str

    def run(self, command: str, timeout: float, env: Mapping[str, str] | None) -> Completed:
        return self.grading.run(self.turn, _shell(command), timeout=timeout, env=env)

    def upload(self, local: Path, path: str) -> None:  # noqa: ARG002 - the contract's
        raise PermissionError(f"a checker cannot put files into the workspace: {WORKSPACE}/{path}")

    def file(self, path: str) -> Path | None:
        return self.grading.workspace(self.turn) / path


class SandboxAdapter:
    """`ctx.sandbox`."""

    def __init__(self, place: Place, keeper: Keeper) -> None:
        self._place, self._keeper = place, keeper

    async def exec(
        self, command: str, timeout_sec: float = 300, env: Mapping[str, str] | None = None
    ) -> ExecResult:
        """Run a shell command in the workspace. One that fails is a result like any other."""
        with self._keeper:
            ended = self._place.run(command, timeout_sec, env)
        if ended.timed_out:
            return ExecResult("", f"Timeout after {timeout_sec}s", -1)
        return ExecResult(
            ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace"), ended.exit_code
        )

    async def upload_file(self, local_path: Path | str, remote_path: str) -> None:
        """Copy a file to a path; into it where that ends with a slash or is a folder."""
        local = Path(local_path)
        into = remote_path.endswith("/")
        if not into:
            tested = await self.exec(f"test -d {shlex.quote(remote_path)}")
            into = tested.return_code == 0
        target = posixpath.join(remote_path, local.name) if into else remote_path
        if not local.is_file():
            raise FileNotFoundError(f"there is no file {local} to upload to {remote_path}")
        with self._keeper:
            self._place.upload(local, _inside(target))

    async def upload_dir(self, local_dir: Path | str, remote_dir: str) -> None:
        """Copy what a folder holds into another one."""
        local = Path(local_dir)
        if not local.is_dir():
            raise FileNotFoundError(f"there is no folder {local} to upload to {remote_dir}")
        with self._keeper:
            self._place.upload(local, _inside(remote_dir))

    def frozen_file(self, remote_path: str) -> Path | None:
        """The file itself, where the workspace is frozen and the path is in it."""
        path = posixpath.normpath(posixpath.join(WORKSPACE, remote_path))
        if path != WORKSPACE and not path.startswith(f"{WORKSPACE}/"):
            return None
        with self._keeper:
            return self._place.file(path.removeprefix(WORKSPACE).strip("/"))


class FilesystemAdapter:
    """`ctx.fs` and `ctx.filesystem`."""

    def __init__(self, sandbox: SandboxAdapter) -> None:
        self._sandbox = sandbox

    async def upload_dir(self, local_dir: Path | str, remote_dir: str) -> None:
        """Copy what a folder holds into another one."""
        await self._sandbox.upload_dir(local_dir, remote_dir)

    async def upload_file(self, local_path: Path | str, remote_path: str) -> None:
        """Copy a file."""
        await self._sandbox.upload_file(local_path, remote_path)

    async def delete_file(self, remote_path: str) -> None:
        """Remove a file or folder, if it is there."""
        await self._sandbox.exec(f"rm -rf {shlex.quote(remote_path)}")

    async def exists(self, remote_path: str) -> bool:
        """Whether there is anything at a path."""
        file = self._sandbox.frozen_file(remote_path)
        if file is not None:
            return file.exists()
        tested = await self._sandbox.exec(f"test -e {shlex.quote(remote_path)}")
        return tested.return_code == 0

    async def read_file(self, remote_path: str) -> str:
        """A file as text, empty where there is none."""
        file = self._sandbox.frozen_file(remote_path)
        if file is not None:
            return file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""
        return (await self._sandbox.exec(f"cat {shlex.quote(remote_path)}")).stdout


def _shell(command: str) -> list[str]:
    return ["bash", "-c", _AT_HOME, "bash", command]


def _inside(remote: str) -> str:
    path = posixpath.normpath(posixpath.join(WORKSPACE, remote))
    if path == WORKSPACE:
        return ""
    if not path.startswith(f"{WORKSPACE}/"):
        raise ValueError(f"{remote!r} is outside {WORKSPACE}, where a task's files belong")
    return path.removeprefix(f"{WORKSPACE}/")
