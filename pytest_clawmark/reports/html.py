"""Scores and turns in the report of pytest-html 4.

Everything shown of an item travels on its report as `report.clawmark` (see `payload`), so it works in one
process and under xdist alike, and in self-contained reports, because nothing is linked.

pytest-html draws every row of its table anew whenever one is opened, so thousands of rows would take it many
seconds. The page therefore has one row per turn, with that turn's checkers inside; what rows open to stands
compressed beside the table, and the page's script unpacks it when it comes into sight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from pytest_clawmark.reports import markup
from pytest_clawmark.reports.html_rows import COLUMNS, Rows, cells_of
from pytest_clawmark.reports.html_summary import scores_html
from pytest_clawmark.scoring import EpisodeResult

# Where our columns stand in pytest-html's own: after the result and the name of the test.
_PLACE = 2

Results = Callable[[], Iterable[EpisodeResult]]


def register_html(config: pytest.Config, results: Results, *, location: str = "") -> HtmlReport | None:
    """Add our part to the HTML report, where one is being written by this process; else None.

    To be called in `pytest_configure`. `results` is asked once, when the session ends.
    """
    wanted = config.pluginmanager.hasplugin("html") and config.getoption("htmlpath", None)
    if not wanted or hasattr(config, "workerinput"):
        return None
    plugin = HtmlReport(
        results,
        location=location,
        alone=bool(config.getoption("self_contained_html", default=False)),
        settings=dict(
            setting
            for name, (usual, setting) in _SETTINGS.items()
            if str(config.getini(name)).lower() == usual
        ),
    )
    config.pluginmanager.register(plugin, "clawmark-html")
    return plugin


# Settings of pytest-html: what they are where the user chose nothing, and what is better for turns then: all rows
# closed, and in their order.
_SETTINGS = {
    "render_collapsed": ("passed", ("renderCollapsed", ["all"])),
    "initial_sort": ("result", ("initialSort", "original")),
}


class HtmlReport:
    """Hooks of pytest-html, for the process that writes the report.

    `alone` says that the page needs no other file; `settings` go into its data.
    """

    def __init__(
        self,
        results: Results,
        *,
        location: str = "",
        alone: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._results, self._location = results, location
        self._alone, self._settings = alone, settings or {}
        self._rows = Rows(lambda: sum(1 for _ in results()))
        self._page: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a report carries, before pytest-html sees it."""
        if isinstance(getattr(report, "clawmark", None), Mapping):
            self._rows.take(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Meet the report's data, which pytest-html shows nowhere else."""
        self._page = report
        for name, value in self._settings.items():
            report.set_data(name, value)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Our columns."""
        cells[_PLACE:_PLACE] = [
            f'<th class="sortable" data-column-type="{name}">{title}</th>' for name, title in COLUMNS
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Our cells; empty ones for tests that are none of ours."""
        payload = getattr(report, "clawmark", None)
        cells[_PLACE:_PLACE] = cells_of(payload if isinstance(payload, Mapping) else {})

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str], postfix: list[str]) -> None:
        """The scores above the counts of tests, and below them what the rows open to."""
        results = list(self._results())
        index = self._rows.settle(results, self._page.data["tests"] if self._page is not None else {})
        prefix.append(scores_html(results, location=self._location, index=index))
        postfix.append(
            markup.render(
                "table.jinja2",
                index=markup.data(index),
                parts=self._rows.parts,
                script=markup.source("report.js"),
                alone=self._alone,
            )
        )
