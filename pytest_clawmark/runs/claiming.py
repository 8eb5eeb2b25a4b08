"""Who plays a run: several processes of one session may, two sessions may not."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.snapshots.store import DRAFT

# Workers of a killed pytest-xdist session notice within seconds that they are alone.
_PATIENCE = 30.0


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


def wait_until_unclaimed(
    run: Path, *, patience: float = _PATIENCE, pause: Callable[[], None] | None = None
) -> None:
    """Return when nobody plays the run any more; raises `SettingsError` when somebody still does after `patience`
    seconds."""
    descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise SettingsError(
                        f"--resume={run}: another session is playing it. Let it end, or stop it, first."
                    ) from None
                (pause or (lambda: time.sleep(0.1)))()
            else:
                return
    finally:
        os.close(descriptor)


def sweep(run: Path) -> None:
    """Remove the drafts that a kill left: files that were never finished, and whose names begin with a dot."""
    drafts = [run / "blobs", run, *(run / "episodes").rglob("*/")]
    for folder in drafts:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.startswith("." if folder.name != "blobs" else DRAFT) and path.is_file():
                path.unlink()
