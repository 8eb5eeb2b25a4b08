"""Shows a session how far its run is, in the process that the user started."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pytest_clawmark.reports.live import LiveLine, Screen
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.runs.progress import ProgressReader

_LEAST_ROWS = 6


class Watching:
    """Begins with the first item and ends with the last, or with the session however that ends.

    Made while pytest captures nothing: what it writes to must be the user's own output throughout.
    """

    def __init__(self, config: pytest.Config, run: RunFolder) -> None:
        self._config = config
        self._descriptor = os.dup(1)
        reader = ProgressReader(run)
        self._line = LiveLine(reader.read, screen=self._screen(), print_line=self._print)
        config.add_cleanup(self.close)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Begin, once it is known what will be played; not for -q."""
        if self._config.get_verbosity() >= 0 and not self._config.option.collectonly:
            self._line.start()

    def pytest_runtest_logfinish(self) -> None:
        """pytest itself has just shown something."""
        self._line.heard()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Make room for the summary."""
        self._line.close()

    def pytest_keyboard_interrupt(self) -> None:
        """A terminal must be whole again before pytest tells what was interrupted."""
        self._line.close()

    def close(self) -> None:
        """Leave nothing behind."""
        self._line.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _screen(self) -> Screen | None:
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        if dumb or not os.isatty(self._descriptor):
            return None
        screen = Screen(descriptor=self._descriptor)
        return screen if screen.size()[1] >= _LEAST_ROWS else None

    def _print(self, text: str) -> None:
        os.write(self._descriptor, f"\n{text}\n".encode("utf-8", "replace"))


def watch(config: pytest.Config, run: RunFolder) -> Any:
    """Register the watching of a run; where pytest was told to show nothing, nothing is shown."""
    if config.pluginmanager.hasplugin("terminal"):
        config.pluginmanager.register(Watching(config, run), "clawmark-watching")
