"""Files that are there whole or not at all."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, content: bytes, *, sync: bool = True, sync_folder: bool = True) -> None:
    """Write beside the file, sync, rename over it: a kill at any instant leaves the old file or the new one.

    `sync` also keeps the content from a power cut, `sync_folder` the new name; do without where something that is
    written later, and synced, names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if sync and sync_folder:
        _with_folder(path.parent, os.fsync)


def sync_file_system(folder: Path) -> None:
    """Sync everything on the file system of `folder`: many small files for the price of a few."""
    _with_folder(folder, _syncfs)


def _syncfs(descriptor: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        os.sync()
    elif call(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _with_folder(folder: Path, sync: Callable[[int], None]) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
