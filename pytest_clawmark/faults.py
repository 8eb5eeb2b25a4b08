"""Faults on purpose, as `--faults` asks for them: a rate for all, or a file that says what happens to whom."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clawmark_services.faults import KINDS, LONGEST_DELAY, FaultPlan, FaultSchedule
from pytest_clawmark.failures import SettingsError

MODEL = "model"
"""Beside the services: the model that agents ask."""

ALL_SERVICES = "services"
"""Every service that is not named itself."""

MODEL_KINDS = ("429", "500", "slow", "dropped")
# Requests are tried five times: what never passes would end every turn as void, and measure nothing.
MODEL_IN_A_ROW = 3
LONGEST_WAIT = 600

_FIELDS = ("rate", "kinds", "at", "delay", "retry_after", "in_a_row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What happens to whom: plans by the name of a service, `services` or `model`."""

    seed: int
    plans: Mapping[str, FaultPlan]

    def schedule(self, name: str, task: str, trial: int) -> FaultSchedule | None:
        """The faults of one service, or of the model, in one episode: the same whoever plays it."""
        plan = self.plans.get(name) or (self.plans.get(ALL_SERVICES) if name != MODEL else None)
        return FaultSchedule(plan, f"{self.seed}:{task}:{trial}:{name}") if plan is not None else None

    def schedules(self, names: Collection[str], task: str, trial: int) -> dict[str, FaultSchedule]:
        """The same for several services, without those that meet none."""
        found = {name: self.schedule(name, task, trial) for name in names}
        return {name: schedule for name, schedule in found.items() if schedule is not None}

    def refuse_unknown(self, services: Collection[str]) -> None:
        """Raise `SettingsError` for a name that no task's service has."""
        known = [*sorted(services), ALL_SERVICES, MODEL]
        for name in self.plans:
            if name not in known:
                raise SettingsError(
                    f"--faults: [{name}] is no service of these tasks: use some of {', '.join(known)}"
                )

    def to_json(self) -> dict[str, Any]:
        """For `run.json`."""
        return {"seed": self.seed, "plans": {name: plan.to_json() for name, plan in self.plans.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Faults:
        """The inverse of `to_json`."""
        return cls(
            seed=data["seed"],
            plans={name: FaultPlan.from_json(plan) for name, plan in data["plans"].items()},
        )


def read_faults(given: str, seed: int, folder: Path) -> Faults:
    """What `--faults` says: a number from 0 to 1, or a TOML file, by its path from `folder`.

    Raises `SettingsError` naming the file, the table and the value that cannot be used.
    """
    try:
        rate = float(given)
    except ValueError:
        return Faults(seed=seed, plans=_plans(folder / given))
    if not 0 <= rate <= 1:
        raise SettingsError(f"--faults={given}: a rate is a number from 0 to 1, such as 0.1")
    return Faults(
        seed=seed,
        plans={
            ALL_SERVICES: FaultPlan(rate=rate),
            MODEL: FaultPlan(rate=rate, kinds=MODEL_KINDS, in_a_row=MODEL_IN_A_ROW),
        },
    )


def _plans(file: Path) -> dict[str, FaultPlan]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"--faults={file}: neither a rate from 0 to 1 nor a file that can be read ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(
                f"{file}: {name} = {table!r} stands outside of a table: write it below [{ALL_SERVICES}], "
                f"[{MODEL}] or a service's name in brackets"
            )
    return {name: _plan(table, name, f"{file}: [{name}]") for name, table in tables.items()}


def _plan(table: Mapping[str, Any], name: str, place: str) -> FaultPlan:
    for key in table:
        if key not in _FIELDS:
            raise SettingsError(f"{place} {key}: unknown key: use some of {', '.join(_FIELDS)}")
    possible = MODEL_KINDS if name == MODEL else KINDS

    def value(key: str, default: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        given = table.get(key, default)
        if key in table and not fits(given):
            raise SettingsError(f"{place} {key} = {given!r} must be {wanted}")
        return given

    return FaultPlan(
        rate=float(value("rate", 0.0, lambda v: _number(v, 0, 1), "a number from 0 to 1")),
        kinds=tuple(
            value("kinds", possible, lambda v: _kinds(v, possible), f"a list of {', '.join(possible)}")
        ),
        at=tuple(sorted(set(value("at", (), _numbers, "a list of requests' numbers, from 1")))),
        delay=float(
            value("delay", 2.0, lambda v: _number(v, 0, LONGEST_DELAY), f"0 to {LONGEST_DELAY:g} seconds")
        ),
        retry_after=value(
            "retry_after", 1, lambda v: _whole(v) and 0 <= v <= LONGEST_WAIT, f"0 to {LONGEST_WAIT} seconds"
        ),
        in_a_row=value(
            "in_a_row",
            MODEL_IN_A_ROW if name == MODEL else None,
            lambda v: _whole(v) and v > 0,
            "a positive whole number",
        ),
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _kinds(value: Any, possible: Collection[str]) -> bool:
    return isinstance(value, list) and bool(value) and all(each in possible for each in value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_whole(each) and each > 0 for each in value)
