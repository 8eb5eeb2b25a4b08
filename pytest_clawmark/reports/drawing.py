"""Figures as SVG: the same for the HTML report, the viewer and exported files. They need no script and no font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pytest_clawmark.reports import figures, markup
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import LabelSummary, Summary
from pytest_clawmark.scoring.course import Course
from pytest_clawmark.scoring.intervals import Estimate

HUES = (212, 28, 152, 330, 262, 48, 188, 4)
"""Of one contestant after the other; told apart by people who see red and green alike, down to about six."""

_ROW, _HEAD = 24, 30
_CELL = 92
_LETTER = 7
_LONGEST = 34


def heat_map(summary: Summary) -> Markup:
    """Families down, agents across, each cell the mean score; empty without families."""
    names = figures.names(summary.labels)
    families = sorted({family for label in summary.labels for family, _ in label.families})
    left = 12 + _LETTER * max((len(_short(family)) for family in families), default=0)
    columns = [
        (_short(names[label.label, label.agent, label.model]), dict(label.families))
        for label in summary.labels
    ]
    cell = max([_CELL, *(12 + _LETTER * len(name) for name, _ in columns)])
    rows = [
        {
            "name": _short(family),
            "y": _HEAD + number * _ROW,
            "cells": [
                _cell(known.get(family), left + place * cell, cell)
                for place, (_, known) in enumerate(columns)
            ],
        }
        for number, family in enumerate(families)
    ]
    heads = [{"name": name, "x": left + place * cell + cell / 2} for place, (name, _) in enumerate(columns)]
    return _drawn(
        "heat_map.svg.jinja2",
        width=left + cell * len(columns) + 6,
        height=_HEAD + _ROW * len(families) + 6,
        heads=heads,
        rows=rows,
        row=_ROW,
        left=left,
    )


def course_chart(courses: Mapping[str, Sequence[Course]]) -> Markup:
    """The mean score turn by turn, a line per agent, for the number of turns that most tasks have.

    Whiskers are the intervals. Empty where no task has two turns.
    """
    turns = _commonest(courses)
    if turns is None:
        return Markup("")
    width, height, left, top = 460, 220, 40, 14
    lines = []
    for number, (name, known) in enumerate(courses.items()):
        course = next((found for found in known if found.turns == turns), None)
        if course is None:
            continue
        points = [
            _point(score, left + 30 + turn * (width - left - 60) / (turns - 1), number, top, height)
            for turn, score in enumerate(course.scores)
            if score is not None
        ]
        lines.append({"name": _short(name), "hue": HUES[number % len(HUES)], "points": points})
    ticks = [
        {"x": left + 30 + turn * (width - left - 60) / (turns - 1), "text": f"turn {turn + 1}"}
        for turn in range(turns)
    ]
    grid = [{"y": top + (1 - value / 4) * height, "text": figures.share(value / 4)} for value in range(5)]
    return _drawn(
        "course.svg.jinja2",
        width=width,
        height=top + height + 34 + 18 * len(lines),
        left=left,
        bottom=top + height,
        lines=lines,
        ticks=ticks,
        grid=grid,
        turns=turns,
    )


def _commonest(courses: Mapping[str, Sequence[Course]]) -> int | None:
    counts: dict[int, int] = {}
    for known in courses.values():
        for course in known:
            if course.turns > 1:
                tasks = max((score.count for score in course.scores if score is not None), default=0)
                counts[course.turns] = counts.get(course.turns, 0) + tasks
    return max(counts, key=lambda turns: (counts[turns], -turns)) if counts else None


def _point(score: Estimate, x: float, number: int, top: float, height: float) -> dict[str, Any]:
    """Lines of several agents are set a little apart, so that whiskers do not cover each other."""

    def at(value: float) -> float:
        return round(top + (1 - value) * height, 1)

    interval = score.interval
    return {
        "x": round(x + 4 * (number % 5) - 8, 1),
        "y": at(score.value),
        "low": at(interval.low) if interval else None,
        "high": at(interval.high) if interval else None,
        "text": figures.estimate(score),
    }


def _cell(totals: Any, x: float, width: float) -> dict[str, Any]:
    score = totals.score if totals is not None else None
    return {
        "x": x,
        "width": width,
        "text": figures.share(score),
        "hue": None if score is None else round(score * 120),
        "title": figures.mean(totals) if totals is not None else figures.NONE,
    }


def _short(name: str) -> str:
    shown = one_line(name)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."


def _drawn(template: str, **values: Any) -> Markup:
    return Markup(markup.render(template, **values))  # noqa: S704 - the template escapes every value


def courses_by_name(
    labels: Sequence[LabelSummary], courses: Mapping[str, Sequence[Course]]
) -> dict[str, Sequence[Course]]:
    """Courses by the name that an agent has in the report, in the order of the report."""
    names = figures.names(labels)
    return {names[label.label, label.agent, label.model]: courses.get(label.label, ()) for label in labels}
