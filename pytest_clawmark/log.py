"""What is printed and logged while episodes run ahead: into files of the run, under nobody's report.

pytest captures what is written while an item runs, whoever writes it; an episode runs while items of other
episodes do.
"""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

Scrub = Callable[[str], str]
_LOGGERS = ("clawmark_services", "pytest_clawmark")


class _Scrubbed:
    """What `print` needs of a file."""

    def __init__(self, file: TextIO, scrub: Scrub) -> None:
        self._file, self._scrub = file, scrub

    def write(self, text: str) -> int:
        return self._file.write(self._scrub(text))

    def flush(self) -> None:
        self._file.flush()


class _Formatter(logging.Formatter):
    """Scrubs the whole text, tracebacks included."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s")
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(super().format(record))


_episode: ContextVar[_Scrubbed | None] = ContextVar("clawmark_log", default=None)


def say(*values: Any, file: Any = None, **options: Any) -> None:
    """`print` as a task's and a solution's module know it: into the episode's log while one is played."""
    builtins.print(*values, file=file or _episode.get(), **options)


@contextmanager
def logged_to(path: Path, scrub: Scrub = str) -> Iterator[None]:
    """Within the block, `say` of this thread goes to `path`; `scrub` takes secrets out of it."""
    with path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
        token = _episode.set(_Scrubbed(file, scrub))
        try:
            yield
        finally:
            _episode.reset(token)


def keep_logs(path: Path, scrub: Scrub = str) -> Callable[[], None]:
    """Send the plugin's and the services' own logs to `path`, without secrets; returns what ends it."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(_Formatter(scrub))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False

    def end() -> None:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
        handler.close()

    return end
