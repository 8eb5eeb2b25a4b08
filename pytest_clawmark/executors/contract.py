"""What runs episodes: somewhere, several at once, in the order in which they were submitted."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from pytest_clawmark.episode import EpisodeRecord, EpisodeSpec


class Executor(Protocol):
    """Where episodes run."""

    def submit(self, spec: EpisodeSpec) -> Future[EpisodeRecord]:
        """Begin an episode as soon as there is room; submitting it again gives the same future."""

    def close(self) -> None:
        """End what runs, forget what waits, and return when nothing is left of any of it."""
