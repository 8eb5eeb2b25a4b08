"""A tree as a stream of bytes, and back. Standard library only: it also runs beside the world.

An entry is the length of a JSON list, and that list: its kind, its name and what the kind needs. Entries of a
folder follow its own, up to `up`. After a file come its parts, each an offset, a length and so many bytes; a
length of 0 ends them. Holes are left out. Names are checked, and nothing is followed: neither end need trust
the other's files.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import struct

# (what has no path but a descriptor cannot be a `Path`.)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

DEPTH = 130  # what lies deeper is not read by anybody (`pytest_clawmark.snapshots`)
LONGEST = 1 << 20
CHUNK = 1 << 16
PART = struct.Struct("!QI")
LENGTH = struct.Struct("!I")
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Signature = tuple[int, int, int, int]
Path = tuple[str, ...]


def signature(state: os.stat_result) -> Signature:
    """What changes whenever a file does."""
    return state.st_ino, state.st_ctime_ns, state.st_size, state.st_mode


class Broken(Exception):
    """What arrived is no archive."""


class Packer:
    """Sends a tree. Of one whose `known` state is given, only what differs from that."""

    def __init__(
        self, send: Callable[[bytes], object], known: Mapping[Path, Signature] | None = None
    ) -> None:
        self._send = send
        self._known = known
        self._below: dict[Path, set[str]] = {}
        for path in known or ():
            if path:
                self._below.setdefault(path[:-1], set()).add(path[-1])
        self._names: dict[int, Path] = {}

    def pack(self, root: int) -> None:
        state = os.fstat(root)
        if self._known is None or self._known.get(()) != signature(state):
            self._entry("root", "", stat.S_IMODE(state.st_mode), state.st_mtime_ns)
        self._folder(root, (), DEPTH)
        self._entry("done", "")

    def _folder(self, folder: int, path: Path, depth: int) -> None:
        names = sorted(os.listdir(folder))
        for name in self._below.get(path, set()) - set(names):
            self._entry("gone", name)
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # it went while we looked: then it is not there
                self._one(folder, name, (*path, name), depth)

    def _one(self, folder: int, name: str, path: Path, depth: int) -> None:
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        same = self._known is not None and self._known.get(path) == signature(state)
        mode, time = stat.S_IMODE(state.st_mode), state.st_mtime_ns
        if stat.S_ISDIR(state.st_mode):
            self._entry("folder", name, mode, time, same)
            if depth:
                with opened(folder, name, FOLDER_FLAGS) as inner:
                    self._folder(inner, path, depth - 1)
            self._entry("up", "")
        elif same:
            return
        elif stat.S_ISREG(state.st_mode):
            self._regular(folder, name, path, state)
        elif stat.S_ISLNK(state.st_mode):
            self._entry("link", name, os.readlink(name, dir_fd=folder), time)
        elif stat.S_ISFIFO(state.st_mode) or stat.S_ISSOCK(state.st_mode):
            self._entry("special", name, mode, time, stat.S_IFMT(state.st_mode))

    def _regular(self, folder: int, name: str, path: Path, state: os.stat_result) -> None:
        mode, time = stat.S_IMODE(state.st_mode), state.st_mtime_ns
        if state.st_nlink > 1 and self._known is None:
            if first := self._names.get(state.st_ino):
                self._entry("same", name, first)
                return
            self._names[state.st_ino] = path
        with opened(folder, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC) as file:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return
            self._entry("file", name, mode, time, state.st_size)
            self._content(file, state.st_size)

    def _content(self, file: int, size: int) -> None:
        """As much as it held when it was looked at."""
        at = 0
        while at < size:
            try:
                at = os.lseek(file, at, os.SEEK_DATA)
                hole = min(os.lseek(file, at, os.SEEK_HOLE), size)
            except OSError as failure:
                if failure.errno != errno.ENXIO:
                    raise
                break  # nothing but a hole is left
            while at < hole and (content := os.pread(file, min(CHUNK, hole - at), at)):
                self._send(PART.pack(at, len(content)) + content)
                at += len(content)
            if at < hole:
                break  # it was cut meanwhile
        self._send(PART.pack(0, 0))

    def _entry(self, *content: Any) -> None:
        packed = json.dumps(content).encode()
        self._send(LENGTH.pack(len(packed)) + packed)


class Unpacker:
    """Makes below a folder what arrives. `own` makes a new file, by descriptor or name, somebody's."""

    def __init__(self, read: Callable[[int], bytes], owner: tuple[int, int] | None) -> None:
        self._read, self._owner = read, owner
        self._root = -1
        self._root_state: tuple[int, int] | None = None

    def unpack(self, root: int) -> None:
        self._root = root
        self._below(root, DEPTH + 2)
        if self._root_state:
            mode, time = self._root_state
            os.fchmod(root, mode & 0o1777)
            os.utime(root, ns=(time, time))

    def _below(self, folder: int, depth: int) -> None:
        if depth < 0:
            raise Broken("folders lie too deep")
        while True:
            kind, name, *details = self._next()
            if kind in ("up", "done"):
                return
            if kind == "root":
                self._root_state = details[0], details[1]
            elif kind == "folder":
                self._folder(folder, checked(name), details, depth)
            else:
                self._leaf(kind, folder, checked(name), details)

    def _folder(self, above: int, name: str, details: list[Any], depth: int) -> None:
        mode, time, same = details
        state = look(above, name)
        if state is None or not stat.S_ISDIR(state.st_mode):
            if state is not None:
                remove(above, name, state)
            os.mkdir(name, 0o700, dir_fd=above)
            state, same = None, False
        with opened(above, name, FOLDER_FLAGS) as inner:
            if state is None:
                self._own(inner)
            before = os.fstat(inner)
            os.fchmod(inner, 0o700)
            self._below(inner, depth - 1)
            if same:
                mode, time = before.st_mode, before.st_mtime_ns
            os.fchmod(inner, mode & 0o1777)
            os.utime(inner, ns=(time, time))

    def _leaf(self, kind: str, folder: int, name: str, details: list[Any]) -> None:
        state = look(folder, name)
        if kind == "file" and state is not None and stat.S_ISREG(state.st_mode):
            self._file(folder, name, details, os.O_TRUNC)
            return
        if state is not None:
            remove(folder, name, state)
        if kind == "file":
            self._file(folder, name, details, os.O_CREAT | os.O_EXCL)
        elif kind == "link":
            os.symlink(details[0], name, dir_fd=folder)
            self._own_name(folder, name)
            set_time(folder, name, details[1])
        elif kind == "special":
            mode, time, sort = details
            if sort not in (stat.S_IFIFO, stat.S_IFSOCK):
                raise Broken(f"a special file of kind {sort}")
            os.mknod(name, sort | 0o600, dir_fd=folder)
            self._own_name(folder, name)
            os.chmod(name, mode & 0o777, dir_fd=folder)
            set_time(folder, name, time)
        elif kind == "same":
            self._another_name(folder, name, details[0])
        elif kind != "gone":
            raise Broken(f"an entry of kind {kind!r}")

    def _file(self, folder: int, name: str, details: list[Any], flags: int) -> None:
        mode, time, size = details
        flags |= os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with opened(folder, name, flags) as file:
            if flags & os.O_EXCL:
                self._own(file)
            while True:
                at, length = PART.unpack(self._exactly(PART.size))
                if not length:
                    break
                if length > CHUNK:
                    raise Broken("a part is too long")
                content = self._exactly(length)
                while content:
                    count = os.pwrite(file, content, at)
                    at, content = at + count, content[count:]
            os.ftruncate(file, size)
            os.fchmod(file, mode & 0o777)
            os.utime(file, ns=(time, time))

    def _another_name(self, folder: int, name: str, first: list[str]) -> None:
        """`first` is the path of a file that has arrived already."""
        with contextlib.ExitStack() as stack:
            place = self._root
            for step in first[:-1]:
                place = stack.enter_context(opened(place, checked(step), FOLDER_FLAGS))
            with contextlib.suppress(FileNotFoundError):  # it was gone when its content was to be read
                os.link(checked(first[-1]), name, src_dir_fd=place, dst_dir_fd=folder, follow_symlinks=False)

    def _own(self, descriptor: int) -> None:
        if self._owner:
            os.fchown(descriptor, *self._owner)

    def _own_name(self, folder: int, name: str) -> None:
        if self._owner:
            os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)

    def _next(self) -> list[Any]:
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if length > LONGEST:
            raise Broken("an entry is too long")
        entry = json.loads(self._exactly(length))
        if not isinstance(entry, list) or len(entry) < 2:
            raise Broken("an entry is no list")
        return entry

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self._read(count - len(content))
            if not part:
                raise Broken("it ends too early")
            content += part
        return content


