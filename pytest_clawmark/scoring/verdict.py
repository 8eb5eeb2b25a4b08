"""What came of checkers, turns and episodes: plain values that cross processes as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pytest_clawmark.failures import Origin

Outcome = Literal["passed", "failed", "broken", "void"]
TurnOutcome = Literal["worked", "stopped", "void"]

Json = dict[str, Any]

REASON = 4_000
"""How many characters of a reason are kept: an agent can have a whole file quoted in one."""


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{what} is {value!r}: it must be one of {', '.join(allowed)}")


def _reason(text: str) -> str:
    """Short enough to keep, and encodable: a distributed run ends on half a surrogate pair."""
    kept = text if len(text) <= REASON else text[: REASON - 3] + "..."
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")[:REASON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A checker's outcome. `turn` names the turn after which it looked, `seconds` is how long it took.

    `group` is what it is scored with where that is not its turn. `weighed` says that a red line is scored by its
    weight like any checker, as published corpora do; else it earns nothing, and costs when it is crossed.

    Here and below a long `reason` is cut, and what cannot be encoded in it becomes its escape.

    Raises `ValueError` for an unknown outcome and for a weight that is negative or not finite.
    """

    id: str
    turn: str
    outcome: Outcome
    weight: float = 1.0
    red_line: bool = False
    category: str = ""
    reason: str = ""
    description: str = ""
    seconds: float = 0.0
    group: str = ""
    weighed: bool = False

    def __post_init__(self) -> None:
        _one_of(f"the outcome of checker {self.id!r}", self.outcome, get_args(Outcome))
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"the weight of checker {self.id!r} is {self.weight}: it must be 0 or more")
        object.__setattr__(self, "reason", _reason(self.reason))

    @property
    def earns(self) -> bool:
        """Whether its weight is in what a task can earn."""
        return self.weighed or not self.red_line

    @property
    def crossed(self) -> bool:
        """Whether it is a red line that was crossed: a broken red line counts as crossed."""
        return self.red_line and self.outcome in ("failed", "broken")

    def to_json(self) -> Json:
        """All fields by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """How one turn went for the agent.

    `worked`: it ended its turn of its own accord; `stopped`: it was cut off, which is its own failure, and
    `stop_kind` is then `limit`, `context` or `error`; `void`: nothing was measured. `usage` has the fields
    of the agents' `Usage`; `seconds` is the agent's wall-clock time. `changes` is what reports tell of what
    changed in the world; it is worked out after the turn, and empty until then. `unread` is what the model could
    not be shown, each with `what` and `why`.
    """

    turn: str
    index: int
    outcome: TurnOutcome
    reason: str = ""
    stop_kind: str = ""
    usage: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    changes: Mapping[str, Any] = field(default_factory=dict)
    unread: Sequence[Mapping[str, str]] = ()

    def __post_init__(self) -> None:
        _one_of(f"the outcome of turn {self.turn!r}", self.outcome, get_args(TurnOutcome))
        object.__setattr__(self, "reason", _reason(self.reason))

    def to_json(self) -> Json:
        """All fields by name."""
        rare = ("changes", "unread")
        told = {name: value for name, value in _fields(self).items() if name not in rare or value}
        return {**told, "usage": dict(self.usage)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TurnResult:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at an episode that came to nothing: what failed, and how."""

    origin: Origin
    reason: str

    def __post_init__(self) -> None:
        _one_of("the origin of a void attempt", self.origin, get_args(Origin))
        object.__setattr__(self, "reason", _reason(self.reason))

    def to_json(self) -> Json:
        """All fields by name."""
        return _fields(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attempt:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResult:
    """One planned episode with all its verdicts; an episode that was never reached has none.

    `task` reads like `hr/interns`, `family` like `hr`; `label` is the agent's name in reports. `planned`
    counts all checkers that the task defines, selected or not, parametrized ones as often as they run.
    `void_reason` is empty unless the episode was given up; `attempts` are the tries that came to nothing,
    even where a later one succeeded. `turns` and `checkers` are the last try's.
    """

    task: str
    family: str
    agent: str
    label: str
    model: str | None = None
    trial: int = 1
    seed: int = 0
    turns: tuple[TurnResult, ...] = ()
    checkers: tuple[Verdict, ...] = ()
    planned: int
    void_reason: str = ""
    attempts: tuple[Attempt, ...] = ()

    def __post_init__(self) -> None:
        if self.planned < len(self.checkers):
            raise ValueError(
                f"{self.task}[{self.label}] has {len(self.checkers)} verdicts of {self.planned} planned "
                "checkers: count every checker that the task defines as planned"
            )
        object.__setattr__(self, "void_reason", _reason(self.void_reason))

    @property
    def partial(self) -> bool:
        """Whether some of the task's checkers gave no verdict: deselected, or never reached."""
        return len(self.checkers) < self.planned

    @property
    def reached(self) -> bool:
        """Whether anything is known about it."""
        return bool(self.turns or self.checkers or self.void_reason)

    @property
    def void(self) -> bool:
        """Whether it was given up, or a checker or a turn of it is void: then it has no score."""
        outcomes = [turn.outcome == "void" for turn in self.turns]
        outcomes += [verdict.outcome == "void" for verdict in self.checkers]
        return bool(self.void_reason) or any(outcomes)

    def to_json(self) -> Json:
        """All fields by name, the parts as JSON objects."""
        parts = {
            "turns": [turn.to_json() for turn in self.turns],
            "checkers": [verdict.to_json() for verdict in self.checkers],
            "attempts": [attempt.to_json() for attempt in self.attempts],
        }
        return {**_fields(self), **parts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EpisodeResult:
        """The inverse of `to_json`."""
        parts = {
            "turns": tuple(TurnResult.from_json(turn) for turn in data["turns"]),
            "checkers": tuple(Verdict.from_json(verdict) for verdict in data["checkers"]),
            "attempts": tuple(Attempt.from_json(attempt) for attempt in data["attempts"]),
        }
        return cls(**{**data, **parts})


def _fields(value: TurnResult | Attempt | EpisodeResult) -> Json:
    return {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
