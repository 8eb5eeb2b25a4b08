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

_episode: ContextVar[TextIO | None] = ContextVar("clawmark_log", default=None)
_LOGGERS = ("clawmark_services", "pytest_clawmark")


def say(*values: Any, file: Any = None, **options: Any) -> None:
    """`print` as a task's and a solution's module know it: into the episode's log while one is played."""
    builtins.print(*values, file=file or _episode.get(), **options)


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Within the block, `say` of this thread goes to `path`."""
    with path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
        token = _episode.set(file)
        try:
            yield
        finally:
            _episode.reset(token)


def keep_logs(path: Path) -> Callable[[], None]:
    """Send the plugin's and the services' own logs to `path`; returns what ends it."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
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
