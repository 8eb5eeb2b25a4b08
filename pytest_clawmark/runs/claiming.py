"""Who plays a run: several processes of one session may, two sessions may not."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import signal
import time
from pathlib import Path

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.runs.layout import PROPOSED_FILE

_PR_SET_PDEATHSIG = 1

# Hidden, and ending with the process and the thread that wrote it.
_DRAFT = re.compile(r"\..+\.[0-9]+\.[0-9]+")
# Processes of a killed session may take a while to end: those on other machines, or in the middle of writing.
PATIENCE = 30.0


class Claim:
    """A shared lock on the run's folder, held until `release`; the kernel lets go of it when its process ends."""

    def __init__(self, run: Path) -> None:
        self._descriptor: int | None = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go of it; harmless when that has happened."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def wait_until_unclaimed(run: Path) -> None:
    """Return when nobody plays the run any more; raises `SettingsError` when somebody still does after a while."""
    descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + PATIENCE
    try:
        while not _is_free(descriptor):
            if time.monotonic() >= deadline:
                raise SettingsError(
                    f"--resume={run}: another session is playing it. Let it end, or stop it, first."
                )
            # The kernel can wake who waits for a lock, but not after a while.
            time.sleep(0.05)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends, however that happens.

    A worker of pytest-xdist would go on for seconds when its controller was killed, and so would its worlds.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def sweep(run: Path) -> None:
    """Remove what a kill left half done: a plan that was never looked at, and drafts of files."""
    (run / PROPOSED_FILE).unlink(missing_ok=True)
    for folder in (run, run / "blobs", *(run / "episodes").rglob("*/")):
        for path in folder.iterdir() if folder.is_dir() else ():
            if _DRAFT.fullmatch(path.name):
                path.unlink()
