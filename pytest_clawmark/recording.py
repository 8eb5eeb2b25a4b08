"""Writes the run and shows its scores, in the process that the user started."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from pytest_clawmark.assembly import Place, ensure_toolbox
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.measurement import Measurement, run_record
from pytest_clawmark.reporting import RunResults
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.reports.terminal import write_scores

RUN_DIR = "clawmark_run_dir"
_RAN_TO_THE_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Recording:
    """Writes the run and shows its scores; in the process that the user started."""

    def __init__(self, config: pytest.Config, measurement: Measurement, place: Place) -> None:
        self._config, self._measurement, self._place = config, measurement, place
        self._results = RunResults(measurement.run)
        self._digests: dict[str, str] = {}
        self._created = datetime.now().astimezone().isoformat(timespec="seconds")
        config.pluginmanager.register(self._results, "clawmark-results")
        if config.pluginmanager.hasplugin("html"):
            from pytest_clawmark.reports.html import register_html

            register_html(config, lambda: self._results.results, location=str(measurement.run.path))

    def pytest_report_header(self) -> list[str]:
        """Who plays, where, and where it is recorded."""
        settings = self._measurement.settings
        who = ", ".join(self._measurement.agents)
        trials = f", {settings.trials} trials" if settings.trials > 1 else ""
        return [
            f"clawmark: {who}{trials}; {self._place.reason}",
            f"clawmark run: {self._measurement.run.path}",
        ]

    def pytest_sessionstart(self) -> None:
        """Begin the run's record, and build what all worlds need while the user can still see it."""
        self._guarded(lambda: self._measurement.run.create(self._record({})))
        self._guarded(lambda: ensure_toolbox(self._say))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the run is."""
        node.workerinput[RUN_DIR] = str(self._measurement.run.path)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Learn what is planned."""
        self._learn()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Learn it from a worker of pytest-xdist, before anything is dealt."""
        self._learn()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write `run.json` and `results.json`."""
        if not (session.shouldstop or session.shouldfail) and session.exitstatus in _RAN_TO_THE_END:
            self._results.complete()
        record = self._record(self._digests)
        self._measurement.run.update(record)
        write_results(self._measurement.run.results, results_document(record, self._results.results))

    def _learn(self) -> None:
        plan = self._measurement.run.read_plan()
        self._results.plan(plan["episodes"], plan["checkers"])
        self._digests = plan["tasks"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The scores."""
        write_scores(terminalreporter, self._results.results, location=str(self._measurement.run.path))

    def _record(self, digests: dict[str, str]) -> dict[str, Any]:
        extra = {
            "created": self._created,
            "command": ["pytest", *self._config.invocation_params.args],
            "versions": _versions(),
            "sandbox": self._place.provider.name,
        }
        return run_record(self._measurement, {**extra, "tasks": digests})

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(text)

    @staticmethod
    def _guarded(call: Callable[[], object]) -> None:
        try:
            call()
        except ClawmarkError as error:
            raise pytest.UsageError(str(error)) from None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in ("pytest-clawmark", "pytest", "pytest-xdist", "openai"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