def walk(root: int) -> dict[Path, Signature]:
    """The signatures of all that lies in a tree, and its own under the empty path."""
    found: dict[Path, Signature] = {(): signature(os.fstat(root))}

    def below(folder: int, path: Path, depth: int) -> None:
        for name in os.listdir(folder):
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            found[*path, name] = signature(state)
            if stat.S_ISDIR(state.st_mode) and depth:
                with opened(folder, name, FOLDER_FLAGS) as inner:
                    below(inner, (*path, name), depth - 1)

    below(root, (), DEPTH)
    return found


@contextlib.contextmanager
def opened(folder: int, name: str, flags: int) -> Iterator[int]:
    """Open what lies in a folder, even if its owner has locked it; its mode is put back at once."""
    try:
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    except PermissionError:
        mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        os.chmod(name, 0o700, dir_fd=folder)
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        finally:
            os.chmod(name, mode, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def checked(name: object) -> str:
    """A name of something in a folder, and nothing else."""
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\0" in name:
        raise Broken(f"a file called {name!r}")
    return name


def look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def remove(folder: int, name: str, state: os.stat_result) -> None:
    """Delete it with all that lies in it."""
    if not stat.S_ISDIR(state.st_mode):
        os.unlink(name, dir_fd=folder)
        return
    with opened(folder, name, FOLDER_FLAGS) as inner:
        os.fchmod(inner, 0o700)
        clear(inner)
    os.rmdir(name, dir_fd=folder)


def clear(folder: int) -> None:
    """Delete all that lies in a folder."""
    for name in os.listdir(folder):
        remove(folder, name, os.stat(name, dir_fd=folder, follow_symlinks=False))


def set_time(folder: int, name: str, time: int) -> None:
    os.utime(name, ns=(time, time), dir_fd=folder, follow_symlinks=False)
