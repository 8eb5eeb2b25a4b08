"""What a turn function receives as `world`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from clawmark_services import Service, acting_as
from pytest_clawmark.sandboxes.contract import Completed
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.task import Turn, service_called
from pytest_clawmark.world.files import WorkspaceFiles
from pytest_clawmark.world.world import World


class AuthorWorld:
    """The author's side of a world: `world.files`, and each service under its own name."""

    def __init__(
        self, world: World, turn: Turn, earlier: Callable[[str], tuple[Manifest, BlobStore]] | None = None
    ) -> None:
        self._world, self._turn, self._earlier = world, turn, earlier

    @property
    def files(self) -> WorkspaceFiles:
        """The workspace."""
        return self._world.files

    @property
    def turn(self) -> str:
        """The turn's name."""
        return self._turn.name

    @property
    def time(self) -> datetime:
        """The turn's in-universe time."""
        return self._turn.time

    @property
    def memory(self) -> dict[str, Any]:
        """What the task remembers from turn to turn, as JSON: frozen with the world, and restored with it.

        Checkers read it as `snapshot.memory`; the agent never sees it.
        """
        return self._world.memory

    def service(self, name: str) -> Service:
        """A service itself, by the name it was declared with: for task formats, which bring doors of their own."""
        services = self._world.services
        if name not in services:
            raise LookupError(
                f"the task has no service {name!r}: it declares {', '.join(services) or 'none'}"
            )
        return services[name]

    def run(
        self,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command in the sandbox, in the workspace and with the agent's rights and variables.

        `timeout` is in seconds, `env` adds variables. A command that fails is a result like any other. What it asks
        of a service is on record as the agent's, since that is who it is.
        """
        return self._world.sandbox.run(command, timeout=timeout, env={**self._world.env, **(env or {})})

    def earlier(self, turn: str) -> tuple[Manifest, BlobStore]:
        """What was frozen at the end of an earlier turn, and where its contents lie: for task formats."""
        if self._earlier is None:
            raise LookupError(f"nothing was frozen before this turn, and so not {turn!r}")
        return self._earlier(turn)

    def asset(self, path: str) -> Path:
        """A file of the task's folder by its relative path, such as `assets/cv.pdf`, to attach to a mail."""
        folder = self._world.plan.material
        found = folder / path
        if not found.resolve().is_relative_to(folder.resolve()) or not found.exists():
            raise FileNotFoundError(f"{path!r} does not exist in the task's folder {folder}")
        return found

    @contextmanager
    def silently(self) -> Iterator[None]:
        """Changes within the block are marked as unannounced: nobody tells the agent of them."""
        with acting_as("task", silently=True):
            yield

    def __getattr__(self, name: str) -> Any:
        services = self._world.services
        called = service_called(name, services)
        if called is not None:
            return services[called].author
        raise AttributeError(
            f"the task has no service {name!r}: it declares {', '.join(services) or 'none'} (and every world has "
            "asset, files, memory, run, service, silently, time, turn)"
        )
