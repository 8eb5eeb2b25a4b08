"""Keeps what was reported of checkers, and reports it again in a session that resumes their run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_clawmark.collect.items import CheckerItem
from pytest_clawmark.measurement import Measurement, episode_key
from pytest_clawmark.reporting import ItemReports, Key
from pytest_clawmark.runs import verdicts
from pytest_clawmark.runs.episodes import recorded_episode
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder
from pytest_clawmark.scoring import Verdict

REPLAYED = "clawmark_replayed"


def forget_unfinished(run: RunFolder) -> None:
    """Remove what was reported of episodes that have not ended: they go on, or are tried again."""
    for path in run.path.glob(f"episodes/**/{verdicts.FILE}"):
        folder = EpisodeFolder(path.parent)
        record = recorded_episode(folder)
        if record is None or record.state != "ended":
            verdicts.forget(folder)


class ReportLog:
    """Writes every checker's reports into its episode's folder; where reports arrive, and nowhere else."""

    def __init__(self, config: pytest.Config, run: RunFolder) -> None:
        self._config, self._run = config, run
        self._told: dict[str, list[pytest.TestReport]] = defaultdict(list)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather a checker's reports, and write them when its last has come."""
        if not hasattr(report, "clawmark_checker") or hasattr(report, REPLAYED):
            return
        self._told[report.nodeid].append(report)
        if report.when not in ("setup", "call"):
            self._write(self._told.pop(report.nodeid))

    def _write(self, reports: list[pytest.TestReport]) -> None:
        payloads = [report.clawmark for report in reports if hasattr(report, "clawmark")]
        if payloads:
            last = payloads[-1]
            settled = verdicts.Settled(
                verdict=Verdict.from_json(last["verdict"]),
                reports=[self._serialised(report) for report in reports],
            )
            verdicts.append(self._run.episode(last["task"], last["label"], last["trial"]), settled)

    def _serialised(self, report: pytest.TestReport) -> dict[str, Any]:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        # pytest-xdist hangs the worker on the report, which is of this session alone.
        return {
            name: value for name, value in data.items() if name not in ("node", "worker_id", "testrun_uid")
        }


class Replaying:
    """Reports the verdicts of ended episodes again instead of running their checkers; where items run."""

    def __init__(self, config: pytest.Config, measurement: Measurement, reports: ItemReports) -> None:
        self._config, self._measurement, self._reports = config, measurement, reports
        self._known: dict[Key, Mapping[str, verdicts.Settled]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Before anything is played, look up which episodes have ended; a fresh run has none."""
        for spec in self._measurement.planned:
            folder = self._measurement.run.episode(*spec.key)
            record = recorded_episode(folder)
            if record is not None and record.state == "ended":
                self._known[spec.key] = verdicts.read(folder)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """In the place of pytest's own. What was void is tried again."""
        key = episode_key(item)
        if key is None or not isinstance(item, CheckerItem) or self._reports.silent:
            return None
        settled = self._known.get(key, {}).get(item.checker_id)
        if settled is None or settled.verdict.outcome == "void":
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for data in settled.reports:
            report = self._report(item, data)
            self._reports.replay(item, key, settled.verdict, report)
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        # The item was never set up, and whatever was set up for the one before may be in the way of the next.
        item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - there is no public way
        return True

    def _report(self, item: pytest.Item, data: Mapping[str, Any]) -> pytest.TestReport:
        """The recorded report, as of today's item: the run may have been moved."""
        place = {"nodeid": item.nodeid, "location": item.location, REPLAYED: True}
        report = self._config.hook.pytest_report_from_serializable(
            config=self._config, data={**data, **place}
        )
        assert isinstance(report, pytest.TestReport)
        return report
