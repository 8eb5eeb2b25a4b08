"""An episode on record: which one it is, how far it came and what came of it, as `episode.json` holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.failures import ModelFailure, Origin, TaskFailure, VoidError, WorldFailure
from pytest_clawmark.runs.layout import EpisodeFolder
from pytest_clawmark.scoring.verdict import Attempt, TurnResult

_FAILURES: Mapping[Origin, type[VoidError]] = {
    "world": WorldFailure,
    "model": ModelFailure,
    "task": TaskFailure,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSpec:
    """Which episode to play: a task by its id, an agent by its label, and how many of the turns."""

    task: str
    label: str
    trial: int
    seed: int
    turns: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Identifies the episode within a run."""
        return self.task, self.label, self.trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """The first turns of a forked episode: played in another run by another agent.

    `run` is that run's name, `label` and `trial` say which of its episodes it was.
    """

    run: str
    label: str
    trial: int
    turns: tuple[TurnResult, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "run": self.run,
            "label": self.label,
            "trial": self.trial,
            "turns": [turn.to_json() for turn in self.turns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inherited:
        """The inverse of `to_json`."""
        return cls(**{**data, "turns": tuple(TurnResult.from_json(turn) for turn in data["turns"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """That an interrupted episode was taken up again: in which turn, and from which frozen moment.

    `moment` is `wake` of that turn, the `snapshot` of the turn before it, or its `start` when there was none
    before. `lost` names what the world could not be given back.
    """

    turn: str
    moment: str
    lost: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {"turn": self.turn, "moment": self.moment, "lost": list(self.lost)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Resumption:
        """The inverse of `to_json`."""
        return cls(turn=data["turn"], moment=data["moment"], lost=tuple(data["lost"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRecord:
    """What came of an episode, as `episode.json` holds it.

    `state` is `running` until it is `ended` or `void`. `void` is the failure that it was given up for; `turns` then
    ends with the void turn. `seconds` is the wall-clock time of the last attempt, or of its last part when it was
    interrupted and resumed.
    """

    spec: EpisodeSpec
    agent: str
    model: str | None
    state: str
    turns: tuple[TurnResult, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    inherited: Inherited | None = None
    resumed: tuple[Resumption, ...] = ()
    void: VoidError | None = None
    seconds: float = 0.0

    @property
    def played(self) -> int:
        """How many turns lie behind the agent, those that it inherited included."""
        own = sum(turn.outcome != "void" for turn in self.turns)
        return own + (len(self.inherited.turns) if self.inherited else 0)

    def to_json(self) -> dict[str, Any]:
        """Schema in `schemas/episode.json`."""
        return {
            "schema": 1,
            "task": self.spec.task,
            "label": self.spec.label,
            "agent": self.agent,
            "model": self.model,
            "trial": self.spec.trial,
            "seed": self.spec.seed,
            "planned_turns": self.spec.turns,
            "state": self.state,
            "void_reason": str(self.void) if self.void else "",
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "turns": [turn.to_json() for turn in self.turns],
            **({"inherited": self.inherited.to_json()} if self.inherited else {}),
            **({"resumed": [each.to_json() for each in self.resumed]} if self.resumed else {}),
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EpisodeRecord:
        """The inverse of `to_json`."""
        attempts = tuple(Attempt.from_json(attempt) for attempt in data["attempts"])
        turns = tuple(TurnResult.from_json(turn) for turn in data["turns"])
        inherited = data.get("inherited")
        return cls(
            spec=EpisodeSpec(
                task=data["task"],
                label=data["label"],
                trial=data["trial"],
                seed=data["seed"],
                turns=data.get("planned_turns", len(turns)),
            ),
            agent=data["agent"],
            model=data["model"],
            state=data["state"],
            turns=turns,
            attempts=attempts,
            inherited=Inherited.from_json(inherited) if inherited else None,
            resumed=tuple(Resumption.from_json(each) for each in data.get("resumed", ())),
            void=_FAILURES[attempts[-1].origin](data["void_reason"]) if data["state"] == "void" else None,
            seconds=data["seconds"],
        )


def recorded_episode(folder: EpisodeFolder) -> EpisodeRecord | None:
    """What is on record of an episode, None where it never began."""
    data = folder.read()
    return EpisodeRecord.from_json(data) if data is not None else None
