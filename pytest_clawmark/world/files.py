"""The author's door to the workspace: `world.files`."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_clawmark.sandboxes.contract import Sandbox
from pytest_clawmark.snapshots.restoring import remove_folder

# How many names one line of the audit holds.
_LISTED = 500


class WorkspaceFiles:
    """Reads and writes the live workspace. Paths are relative to it; symlinks are never followed.

    Writing replaces whatever is in the way, so that no agent can make it fail. Reading or deleting what does
    not exist, or lies behind a symlink, raises `OSError`; a path that leaves the workspace, `ValueError`.
    `record` is told of every change that was made, as an operation and what it was asked.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        material: Path,
        root: int | None = None,
        record: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        self._sandbox, self._material = sandbox, material
        self._root = sandbox.tree("workspace") if root is None else root
        self._record = record or (lambda _operation, _request: None)

    def upload(self, source: str, to: str = "") -> None:
        """Copy a file or folder of the task (`assets`, `assets/cv.pdf`) into the workspace.

        A folder's contents land in `to` (the workspace itself by default), a file lands at `to`, or under
        its own name.
        """
        origin = self._material / source
        if not origin.resolve().is_relative_to(self._material.resolve()):
            raise ValueError(f"{source!r} is outside the task's folder")
        if origin.is_dir():
            files = sorted(path for path in origin.rglob("*") if path.is_file())
            copies = {str(PurePosixPath(to) / file.relative_to(origin)): file for file in files}
        elif origin.is_file():
            copies = {to or origin.name: origin}
        else:
            raise FileNotFoundError(errno.ENOENT, "the task's folder has no such file", source)
        for path, file in copies.items():
            self._copy(file, path)
        shown = [str(PurePosixPath(path)) for path in list(copies)[:_LISTED]]
        more = [f"... ({len(copies)} items)"] if len(copies) > _LISTED else []
        self._record("author.upload", {"source": source, "to": to, "files": [*shown, *more]})

    def write(self, path: str, content: str | bytes) -> None:
        """Create or replace a file, and the folders above it."""
        data = content.encode() if isinstance(content, str) else content
        with self._writing(path) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        self._record("author.write", {"path": str(PurePosixPath(path)), "size": len(data)})

    def read(self, path: str) -> str:
        """A file as UTF-8 text."""
        return self.read_bytes(path).decode()

    def read_bytes(self, path: str) -> bytes:
        """A file's content."""
        *folders, name = _parts(path)
        with self._folder(folders, create=False) as folder:
            descriptor = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "not a regular file", path)
                return file.read()

    def exists(self, path: str) -> bool:
        """Whether there is anything of that name."""
        *folders, name = _parts(path)
        try:
            with self._folder(folders, create=False) as folder:
                os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return False
        return True

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all it holds."""
        *folders, name = _parts(path)
        with self._sandbox.as_agent(), self._folder(folders, create=False) as folder:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                remove_folder(name, folder)
            else:
                os.unlink(name, dir_fd=folder)
        self._record("author.delete", {"path": str(PurePosixPath(path))})

    def _copy(self, origin: Path, path: str) -> None:
        # The task's file is opened first, while this thread still has the rights of its own user.
        with (
            origin.open("rb") as source,
            self._writing(path) as descriptor,
            os.fdopen(os.dup(descriptor), "wb") as target,
        ):
            shutil.copyfileobj(source, target)

    @contextmanager
    def _writing(self, path: str) -> Iterator[int]:
        *folders, name = _parts(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._sandbox.as_agent(), self._folder(folders, create=True) as folder:
            _clear_way(name, folder, stat.S_ISREG)
            descriptor = os.open(name, flags, 0o644, dir_fd=folder)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _folder(self, names: list[str], *, create: bool) -> Iterator[int]:
        """The descriptor of a folder, reached step by step so that no symlink can be on the way."""
        current = os.dup(self._root)
        try:
            for name in names:
                if create:
                    _clear_way(name, current, stat.S_ISDIR)
                    if not _is_there(name, current):
                        os.mkdir(name, 0o755, dir_fd=current)
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(name, flags, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)


def _clear_way(name: str, folder: int, wanted: Callable[[int], bool]) -> None:
    """Remove what is in the way of a file or folder, and open up one that was locked.

    An agent that puts a folder, a link or a lock where the task will write must not make the task fail: a void
    episode would leave the mean.
    """
    if not _is_there(name, folder):
        return
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if wanted(mode):
        needed = 0o700 if stat.S_ISDIR(mode) else 0o600
        if mode & needed != needed:
            os.chmod(name, stat.S_IMODE(mode) | needed, dir_fd=folder)
    elif stat.S_ISDIR(mode):
        try:
            remove_folder(name, folder)
        except (OSError, RecursionError):
            # Nested beyond what this process can open or recurse into: out of the way is enough.
            os.rename(name, f".{name[:200]}.replaced", src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _parts(path: str) -> list[str]:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path!r} is not a path inside the workspace: write it relative, without '..'")
    return list(pure.parts)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
