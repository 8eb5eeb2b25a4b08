"""`--regrade`: the checkers of today over the frozen worlds of an earlier run. Nobody plays anything."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.agents.contract import Agent, Office, Session
from pytest_clawmark.collect.items import EpisodeItem
from pytest_clawmark.collect.module import task_of
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.faults import Faults
from pytest_clawmark.gateway.secrets import Scrubber
from pytest_clawmark.grading.answers import Answers, NotRecorded
from pytest_clawmark.measurement import Measurement, episode_key
from pytest_clawmark.runs.episodes import EpisodeRecord, EpisodeSpec, recorded_episode
from pytest_clawmark.runs.source import SourceRun
from pytest_clawmark.settings import Settings

OPTION = "--regrade"
SOURCE = "clawmark_source_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAgent:
    """Who played, known by name alone. Implements `Agent`, and plays nothing."""

    label: str
    name: str
    model: str | None
    description: Mapping[str, Any]
    trusted: bool = True

    def check(self) -> None:
        """Nothing is needed."""

    def describe(self) -> Mapping[str, Any]:
        """As the run described it."""
        return self.description

    def open(self, office: Office) -> Session:
        """Never called: `RecordedEpisodes` plays nothing."""
        raise LookupError(
            f"{self.label} played in an earlier session, and {office.role!r} is not played again"
        )

    def close(self) -> None:
        """Nothing is open."""


class RecordedEpisodes:
    """Implements `Executor` by looking up what was played."""

    def __init__(self, source: SourceRun, agents: Mapping[str, Agent]) -> None:
        self._source, self._agents = source, agents

    def submit(self, spec: EpisodeSpec) -> Future[EpisodeRecord]:
        """See `Executor.submit`; an episode that did not end is void."""
        future: Future[EpisodeRecord] = Future()
        record = recorded_episode(self._source.folder.episode(*spec.key))
        if record is None or record.state == "running":
            agent = self._agents[spec.label]
            record = EpisodeRecord(
                spec=spec,
                agent=agent.name,
                model=agent.model,
                state="void",
                void=NotRecorded(UNFINISHED),
            )
        future.set_result(record)
        return future

    def close(self) -> None:
        """Nothing runs."""


UNFINISHED = "the run was interrupted before this episode ended; resume it, then grade it again"


class RecordedOnly:
    """Leaves out what the run did not play."""

    def __init__(self, measurement: Measurement) -> None:
        self._measurement = measurement

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the items of tasks and trials that the run has no episode of, and of turns of another run."""
        others = {item for item in items if not self._was_played(item)}
        if others:
            config.hook.pytest_deselected(items=list(others))
            items[:] = [item for item in items if item not in others]

    def _was_played(self, item: pytest.Item) -> bool:
        task, key = task_of(item), episode_key(item)
        if task is None or key is None or not isinstance(item, EpisodeItem) or item.contestant is None:
            return True
        inherited = self._measurement.inherited.get(key, frozenset())
        return self._measurement.plays(task.id, item.contestant) and item.turn_name not in inherited


def open_source(config: pytest.Config) -> SourceRun:
    """The run that `--regrade` names: a path, or the name of a folder below `runs`."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return SourceRun.open(Path(worker[SOURCE]), OPTION)
    given = config.getoption("regrade")
    for other, name in (("resume", "--resume"), ("fork_from", "--from")):
        if config.getoption(other) is not None:
            raise SettingsError(
                f"{OPTION} grades what was played, and {name} plays: give one of the two, in sessions of their own"
            )
    named = config.invocation_params.dir / given
    below = config.rootpath / "runs" / given
    return SourceRun.open(below if not named.exists() and below.exists() else named, OPTION)


def regrading_settings(config: pytest.Config, source: SourceRun) -> Settings:
    """The options of this session, with what the run decided in their place."""
    settings = Settings.read(config)
    given = config.getoption("run_dir")
    faults = source.record["settings"].get("faults")
    return dataclasses.replace(
        settings,
        faults=Faults.from_json(faults) if faults is not None else None,
        trials=source.trials,
        seed=source.record["settings"].get("seed", settings.seed),
        run_dir=settings.run_dir if given is not None else source.beside(),
    )


def recorded_agents(config: pytest.Config, source: SourceRun) -> list[RecordedAgent]:
    """Who played in the run; of them those that `--agent` and `--model` name, where they name anybody."""
    described = {agent["label"]: agent for agent in source.record["agents"]}
    played = {label: episode for (_, label, _), episode in source.episodes.items()}
    agents = [
        RecordedAgent(
            label=label,
            name=episode["agent"],
            model=episode["model"],
            description={k: v for k, v in described.get(label, {}).items() if k != "label"},
        )
        for label, episode in played.items()
    ]
    wanted = {*config.getoption("agent"), *config.getoption("model")}
    chosen = [agent for agent in agents if not wanted or wanted & {agent.label, agent.name, agent.model}]
    if not chosen:
        raise SettingsError(
            f"{OPTION}={source.folder.path}: none of {', '.join(sorted(wanted)) or 'the agents'} played in it, but "
            f"{', '.join(played) or 'nobody'}. Leave --agent and --model out to grade all of them."
        )
    order = list(described)
    return sorted(chosen, key=lambda agent: order.index(agent.label) if agent.label in order else len(order))


def regrading_measurement(
    settings: Settings, source: SourceRun, agents: Sequence[RecordedAgent], scrub: Scrubber
) -> Measurement:
    """A measurement that reads the source, writes beside it, and plays and asks nothing."""
    from pytest_clawmark.runs.layout import RunFolder

    measurement = Measurement(settings, agents, RunFolder(settings.run_dir, scrub=scrub))
    measurement.source = source.folder
    measurement.desk.answers = Answers(source.folder.path / "answers", asking=False)
    measurement.start_with(lambda _: RecordedEpisodes(source, measurement.agents))
    measurement.only = source.episodes
    for key in source.episodes:
        record = recorded_episode(source.folder.episode(*key))
        if record is None or record.state == "running":
            measurement.given_up[key] = UNFINISHED
        if record is not None and record.inherited is not None:
            measurement.inherited[key] = frozenset(turn.turn for turn in record.inherited.turns)
    return measurement


def derivation(source: SourceRun, run_dir: Path) -> dict[str, Any]:
    """What `run.json` says of where a result comes from."""
    return {
        "path": os.path.relpath(source.folder.path, run_dir),
        "created": source.record["created"],
        "tasks": dict(source.record["tasks"]) or dict(source.plan["tasks"]),
        "verdicts": source.verdicts_digest,
    }
