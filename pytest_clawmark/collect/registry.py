"""The services that tasks may name, gathered from the plugins that offer them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

import pytest

from clawmark_services import ServiceSpec
from pytest_clawmark.task import Task, reject

# Names that mean something else on a world or a snapshot.
RESERVED = frozenset({"files", "audit", "trajectory", "asset", "silently", "time", "turn", "rest", "before"})

Services = Mapping[str, Callable[[], ServiceSpec]]
SERVICES = pytest.StashKey[Services]()


def offered_services(config: pytest.Config) -> Services:
    """Every service that a plugin offers, by name; asked for once per session."""
    if SERVICES in config.stash:
        return config.stash[SERVICES]
    offers: dict[str, Callable[[], ServiceSpec]] = {}
    for offer in reversed(config.hook.pytest_clawmark_services(config=config)):
        offers.update(offer)
    config.stash[SERVICES] = offers
    return offers


def resolve_services(task: Task, offered: Services) -> tuple[ServiceSpec, ...]:
    """The declarations of a task's services, in its order; raises `TaskError` for one that cannot be had."""
    specs: dict[str, ServiceSpec] = {}
    for entry in task.services:
        if isinstance(entry, str) and entry not in offered:
            guess = difflib.get_close_matches(entry, offered, n=1)
            hint = f"Did you mean {guess[0]!r}? " if guess else ""
            raise reject(
                task.place,
                f"unknown service {entry!r}",
                f"{hint}Use one of {', '.join(sorted(offered))}, or declare a business API with RestApi(...).",
            )
        spec = offered[entry]() if isinstance(entry, str) else entry
        if not isinstance(getattr(spec, "name", None), str):
            raise reject(
                task.place,
                f"{entry!r} is not a service",
                f"Use one of {', '.join(sorted(offered))}, or a declaration such as RestApi(...).",
            )
        if spec.name in specs or spec.name in RESERVED:
            why = "is declared twice" if spec.name in specs else "is a reserved name"
            raise reject(
                task.place, f"the service {spec.name!r} {why}", "Give each service a name of its own."
            )
        specs[spec.name] = spec
    return tuple(specs.values())
