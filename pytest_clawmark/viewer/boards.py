"""The board of a run: its scores, figures and tasks, and how far it is; what changes while it is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_clawmark.reports import drawing as reports_drawing
from pytest_clawmark.reports import figures, notes
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.runs.progress import Progress
from pytest_clawmark.scoring import EpisodeResult, score_episode, score_turns
from pytest_clawmark.scoring.analysis import LabelAnalysis
from pytest_clawmark.viewer import drawing, markup
from pytest_clawmark.viewer.stored import Run, key_of

MAX_NOTES = 40
_TRIALS = (1, 2, 4, 8)
Json = dict[str, Any]


def told(progress: Progress) -> Json:
    """Counts, and what is being done, as text that may be shown; `version` differs when a task's state does."""
    return {
        "version": ".".join(str(progress.count(state)) for state in ("ended", "void", "running")),
        "total": len(progress.episodes),
        "ended": progress.count("ended"),
        "void": progress.count("void"),
        "running": progress.count("running"),
        "waiting": progress.count("waiting"),
        "used": _used(progress),
        "doing": [
            {
                "task": one_line(each.task),
                "label": one_line(each.label),
                "trial": each.trial,
                "turn": one_line(each.turn),
                "doing": one_line(each.doing)[:160],
            }
            for each in progress.running[:24]
        ],
    }


def _used(progress: Progress) -> str:
    told = [f"{figures.amount(progress.tokens)} tokens"] if progress.tokens else []
    return " · ".join(["", *told, *([figures.money(progress.cost)] if progress.cost is not None else [])])


def board(run: Run, progress: Progress) -> Json:
    """Scores, figures and tasks: what changes while a run is played."""
    names = figures.names(run.summary.labels)
    courses = {found.summary.label: found.courses for found in run.analysis}
    agents = [
        _agent(found, names[found.summary.label, found.summary.agent, found.summary.model])
        for found in run.analysis
    ]
    states = _states(progress, run.state)
    tasks = [_task(result, states.get(key_of(result), "")) for result in run.results]
    labels = run.summary.labels
    scored = any(label.totals.scored for label in labels)
    return {
        "agents": agents,
        "tasks": tasks,
        "families": sorted({result.family for result in run.results}),
        "labels": list(dict.fromkeys(result.label for result in run.results)),
        "heat_map": reports_drawing.heat_map(run.summary) if scored else "",
        "course": reports_drawing.course_chart(reports_drawing.courses_by_name(labels, courses))
        if scored
        else "",
        "categories": list(_categories(run.analysis)),
        "category_heads": [agent["name"] for agent in agents],
        "damage": run.damage,
        "progress": told(progress) if run.state in ("running", "interrupted") else None,
        "trials": any(result.trial > 1 for result in run.results),
        "longest": max((len(task["turns"]) for task in tasks), default=0),
    }


def _states(progress: Progress, state: str) -> dict[str, str]:
    """What is said of episodes that are not over, by key; results alone speak of a finished run."""
    if state == "finished":
        return {}
    said = {"running": "running" if state == "running" else "cut off"}
    said["waiting"] = "waiting" if state == "running" else "not run"
    return {
        f"{each.task}/{each.label.replace('/', '-')}/{each.trial}": said.get(each.state, "")
        for each in progress.episodes
    }


def _agent(found: LabelAnalysis, name: str) -> Json:
    totals, score = found.summary.totals, found.score
    interval = score.interval if score else None
    return {
        "name": name,
        "model": found.summary.model if found.summary.model not in (None, name) else "",
        "score": figures.span(totals.score, totals.score_upper),
        "interval": f"{figures.share(interval.low)} to {figures.share(interval.high)}"
        if interval and interval.low != interval.high
        else "",
        "bar": drawing.bar(
            totals.score,
            totals.score_upper,
            interval.low if interval else None,
            interval.high if interval else None,
        ),
        "success": figures.rate_of(found.success, totals.successes, totals.judged),
        "crossed": totals.red_lines_crossed,
        "red_lines": totals.red_lines,
        "coverage": figures.of(totals.episodes.measured, totals.episodes.planned),
        "whole": totals.episodes.measured == totals.episodes.planned,
        "void": totals.episodes.void,
        "broken": totals.checkers["broken"],
        "usage": totals.usage,
        "tokens": tokens_of(totals.usage.input_tokens + totals.usage.output_tokens),
        "trials": [rates.to_json() for rates in found.trials if rates.k in (*_TRIALS, len(found.trials))],
    }


def _categories(analysis: Sequence[LabelAnalysis]) -> Iterator[Json]:
    """Failures by category, an entry per agent."""
    by_agent = [{failures.category: failures for failures in found.categories} for found in analysis]
    for category in sorted({name for known in by_agent for name in known}):
        cells = [known.get(category) for known in by_agent]
        yield {
            "name": category or "no category",
            "cells": [
                {
                    "text": figures.failed(found.rate, found.failed + found.broken, found.measured)
                    if found is not None and found.rate is not None
                    else figures.NONE,
                    "share": found.rate.value if found is not None and found.rate is not None else None,
                }
                for found in cells
            ],
        }


def _task(result: EpisodeResult, state: str) -> Json:
    known = score_episode(result)
    crossed = sum(verdict.crossed for verdict in result.checkers)
    broken = sum(verdict.outcome == "broken" for verdict in result.checkers)
    outcome = _outcome(result, known.success, state)
    scores = {turn.turn: turn for turn in score_turns(result)}
    usage = [turn.usage for turn in result.turns]
    return {
        "key": key_of(result),
        "task": result.task,
        "family": result.family,
        "label": result.label,
        "trial": result.trial,
        "outcome": outcome,
        "score": figures.episode_score(result, known),
        "value": known.lower,
        "tone": markup.tone(known.lower),
        "bar": drawing.bar(known.lower, known.upper),
        "partial": result.partial,
        "turns": [
            {
                "name": turn.turn,
                "text": figures.turn_score(scores[turn.turn]) if turn.turn in scores else figures.NONE,
                "tone": markup.tone(scores[turn.turn].score.lower) if turn.turn in scores else "unknown",
                "outcome": turn.outcome,
            }
            for turn in sorted(result.turns, key=lambda turn: turn.index)
        ],
        "passed": sum(verdict.outcome == "passed" for verdict in result.checkers),
        "checkers": len(result.checkers),
        "planned": result.planned,
        "crossed": crossed,
        "broken": broken,
        "tool_calls": sum(int(used.get("tool_calls") or 0) for used in usage),
        "seconds": sum(turn.seconds for turn in result.turns),
        "why": figures.void_reason(result) if result.void else "",
    }


def _outcome(result: EpisodeResult, success: bool | None, state: str) -> str:  # noqa: FBT001 - a tri-state of scoring
    if state:
        return state
    if result.void:
        return "void"
    if not result.checkers:
        return "not graded" if result.turns else "not run"
    return "passed" if success else "failed" if success is not None else "partial"


def troubles(run: Run) -> list[Json]:
    return [
        {
            "title": note.title,
            "tone": note.tone,
            "total": len(note.texts),
            "texts": [one_line(text)[:600] for text in note.texts[:MAX_NOTES]],
        }
        for note in notes.notes(run.results)
        if note.texts
    ]


def tokens_of(count: int) -> str:
    return figures.amount(count) if count else figures.NONE
