"""What reports of turns and checkers carry to the controller: `report.clawmark`, plain and bounded JSON.

An agent wrote most of it. Whatever it wrote, the payload can be sent between processes, encoded and held in
memory for every turn of a run: text is cut in the middle, halves of surrogate pairs and control characters
stand as their escapes, deep and wide structures are cut, and a long transcript loses its middle. What is long
travels compressed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_clawmark.reports.compressing import packed
from pytest_clawmark.reports.text import middle_cut, visible
from pytest_clawmark.scoring import TurnResult, Verdict

TEXT = 4_000
TRANSCRIPT = 150_000
DIFF = 12_000
DIFFS = 100_000
PACKED = 96_000
"""How many characters the compressed part of a turn has at most: random bytes do not compress."""
_NAMES = ("path", "change", "note")
_ITEMS = 60
_DEPTH = 6
_WIDEST_INTEGER = 2**63

Json = dict[str, Any]


def turn_payload(
    *,
    task: str,
    label: str,
    trial: int,
    turn: TurnResult,
    wakeup: str,
    trajectory: Iterable[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]],
    world: Mapping[str, Any] | None = None,
) -> Json:
    """For a turn's report: `wakeup` is the message, `trajectory` its records, `changes` the changed files, and
    `world` the summary of what changed everywhere: these four are packed as `details`."""
    return {
        "kind": "turn",
        "task": bounded(task),
        "label": bounded(label),
        "trial": trial,
        "turn": bounded(turn.turn),
        "index": turn.index,
        "outcome": turn.outcome,
        "reason": bounded(turn.reason),
        "stop_kind": turn.stop_kind,
        "usage": bounded(dict(turn.usage)),
        "seconds": turn.seconds,
        "details": _details(wakeup, list(trajectory), changes, world),
    }


def _details(
    wakeup: str,
    trajectory: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]],
    world: Mapping[str, Any] | None,
) -> str:
    """Packed; what does not compress is cut again and again, down to nothing but the message."""
    budget = TRANSCRIPT
    while True:
        share = budget / TRANSCRIPT
        told = {
            "wakeup": bounded(wakeup),
            "trajectory": _transcript(trajectory, budget),
            "changes": _changes(changes, int(DIFFS * share)),
            **({"world": _world(world, share)} if world else {}),
        }
        details = packed(told)
        if len(details) <= PACKED or not budget:
            return details
        budget = budget * PACKED * 3 // (len(details) * 4)
        budget = budget if budget > TEXT // 2 else 0


def _world(world: Mapping[str, Any], share: float) -> Json:
    """Fewer of its changes; the counts stay."""
    shown = world.get("shown") or []
    return dict(world) if share == 1 else {**world, "shown": shown[: int(len(shown) * share)]}


def checker_payload(*, task: str, label: str, trial: int, verdict: Verdict, score: float | None) -> Json:
    """For a checker's report: `score` is what it earned (`scoring.points`)."""
    return {
        "kind": "checker",
        "task": bounded(task),
        "label": bounded(label),
        "trial": trial,
        "turn": bounded(verdict.turn),
        "outcome": verdict.outcome,
        "score": score,
        "weight": verdict.weight,
        "red_line": verdict.red_line,
        "category": bounded(verdict.category),
    }


def bounded(value: Any, depth: int = _DEPTH) -> Any:
    """The value as plain JSON of limited size, whatever it is."""
    if isinstance(value, Mapping):
        return _mapping(value, depth) if depth else "..."
    if isinstance(value, list | tuple):
        return _list(value, depth) if depth else "..."
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return middle_cut(visible(middle_cut(value, 2 * TEXT)), TEXT)
    if isinstance(value, int) and abs(value) >= _WIDEST_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    return value if value is None or isinstance(value, int | float) else f"<{type(value).__name__}>"


def _list(value: Sequence[Any], depth: int) -> list[Any]:
    more = [f"... {len(value) - _ITEMS} more"] if len(value) > _ITEMS else []
    return [*(bounded(item, depth - 1) for item in value[:_ITEMS]), *more]


def _mapping(value: Mapping[Any, Any], depth: int) -> Json:
    kept = list(value.items())[:_ITEMS]
    more = {"...": f"{len(value) - _ITEMS} more"} if len(value) > _ITEMS else {}
    return {**{str(bounded(str(key)[:200])): bounded(item, depth - 1) for key, item in kept}, **more}


def _transcript(records: Iterable[Mapping[str, Any]], budget: int) -> list[Json]:
    """All records, or the first and the last with a `gap` record between, within the budget."""
    cleaned = [bounded(record) for record in records if isinstance(record, Mapping)]
    sizes = [len(json.dumps(record)) for record in cleaned]
    if sum(sizes) <= budget:
        return cleaned
    head = _fitting(sizes, budget * 2 // 3)
    tail = _fitting(sizes[:head:-1], budget // 3)
    gap = {"type": "gap", "records": len(cleaned) - head - tail}
    return [*cleaned[:head], gap, *cleaned[len(cleaned) - tail :]]


def _fitting(sizes: Sequence[int], budget: int) -> int:
    """How many of the first fit into the budget together."""
    for count, size in enumerate(sizes):
        budget -= size
        if budget < 0:
            return count
    return len(sizes)


def _changes(changes: Sequence[Mapping[str, Any]], budget: int) -> list[Json]:
    kept = []
    for change in changes[: 4 * _ITEMS]:
        diff = middle_cut(visible(str(change.get("diff", ""))), DIFF)
        if len(diff) > budget:
            diff = "... left out: the other differences fill this report ..."
        budget -= len(diff)
        kept.append({name: bounded(str(change.get(name, ""))) for name in _NAMES} | {"diff": diff})
    if len(changes) > len(kept):
        rest = f"... and {len(changes) - len(kept)} more files"
        kept.append({"path": rest, "change": "modified", "note": "see the run directory", "diff": ""})
    return kept
