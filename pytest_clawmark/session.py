"""What one pytest session sets up for a measurement, in the process that runs items and in the controller."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from pytest_clawmark import fixtures
from pytest_clawmark.assembly import Place, assemble_agents, choose_place, ensure_toolbox, executor_starter
from pytest_clawmark.collect.claiming import CONTESTANTS
from pytest_clawmark.collect.items import CheckerItem, EpisodeItem
from pytest_clawmark.collect.module import NEEDS_SOLUTION, SERVICES, task_of
from pytest_clawmark.collect.registry import offered_services
from pytest_clawmark.collect.source import TASK_FILE, claim
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.measurement import MEASUREMENT, Measurement, run_record, task_digests
from pytest_clawmark.reporting import (
    ItemReports,
    RunResults,
    malformed_episodes,
    planned_episode,
    selected_checkers,
)
from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.reports.sending import SendableReports
from pytest_clawmark.reports.terminal import write_scores
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.scoring import EpisodeResult
from pytest_clawmark.settings import Settings

RUN_DIR = "clawmark_run_dir"
_RAN_TO_THE_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def configure(config: pytest.Config) -> None:
    """Register what this session needs; raises `pytest.UsageError` for what a user got wrong."""
    try:
        _configure(config)
    except ClawmarkError as error:
        raise pytest.UsageError(str(error)) from None


def _configure(config: pytest.Config) -> None:
    config.pluginmanager.register(fixtures, "clawmark-fixtures")
    config.stash[SERVICES] = offered_services(config)
    config.stash[CONTESTANTS] = ()
    config.stash[NEEDS_SOLUTION] = "golden" in config.option.agent
    settings = Settings.read(config)
    if not settings.playing:
        config.pluginmanager.register(NobodyPlays(), "clawmark-nobody")
        return
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        settings = settings.recorded_in(worker[RUN_DIR])
    agents = assemble_agents(config, settings)
    measurement = Measurement(settings, agents, RunFolder(settings.run_dir))
    config.add_cleanup(measurement.close)
    config.stash[MEASUREMENT] = measurement
    config.stash[CONTESTANTS] = measurement.contestants
    playing = Playing(config, measurement)
    config.pluginmanager.register(playing, "clawmark-playing")
    if config.option.collectonly:
        return
    if worker is None:
        for agent in agents:
            agent.check()
    place = choose_place(config, settings, agents)
    config.add_cleanup(place.provider.close)
    processes = worker["workercount"] if worker is not None else 1
    measurement.start_with(executor_starter(config, settings, measurement.agents, place.provider, processes))
    if worker is None:
        config.pluginmanager.register(Recording(config, playing, measurement, place), "clawmark-recording")


class NobodyPlays:
    """Tasks were found and nobody was named to play them: say so, and run nothing."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Before the first item runs; under pytest-xdist the controller finds out instead."""
        if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
            self._refuse([item.nodeid for item in session.items if task_of(item) is not None])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Before the first item is dealt."""
        root = node.config.rootpath
        files = {nodeid.partition("::")[0] for nodeid in ids}
        tasks = [file for file in sorted(files) if file.endswith(TASK_FILE) and claim(root / file)]
        self._refuse(tasks)

    @staticmethod
    def _refuse(found: Sequence[str]) -> None:
        if found:
            raise pytest.UsageError(
                f"{found[0].partition('::')[0]} is a task, and nobody is named to play it: give --model=NAME "
                "(a model of clawmark.toml) or --agent=NAME (golden plays the task's own solution, idle nothing)"
            )


class Playing:
    """Begins episodes, and puts verdicts on reports; in every process that runs items."""

    def __init__(self, config: pytest.Config, measurement: Measurement) -> None:
        self._config, self._measurement = config, measurement
        self._reports = ItemReports(measurement, detailed=bool(config.getoption("htmlpath", None)))
        self._malformed: list[EpisodeResult] = []
        config.pluginmanager.register(self._reports, "clawmark-item-reports")
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
        if report.failed and path.name == TASK_FILE and claim(path) is not None:
            self._malformed += malformed_episodes(self._measurement, path, self._config.rootpath, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Episode by episode, each in the order of its days."""
        first: dict[str, int] = {}
        for position, item in enumerate(items):
            first.setdefault(_file(item), position)
        items.sort(key=lambda item: (first[_file(item)], *_within(item, self._measurement)))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Work out what will be played."""
        self._measurement.plan(session.items)
        self._reports.expect(session.items)
        if not self._config.option.collectonly:
            # Every worker of pytest-xdist collects everything and writes the same.
            self._measurement.run.write_plan(self._plan(session.items))

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
        }


class Recording:
    """Writes the run and shows its scores; in the process that the user started."""

    def __init__(
        self, config: pytest.Config, playing: Playing, measurement: Measurement, place: Place
    ) -> None:
        self._config, self._playing = config, playing
        self._measurement, self._place = measurement, place
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


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0] if task_of(item) is not None else item.nodeid


def _within(item: pytest.Item, measurement: Measurement) -> tuple[int, int, int]:
    """Where an item stands within its file: contestant, turn, and the turn itself before its checkers."""
    task, contestants = task_of(item), measurement.contestants
    if task is None or not isinstance(item, EpisodeItem) or item.contestant is None:
        return (0, 0, 0)
    turn = task.task.turns[item.turn_name].index
    return (contestants.index(item.contestant), turn, 1 if isinstance(item, CheckerItem) else 0)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in ("pytest-clawmark", "pytest", "pytest-xdist", "openai"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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
