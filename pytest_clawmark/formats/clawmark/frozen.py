"""Services in the state that a snapshot froze, for adapters."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from clawmark_services import Context, Ids, ServiceClock
from pytest_clawmark.formats.clawmark.adapters.desk import Desk
from pytest_clawmark.formats.clawmark.metadata import SERVICES, Metadata
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.task import LoadedTask

Contents = Callable[[str], bytes]
"""The bytes that a run keeps under a digest."""


class FrozenServices:
    """Services restored from snapshots, kept while they are asked about and nobody wrote into them.

    For one thread: checkers run one after the other.
    """

    def __init__(self, kept: int = 24) -> None:
        self._kept = kept
        self._desks: dict[tuple[str, ...], Desk] = {}

    def desks(
        self, task: LoadedTask, metadata: Metadata, manifest: Manifest, contents: Contents
    ) -> dict[str, Desk]:
        """The desks of a snapshot, by environment."""
        return {
            name: self._desk(task, SERVICES[name], manifest, contents)
            for name in metadata.environments
            if name in SERVICES
        }

    def _desk(self, task: LoadedTask, name: str, manifest: Manifest, contents: Contents) -> Desk:
        key = (task.id, manifest.time, name, manifest.services[name])
        desk = self._desks.pop(key, None)
        if desk is None or desk.touched:
            desk = _restored(task, name, manifest, contents)
        self._desks[key] = desk
        while len(self._desks) > self._kept:
            del self._desks[next(iter(self._desks))]
        return desk


def _restored(task: LoadedTask, name: str, manifest: Manifest, contents: Contents) -> Desk:
    (spec,) = (spec for spec in task.services if spec.name == name)
    context = Context(
        service=name,
        clock=ServiceClock(datetime.fromisoformat(manifest.time), manifest.turn),
        ids=Ids(0, name),
        accounts=task.task.accounts,
        audit=lambda _: None,
    )
    service = spec.open(context)
    service.restore(json.loads(contents(manifest.services[name])))
    return Desk(service=service, frozen=True)
