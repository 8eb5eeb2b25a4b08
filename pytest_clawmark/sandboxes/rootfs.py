"""Whose programs and libraries a bubblewrap world has: this machine's, or those of a chosen root filesystem."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest_clawmark
from pytest_clawmark.failures import SettingsError, WorldFailure
from pytest_clawmark.toolbox.cache import cache_folder

# Parts of the machine's configuration that programs in /usr cannot do without.
_CONFIGURATION = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/openssl.cnf",
)
_PROGRAMS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")

# Sources below /usr may be the project under test, and its checkers.
_SOURCES = ("/usr/src", "/usr/local/src")
# Hiding one of these would leave no system.
_INDISPENSABLE = frozenset(
    Path("/usr", name) for name in ("", "bin", "lib", "lib64", "libexec", "local", "sbin", "share")
)

# What every world has of its own, and what belongs to a running machine.
_NOT_TAKEN = frozenset({"boot", "dev", "lost+found", "proc", "root", "run", "sys", "tmp", "workspace"})
_SHARED = ("etc", "opt", "var")
_OWN_CONFIGURATION = frozenset(
    {"group", "gshadow", "hostname", "hosts", "ld.so.preload", "machine-id", "mtab", "nsswitch.conf"}
    | {"passwd", "resolv.conf", "shadow"}
)
_OWN_BELOW = {"etc": _OWN_CONFIGURATION, "var": {"tmp", "run", "lock"}, "etc/ssl": {"certs"}}
_DIVIDED = frozenset({"etc/ssl"})
_OFFERED_KINDS = "a folder that holds one (with usr/bin in it), or a tar archive of such a folder"


@dataclass(frozen=True)  # not slotted: its arguments are found once
class Rootfs:
    """`folder` is None for this machine's own. What lies in `hidden` is shown to no world."""

    folder: Path | None
    hidden: tuple[Path, ...] = ()

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """bubblewrap's arguments, for a root in which /etc, /opt and /var have been made.

        Raises `WorldFailure` where something to be hidden cannot be.
        """
        shown = _machine() if self.folder is None else _image(self.folder)
        hidden = set(self._to_hide())
        outermost = (path for path in hidden if not hidden & set(path.parents))
        inside = sorted(self._inside(path) for path in outermost)
        return (*shown, *(part for path in inside for part in ("--tmpfs", path, "--remount-ro", path)))

    def _to_hide(self) -> Iterator[Path]:
        root = self.folder or Path("/usr")
        for path in {path.resolve() for path in (*self.hidden, *_ours())}:
            if path in _INDISPENSABLE and self.folder is None:
                raise WorldFailure(
                    f"tasks in {path} cannot be hidden from the world, which needs that folder: move them to a "
                    "folder of their own"
                )
            if path != root and path.is_relative_to(root) and path.is_dir():
                yield path

    def _inside(self, path: Path) -> str:
        return str(path) if self.folder is None else f"/{path.relative_to(self.folder)}"


def find_rootfs(named: str | None, hidden: Iterable[Path] = ()) -> Rootfs:
    """What `--rootfs` means: `host` (also None), a folder, or an archive, which is unpacked once.

    Raises `SettingsError` for anything else.
    """
    hide = tuple(hidden)
    if named is None or named == "host":
        return Rootfs(None, hide)
    path = Path(named).expanduser().absolute()
    if path.is_file():
        return Rootfs(_unpacked(path), hide)
    if not (path / "usr/bin").is_dir():
        raise SettingsError(f"--rootfs={named}: no root filesystem; name `host`, {_OFFERED_KINDS}")
    return Rootfs(path.resolve(), hide)


def _ours() -> Iterator[Path]:
    """The plugin, its environment and sources: they hold checkers and solutions, or lead to them."""
    yield from map(Path, _SOURCES)
    yield Path.cwd()
    # The system's own packages may be needed by its programs; an environment's only by the one who made it.
    if sys.prefix != sys.base_prefix:
        yield Path(sys.prefix)
    yield from (Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib"))
    yield Path(pytest_clawmark.__file__).parent


def _machine() -> list[str]:
    """This machine's programs and libraries, whether /bin is a link into /usr or a folder."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, _PROGRAMS):
        arguments += _shown(path, str(path))
    for name in _CONFIGURATION:
        arguments += ["--ro-bind-try", name, name] if Path(name).exists() else []
    return arguments


def _image(folder: Path) -> list[str]:
    arguments = []
    for path in sorted(folder.iterdir()):
        if path.name in _SHARED and not path.is_symlink():
            arguments += _children(folder, path.name)
        elif path.name not in _NOT_TAKEN:
            arguments += _shown(path, f"/{path.name}")
    return arguments


def _children(folder: Path, name: str) -> list[str]:
    """Every entry of a folder by itself, so that others of the world's own can lie between them."""
    arguments = []
    for path in sorted((folder / name).iterdir()):
        below = f"{name}/{path.name}"
        if below in _DIVIDED and path.is_dir():
            arguments += _children(folder, below)
        elif path.name not in _OWN_BELOW.get(name, ()):
            arguments += _shown(path, f"/{below}")
    return arguments


def _shown(path: Path, target: str) -> Sequence[str]:
    if path.is_symlink():
        return "--symlink", str(path.readlink()), target
    if path.is_dir() or path.is_file():
        return "--ro-bind", str(path), target
    return ()


def _unpacked(archive: Path) -> Path:
    """The folder of an archive's content, kept by its digest."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache_folder() / "rootfs" / digest[:16]
    if not folder.is_dir():
        aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        try:
            _unpack(archive, aside)
            if not (aside / "usr/bin").is_dir():
                raise SettingsError(f"--rootfs={archive}: the archive holds no root filesystem (no usr/bin)")
            _settle(aside, folder)
        except (tarfile.TarError, OSError) as failure:
            raise SettingsError(
                f"--rootfs={archive}: cannot be unpacked: {failure}; name {_OFFERED_KINDS}"
            ) from failure
        finally:
            if aside.exists():
                shutil.rmtree(aside)
    return folder


def _settle(aside: Path, folder: Path) -> None:
    try:
        aside.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process was faster, which is as good
            raise


def _unpack(archive: Path, folder: Path) -> None:
    """Files, folders and links; no devices, no set-user-id bits. Every folder stays ours to delete.

    By hand, because the filters of `tarfile` are younger than some Python 3.11.
    """
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with tarfile.open(archive) as content:
        content.extraction_filter = lambda member, _: member
        for member in content:
            if member.isfile() or member.isdir() or member.issym() or member.islnk():
                content.extract(_tamed(member, folder), folder)


def _tamed(member: tarfile.TarInfo, folder: Path) -> tarfile.TarInfo:
    """Raises `TarError` for what would land, or for a hard link that leads, outside `folder`."""
    targets = [member.name, member.linkname] if member.islnk() else [member.name]
    for target in targets:
        below = folder / target.lstrip("/")
        if ".." in below.parts or not below.parent.resolve().is_relative_to(folder.resolve()):
            raise tarfile.TarError(f"{member.name} leads out of the archive")
    member.name = member.name.lstrip("/") or "."
    if member.islnk():
        member.linkname = member.linkname.lstrip("/")
    member.mode = member.mode & 0o777 | (0o700 if member.isdir() else 0)
    return member
