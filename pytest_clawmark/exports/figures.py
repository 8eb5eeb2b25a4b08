"""The figures of a run as SVG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_clawmark.atomic import replace_file
from pytest_clawmark.reports.drawing import course_chart, courses_by_name, heat_map
from pytest_clawmark.scoring import EpisodeResult, summarise
from pytest_clawmark.scoring.course import courses


def write_figures(results: Sequence[EpisodeResult], folder: Path) -> list[Path]:
    """Write `families.svg` and, where tasks have several turns, `course.svg`; returns what was written."""
    summary = summarise(results)
    by_label = {
        label.label: courses([result for result in results if result.label == label.label])
        for label in summary.labels
    }
    drawn = {
        "families.svg": heat_map(summary),
        "course.svg": course_chart(courses_by_name(summary.labels, by_label)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, svg in drawn.items():
        if svg:
            # Standing alone, a figure has nobody whose colour it could take.
            replace_file(
                folder / name, str(svg).replace("<svg ", '<svg color="#222" ', 1).encode(), sync_folder=False
            )
            written.append(folder / name)
    return written
