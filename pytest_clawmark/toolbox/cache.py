"""Where toolboxes are kept, and that each is built once, whole, however many ask at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.toolbox.build import BRIDGE, REQUIREMENTS, build
from pytest_clawmark.toolbox.interpreter import Interpreter, current

# Raise it when a toolbox built by older code no longer serves.
_LAYOUT = 2


def ensure(progress: Callable[[str], None] = lambda _: None) -> Path:
    """The toolbox's folder; builds it on first use, telling `progress` what goes on, in about a minute.

    Raises `SettingsError` with the remedy where it cannot be built.
    """
    interpreter = current()
    folder = _folder(interpreter)
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock"), progress):
            if not folder.is_dir():
                _build(interpreter, folder, progress)
    except OSError as failure:
        raise SettingsError(
            f"the toolbox cannot be kept in {folder.parent}: {failure}; name another folder in CLAWMARK_CACHE"
        ) from failure
    return folder


def locate() -> Path | None:
    """The toolbox's folder if it has been built."""
    folder = _folder(current())
    return folder if folder.is_dir() else None


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where what is built once is kept; worlds started as root must be able to read it as another user."""
    if named := environment.get("CLAWMARK_CACHE"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/clawmark")
    if named := environment.get("XDG_CACHE_HOME"):
        return Path(named).absolute() / "clawmark"
    return Path.home() / ".cache/clawmark"


def _folder(interpreter: Interpreter) -> Path:
    return cache_folder() / "toolboxes" / _key(interpreter)


def _key(interpreter: Interpreter) -> str:
    parts = (_LAYOUT, sys.implementation.cache_tag, interpreter.version, interpreter.prefix)
    content = REQUIREMENTS.read_bytes() + BRIDGE.read_bytes()
    digest = hashlib.sha256("\n".join(map(str, parts)).encode() + b"\n" + content)
    return digest.hexdigest()[:16]


def _build(interpreter: Interpreter, folder: Path, progress: Callable[[str], None]) -> None:
    """Build aside and rename: what is found under the final name is whole. It holds no path of its own."""
    aside = folder.with_suffix(".part")
    if aside.exists():  # of a process that was killed
        shutil.rmtree(aside)
    try:
        build(interpreter, aside, progress)
        aside.rename(folder)
    finally:
        if aside.exists():
            shutil.rmtree(aside)


@contextmanager
def _alone(lock: Path, progress: Callable[[str], None]) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that is building it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
