"""Options and configuration files, made into one frozen `Settings`."""

from __future__ import annotations

import itertools
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

# What `clawmark.toml` may set beside its models: the option's name there, and the type it must have.
_FILE_KEYS: Mapping[str, type] = {
    "sandbox": str,
    "image": str,
    "episodes": int,
    "trials": int,
    "seed": int,
    "max_tool_calls": int,
    "max_tokens": int,
    "turn_minutes": float,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a user decided, by option or, failing that, by configuration file."""

    agents: tuple[str, ...]
    models: tuple[str, ...]
    sandbox: str
    image: str | None
    episodes: int
    trials: int
    seed: int
    run_dir: Path
    limits: TurnLimits

    @property
    def playing(self) -> bool:
        """Whether anybody was named to play tasks."""
        return bool(self.agents or self.models)

    @classmethod
    def read(cls, config: pytest.Config, now: Callable[[], datetime] = datetime.now) -> Settings:
        """Raises `SettingsError` naming the file and key of a value that cannot be used."""
        stored = stored_settings(config.rootpath)
        option = config.getoption

        def chosen(name: str, default: Any) -> Any:
            given = option(name)
            return stored.get(name, default) if given is None else given

        agents, models = tuple(option("agent")), tuple(option("model"))
        given_dir = option("run_dir")
        return cls(
            agents=agents,
            models=models,
            sandbox=chosen("sandbox", "auto"),
            image=chosen("image", None),
            episodes=chosen("episodes", min(8, 2 * (os.cpu_count() or 1))),
            trials=chosen("trials", 1),
            seed=chosen("seed", 0),
            run_dir=_run_dir(config, given_dir, (*models, *agents), now),
            limits=TurnLimits(
                tool_calls=chosen("max_tool_calls", TurnLimits().tool_calls),
                tokens=chosen("max_tokens", TurnLimits().tokens),
                minutes=chosen("turn_minutes", TurnLimits().minutes),
            ),
        )

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
            },
        }


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
    """The settings in the project's configuration file, checked; its models are left out."""
    file, table = configuration(root)
    stored: dict[str, Any] = {}
    for key, value in table.items():
        if key == "models":
            continue
        expected = _FILE_KEYS.get(key)
        if expected is None:
            raise SettingsError(f"{file}: unknown key {key!r}: use one of models, {', '.join(_FILE_KEYS)}")
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
