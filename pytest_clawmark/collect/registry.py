"""The services that tasks may name, gathered from the plugins that offer them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

import pytest

from clawmark_services import Context, Ids, Service, ServiceClock, ServiceSpec
from pytest_clawmark.agents.sandbox_tools import TOOL_NAMES
from pytest_clawmark.task import Task, reject

# Names that mean something else on a world or a snapshot.
RESERVED = frozenset(
    ("asset", "audit", "before", "digest", "files", "memory", "rest", "run", "service", "silently", "time")
) | {"trajectory", "turn"}

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


def refuse_unknown_tools(task: Task, services: Sequence[ServiceSpec]) -> None:
    """Raise `TaskError` for a tool that a task or a turn allows and that nothing offers."""
    limited = [(turn.place, turn.tools) for turn in task.turns.values() if turn.tools is not None]
    if not limited:
        return
    known = {*TOOL_NAMES, *(tool.name for spec in services for tool in _unused(task, spec).tools())}
    for place, tools in limited:
        for name in sorted(tools - known):
            guess = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {guess[0]!r}? " if guess else ""
            raise reject(place, f"unknown tool {name!r}", f"{hint}Use some of {', '.join(sorted(known))}.")


def _unused(task: Task, spec: ServiceSpec) -> Service:
    """A service of no world, to be asked what it offers."""
    clock = ServiceClock(next(iter(task.turns.values())).time)
    return spec.open(
        Context(
            service=spec.name,
            clock=clock,
            ids=Ids(0, spec.name),
            accounts=task.accounts,
            audit=lambda _: None,
        )
    )


def resolve_services(task: Task, offered: Services) -> tuple[ServiceSpec, ...]:
    """The declarations of a task's services, in its order; raises `TaskError` for one that cannot be had."""
    specs: dict[str, ServiceSpec] = {}
    if isinstance(task.services, str):
        raise reject(
            task.place, f"services={task.services!r} is a string", f"Write services=[{task.services!r}]."
        )
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
