"""What one pytest session sets up: next to nothing, until somebody is named to play.

pytest loads this in every project, and most sessions meet no task; so the rest is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_clawmark import fixtures
from pytest_clawmark.collect import CONTESTANTS, FIXTURES, NEEDS_SOLUTION
from pytest_clawmark.failures import ClawmarkError
from pytest_clawmark.nobody import NobodyPlays


def configure(config: pytest.Config) -> None:
    """Register what this session needs; raises `pytest.UsageError` for what a user got wrong."""
    config.stash[CONTESTANTS] = ()
    config.stash[FIXTURES] = fixtures
    regrade = config.option.regrade is not None
    config.stash[NEEDS_SOLUTION] = "golden" in config.option.agent and not regrade
    if regrade:
        from pytest_clawmark.regrade_session import configure_regrading

        _guarded(configure_regrading, config)
        return
    if not (config.option.agent or config.option.model or config.option.resume or config.option.fork_from):
        config.pluginmanager.register(NobodyPlays(), "clawmark-nobody")
        return
    _guarded(_configure_playing, config)


def _guarded(configure_session: Callable[[pytest.Config], None], config: pytest.Config) -> None:
    try:
        configure_session(config)
    except ClawmarkError as error:
        raise pytest.UsageError(str(error)) from None


def _configure_playing(config: pytest.Config) -> None:
    from pytest_clawmark.assembly import (
        assemble_agents,
        choose_place,
        executor_starter,
        known_secrets,
        sandbox_opener,
    )
    from pytest_clawmark.gating import Gate, Gating
    from pytest_clawmark.going_on import GoingOn
    from pytest_clawmark.log import keep_logs
    from pytest_clawmark.measurement import MEASUREMENT, Measurement
    from pytest_clawmark.playing import Playing
    from pytest_clawmark.recording import RUN_DIR, PlayRecording
    from pytest_clawmark.reports.reading import StoredRun
    from pytest_clawmark.reports.scrubbing import ScrubbedReports
    from pytest_clawmark.runs.layout import RunFolder
    from pytest_clawmark.settings import Settings
    from pytest_clawmark.sharding import Sharding
    from pytest_clawmark.watching import watch

    settings = Settings.read(config)
    gate = Gate.read(config)
    sharding = Sharding.read(config)
    if sharding is not None:
        config.pluginmanager.register(sharding, "clawmark-sharding")
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        settings = settings.recorded_in(worker[RUN_DIR])
    config.stash[NEEDS_SOLUTION] = "golden" in settings.agents
    agents = assemble_agents(config, settings)
    scrub = known_secrets(config)
    run = RunFolder(settings.run_dir, resumed=settings.resuming, scrub=scrub)
    measurement = Measurement(settings, agents, run)
    going_on = GoingOn(config, measurement)
    config.add_cleanup(going_on.close)
    config.add_cleanup(keep_logs(run.log, scrub))
    config.add_cleanup(measurement.close)
    config.stash[MEASUREMENT] = measurement
    config.stash[CONTESTANTS] = measurement.contestants
    # What is registered first is called last: the plan must have been written, and not have been sent away.
    config.pluginmanager.register(going_on, "clawmark-going-on")
    config.pluginmanager.register(Playing(config, measurement), "clawmark-playing")
    # After all others whose reports it looks through: what is registered last is wrapped around them.
    config.pluginmanager.register(ScrubbedReports(scrub), "clawmark-scrubbed-reports")
    if config.option.collectonly:
        return
    if worker is None:
        for agent in agents:
            agent.check()
    place = choose_place(config, settings, agents)
    config.add_cleanup(place.provider.close)
    going_on.refuse_other_sandbox(place.provider.name)
    measurement.desk.sandbox = sandbox_opener(place.provider)
    processes = worker["workercount"] if worker is not None else 1
    measurement.start_with(executor_starter(config, settings, measurement.agents, place.provider, processes))
    if worker is None:
        config.pluginmanager.register(PlayRecording(config, measurement, place), "clawmark-recording")
        watch(config, measurement.run)
        if gate is not None:
            config.pluginmanager.register(Gating(gate, lambda: StoredRun.read(run.path)), "clawmark-gating")
