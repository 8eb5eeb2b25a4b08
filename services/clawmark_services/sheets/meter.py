"""What computing a spreadsheet may cost: a formula that an agent wrote must not keep a world for hours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_STEPS = 10_000_000
"""Steps of one reading of a spreadsheet; a step is about a cell read, or a hundred characters. Google gives
up too ("Calculation limit was reached") and shows #ERROR!."""


class LimitReached(Exception):
    """The reading has cost all that it may."""


class Meter:
    """Counts the steps of one reading."""

    __slots__ = ("left",)

    def __init__(self, most: int = MAX_STEPS) -> None:
        self.left = most

    @property
    def empty(self) -> bool:
        """Whether nothing more will be computed."""
        return self.left < 0

    def spend(self, steps: int) -> None:
        """Take note of steps about to be made; `LimitReached` when they are too many."""
        self.left -= steps
        if self.left < 0:
            raise LimitReached

    def note(self, steps: int) -> None:
        """Take note of steps that were made."""
        self.left -= steps


_running: ContextVar[Meter | None] = ContextVar("clawmark_meter", default=None)


@contextmanager
def running(meter: Meter) -> Iterator[None]:
    """Within the block, whatever functions call pays at this meter."""
    token = _running.set(meter)
    try:
        yield
    finally:
        _running.reset(token)


def pay(steps: int) -> None:
    """Spend steps at the meter that is running, if there is one."""
    meter = _running.get()
    if meter is not None:
        meter.spend(steps)
