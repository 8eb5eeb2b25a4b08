"""Scores, transcripts and changed files in the report of pytest-html 4.

Everything shown of an item travels on its report as `report.clawmark` (see `payload`), so it works in one
process and under xdist alike, and in self-contained reports, because nothing is linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from pytest_clawmark.reports import figures, markup
from pytest_clawmark.reports.html_summary import scores_html
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.reports.transcript import steps
from pytest_clawmark.reports.world_changes import groups
from pytest_clawmark.scoring import EpisodeResult

# Where our columns stand in pytest-html's own: after the result and the name of the test.
_PLACE = 2
_COLUMNS = (("score", "Score"), ("turn", "Turn"), ("category", "Category"))

Results = Callable[[], Iterable[EpisodeResult]]


def register_html(config: pytest.Config, results: Results, *, location: str = "") -> HtmlReport | None:
    """Add our part to the HTML report, where one is being written by this process; else None.

    To be called in `pytest_configure`. `results` is asked once, when the session ends.
    """
    wanted = config.pluginmanager.hasplugin("html") and config.getoption("htmlpath", None)
    if not wanted or hasattr(config, "workerinput"):
        return None
    plugin = HtmlReport(results, location=location)
    config.pluginmanager.register(plugin, "clawmark-html")
    return plugin


class HtmlReport:
    """Hooks of pytest-html, for the process that writes the report."""

    def __init__(self, results: Results, *, location: str = "") -> None:
        self._results = results
        self._location = location
        self._cells: dict[str, list[str]] = {}
        self._shown: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Before pytest-html sees the report, attach the turn to it, once per item."""
        payload = getattr(report, "clawmark", None)
        if not isinstance(payload, Mapping):
            return
        self._cells[report.nodeid] = _cells(payload)
        if payload.get("kind") == "turn" and report.nodeid not in self._shown:
            self._shown.add(report.nodeid)
            extra = {
                "format_type": "html",
                "content": turn_html(payload),
                "name": None,
                "mime_type": None,
                "extension": None,
            }
            report.extras = [*getattr(report, "extras", []), extra]  # type: ignore[attr-defined] # pytest-html reads it

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Our columns."""
        cells[_PLACE:_PLACE] = [
            f'<th class="sortable" data-column-type="{name}">{title}</th>' for name, title in _COLUMNS
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Our cells; empty ones for tests that are none of ours."""
        empty = [markup.cell(name, "") for name, _ in _COLUMNS]
        cells[_PLACE:_PLACE] = self._cells.get(report.nodeid, empty)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: pytest.TestReport, data: list[str]) -> None:
        """No empty log below a transcript."""
        if report.nodeid in self._shown and data == ["No log output captured."]:
            data.clear()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """The scores, above the counts of tests."""
        prefix.append(scores_html(self._results(), location=self._location))


def turn_html(payload: Mapping[str, Any]) -> str:
    """One turn: what woke the agent, what it did, what it changed."""
    return markup.render(
        "turn.jinja2",
        wakeup=str(payload.get("wakeup") or ""),
        steps=steps(payload.get("trajectory") or ()),
        counts=_counts(payload),
        changes=[_change(change) for change in payload.get("changes") or ()],
        world=payload.get("world") or {},
        services=groups(payload.get("world") or {}),
    )


def _change(change: Any) -> dict[str, Any]:
    found = change if isinstance(change, Mapping) else {}
    kind = found.get("change")
    return {
        "path": one_line(str(found.get("path", "?"))),
        "change": kind if kind in ("added", "removed") else "modified",
        "note": one_line(str(found.get("note") or "")),
        "lines": _lines(str(found.get("diff") or "")),
    }


def _lines(diff: str) -> list[str]:
    """The lines of a difference without the two that name the file, which stands above it."""
    lines = diff.split("\n") if diff else []
    return lines[2:] if lines[:1] and lines[0].startswith("--- ") else lines


def _counts(payload: Mapping[str, Any]) -> str:
    used = payload.get("usage") or {}
    found = [figures.counted(int(used[name]), what) for name, what in _CALLS if used.get(name)]
    if used.get("input_tokens") or used.get("output_tokens"):
        tokens = [figures.amount(int(used.get(name) or 0)) for name in ("input_tokens", "output_tokens")]
        found.append(f"{tokens[0]} tokens in, {tokens[1]} out")
    if used.get("cost") is not None:
        found.append(figures.money(used["cost"]))
    if payload.get("seconds"):
        found.append(figures.duration(payload["seconds"]))
    return ", ".join(found)


_CALLS = (("model_calls", "model answer"), ("tool_calls", "tool call"))


def _cells(payload: Mapping[str, Any]) -> list[str]:
    outcome = str(payload.get("outcome", ""))
    return [
        markup.cell("score", _score(payload), css=f"cm-outcome cm-{outcome}" if outcome.isalpha() else ""),
        markup.cell("turn", str(payload.get("turn") or "")),
        markup.cell("category", str(payload.get("category") or "")),
    ]


def _score(payload: Mapping[str, Any]) -> str:
    """What an item came to: a turn's outcome, a red line held or crossed, points of a checker's weight."""
    outcome = str(payload.get("outcome", ""))
    if payload.get("kind") == "turn":
        stop = payload.get("stop_kind")
        return f"{outcome}: {stop}" if outcome == "stopped" and stop else outcome
    if outcome == "void":
        return "void"
    broken = ", broken" if outcome == "broken" else ""
    if payload.get("red_line"):
        return f"red line {'held' if outcome == 'passed' else 'crossed'}{broken}"
    return f"{payload.get('score') or 0:g} of {payload.get('weight') or 0:g}{broken}"
