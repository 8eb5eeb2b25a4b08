"""A snapshot, as checkers read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from clawmark_services import ServiceSpec
from pytest_clawmark.snapshots.files import Files
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.records import Audit, Trajectory
from pytest_clawmark.snapshots.store import BlobStore, DamagedRun
from pytest_clawmark.task import service_called


class Snapshot:
    """The frozen world of one turn.

    `files` is the workspace, `audit` every request so far, `trajectory` the agent's steps in this turn,
    and each service stands under its own name: `email`, `calendar`, `notion`, `sheets`; business APIs
    also under `rest`, as `rest["hr"]`. Each checker gets a snapshot of its own, and everything it hands
    out is a copy.
    """

    def __init__(
        self,
        manifest: Manifest,
        store: BlobStore,
        specs: tuple[ServiceSpec, ...],
        *,
        audit: Callable[[], Audit],
        trajectory: Callable[[], Trajectory],
    ) -> None:
        self._manifest, self._store = manifest, store
        self._specs: Mapping[str, ServiceSpec] = {spec.name: spec for spec in specs}
        self._views: dict[str, Any] = {}
        self._audit, self._trajectory = audit, trajectory

    @property
    def turn(self) -> str:
        """The turn's name."""
        return self._manifest.turn

    @property
    def time(self) -> datetime:
        """The turn's in-universe time."""
        return datetime.fromisoformat(self._manifest.time)

    @property
    def digest(self) -> str:
        """Identifies the state; see `Manifest.digest`."""
        return self._manifest.digest

    @cached_property
    def files(self) -> Files:
        """The workspace."""
        return Files(self._manifest.files, self._store)

    @property
    def memory(self) -> dict[str, Any]:
        """What the task remembered (`world.memory`): a copy, new each time."""
        digest = self._manifest.memory
        remembered: dict[str, Any] = json.loads(self._store.checked(digest)) if digest is not None else {}
        return remembered

    @cached_property
    def audit(self) -> Audit:
        """Every request to every service, from the first turn to this one."""
        return self._audit()

    @cached_property
    def trajectory(self) -> Trajectory:
        """The agent's steps in this turn."""
        return self._trajectory()

    @cached_property
    def rest(self) -> RestViews:
        """The business APIs."""
        from clawmark_services.rest import RestApi

        return RestViews(self, [name for name, spec in self._specs.items() if isinstance(spec, RestApi)])

    def service(self, name: str) -> Any:
        """The view of one service's frozen state."""
        if name not in self._specs:
            raise AttributeError(
                f"the task has no service {name!r}: it has {', '.join(self._specs) or 'none'} (and every snapshot "
                "has files, audit, memory, trajectory, turn, time)"
            )
        if name not in self._views:
            if name not in self._manifest.services:
                raise DamagedRun(
                    f"the snapshot holds nothing of the service {name!r}: the task had none then"
                )
            state = json.loads(self._store.checked(self._manifest.services[name]))
            self._views[name] = self._specs[name].view(state)
        return self._views[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.service(service_called(name, self._specs) or name)


class RestViews:
    """The business APIs of a snapshot: `rest["hr"]` or `rest.hr`."""

    def __init__(self, snapshot: Snapshot, names: list[str]) -> None:
        self._snapshot, self._names = snapshot, names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(
                f"the task has no business API {name!r}: it has {', '.join(self._names) or 'none'}"
            )
        return self._snapshot.service(name)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[service_called(name, self._names) or name]
        except KeyError as error:
            raise AttributeError(str(error)) from None
