"""Begins episodes and puts verdicts on reports, in every process that runs items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.collect.finding import formats_of
from pytest_clawmark.collect.items import CheckerItem, EpisodeItem
from pytest_clawmark.collect.module import task_of
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.measurement import Measurement, task_digests
from pytest_clawmark.replaying import Replaying
from pytest_clawmark.reporting import ItemReports, malformed_episodes, planned_episode, selected_checkers
from pytest_clawmark.reports.sending import SendableReports
from pytest_clawmark.runs.code import service_digests
from pytest_clawmark.scoring import EpisodeResult
from pytest_clawmark.verifying import Verifying


class Playing:
    """Begins episodes, and puts verdicts on reports; in every process that runs items."""

    def __init__(self, config: pytest.Config, measurement: Measurement) -> None:
        self._config, self._measurement = config, measurement
        self._reports = ItemReports(measurement, detailed=bool(config.getoption("htmlpath", None)))
        self._malformed: list[EpisodeResult] = []
        config.pluginmanager.register(self._reports, "clawmark-item-reports")
        config.pluginmanager.register(Replaying(config, measurement, self._reports), "clawmark-replaying")
        times = config.getoption("verify")
        if times is not None:
            verifying = Verifying(config, measurement, self._reports, times)
            config.pluginmanager.register(verifying, "clawmark-verifying")
        if self._is_worker:
            config.pluginmanager.register(SendableReports(), "clawmark-sendable-reports")
        # One malformed task must not keep the others from being measured; it still fails the session.
        config.option.continue_on_collection_errors = True

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A malformed task stays in the denominator: it was planned, and cannot be measured."""
        path = self._config.rootpath / report.nodeid
        if report.failed and formats_of(self._config).claim(path) is not None:
            self._malformed += malformed_episodes(self._measurement, path, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Episode by episode, each in the order of its days."""
        self._measurement.count(items)
        first: dict[str, int] = {}
        for position, item in enumerate(items):
            first.setdefault(_file(item), position)
        items.sort(key=lambda item: (first[_file(item)], *_within(item, self._measurement)))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Work out what will be played."""
        self._measurement.plan(session.items)
        self._reports.expect(session.items)
        self._refuse_unknown_faults()
        if not self._config.option.collectonly:
            # Every worker of pytest-xdist collects everything and writes the same.
            self._measurement.run.write_plan(self._plan(session.items))

    def _refuse_unknown_faults(self) -> None:
        faults, tasks = self._measurement.settings.faults, self._measurement.tasks.values()
        if faults is None or self._is_worker:
            return
        named = {service.name for task in tasks for service in task.services}
        try:
            faults.refuse_unknown({*named, *pytest_clawmark_services()})
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Let episodes run ahead of their items, in the items' order."""
        if not self._is_worker and not self._config.option.collectonly:
            self._measurement.begin(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """A worker begins only what was dealt to it."""
        if self._is_worker:
            ahead = [nextitem] if nextitem is not None else []
            self._measurement.begin([item, *ahead, *dealt_items(self._config, item.session)])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Deal whole episodes, unless every worker is to run everything."""
        if config.getvalue("dist") == "each":
            return None
        from pytest_clawmark.dealing import EpisodeScheduling

        return EpisodeScheduling(config, log, [c.bracket for c in self._measurement.contestants])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End every world, however the session ended."""
        self._measurement.close()

    def _plan(self, items: Sequence[pytest.Item]) -> dict[str, Any]:
        """What this session set out to measure, as JSON: episodes, checkers, and the tasks' digests."""
        measurement = self._measurement
        known = [planned_episode(measurement, measurement.tasks[s.task], s.key) for s in measurement.planned]
        return {
            "schema": 1,
            "episodes": [result.to_json() for result in known + self._malformed],
            "checkers": selected_checkers(items),
            "tasks": task_digests(measurement),
            "services": service_digests(measurement.tasks.values()),
            "collected": self._collected(),
        }

    def _collected(self) -> dict[str, list[str]]:
        """Every checker of each task that was collected whole, by the task's id."""
        if any("::" in argument for argument in self._config.args):
            return {}
        found: dict[str, set[str]] = {}
        for (task, _, _), checkers in self._measurement.collected.items():
            found.setdefault(task, set()).update(checkers)
        return {task: sorted(checkers) for task, checkers in sorted(found.items())}


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0] if task_of(item) is not None else item.nodeid


def _within(item: pytest.Item, measurement: Measurement) -> tuple[int, int, int]:
    """Where an item stands within its file: contestant, turn, and the turn itself before its checkers."""
    task, contestants = task_of(item), measurement.contestants
    if task is None or not isinstance(item, EpisodeItem) or item.contestant is None:
        return (0, 0, 0)
    turn = task.task.turns[item.turn_name].index
    return (contestants.index(item.contestant), turn, 1 if isinstance(item, CheckerItem) else 0)


def dealt_items(config: pytest.Config, session: pytest.Session) -> list[pytest.Item]:
    """The items that wait in this worker's queue, in order.

    pytest-xdist keeps them in a queue that is made to be looked at while its lock is held, on the plugin
    that runs a worker.
    """
    for plugin in config.pluginmanager.get_plugins():
        queue = getattr(plugin, "torun", None)
        if queue is not None:
            with queue.lock() as waiting:
                return [session.items[index] for index in waiting if isinstance(index, int)]
    return []
