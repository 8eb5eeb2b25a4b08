"""`pytest-clawmark world`: any command, or a shell, in a fresh world."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clawmark_services import Account, AccountBook, ServiceSpec
from clawmark_services.faults import FaultSchedule
from clawmark_services.rest import RestApi
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.commands import frozen_world, mounts, streams
from pytest_clawmark.commands.arguments import AGENT
from pytest_clawmark.commands.frozen_world import FrozenWorld
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.faults import read_faults
from pytest_clawmark.sandboxes import choose, providers
from pytest_clawmark.sandboxes.contract import Ended
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world import tools_desk
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

TURN = "world"

_SHELL = ("sh", "-c", "command -v bash > /dev/null && exec bash; exec sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The command line, understood."""

    plan: WorldPlan
    seed: FrozenWorld | None
    freeze: Path | None
    command: Sequence[str]
    sandbox: str
    image: str | None


def run(arguments: argparse.Namespace) -> int:
    """The command's own exit status; 128 + the signal that killed it, as shells have it."""
    wish = understand(arguments)
    provider, reason = choose(wish.sandbox, trusted=False, known=providers(wish.image))
    try:
        with Premises(provider=provider, toolbox=ensure(_say)) as premises:
            world = open_world(wish.plan, premises, lambda _: None)
            try:
                return _live(world, wish, reason, isolated=provider.isolated)
            finally:
                world.close()
    except streams.Stopped as stopped:
        return 128 + stopped.number
    except KeyboardInterrupt:
        return 130


def _live(world: World, wish: Wish, reason: str, *, isolated: bool) -> int:
    begin(world, wish)
    for line in (*directory(world, reason), *_mounted(world, isolated=isolated)):
        _say(line)
    ended = streams.run_here(world.sandbox, wish.command, world.env)
    for remark in ended.remarks:
        _say(remark)
    if wish.freeze is not None:
        frozen, left_out = frozen_world.freeze(world, wish.plan.start)
        frozen_world.write(wish.freeze, frozen)
        if left_out:
            _say(f"no file can keep these, so they were left out: {', '.join(left_out[:20])}")
    return exit_status(ended)


def begin(world: World, wish: Wish) -> None:
    """Fill the world from its seed. Without another `--at` its clocks go on where they stood."""
    world.begin_turn(TURN, wish.plan.start)
    if wish.seed is None:
        return
    try:
        frozen_world.restore(world, wish.seed)
    except (ValueError, KeyError, TypeError, OSError) as wrong:
        raise SettingsError(f"the seed does not fit: {type(wrong).__name__}: {wrong}") from wrong
    if wish.plan.start == wish.seed.time:
        for name, clock in world.clocks.items():
            clock.set(wish.plan.start, TURN, wish.seed.requests.get(name, 0))


def exit_status(ended: Ended) -> int:
    """As a shell gives it."""
    return ended.exit_code if ended.exit_code >= 0 else 128 - ended.exit_code


def understand(arguments: argparse.Namespace) -> Wish:
    """What the command line asks for. Raises `SettingsError` with what may be asked for instead."""
    seed = frozen_world.read(arguments.seed) if arguments.seed else None
    services = _services(arguments.service, arguments.rest, seed)
    plan = WorldPlan(
        services=services,
        accounts=_accounts(arguments.account, seed),
        seed=0,
        start=_start(arguments.at, seed),
        material=Path.cwd(),
        mounts=tuple(mounts.parse(text) for text in arguments.mount),
        faults=_faults(arguments.faults, arguments.fault_seed, [service.name for service in services]),
    )
    return Wish(
        plan=plan,
        seed=seed,
        freeze=arguments.freeze,
        command=arguments.program or _SHELL,
        sandbox=arguments.sandbox,
        image=arguments.image,
    )


def _faults(given: str | None, seed: int, services: Sequence[str]) -> Mapping[str, FaultSchedule]:
    if given is None:
        return {}
    faults = read_faults(given, seed, Path.cwd())
    faults.refuse_unknown({*services, *pytest_clawmark_services()})
    return faults.schedules(services, TURN, 1)


