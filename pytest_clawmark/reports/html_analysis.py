"""What can be said of the agents beyond their scores, as tables: each a list of rows for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_clawmark.reports import figures
from pytest_clawmark.scoring import LabelAnalysis
from pytest_clawmark.scoring.course import Course
from pytest_clawmark.scoring.efficiency import TurnEffort
from pytest_clawmark.scoring.taxonomy import Failures

Named = Sequence[tuple[str, LabelAnalysis]]
Json = dict[str, Any]


def trials(named: Named) -> list[Json]:
    """A row per agent and number of trials drawn."""
    return [
        {
            "name": name,
            "k": rates.k,
            "average": figures.estimate(rates.average),
            "any": figures.percent(rates.any_passes),
            "all": figures.percent(rates.all_pass),
        }
        for name, found in named
        for rates in found.trials
    ]


def courses(named: Named) -> list[Json]:
    """A row per agent and length of tasks: the score of each turn, and how it recovers from the first change."""
    return [
        _course(name, course, most=max(map(len, (c.scores for _, f in named for c in f.courses))))
        for name, found in named
        for course in found.courses
        if course.turns > 1
    ]


def _course(name: str, course: Course, most: int) -> Json:
    return {
        "name": name,
        "turns": course.turns,
        "tasks": max((score.count for score in course.scores if score is not None), default=0),
        "scores": [figures.estimate(score) for score in course.scores] + [""] * (most - course.turns),
        "second": figures.estimate(course.second, signed=True),
        "last": figures.estimate(course.last, signed=True) if course.turns > 2 else "",
    }


def categories(named: Named) -> list[Json]:
    """A row per category of checkers, then silent beside loud changes; a cell per agent."""
    return [
        *_rows([found.categories for _, found in named], "category"),
        *(_rows([found.announced for _, found in named], "news")),
    ]


def _rows(columns: Sequence[Sequence[Failures]], kind: str) -> list[Json]:
    known = [{failures.category: failures for failures in column} for column in columns]
    names = list(dict.fromkeys(name for column in known for name in column))
    if len(names) < 2 and kind == "news":
        return []
    return [
        {"name": name, "kind": kind, "cells": [_cell(column.get(name)) for column in known]} for name in names
    ]


def _cell(found: Failures | None) -> Json:
    if found is None:
        return {"text": figures.NONE, "share": None}
    missed = found.failed + found.broken
    return {"text": figures.failed(found.rate, missed, found.measured), "share": found.rate.value}


def efforts(named: Named) -> list[Json]:
    """A row per agent and turn: what the work took, a mean over the episodes that played it."""
    return [_effort(name, effort) for name, found in named for effort in found.efforts]


def _effort(name: str, effort: TurnEffort) -> Json:
    return {
        "name": name,
        "turn": effort.index + 1,
        "episodes": effort.episodes,
        "tools": f"{effort.tool_calls:.1f}",
        "models": f"{effort.model_calls:.1f}",
        "input": figures.amount(round(effort.input_tokens)),
        "cached": figures.amount(round(effort.cached_tokens)),
        "output": figures.amount(round(effort.output_tokens)),
        "cost": figures.money(effort.cost),
        "minutes": f"{effort.minutes:.1f}",
    }
