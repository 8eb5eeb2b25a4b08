"""What a session does because of an earlier one: resume its run, or fork new episodes from it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_clawmark.collect.items import EpisodeItem
from pytest_clawmark.collect.module import task_of
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.measurement import Measurement, run_record
from pytest_clawmark.runs.claiming import Claim, end_with_parent, sweep, wait_until_unclaimed
from pytest_clawmark.runs.forking import ForkPoints
from pytest_clawmark.runs.layout import PROPOSED_FILE
from pytest_clawmark.runs.sameness import refuse_other_agents, refuse_other_sandbox


class GoingOn:
    """Makes sure that a resumed run is played by one session alone, with what it began with, and that a forked one
    plays no turn that it takes over."""

    def __init__(self, config: pytest.Config, measurement: Measurement) -> None:
        self._config, self._measurement = config, measurement
        self._claim: Claim | None = None
        self._is_worker = hasattr(config, "workerinput")
        if self._is_worker:
            end_with_parent()
        self._resuming = measurement.settings.resuming and not self._is_worker
        fork = measurement.settings.fork
        self._points = ForkPoints(fork) if fork is not None else None
        if self._resuming:
            # Workers of pytest-xdist may stand somewhere else.
            config.option.resume = str(measurement.run.path)
            now = run_record(measurement, {})
            refuse_other_agents(measurement.run.path, measurement.run.read()["agents"], now["agents"])

    def refuse_other_sandbox(self, name: str) -> None:
        """Raise `SettingsError` when a resumed run's worlds would be built somewhere else."""
        if self._resuming:
            refuse_other_sandbox(self._measurement.run.path, self._measurement.run.read()["sandbox"], name)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Any:
        """Wait for an earlier session's processes to be gone, and claim the run as soon as its folder exists."""
        if self._config.option.collectonly:
            return (yield)
        run = self._measurement.run.path
        if self._resuming:
            try:
                wait_until_unclaimed(run)
            except ClawmarkError as error:
                raise pytest.UsageError(str(error)) from None
            sweep(run)
        result = yield
        self._claim = Claim(run)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Any:
        """Leave out the turns that a fork takes over, and their checkers, before anybody counts."""
        over = {item for item in items if self._is_inherited(item)}
        if over:
            items[:] = [item for item in items if item not in over]
            config.hook.pytest_deselected(items=list(over))
        return (yield)

    def pytest_collection_finish(self) -> None:
        """Find every fork point once it is known what will be played, and look at a resumed run's plan."""
        if self._config.option.collectonly:
            return
        if self._points is not None:
            self._check_points(self._points)
        if not self._is_worker:
            self._check_plan()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Look at what a worker of pytest-xdist planned; it cannot show a usage error itself."""
        self._check_plan()

    def _check_points(self, points: ForkPoints) -> None:
        run = self._measurement.run
        fresh = [spec for spec in self._measurement.planned if run.episode(*spec.key).read() is None]
        try:
            points.check(fresh, self._measurement.tasks)
        except ClawmarkError as error:
            run.refuse_plan(str(error))

    def _check_plan(self) -> None:
        try:
            self._measurement.run.read_plan()
        except ClawmarkError as error:
            raise pytest.UsageError(str(error)) from None

    def close(self) -> None:
        """Let go of the run, once the workers have."""
        if self._claim is not None:
            if self._resuming:
                # The last worker's plan, when another's was refused before.
                (self._measurement.run.path / PROPOSED_FILE).unlink(missing_ok=True)
            self._claim.release()

    def _is_inherited(self, item: pytest.Item) -> bool:
        task = task_of(item)
        if self._points is None or task is None or not isinstance(item, EpisodeItem):
            return False
        return task.task.turns[item.turn_name].index < self._points.inherited(task)
