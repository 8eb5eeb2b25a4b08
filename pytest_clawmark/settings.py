"""Options and configuration files, made into one frozen `Settings`."""

from __future__ import annotations

import itertools
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.faults import Faults, read_faults

# What `clawmark.toml` may set beside its models: the option's name there, and the type it must have.
_FILE_KEYS: Mapping[str, type] = {
    "sandbox": str,
    "image": str,
    "rootfs": str,
    "episodes": int,
    "trials": int,
    "seed": int,
    "max_tool_calls": int,
    "max_tokens": int,
    "turn_minutes": float,
    "turn_timeout": float,
    "max_cost": float,
    "episode_tokens": int,
    "episode_cost": float,
    "episode_minutes": float,
}

# The budgets that are recorded only where one is set: the option's name, and the field of `TurnLimits`.
_BUDGETS = {
    "max_cost": "cost",
    "episode_tokens": "episode_tokens",
    "episode_cost": "episode_cost",
    "episode_minutes": "episode_minutes",
}

TASKS_OWN = "task"
"""The turn timeout that lets each task decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Where new episodes begin: in the run at `source`, after the turn `at` (its name, or its number from 1).

    `label` names whose episodes they go on from, None for the same contestant's or the only one's.
    """

    source: Path
    label: str | None
    at: str

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {"source": str(self.source), "label": self.label, "at": self.at}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fork:
        """The inverse of `to_json`."""
        return cls(**{**data, "source": Path(data["source"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a user decided, by option or, failing that, by configuration file.

    With `resuming`, what no option says is as it was recorded in `run_dir`, and nothing else may be said. With
    `tasks_minutes`, a turn takes as long as its task allows, where that says anything.
    """

    agents: tuple[str, ...]
    models: tuple[str, ...]
    sandbox: str
    image: str | None
    episodes: int
    trials: int
    seed: int
    run_dir: Path
    limits: TurnLimits
    tasks_minutes: bool = False
    resuming: bool = False
    fork: Fork | None = None
    rootfs: str | None = None
    faults: Faults | None = None

    @property
    def playing(self) -> bool:
        """Whether anybody was named to play tasks."""
        return bool(self.agents or self.models)

    @classmethod
    def read(cls, config: pytest.Config, now: Callable[[], datetime] = datetime.now) -> Settings:
        """Raises `SettingsError` naming the file and key of a value that cannot be used."""
        if config.getoption("resume") is not None:
            return _resumed(config)
        fork = _fork(config)
        stored = stored_settings(config.rootpath)
        if fork is not None:
            # Identifiers go on where they were, so they must come from the same seed.
            stored = {**stored, "seed": recorded_run(fork.source, "--from")["settings"]["seed"]}
            if config.getoption("seed") not in (None, stored["seed"]):
                raise SettingsError(
                    f"--seed={config.getoption('seed')}: the run of --from has the seed {stored['seed']}, which a "
                    "fork goes on with. Leave the option out."
                )
        return replace(_read(config, stored, now), fork=fork)

    def recorded_in(self, run_dir: str) -> Settings:
        """The same, with the run directory that the controller of this session chose."""
        return replace(self, run_dir=Path(run_dir))

    def to_json(self) -> dict[str, Any]:
        """For `run.json`: what was decided, without where it is written."""
        return {
            "agents": list(self.agents),
            "models": list(self.models),
            "sandbox": self.sandbox,
            "image": self.image,
            "episodes": self.episodes,
            "trials": self.trials,
            "seed": self.seed,
            "limits": {
                "tool_calls": self.limits.tool_calls,
                "tokens": self.limits.tokens,
                "minutes": self.limits.minutes,
                **_budgets(self.limits),
                **({"tasks_minutes": True} if self.tasks_minutes else {}),
            },
            **({"fork": self.fork.to_json()} if self.fork else {}),
            **({"rootfs": self.rootfs} if self.rootfs else {}),
            **({"faults": self.faults.to_json()} if self.faults else {}),
        }


def _read(config: pytest.Config, stored: Mapping[str, Any], now: Callable[[], datetime]) -> Settings:
    option = config.getoption

    def chosen(name: str, default: Any) -> Any:
        given = option(name)
        return stored.get(name, default) if given is None else given

    agents, models = tuple(option("agent")), tuple(option("model"))
    timeout = chosen("turn_timeout", stored.get("turn_minutes", TurnLimits().minutes))
    return Settings(
        agents=agents,
        models=models,
        sandbox=chosen("sandbox", "auto"),
        image=chosen("image", None),
        episodes=chosen("episodes", min(8, 2 * (os.cpu_count() or 1))),
        trials=chosen("trials", 1),
        seed=chosen("seed", 0),
        run_dir=_run_dir(config, option("run_dir"), (*models, *agents), now),
        limits=TurnLimits(
            tool_calls=chosen("max_tool_calls", TurnLimits().tool_calls),
            tokens=chosen("max_tokens", TurnLimits().tokens),
            minutes=TurnLimits().minutes if timeout == TASKS_OWN else timeout,
            **{field: chosen(name, None) for name, field in _BUDGETS.items()},
        ),
        tasks_minutes=timeout == TASKS_OWN,
        rootfs=chosen("rootfs", None),
        faults=_faults(config, stored.get("faults")),
    )


def _faults(config: pytest.Config, recorded: Faults | None) -> Faults | None:
    given, seed = config.getoption("faults"), config.getoption("fault_seed")
    if given is not None:
        known = recorded.seed if recorded is not None else 0
        return read_faults(given, known if seed is None else seed, config.invocation_params.dir)
    if seed is None:
        return recorded
    if recorded is None:
        raise SettingsError(
            f"--fault-seed={seed} needs --faults=FILE|RATE, which says what happens how often."
        )
    return replace(recorded, seed=seed)


def _budgets(limits: TurnLimits) -> dict[str, float]:
    return {field: value for field in _BUDGETS.values() if (value := getattr(limits, field)) is not None}


def _fork(config: pytest.Config) -> Fork | None:
    source, at = config.getoption("fork_from"), config.getoption("fork_at")
    if source is None and at is None:
        return None
    if source is None or at is None:
        missing, given = ("--at=TURN", f"--from={source}") if at is None else ("--from=RUN", f"--at={at}")
        raise SettingsError(f"{given} needs {missing}: a fork goes on from a turn of an earlier run.")
    if not (config.getoption("agent") or config.getoption("model")):
        raise SettingsError(f"--from={source} needs somebody who goes on: name --agent or --model.")
    path, _, label = source.partition("::")
    return Fork(source=(config.invocation_params.dir / path).absolute(), label=label or None, at=at)


def _resumed(config: pytest.Config) -> Settings:
    given, option = config.getoption("resume"), config.getoption
    for name in ("run_dir", "fork_from", "fork_at"):
        if option(name) is not None:
            shown = {"run_dir": "--run-dir", "fork_from": "--from", "fork_at": "--at"}[name]
            raise SettingsError(f"{shown} cannot be given with --resume: the run goes on as and where it is.")
    run_dir = (config.invocation_params.dir / given).absolute()
    recorded = recorded_run(run_dir, "--resume")["settings"]
    limits, named = recorded["limits"], bool(option("agent") or option("model"))
    before = Settings(
        agents=tuple(recorded["agents"]),
        models=tuple(recorded["models"]),
        sandbox=recorded["sandbox"],
        image=recorded["image"],
        episodes=recorded["episodes"],
        trials=recorded["trials"],
        seed=recorded["seed"],
        run_dir=run_dir,
        limits=TurnLimits(
            tool_calls=limits["tool_calls"],
            tokens=limits["tokens"],
            minutes=limits["minutes"],
            **{field: limits.get(field) for field in _BUDGETS.values()},
        ),
        tasks_minutes=limits.get("tasks_minutes", False),
        resuming=True,
        fork=Fork.from_json(recorded["fork"]) if "fork" in recorded else None,
        rootfs=recorded.get("rootfs"),
        faults=Faults.from_json(recorded["faults"]) if "faults" in recorded else None,
    )
    stored = {
        "sandbox": before.sandbox,
        "image": before.image,
        "rootfs": before.rootfs,
        "episodes": before.episodes,
        "trials": before.trials,
        "seed": before.seed,
        "faults": before.faults,
        "max_tool_calls": before.limits.tool_calls,
        "max_tokens": before.limits.tokens,
        "turn_timeout": TASKS_OWN if before.tasks_minutes else before.limits.minutes,
        **{name: getattr(before.limits, field) for name, field in _BUDGETS.items()},
    }
    now = _read(config, stored, datetime.now)
    now = replace(now, run_dir=run_dir, resuming=True, fork=before.fork)
    if not named:
        now = replace(now, agents=before.agents, models=before.models)
    _refuse_other(before, now, given)
    return now


def _refuse_other(before: Settings, now: Settings, run: str) -> None:
    """How many worlds are alive at once changes nothing that is measured; everything else may."""
    recorded, given = _flat(replace(before, episodes=now.episodes)), _flat(now)
    differences = [
        f"{name} is {given.get(name)!r} and was {recorded.get(name)!r}"
        for name in sorted({*recorded, *given})
        if recorded.get(name) != given.get(name)
    ]
    if differences:
        raise SettingsError(
            f"--resume={run}: a run goes on with the settings it began with, and these differ:\n"
            + "\n".join(f"    {each}" for each in differences)
            + "\nLeave the options out, or start a new run."
        )


def _flat(settings: Settings) -> dict[str, Any]:
    values = settings.to_json()
    return {**values.pop("limits"), **values}


def recorded_run(path: Path, option: str) -> Mapping[str, Any]:
    """The `run.json` of an earlier run; raises `SettingsError` naming the option when there is none."""
    try:
        record: Mapping[str, Any] = json.loads((path / "run.json").read_bytes())
        _ = record["settings"]["seed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no record of a run"
        raise SettingsError(
            f"{option}={path}: there is no run here: {path / 'run.json'} cannot be read ({why}). Name the folder "
            "of a run, such as runs/2026-11-20-093000-golden."
        ) from None
    return record


def configuration(root: Path) -> tuple[Path, Mapping[str, Any]]:
    """The file that configures the project at `root`, and its contents.

    `clawmark.toml` wins over `[tool.clawmark]` in `pyproject.toml`; where there is neither, the file that
    could be written is named, with nothing in it.
    """
    own, project = root / "clawmark.toml", root / "pyproject.toml"
    if own.is_file():
        return own, _load(own)
    if project.is_file():
        table = _load(project).get("tool", {}).get("clawmark")
        if table is not None:
            return project, table
    return own, {}


def stored_settings(root: Path) -> Mapping[str, Any]:
    """The settings in the project's configuration file, checked; its agents and models are left out."""
    file, table = configuration(root)
    stored: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("agents", "models"):
            continue
        expected = _FILE_KEYS.get(key)
        if expected is None:
            raise SettingsError(
                f"{file}: unknown key {key!r}: use one of agents, models, {', '.join(_FILE_KEYS)}"
            )
        if key == "turn_timeout" and value == TASKS_OWN:
            stored[key] = value
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float) if expected is float else expected):
            raise SettingsError(f"{file}: {key} = {value!r} must be of type {expected.__name__}")
        if isinstance(value, (int, float)) and key != "seed" and value <= 0:
            raise SettingsError(f"{file}: {key} = {value!r} must be positive")
        stored[key] = value
    return stored


def _load(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error


def _run_dir(
    config: pytest.Config, given: str | None, names: tuple[str, ...], now: Callable[[], datetime]
) -> Path:
    if given is not None:
        return (config.invocation_params.dir / given).absolute()
    label = "-".join(dict.fromkeys(names)) or "nobody"
    stamp = now().strftime("%Y-%m-%d-%H%M%S")
    first = config.rootpath / "runs" / f"{stamp}-{label[:60].replace('/', '-')}"
    others = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([first], others) if not path.exists())
