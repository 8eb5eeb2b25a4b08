"""`ctx`: what stages and checkers receive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clawmark_services import Service
from pytest_clawmark.formats.clawmark.adapters.desk import Desk
from pytest_clawmark.formats.clawmark.keeping import Keeper
from pytest_clawmark.formats.clawmark.memory import kept, recalled
from pytest_clawmark.formats.clawmark.metadata import SERVICES, Metadata
from pytest_clawmark.formats.clawmark.sandbox import FilesystemAdapter, Place, SandboxAdapter

Json = Any
KEY = "clawmark"
"""Under which the format keeps its own in `world.memory`."""


class Snapshots(Mapping[str, Path]):
    """The frozen workspaces by stage, each written out when it is asked for."""

    def __init__(self, stages: tuple[str, ...], folder: Callable[[str], Path]) -> None:
        self._stages, self._folder = stages, folder

    def __getitem__(self, stage: str) -> Path:
        if stage not in self._stages:
            raise KeyError(stage)
        return self._folder(stage)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)


class TaskContext:
    """Everything that a stage or checker can reach; tasks put attributes of their own on it.

    An environment that the task does not declare is no attribute.
    """

    def __init__(self, parts: Mapping[str, Any], snapshots: Snapshots) -> None:
        vars(self).update(parts)
        self.snapshots = snapshots

    @property
    def workspace(self) -> Path | None:
        """The frozen workspace of the stage that ended last; None before there is one."""
        stages = list(self.snapshots)
        return self.snapshots[stages[-1]] if stages else None

    @workspace.setter
    def workspace(self, _: object) -> None:
        raise AttributeError("ctx.workspace is the frozen workspace: keep the task's own under another name")


class Office:
    """Makes `ctx` from a place, the services and what was remembered, and remembers again."""

    def __init__(
        self, metadata: Metadata, folder: Path, place: Place, desks: Mapping[str, Desk], memory: Json
    ) -> None:
        self._folder, self._desks = folder, desks
        state = dict(memory.get(KEY, {}))
        self._adapters: dict[str, dict[str, Any]] = {name: dict(state.get(name, {})) for name in SERVICES}
        self.keeper = Keeper()
        self._sandbox = SandboxAdapter(place, self.keeper)
        self._parts: dict[str, Any] = {"sandbox": self._sandbox, "task_dir": folder}
        if "filesystem" in metadata.environments:
            self._parts["filesystem"] = self._parts["fs"] = FilesystemAdapter(self._sandbox)
        self._parts |= {
            name: self._adapter(name, metadata) for name in metadata.environments if name in SERVICES
        }
        self._attributes = recalled(state.get("attributes", []), folder)

    def context(self, snapshots: Snapshots) -> TaskContext:
        """The `ctx` of one stage or checker."""
        return TaskContext({**self._attributes, **self._parts}, snapshots)

    def remember(self, ctx: TaskContext, memory: dict[str, Json]) -> None:
        """Keep what the task put on `ctx` and what adapters know; raises `TaskFailure` where that cannot be."""
        own = {
            name: value
            for name, value in vars(ctx).items()
            if name not in self._parts and name != "snapshots"
        }
        found = {name: known for name, known in self._adapters.items() if known}
        memory[KEY] = {**found, **({"attributes": kept(own, self._folder)} if own else {})}
        if not memory[KEY]:
            del memory[KEY]

    def _adapter(self, name: str, metadata: Metadata) -> Any:
        # Imported when a task plays: collecting needs none of them.
        desk, known = self._desks[name], self._adapters[name]
        if name == "email":
            from pytest_clawmark.formats.clawmark.adapters.email import EmailAdapter

            return EmailAdapter(desk, metadata.config["email"]["users"])
        if name == "notion":
            from pytest_clawmark.formats.clawmark.adapters.notion import NotionAdapter

            return NotionAdapter(desk, known)
        if name == "calendar":
            from pytest_clawmark.formats.clawmark.adapters.calendar import CalendarAdapter

            return CalendarAdapter(desk)
        from pytest_clawmark.formats.clawmark.adapters.sheets import SheetsAdapter

        task = str(metadata.config.get("google_sheets", {}).get("task_id", "unknown"))
        adapter = SheetsAdapter(desk, known, task)
        if not desk.frozen:
            adapter.prepare()
        return adapter


def live_desks(metadata: Metadata, service: Callable[[str], Service]) -> dict[str, Desk]:
    """The desks of a live world, by environment."""
    return {name: Desk(service=service(SERVICES[name])) for name in metadata.environments if name in SERVICES}
