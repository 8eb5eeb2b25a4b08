"""The scores of a run as HTML: the agents, what they are good at, every episode, and what spoils a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_clawmark.reports import figures, markup, notes
from pytest_clawmark.reports.drawing import course_chart, courses_by_name, heat_map
from pytest_clawmark.reports.html_analysis import categories, courses, efforts, trials
from pytest_clawmark.reports.terminal import DETAILED, tone
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import (
    EpisodeResult,
    LabelAnalysis,
    TurnScore,
    analyse,
    score_episode,
    score_turns,
    summarise,
)

NOTED = 100
_RED_TO_GREEN = 120
_FILTERS = ("family", "agent", "outcome", "red", "missed")

Json = dict[str, Any]


def scores_html(
    results: Iterable[EpisodeResult], *, location: str = "", index: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The block that stands on top of the report; `results` holds every planned episode, and `index` what the
    rows of turns are found by."""
    known = sorted(results, key=lambda result: (result.task, result.label, result.agent, result.trial))
    summary = summarise(known)
    analyses = analyse(known, summary)
    names = figures.names(summary.labels)
    named = [
        (names[found.summary.label, found.summary.agent, found.summary.model], found) for found in analyses
    ]
    places = {
        (row["task"], row["agent"], row["trial"], row["turn"]): place for place, row in enumerate(index)
    }
    return markup.render(
        "summary.jinja2",
        style=markup.source("style.css"),
        partial=summary.partial,
        agents=[_agent(name, found) for name, found in named],
        heat_map=heat_map(summary),
        course=course_chart(
            courses_by_name(summary.labels, {found.summary.label: found.courses for found in analyses})
        ),
        trials=trials(named),
        courses=courses(named),
        categories=categories(named),
        efforts=efforts(named),
        tasks=[_task(result, names[result.label, result.agent, result.model], places) for result in known],
        several=any(result.trial > 1 for result in known),
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
        filters=_filters(index),
        turns=len(index),
    )


def _cut(texts: Sequence[str]) -> list[str]:
    more = [f"... and {len(texts) - NOTED} more in results.json"] if len(texts) > NOTED else []
    return [*texts[:NOTED], *more]


def _agent(name: str, found: LabelAnalysis) -> Json:
    totals = found.summary.totals
    used = totals.usage
    interval = found.score.interval if found.score is not None else None
    if interval is not None and interval.low == interval.high:
        interval = None  # tasks that all agree say nothing of how sure the figure is
    talked = bool(used.input_tokens or used.output_tokens)
    return {
        "name": name,
        "model": found.summary.model or "",
        "lower": totals.score,
        "upper": totals.score_upper,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "score": figures.span(totals.score, totals.score_upper),
        "score_interval": _interval(found.score),
        "success": figures.rate_of(found.success, totals.successes, totals.judged),
        "crossed": totals.red_lines_crossed,
        "red_lines": figures.of(totals.red_lines_crossed, totals.red_lines),
        "episodes": f"{totals.episodes.measured}/{totals.episodes.planned}",
        "measured": totals.episodes.measured == totals.episodes.planned,
        "checkers": figures.of(totals.checkers_measured, totals.checkers_planned),
        "broken": totals.checkers["broken"],
        "void": totals.episodes.void,
        "tokens": figures.amount(used.input_tokens) if talked else figures.NONE,
        "cached": figures.amount(used.cached_tokens) if used.cached_tokens else "",
        "written": figures.amount(used.output_tokens) if talked else figures.NONE,
        "calls": f"{used.tool_calls:,}",
        "cost": figures.money(used.cost, unpriced=used.unpriced),
        "time": figures.duration(used.seconds),
    }


def _interval(known: Any) -> str:
    return figures.estimate(known).partition(" ")[2] if known is not None else ""


def _task(result: EpisodeResult, name: str, places: Mapping[Any, int]) -> Json:
    known = score_episode(result)
    at = (one_line(result.task), one_line(result.label), result.trial)
    return {
        "task": result.task,
        "name": name,
        "trial": result.trial,
        "turns": [_turn(turn, places.get((*at, one_line(turn.turn)))) for turn in score_turns(result)],
        "lower": known.lower,
        "upper": known.upper,
        "score": figures.episode_score(result, known),
        "success": figures.success(known.success),
        "crossed": known.crossed,
        "red_lines": figures.of(known.crossed, known.red_lines),
        "checkers": f"{len(result.checkers)} of {result.planned}",
        "tone": tone(result),
    }


def _turn(turn: TurnScore, place: int | None) -> Json:
    lower = turn.score.lower
    return {
        "title": turn.turn,
        "text": figures.turn_score(turn),
        "hue": None if lower is None else round(lower * _RED_TO_GREEN),
        "crossed": turn.score.crossed,
        "place": place,
    }


def _filters(index: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What can be chosen, by filter."""
    found: dict[str, set[str]] = {name: set() for name in _FILTERS}
    for row in index:
        for name in ("family", "agent", "red"):
            found[name].add(row[name])
        found["outcome"].update(row["outcomes"])
        found["missed"].update(row["missed"])
    return {name: sorted(values - {""}) for name, values in found.items()}