def _services(
    names: Sequence[str], files: Sequence[str], seed: FrozenWorld | None
) -> tuple[ServiceSpec, ...]:
    offered: dict[str, ServiceSpec] = {name: make() for name, make in pytest_clawmark_services().items()}
    declared = dict(seed.declarations) if seed else {}
    found = {name: spec for name, spec in offered.items() if not seed or name in declared}
    for name, declaration in declared.items():
        if name not in offered:
            found[name] = _rest_api(declaration, f"the seed's service {name!r}")
        elif json.loads(json.dumps(offered[name].to_json())) != declaration:
            raise SettingsError(f"the seed's service {name!r} is declared otherwise: {declaration}")
    for file in files:
        api = _rest_api(_json(file), f"--rest {file}")
        if api.name in found:
            raise SettingsError(f"--rest {file}: there is a service {api.name!r} already")
        found[api.name] = api
    known = {**offered, **found}
    for name in names:
        if name not in known:
            raise SettingsError(f"--service {name}: no such service, use some of {', '.join(known)}")
    chosen = {name: known[name] for name in known if name in names} if names else found
    # A declared API is wanted, whatever else was chosen.
    wanted = chosen | {name: spec for name, spec in found.items() if files and isinstance(spec, RestApi)}
    return tuple(wanted.values())


def _json(file: str) -> Any:
    try:
        return json.loads(Path(file).read_bytes())
    except OSError as failure:
        raise SettingsError(f"--rest {file} cannot be read: {failure.strerror}") from failure
    except ValueError as wrong:
        raise SettingsError(f"--rest {file} is not JSON: {wrong}") from wrong


def _rest_api(declaration: Any, place: str) -> RestApi:
    if not isinstance(declaration, Mapping) or not {"name", "resources"} <= set(declaration):
        raise SettingsError(f'{place} is no business API: {{"name": ..., "resources": {{...}}}}')
    try:
        return RestApi(
            declaration["name"], resources=declaration["resources"], port=declaration.get("port", 8080)
        )
    except ValueError as wrong:
        raise SettingsError(f"{place}: {wrong}") from wrong


def _accounts(addresses: Sequence[str], seed: FrozenWorld | None) -> AccountBook:
    """The first address is the agent's, unless a seed brings an agent; names are what stands before the @."""
    for address in addresses:
        if "@" not in address.strip("@"):
            raise SettingsError(f"--account {address}: a mail address such as mia@company.example is wanted")
    given = [Account(address.partition("@")[0], address) for address in addresses]
    agent, *people = [*seed.accounts, *given] if seed else given or [Account("agent", AGENT)]
    names = [account.name for account in (agent, *people)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"--account: several people would be called {', '.join(twice)}")
    return AccountBook(agent, people)


def _start(text: str | None, seed: FrozenWorld | None) -> datetime:
    if text is None:
        return seed.time if seed else datetime.now(UTC).replace(microsecond=0)
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        raise SettingsError(f"--at {text}: a time with its zone is wanted, such as 2024-03-19T09:00+08:00")
    return start.replace(microsecond=0)


def directory(world: World, reason: str) -> list[str]:
    """Where everything is, a line each."""
    agent = world.plan.accounts.agent
    lines = [f"{world.plan.start.isoformat()}, {agent.address}; {reason}"]
    places = [(name, e.variable) for name, service in world.services.items() for e in service.endpoints]
    places.append(("tools", tools_desk.ENDPOINT.variable))
    return lines + [f"{name:<10} {world.env[variable]:<34} ${variable}" for name, variable in places]


def _mounted(world: World, *, isolated: bool) -> list[str]:
    if not isolated:
        return ["mount      nothing is hidden here: folders are at their own paths"] * bool(world.plan.mounts)
    lines = [
        f"mount      {mount.source} at {mount.target}{'' if mount.writable else ', read-only'}"
        for mount in world.plan.mounts
    ]
    return lines + mounts.complaints(world.sandbox, world.plan.mounts)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever hears nothing any more still wants the world frozen
        sys.stderr.write(f"world: {line}\n")
        sys.stderr.flush()
