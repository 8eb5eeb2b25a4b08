"""Starts the processes of all sandboxes from one thread, and waits for their end."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from pytest_clawmark.sandboxes.rights import Owner

_END_SECONDS = 10.0


class Launcher:
    """`--die-with-parent` follows the thread that started the process, so this one lives as long as the run."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clawmark-launcher")

    def start(self, command: Sequence[str], *, descriptors: Sequence[int], owner: Owner) -> Launched:
        """Start a process with nothing of this one but `descriptors`, as `owner` if this one is root."""
        return self._thread.submit(_start, command, descriptors, owner).result()

    def close(self) -> None:
        self._thread.shutdown()


class Launched:
    """A process that was started, and what it says on stderr."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._process = process
        self._complaints = complaints

    def end(self) -> str:
        """Wait until it has ended, by force if it takes long; what it said on stderr."""
        self._await_end()
        with self._complaints:
            return self._complaints.read().decode(errors="replace").strip()

    @property
    def exit_code(self) -> int:
        """After `end`."""
        return int(self._process.returncode)

    def _await_end(self) -> None:
        # `Popen.wait` with a timeout sleeps up to 50 ms at a time; a pidfd wakes at once.
        if self._process.returncode is None:
            watch = os.pidfd_open(self._process.pid)
            try:
                if not select.select([watch], [], [], _END_SECONDS)[0]:
                    self._process.kill()
            finally:
                os.close(watch)
            self._process.wait()


def _start(command: Sequence[str], descriptors: Sequence[int], owner: Owner) -> Launched:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        env={"PATH": os.defpath},
        cwd="/",
        # Ctrl-C is for us alone: sandboxes are closed when their episodes have been told to stop.
        start_new_session=True,
        **owner.process_arguments(),
    )
    assert process.stderr is not None
    return Launched(process, process.stderr)
