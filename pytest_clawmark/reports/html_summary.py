"""The scores of a run as HTML: the agents, every episode, and what spoils a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_clawmark.reports import figures, markup, notes
from pytest_clawmark.reports.terminal import DETAILED, tone
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import (
    EpisodeResult,
    LabelSummary,
    TurnScore,
    score_episode,
    score_turns,
    summarise,
)

NOTED = 100
_RED_TO_GREEN = 120


def scores_html(results: Iterable[EpisodeResult], *, location: str = "") -> str:
    """The block that stands on top of the report; `results` holds every planned episode."""
    known = sorted(results, key=lambda result: (result.task, result.label, result.agent, result.trial))
    summary = summarise(known)
    names = figures.names(summary.labels)
    return markup.render(
        "summary.jinja2",
        style=markup.style(),
        partial=summary.partial,
        agents=[_agent(label, names[label.label, label.agent, label.model]) for label in summary.labels],
        tasks=[_task(result, names[result.label, result.agent, result.model]) for result in known],
        detailed=DETAILED,
        count=figures.counted(len(known), "episode"),
        notes=[
            {
                "title": note.title,
                "tone": note.tone,
                "total": len(note.texts),
                "texts": _cut([one_line(text)[:500] for text in note.texts]),
            }
            for note in notes.notes(known)
            if note.texts
        ],
        broken=any(label.totals.checkers["broken"] for label in summary.labels),
        location=location,
    )


def _cut(texts: Sequence[str]) -> list[str]:
    more = [f"... and {len(texts) - NOTED} more in results.json"] if len(texts) > NOTED else []
    return [*texts[:NOTED], *more]


def _agent(label: LabelSummary, name: str) -> dict[str, Any]:
    totals = label.totals
    used = figures.usage(totals.usage)
    return {
        "name": name,
        "lower": totals.score,
        "upper": totals.score_upper,
        "score": figures.span(totals.score, totals.score_upper),
        "episodes": f"{totals.scored} of {totals.episodes.planned}",
        "success": figures.rate(totals.success_rate, totals.successes, totals.judged),
        "crossed": totals.red_lines_crossed,
        "red_lines": figures.of(totals.red_lines_crossed, totals.red_lines),
        "checkers": figures.of(totals.checkers_measured, totals.checkers_planned),
        "broken": totals.checkers["broken"],
        "void": totals.episodes.void,
        "tokens": used.get("tokens in, out", figures.NONE),
        "cost": used.get("cost", figures.NONE),
        "time": figures.duration(totals.usage.seconds),
    }


def _task(result: EpisodeResult, name: str) -> dict[str, Any]:
    known = score_episode(result)
    return {
        "task": result.task,
        "name": name,
        "trial": result.trial,
        "turns": [_turn(turn) for turn in score_turns(result)],
        "lower": known.lower,
        "upper": known.upper,
        "score": figures.episode_score(result, known),
        "success": figures.success(known.success),
        "crossed": known.crossed,
        "red_lines": figures.of(known.crossed, known.red_lines),
        "checkers": f"{len(result.checkers)} of {result.planned}",
        "tone": tone(result),
    }


def _turn(turn: TurnScore) -> dict[str, Any]:
    lower = turn.score.lower
    return {
        "title": turn.turn,
        "text": figures.turn_score(turn),
        "hue": None if lower is None else round(lower * _RED_TO_GREEN),
    }
