"""`results.json`: verdicts and scores of a run, for programs.

The document is a function of the results alone: tasks are sorted by id, label, agent, model and trial,
checkers by turn and id, and the time that a checker took is left out, so grading a stored run again with
the same checkers gives the same `tasks`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_clawmark.atomic import replace_file
from pytest_clawmark.reports.world_changes import turn_entry
from pytest_clawmark.schemas import validate
from pytest_clawmark.scoring import (
    EpisodeResult,
    Verdict,
    analyse,
    score_episode,
    score_turns,
    summarise,
)
from pytest_clawmark.scoring.regraded import verdicts_digest

SCHEMA = 1


def results_document(run: Mapping[str, Any], results: Iterable[EpisodeResult]) -> dict[str, Any]:
    """The whole document; `run` is what `run.json` says, `results` holds every planned episode."""
    known = sorted(results, key=_place)
    summary = summarise(known)
    return {
        "schema": SCHEMA,
        "run": dict(run),
        "verdicts": verdicts_digest(known),
        "tasks": [task_entry(result) for result in known],
        "summary": summary.to_json(),
        "analysis": [label.to_json() for label in analyse(known, summary)],
    }


def _place(result: EpisodeResult) -> tuple[str, str, str, str, int]:
    return (result.task, result.label, result.agent, result.model or "", result.trial)


def task_entry(result: EpisodeResult) -> dict[str, Any]:
    """One planned episode, as in `tasks[]`."""
    known = score_episode(result)
    return {
        "id": result.task,
        "family": result.family,
        "agent": result.agent,
        "model": result.model,
        "label": result.label,
        "trial": result.trial,
        "seed": result.seed,
        "score": known.lower,
        "score_upper": known.upper,
        "success": known.success,
        "planned": result.planned,
        "partial": result.partial,
        "void_reason": result.void_reason,
        "attempts": [attempt.to_json() for attempt in result.attempts],
        "turns": _turns(result),
        **_groups(result),
        "checkers": _checkers(result),
    }


def _groups(result: EpisodeResult) -> dict[str, Any]:
    """Scores of what a format scores apart from any turn; left out where there is nothing of the kind."""
    apart = {verdict.group for verdict in result.checkers if verdict.group}
    found = {turn.turn: turn.score for turn in score_turns(result) if turn.turn in apart}
    scores = {name: {"score": score.lower, "score_upper": score.upper} for name, score in found.items()}
    return {"groups": scores} if scores else {}


def _turns(result: EpisodeResult) -> list[dict[str, Any]]:
    scores = {turn.turn: turn.score for turn in score_turns(result)}
    played = sorted(result.turns, key=lambda turn: (turn.index, turn.turn))
    return [
        {**turn_entry(turn), "score": scores[turn.turn].lower, "score_upper": scores[turn.turn].upper}
        for turn in played
    ]


def _checkers(result: EpisodeResult) -> list[dict[str, Any]]:
    order = {turn.turn: turn.index for turn in score_turns(result)}
    verdicts = sorted(result.checkers, key=lambda verdict: (order[verdict.group or verdict.turn], verdict.id))
    return [_checker(verdict) for verdict in verdicts]


def _checker(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.id,
        "turn": verdict.turn,
        "weight": verdict.weight,
        "red_line": verdict.red_line,
        "category": verdict.category,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "description": verdict.description,
        **({"group": verdict.group} if verdict.group else {}),
        **({"weighed": True} if verdict.weighed else {}),
    }


def write_results(path: Path, document: Mapping[str, Any]) -> None:
    """Validate, then write so that a kill at any instant leaves the old file or the new one, whole.

    Raises `InvalidDocument`, writing nothing, for a document that does not follow its schema.
    """
    validate("results", document, source=str(path))
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    # An agent may have written half a surrogate pair; its escape is the same string to a JSON reader.
    replace_file(path, text.encode("utf-8", errors="backslashreplace"))
