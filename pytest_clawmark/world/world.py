"""A world: built for one episode, changed by the task, worked in by the agent, frozen, closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from clawmark_services import AccountBook, Context, Ids, Service, ServiceClock, ServiceSpec
from clawmark_services.actor import current_actor
from clawmark_services.context import AuditSink
from clawmark_services.faults import FaultSchedule
from clawmark_services.faulty import with_faults
from clawmark_services.serving import Serving
from pytest_clawmark.failures import TaskFailure, WorldFailure
from pytest_clawmark.sandboxes.contract import Blueprint, Mount, Sandbox, Tree
from pytest_clawmark.snapshots.freezing import freeze_tree
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.private import PrivateState
from pytest_clawmark.snapshots.restoring import contents_of, restore_tree
from pytest_clawmark.snapshots.store import BlobStore, canonical_json
from pytest_clawmark.snapshots.trees import FrozenTree, TreeDetails
from pytest_clawmark.world.addresses import Placed, Reachable, hosts, place, urls
from pytest_clawmark.world.files import WorkspaceFiles
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.tools_desk import ToolsDesk

SKILLS = "skills"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """What a world is made from. `material` is the task's folder, from which files are uploaded; `mounts` are
    folders of this machine that it shows, `doors` what is served in it beside the services, `faults` what the
    agent's requests meet, by service."""

    services: tuple[ServiceSpec, ...]
    accounts: AccountBook
    seed: int
    start: datetime
    material: Path
    mounts: tuple[Mount, ...] = ()
    doors: tuple[Reachable, ...] = ()
    faults: Mapping[str, FaultSchedule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A world at one moment; services by the digest of their state, clocks by their requests so far.

    `memory` is the digest of what the task remembers, None when that is nothing; `details` complete the files.
    """

    files: tuple[Entry, ...]
    services: Mapping[str, str]
    clocks: Mapping[str, int]
    memory: str | None
    details: TreeDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """The agent's own folders."""

    home: FrozenTree
    tmp: FrozenTree


class World:
    """Everything that one episode's agent can see or touch. Make it with `open_world`."""

    def __init__(self, plan: WorldPlan, premises: Premises, audit: AuditSink) -> None:
        self.plan, self._premises = plan, premises
        self.clocks = {spec.name: ServiceClock(plan.start) for spec in plan.services}
        self._contexts = [
            Context(
                service=spec.name,
                clock=self.clocks[spec.name],
                ids=Ids(plan.seed, spec.name),
                accounts=plan.accounts,
                audit=audit,
                faults=plan.faults.get(spec.name),
            )
            for spec in plan.services
        ]
        self.services: dict[str, Service] = {
            spec.name: with_faults(spec.open(context), context)
            for spec, context in zip(plan.services, self._contexts, strict=True)
        }
        self.memory: dict[str, Any] = {}
        """What the task remembers from turn to turn."""
        self._audit, self._turn = audit, ("", plan.start)
        self._closing = ExitStack()
        self._servings: list[Serving] = []

    def build(self) -> None:
        """Build the sandbox and open the services' doors into it."""
        placed = place((*self.services.values(), ToolsDesk(self.services.values()), *self.plan.doors))
        blueprint = Blueprint(
            hosts=hosts(placed),
            listen=[p.address for p in placed],
            authority=self._premises.authority.pem,
            toolbox=self._premises.toolbox,
            limits=self._premises.limits,
            mounts=self.plan.mounts,
        )
        self.sandbox: Sandbox = self._premises.provider.open(blueprint)
        self._closing.callback(self.sandbox.close)
        self._serve(placed)
        moved = {} if self._premises.provider.isolated else self._real_addresses()
        self._urls = urls(placed, moved)
        self.files = WorkspaceFiles(self.sandbox, self.plan.material, record=self._record_files)
        self.env = self._environment(placed, self._urls)
        self._furnish()

    def begin_turn(self, name: str, time: datetime, ticks: Mapping[str, int] | None = None) -> None:
        """Set every clock to the turn's time, and to that many requests after it."""
        self._turn = (name, time)
        for service, clock in self.clocks.items():
            clock.set(time, name, (ticks or {}).get(service, 0))
        self.sandbox.set_time(time)

    def freeze(self, store: BlobStore) -> Frozen:
        """Kill what the agent left running, wait until the services have answered it, and store all."""
        self.sandbox.settle()
        for serving in self._servings:
            if not serving.drain():
                raise WorldFailure("a service did not finish what a client had begun, long after its end")
        for context in self._contexts:
            context.tell_left_out()
        workspace = freeze_tree(self.sandbox.tree("workspace"), store, limit=self._premises.limits.workspace)
        return Frozen(
            files=workspace.entries,
            services={name: store.put(canonical_json(s.freeze())) for name, s in self.services.items()},
            clocks={name: clock.ticks for name, clock in self.clocks.items()},
            memory=self._freeze_memory(store),
            details=workspace.details,
        )

    def freeze_belongings(self, store: BlobStore) -> Belongings:
        """Store the agent's own folders; call it right after `freeze`, while nothing runs."""
        # A sparse file may be larger than the file system, and no larger than any file of the world may be.
        limit = max(self._premises.limits.workspace, self._premises.limits.scratch)
        return Belongings(
            home=freeze_tree(self.sandbox.tree("home"), store, limit=limit),
            tmp=freeze_tree(self.sandbox.tree("tmp"), store, limit=limit),
        )

    def restore(self, store: BlobStore, manifest: Manifest, private: PrivateState) -> list[str]:
        """Become what was frozen, in the turn and at the moment when it was; call it on a fresh world.

        Returns what could not be restored. Raises `DamagedRun` when the store lacks something. Where worlds are
        not isolated, services have other ports by now: what the agent noted of them in its folders is out of
        date, except for the files that the services themselves had put there.
        """
        self.begin_turn(manifest.turn, datetime.fromisoformat(manifest.time), manifest.clocks)
        for name, service in self.services.items():
            service.restore(json.loads(store.checked(manifest.services[name])))
        self.memory = json.loads(store.checked(manifest.memory)) if manifest.memory is not None else {}
        trees: dict[Tree, FrozenTree | None] = {
            "workspace": FrozenTree(entries=manifest.files, details=private.workspace),
            "home": private.home,
            "tmp": private.tmp,
        }
        lost = []
        for where, tree in trees.items():
            if tree is not None:
                found = restore_tree(
                    self.sandbox.tree(where), tree, contents_of(store), self.sandbox.as_agent
                )
                lost += [f"{self.sandbox.paths[where]}/{each}" for each in found]
        if private.home is not None and not self._premises.provider.isolated:
            self._furnish()
        return lost

    def _freeze_memory(self, store: BlobStore) -> str | None:
        try:
            # As JSON gives it back, so that a task meets the same whether or not the run was resumed in between.
            self.memory = json.loads(json.dumps(self.memory))
        except (TypeError, ValueError, RecursionError) as error:
            raise TaskFailure(
                f"what the task remembers (world.memory) is no JSON: {error}. Keep only dicts with text as keys, "
                "lists, text, numbers, booleans and None in it"
            ) from error
        return store.put(canonical_json(self.memory)) if self.memory else None

    def _record_files(self, operation: str, request: dict[str, Any]) -> None:
        """A line of the audit for what the task does to the workspace, which has no clock of its own."""
        turn, time = self._turn
        self._audit(
            {
                "time": time.isoformat(),
                "turn": turn,
                "service": "files",
                "operation": operation,
                "request": request,
                "status": 200,
                "actor": "task",
                "silent": current_actor().silently,
            }
        )

    @property
    def skills(self) -> Mapping[str, str]:
        """Where the agent finds each service's SKILL.md."""
        home = self.sandbox.paths["home"]
        return {name: f"{home}/{SKILLS}/{name}/SKILL.md" for name in self.services}

    def close(self) -> None:
        """End it; harmless when it is closed already."""
        self._closing.close()

    def _serve(self, placed: tuple[Placed, ...]) -> None:
        listeners = self.sandbox.listeners
        for p in placed:
            secure = p.endpoint.scheme == "https"
            names = {name for other in placed if other.service is p.service for name in other.endpoint.hosts}
            tls = self._premises.authority.server_context(names) if secure else None
            serving = self._premises.host.serve(listeners[p.address], p.service.door(p.endpoint.key), tls)
            self._servings.append(serving)
            self._closing.callback(serving.close)

    def _real_addresses(self) -> dict[Any, tuple[str, int]]:
        return {address: socket.getsockname()[:2] for address, socket in self.sandbox.listeners.items()}

    def _environment(
        self, placed: tuple[Placed, ...], found: Mapping[tuple[str, str], str]
    ) -> dict[str, str]:
        env = {
            "CLAWMARK_WORKSPACE": self.sandbox.paths["workspace"],
            "CLAWMARK_SKILLS": f"{self.sandbox.paths['home']}/{SKILLS}",
        }
        for name, service in self.services.items():
            given = service.environment(_of(name, found))
            env.update(
                {key: value.replace("{home}", self.sandbox.paths["home"]) for key, value in given.items()}
            )
        env.update({p.endpoint.variable: found[p.service.name, p.endpoint.key] for p in placed})
        return env

    def _furnish(self) -> None:
        """Put skills and credentials where clients look for them."""
        home = WorkspaceFiles(self.sandbox, self.plan.material, self.sandbox.tree("home"))
        for name, service in self.services.items():
            home.write(f"{SKILLS}/{name}/SKILL.md", service.skill())
            for path, content in service.home_files(_of(name, self._urls)).items():
                home.write(path, content)


def _of(service: str, found: Mapping[tuple[str, str], str]) -> dict[str, str]:
    return {key: url for (name, key), url in found.items() if name == service}


def open_world(plan: WorldPlan, premises: Premises, audit: AuditSink) -> World:
    """Build a world; raises `WorldFailure` when it cannot be built, and then leaves nothing behind."""
    world = World(plan, premises, audit)
    try:
        world.build()
    except BaseException:
        world.close()
        raise
    return world
