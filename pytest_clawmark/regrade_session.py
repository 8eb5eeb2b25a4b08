"""What a session sets up that grades an earlier run again: no agent is made and no sandbox is looked for."""

from __future__ import annotations

import pytest

from pytest_clawmark import regrading
from pytest_clawmark.assembly import known_secrets
from pytest_clawmark.collect import CONTESTANTS
from pytest_clawmark.gating import Gate, Gating
from pytest_clawmark.log import keep_logs
from pytest_clawmark.measurement import MEASUREMENT
from pytest_clawmark.playing import Playing
from pytest_clawmark.recording import RUN_DIR, RegradeRecording
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.reports.scrubbing import ScrubbedReports


def configure_regrading(config: pytest.Config) -> None:
    """The run and the tasks' code are enough."""
    source = regrading.open_source(config)
    settings = regrading.regrading_settings(config, source)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        settings = settings.recorded_in(worker[RUN_DIR])
    agents = regrading.recorded_agents(config, source)
    scrub = known_secrets(config)
    measurement = regrading.regrading_measurement(settings, source, agents, scrub)
    config.add_cleanup(measurement.close)
    config.stash[MEASUREMENT] = measurement
    config.stash[CONTESTANTS] = measurement.contestants
    config.pluginmanager.register(Playing(config, measurement), "clawmark-playing")
    config.pluginmanager.register(regrading.RecordedOnly(measurement), "clawmark-recorded-only")
    config.pluginmanager.register(ScrubbedReports(scrub), "clawmark-scrubbed-reports")
    if config.option.collectonly:
        return
    config.add_cleanup(keep_logs(measurement.run.log, scrub))
    if worker is None:
        recording = RegradeRecording(config, measurement, source)
        config.pluginmanager.register(recording, "clawmark-recording")
        gate = Gate.read(config)
        if gate is not None:
            gating = Gating(gate, lambda: StoredRun.read(settings.run_dir))
            config.pluginmanager.register(gating, "clawmark-gating")
