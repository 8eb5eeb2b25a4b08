"""Keeps what must not be lost in a task's own `except Exception`."""

from __future__ import annotations

from types import TracebackType

from pytest_clawmark.failures import VoidError


class Keeper:
    """Around everything that may find the world failing: the first such failure is kept, and passes on."""

    def __init__(self) -> None:
        self._failure: VoidError | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, VoidError) and self._failure is None:
            self._failure = error

    def settle(self) -> None:
        """Raise what was kept: a task that went on after it measured nothing."""
        if self._failure is not None:
            raise self._failure
