"""What a run may cost in all, counted from what is on record, so that all of its processes share it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pytest_clawmark.failures import VoidError
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.runs.progress import ProgressReader


class BudgetSpent(VoidError):
    """The run has cost what it may: an episode was not begun."""

    retry = False


@dataclass(slots=True)
class Budget:
    """At most `dollars`, for the turns that have ended; a turn in progress is not cut off."""

    run: RunFolder
    dollars: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reader: ProgressReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = ProgressReader(self.run)

    def refuse_beyond(self) -> None:
        """Raise `BudgetSpent` once the run has cost all of it."""
        with self._lock:
            spent = self._reader.read().cost or 0.0
        if spent >= self.dollars > 0:
            raise BudgetSpent(
                f"not begun: the run has cost ${spent:.4f} of --budget={self.dollars:g}. Go on with a higher "
                f"budget by --resume={self.run.path}"
            )
