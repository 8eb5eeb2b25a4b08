"""What the work took: calls, tokens, dollars and minutes, turn by turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from pytest_clawmark.scoring.verdict import EpisodeResult, TurnResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEffort:
    """Means per episode for the turn at `index` (from 0), over the `episodes` that played it.

    `cached_tokens` are part of `input_tokens`; `cost` is in US dollars, over the episodes whose cost is known.
    """

    index: int
    episodes: int
    tool_calls: float
    model_calls: float
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    cost: float | None
    minutes: float

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def efforts(results: Iterable[EpisodeResult]) -> tuple[TurnEffort, ...]:
    """One per turn, the first day first; turns that are void are not counted."""
    by_index: dict[int, list[TurnResult]] = defaultdict(list)
    for result in results:
        for turn in result.turns:
            if turn.outcome != "void":
                by_index[turn.index].append(turn)
    return tuple(_effort(index, by_index[index]) for index in sorted(by_index))


def _effort(index: int, turns: Sequence[TurnResult]) -> TurnEffort:
    costs = [cost for turn in turns if (cost := turn.usage.get("cost")) is not None]
    return TurnEffort(
        index=index,
        episodes=len(turns),
        tool_calls=_mean(turns, "tool_calls"),
        model_calls=_mean(turns, "model_calls"),
        input_tokens=_mean(turns, "input_tokens"),
        cached_tokens=_mean(turns, "cached_tokens"),
        output_tokens=_mean(turns, "output_tokens"),
        cost=fsum(costs) / len(costs) if costs else None,
        minutes=fsum(turn.seconds for turn in turns) / len(turns) / 60,
    )


def _mean(turns: Sequence[TurnResult], key: str) -> float:
    return fsum(turn.usage.get(key) or 0 for turn in turns) / len(turns)
