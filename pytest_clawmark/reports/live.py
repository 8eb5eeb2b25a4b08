"""What a run is doing, while it runs: one line that is kept current, or plain lines where nobody looks on.

On a terminal the last row is set apart from what scrolls, as package managers do, so that pytest prints as ever and
nothing of it is overwritten. Elsewhere a line is printed when nothing else was for a while.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_clawmark.reports import figures
from pytest_clawmark.reports.text import cut, one_line
from pytest_clawmark.runs.progress import Progress

_SAVE, _BACK = "\x1b7", "\x1b8"


def status(progress: Progress, seconds: float, *, width: int) -> str:
    """One line of at most `width` columns: how many episodes are done, what it took, what the running ones do."""
    total, done = len(progress.episodes), progress.count("ended", "void")
    parts = [
        f"{done}/{total} episodes",
        f"{progress.count('running')} running",
        f"{progress.count('waiting')} waiting",
    ]
    if progress.tokens:
        parts.append(f"{figures.amount(progress.tokens)} tokens")
    if progress.cost is not None:
        parts.append(figures.money(progress.cost))
    if 0 < done < total:
        parts.append(f"{figures.duration(seconds / done * (total - done))} left")
    running = [
        one_line(f"{episode.task} {episode.turn}: {episode.doing}")
        for episode in progress.running
        if episode.turn
    ]
    text = ", ".join(parts)
    return cut(f"{text} | {' | '.join(running)}" if running else text, width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A terminal, by a descriptor that nothing redirects."""

    descriptor: int

    def size(self) -> tuple[int, int]:
        """Its columns and rows by now."""
        return os.get_terminal_size(self.descriptor)

    def set_apart(self) -> None:
        """Let everything but the last row scroll."""
        rows = self.size()[1]
        self._write(f"\n{_SAVE}\x1b[1;{rows - 1}r{_BACK}\x1b[1A")

    def show(self, line: str) -> None:
        """Replace the last row."""
        self._write(f"{_SAVE}\x1b[{self.size()[1]};1H\x1b[K{line}{_BACK}")

    def give_back(self) -> None:
        """Let the whole terminal scroll again, the last row empty."""
        rows = self.size()[1]
        self._write(f"{_SAVE}\x1b[{rows};1H\x1b[K\x1b[1;{rows}r{_BACK}")

    def _write(self, text: str) -> None:
        os.write(self.descriptor, text.encode("utf-8", "replace"))


class LiveLine:
    """Shows a run's progress from a thread of its own until it is closed.

    `read` gives the progress. With a `screen` its last row is kept current every `interval` seconds; without one,
    `print_line` is given a line whenever `silence` seconds have passed since the last.
    """

    def __init__(
        self,
        read: Callable[[], Progress],
        *,
        screen: Screen | None,
        print_line: Callable[[str], None],
        interval: float = 0.5,
        silence: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._screen, self._print = read, screen, print_line
        self._interval, self._silence, self._now = interval, silence, now
        self._began = self._told = now()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to show."""
        if self._screen is not None:
            self._screen.set_apart()
        self._thread = threading.Thread(target=self._run, name="clawmark-live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Show nothing more, and leave the terminal as it was; harmless when done before."""
        if self._thread is None:
            return
        self._closing.set()
        self._thread.join()
        self._thread = None
        if self._screen is not None:
            self._screen.give_back()

    def heard(self) -> None:
        """Something else was printed, so that nobody wonders whether the run is alive."""
        self._told = self._now()

    def tick(self) -> None:
        """Show the progress once."""
        now = self._now()
        if self._screen is not None:
            self._screen.show(status(self._read(), now - self._began, width=self._screen.size()[0] - 1))
        elif now - self._told >= self._silence:
            self._told = now
            self._print(f"clawmark: {status(self._read(), now - self._began, width=200)}")

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            try:
                self.tick()
            except OSError:
                # A terminal that went away takes no more lines, and a run goes on without it.
                return
