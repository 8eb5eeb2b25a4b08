"""Faults on purpose: which of an agent's requests are answered with an error, late or not at all.

A schedule knows nothing of who asks. What a request meets depends on the schedule's seed, the service, the turn
and how many requests the agent has made of the service in that turn: so every agent meets the same, and a turn
that is played again meets it again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from random import Random
from typing import Any, Final, Protocol, runtime_checkable

KINDS: Final = ("429", "500", "slow", "dropped", "lost")
"""`429` and `500` refuse a request, `dropped` closes its connection unanswered: none of them is looked at any
further. `slow` answers late. `lost` does what was asked, and then closes the connection unanswered."""

UNPROCESSED: Final = frozenset({"429", "500", "dropped"})
"""Those after which a request has changed nothing."""

LONGEST_DELAY = 30.0
"""Seconds."""

_noted: ContextVar[str | None] = ContextVar("clawmark_fault", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the request with this `number` meets. `seconds` is the delay of `slow`, and what `429` asks to wait."""

    kind: str
    number: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """How often what happens: to each request with the chance `rate`, and to those `at` these numbers.

    Requests are numbered from 1 in each turn. `delay` is in seconds, `retry_after` in whole seconds. No more than
    `in_a_row` requests meet a fault by chance one after another; None is no limit.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    at: tuple[int, ...] = ()
    delay: float = 2.0
    retry_after: int = 1
    in_a_row: int | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "kinds": list(self.kinds), "at": list(self.at)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FaultPlan:
        """The inverse of `to_json`."""
        return cls(**{**data, "kinds": tuple(data["kinds"]), "at": tuple(data["at"])})


class FaultSchedule:
    """The faults of one service in one episode. Safe to use from any thread."""

    def __init__(self, plan: FaultPlan, seed: str) -> None:
        self._plan, self._seed = plan, seed
        self._lock = threading.Lock()
        self._turn: str | None = None
        self._number = self._row = 0

    def next(self, turn: str) -> Fault | None:
        """What the agent's next request of this turn meets."""
        with self._lock:
            if turn != self._turn:
                self._turn, self._number, self._row = turn, 0, 0
            self._number += 1
            fault = self._draw(turn)
            self._row = self._row + 1 if fault else 0
            return fault

    def _draw(self, turn: str) -> Fault | None:
        plan, number = self._plan, self._number
        # A generator of its own for each request: what one meets says nothing of how many came before.
        draw = Random(f"{self._seed}:{turn}:{number}")  # noqa: S311 - nothing secret depends on it
        by_chance = draw.random() < plan.rate and (plan.in_a_row is None or self._row < plan.in_a_row)
        if number not in plan.at and not by_chance:
            return None
        kind = draw.choice(plan.kinds)
        return Fault(
            kind=kind, number=number, seconds=plan.delay if kind == "slow" else float(plan.retry_after)
        )


@runtime_checkable
class TellsFaults(Protocol):
    """A service whose vendor has a shape of its own for an error of the service itself."""

    def refusal(self, status: int, path: str) -> Mapping[str, Any]:
        """The JSON body of a 429 or 500 answer to a request for `path`, which is empty for a tool."""


@contextmanager
def noting(fault: Fault | None) -> Iterator[None]:
    """Within the block, requests are recorded with the fault that they meet all the same."""
    token = _noted.set(fault.kind if fault else None)
    try:
        yield
    finally:
        _noted.reset(token)


def noted() -> str | None:
    """What `noting` says."""
    return _noted.get()
