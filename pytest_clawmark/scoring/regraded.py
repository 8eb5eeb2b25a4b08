"""What grading again changed, verdict by verdict."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_clawmark.scoring.verdict import EpisodeResult, Verdict

Kind = Literal["changed", "redefined", "reworded", "new", "gone"]
KINDS: tuple[Kind, ...] = ("changed", "redefined", "reworded", "new", "gone")

EpisodeKey = tuple[str, str, int]
Verdicts = Mapping[tuple[EpisodeKey, str], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One checker's verdict then and now.

    `changed`: its outcome; `redefined`: its turn, weight, red line, category or description; `reworded`: only
    its reason. `new` has no verdict then, `gone` none now, because the task has no such checker any more.
    """

    kind: Kind
    episode: EpisodeKey
    before: Verdict | None
    after: Verdict | None

    @property
    def verdict(self) -> Verdict:
        """The later of the two."""
        found = self.after or self.before
        assert found is not None
        return found

    def to_json(self) -> dict[str, Any]:
        """For `run.json`."""
        task, label, trial = self.episode
        return {
            "kind": self.kind,
            "task": task,
            "label": label,
            "trial": trial,
            "turn": self.verdict.turn,
            "id": self.verdict.id,
            "before": _said(self.before),
            "after": _said(self.after),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`same` counts the verdicts that came out as before; `left_out` those that were not graded this time."""

    same: int
    left_out: int
    differences: tuple[Difference, ...]

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many there are of each kind."""
        return Counter(difference.kind for difference in self.differences)

    def to_json(self) -> dict[str, Any]:
        """For `run.json`."""
        return {
            "same": self.same,
            "left_out": self.left_out,
            "differences": [difference.to_json() for difference in self.differences],
        }


def compare(before: Verdicts, after: Verdicts, gone: Iterable[tuple[EpisodeKey, str]]) -> Comparison:
    """Set the verdicts of two gradings side by side; `gone` are the checkers that exist no more."""
    missing = set(gone) - set(after)
    kinds = {place: _kind(before.get(place), verdict) for place, verdict in after.items()}
    differences = [
        Difference(kind=kind, episode=place[0], before=before.get(place), after=after[place])
        for place, kind in kinds.items()
        if kind is not None
    ]
    differences += [
        Difference(kind="gone", episode=place[0], before=before[place], after=None)
        for place in missing
        if place in before
    ]
    return Comparison(
        same=sum(kind is None for kind in kinds.values()),
        left_out=len(set(before) - set(after) - missing),
        differences=tuple(sorted(differences, key=_place)),
    )


def _kind(before: Verdict | None, after: Verdict) -> Kind | None:
    if before is None:
        return "new"
    if before.outcome != after.outcome:
        return "changed"
    if identity(before) == identity(after):
        return None
    reworded = identity(dataclasses.replace(before, reason=after.reason)) == identity(after)
    return "reworded" if reworded else "redefined"


def _place(difference: Difference) -> tuple[int, EpisodeKey, str, str]:
    verdict = difference.verdict
    return (KINDS.index(difference.kind), difference.episode, verdict.turn, verdict.id)


def _said(verdict: Verdict | None) -> dict[str, str] | None:
    return {"outcome": verdict.outcome, "reason": verdict.reason} if verdict is not None else None


def identity(verdict: Verdict) -> dict[str, Any]:
    """Everything that counts of a verdict: all but the time that it took."""
    return {name: value for name, value in verdict.to_json().items() if name != "seconds"}


def verdicts_digest(results: Iterable[EpisodeResult]) -> str:
    """Identifies all verdicts of a run, whoever reached them in whichever order."""
    verdicts = sorted(
        json.dumps([r.task, r.label, r.trial, identity(verdict)], sort_keys=True)
        for r in results
        for verdict in r.checkers
    )
    return hashlib.sha256("\n".join(verdicts).encode()).hexdigest()


def by_place(results: Iterable[EpisodeResult]) -> dict[tuple[EpisodeKey, str], Verdict]:
    """All verdicts by episode and checker."""
    return {((r.task, r.label, r.trial), verdict.id): verdict for r in results for verdict in r.checkers}
