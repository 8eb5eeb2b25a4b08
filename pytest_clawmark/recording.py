"""Writes the run and shows its scores, in the process that the user started."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from pytest_clawmark.assembly import Place, ensure_toolbox
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.grading.copies import sweep
from pytest_clawmark.measurement import Measurement, run_record
from pytest_clawmark.regrading import SOURCE, derivation
from pytest_clawmark.replaying import ReportLog, forget_unfinished
from pytest_clawmark.reporting import RunResults
from pytest_clawmark.reports.regraded import write_regraded
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.reports.terminal import write_scores
from pytest_clawmark.runs.source import SourceRun
from pytest_clawmark.scoring.regraded import Comparison, by_place, compare
from pytest_clawmark.scoring.taxonomy import Categories

RUN_DIR = "clawmark_run_dir"
_RAN_TO_THE_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Recording:
    """Writes the run and shows its scores; in the process that the user started."""

    def __init__(self, config: pytest.Config, measurement: Measurement) -> None:
        self._config, self._measurement = config, measurement
        self.results = RunResults(measurement.source, _categories(config))
        self._digests: dict[str, str] = {}
        self._created = datetime.now().astimezone().isoformat(timespec="seconds")
        config.pluginmanager.register(self.results, "clawmark-results")
        if config.pluginmanager.hasplugin("html"):
            from pytest_clawmark.reports.html import register_html

            register_html(config, lambda: self.results.results, location=str(measurement.run.path))

    def pytest_report_header(self) -> list[str]:
        """Who plays, where, and where it is recorded."""
        settings = self._measurement.settings
        who = ", ".join(self._measurement.agents)
        trials = f", {settings.trials} trials" if settings.trials > 1 else ""
        return [f"clawmark: {who}{trials}; {self.headline}", f"clawmark run: {self._measurement.run.path}"]

    @property
    def headline(self) -> str:
        """Where, or from what, in a sentence."""
        raise NotImplementedError

    @property
    def facts(self) -> Mapping[str, Any]:
        """What `run.json` says beside what every session has: `sandbox` at least."""
        raise NotImplementedError

    def pytest_sessionstart(self) -> None:
        """Begin the run's record, or go on with it."""
        self.guarded(lambda: self._measurement.run.create(self._record({})))
        forget_unfinished(self._measurement.run)
        sweep()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the run is."""
        node.workerinput[RUN_DIR] = str(self._measurement.run.path)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Learn what is planned."""
        self.guarded(self.learn)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Learn it from a worker of pytest-xdist, before anything is dealt."""
        self.guarded(self.learn)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write `run.json` and `results.json`, unless the session was refused before it measured anything."""
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        if not (session.shouldstop or session.shouldfail) and session.exitstatus in _RAN_TO_THE_END:
            self.results.complete()
        run = self._measurement.run
        record = run.update(self._record(self._digests))
        write_results(run.results, run.scrub.json(results_document(record, self.results.results)))

    def learn(self) -> None:
        """Take in the plan, once it is written."""
        plan = self._measurement.run.read_plan()
        self.results.plan(plan["episodes"], plan["checkers"])
        self._digests = plan["tasks"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The scores."""
        write_scores(terminalreporter, self.results.results, location=str(self._measurement.run.path))

    def _record(self, digests: dict[str, str]) -> dict[str, Any]:
        extra = {
            "created": self._created,
            "command": ["pytest", *self._config.invocation_params.args],
            "versions": _versions(),
            **self.facts,
        }
        return run_record(self._measurement, {**extra, "tasks": digests})

    def say(self, text: str) -> None:
        """Tell the user something before the first test runs."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(text)

    @staticmethod
    def guarded(call: Callable[[], object]) -> None:
        """Show an error of ours as a usage error."""
        try:
            call()
        except ClawmarkError as error:
            raise pytest.UsageError(str(error)) from None


class PlayRecording(Recording):
    """Of a session that plays."""

    def __init__(self, config: pytest.Config, measurement: Measurement, place: Place) -> None:
        self._place = place
        super().__init__(config, measurement)
        config.pluginmanager.register(ReportLog(config, measurement.run), "clawmark-report-log")

    @property
    def headline(self) -> str:
        """Which sandbox, and why."""
        return self._place.reason

    @property
    def facts(self) -> Mapping[str, Any]:
        """The sandbox."""
        return {"sandbox": self._place.provider.name}

    def pytest_sessionstart(self) -> None:
        """Build what all worlds need while the user can still see it."""
        super().pytest_sessionstart()
        self.guarded(lambda: ensure_toolbox(self.say))


class RegradeRecording(Recording):
    """Of a session that grades an earlier run again."""

    def __init__(self, config: pytest.Config, measurement: Measurement, source: SourceRun) -> None:
        self._source, self._comparison = source, Comparison(same=0, left_out=0, differences=())
        self._collected: Mapping[str, Any] = {}
        super().__init__(config, measurement)

    @property
    def headline(self) -> str:
        """Which run is graded."""
        return f"grading {self._source.folder.path} again"

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it is derived from, and what came out otherwise."""
        return {
            "sandbox": self._source.record["sandbox"],
            "derived_from": derivation(self._source, self._measurement.run.path),
            "regraded": self._comparison.to_json(),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist which run is graded, too."""
        super().pytest_configure_node(node)
        node.workerinput[SOURCE] = str(self._source.folder.path)

    def learn(self) -> None:
        """Learn which checkers there are today."""
        super().learn()
        self._collected = self._measurement.run.read_plan()["collected"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compare, and write."""
        before = self._source.verdicts()
        gone = [
            (key, name)
            for key, name in before
            if key[0] in self._collected and name not in self._collected[key[0]]
        ]
        self._comparison = compare(before, by_place(self.results.results), gone)
        super().pytest_sessionfinish(session)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The scores, and what changed."""
        super().pytest_terminal_summary(terminalreporter)
        write_regraded(terminalreporter, self._comparison)


def _categories(config: pytest.Config) -> Categories:
    given = config.getoption("categories")
    return Categories.read(config.invocation_params.dir / given) if given is not None else Categories({})


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in ("pytest-clawmark", "pytest", "pytest-xdist", "openai"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
