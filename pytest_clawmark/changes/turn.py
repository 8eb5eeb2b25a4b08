"""The changes of one turn, from its snapshots, its audit and the agent's steps."""

from __future__ import annotations

import json
import logging
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clawmark_services import Change, ServiceSpec, TellsChanges
from clawmark_services.change import ANYTHING
from pytest_clawmark.changes.attribution import Requests
from pytest_clawmark.changes.files import file_changes
from pytest_clawmark.changes.told import FILES, Changes, Phase, WorldChange
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.store import BlobStore

log = logging.getLogger(__name__)

_READING = ("read_file", "view_image")
_WRITING = ("write_file", "edit_file")
_DEEPEST = 40

Lines = Callable[[], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """What is on record of a turn: the end of the turn before (None for the first), the wake-up, the end.

    `audit` and `trajectory` give the turn's lines; they are read only where something changed.
    """

    before: Manifest | None
    wake: Manifest
    after: Manifest
    audit: Lines
    trajectory: Lines


def turn_changes(record: TurnRecord, specs: Iterable[ServiceSpec], store: BlobStore) -> Changes:
    """Everything that differs, the task's phase first; services in the task's order, then the workspace."""
    comparison = _Comparison(record, tuple(specs), store)
    return Changes(
        (
            *comparison.phase("task", record.before, record.wake),
            *comparison.phase("agent", record.wake, record.after),
        )
    )


class _Comparison:
    """States are read once, though the wake-up's is compared twice; unchanged ones are not read at all."""

    def __init__(self, record: TurnRecord, specs: tuple[ServiceSpec, ...], store: BlobStore) -> None:
        self._record, self._specs, self._store = record, specs, store
        self._states: dict[str, Any] = {}
        self._audit: Sequence[Mapping[str, Any]] | None = None

    def phase(self, phase: Phase, before: Manifest | None, after: Manifest) -> Iterator[WorldChange]:
        found = [
            (spec.name, change)
            for spec in self._specs
            if spec.name in after.services
            for change in self._service(spec, before, after)
        ]
        found += [(FILES, change) for change in file_changes(before.files if before else (), after.files)]
        if found:
            requests = Requests(phase, self._requests(phase))
            for service, change in found:
                yield requests.explain(service, change)

    def _service(self, spec: ServiceSpec, before: Manifest | None, after: Manifest) -> Sequence[Change]:
        old = before.services.get(spec.name) if before else None
        new = after.services[spec.name]
        if old == new:
            return ()
        if not isinstance(spec, TellsChanges):
            return (_state("it does not tell what is in it"),)
        try:
            changes = spec.changes(None if old is None else self._state(old), self._state(new))
        except Exception as error:
            # A damaged state must show as a change, not end the report of a whole run.
            log.exception("the changes of %s cannot be told", spec.name)
            return (_state(f"its parts cannot be told apart ({type(error).__name__}: {error})"),)
        # A fresh service is no change, though there is no earlier state that it equals.
        return changes or (() if old is None else (_state("nothing that people see: counters and times"),))

    def _state(self, digest: str) -> Any:
        if digest not in self._states:
            self._states[digest] = json.loads(self._store.checked(digest))
        return self._states[digest]

    def _requests(self, phase: Phase) -> list[Mapping[str, Any]]:
        """What could explain a change in this phase, commands and steps among it."""
        if self._audit is None:
            self._audit = self._record.audit()
        found = list(_of_phase(phase, self._audit, self._record.wake))
        if phase == "task":
            return [*found, _request("turn function", {}, "task")]
        return [*found, *self._deeds()]

    def _deeds(self) -> Iterator[Mapping[str, Any]]:
        """The agent's steps that can have written into the workspace."""
        services = tuple(re.sub(r"[^a-z0-9]", "_", spec.name) + "_" for spec in self._specs)
        for step in self._record.trajectory():
            if step["type"] in ("command", "harness"):
                yield _request("command", {}, "agent")
            elif step["type"] == "tool" and step["name"] not in _READING:
                name, arguments = str(step["name"]), step.get("arguments")
                if name in _WRITING:
                    yield _request(f"tool.{name}", _paths(arguments), "agent")
                elif name == "shell":
                    yield _request("command", {}, "agent")
                elif not name.startswith(services):
                    yield _request(f"command {name[:60]}", {}, "agent")


def _of_phase(
    phase: Phase, audit: Sequence[Mapping[str, Any]], wake: Manifest
) -> Iterator[Mapping[str, Any]]:
    """A service's clock goes on by a second with each request, so at the wake-up it tells which came before.

    What the task does itself, it does before the wake-up, where no agent acts.
    """
    began = datetime.fromisoformat(wake.time)
    woken = {service: began + timedelta(seconds=ticks) for service, ticks in wake.clocks.items()}
    for entry in audit:
        moment = datetime.fromisoformat(entry["time"])
        early = entry["actor"] == "task" or moment <= woken.get(entry["service"], began)
        if early == (phase == "task"):
            yield entry


def _request(operation: str, request: Any, actor: str) -> Mapping[str, Any]:
    return {
        "service": FILES,
        "operation": operation,
        "request": request,
        "status": 200,
        "actor": actor,
        "silent": False,
    }


def _paths(arguments: Any) -> list[str]:
    """The path that a tool was given, and what is left of it without the folders that it begins with."""
    given = str(arguments.get("path", "")) if isinstance(arguments, Mapping) else ""
    parts = posixpath.normpath(given).strip("/").split("/")
    return ["/".join(parts[start:]) for start in range(min(len(parts), _DEEPEST))]


def _state(label: str) -> Change:
    return Change(kind="updated", item="state", label=label, causes=(ANYTHING,))
