"""What worlds leave behind when the process that made them is killed at the wrong moment.

Nearly always it is nothing: init ends with its connection, bubblewrap with its parent, a container with its
init. Left are containers that had not started yet, temporary folders, empty control groups.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_clawmark.sandboxes.cgroups import abandoned_groups
from pytest_clawmark.sandboxes.engine import LABEL, MAKER_LABEL, Engine
from pytest_clawmark.sandboxes.maker import abandoned_folders, is_gone

_INITS = (b"/opt/init.pyc", b"/opt/init.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing that nobody uses any more."""

    kind: str
    name: str
    remove: Callable[[], None]


def on_this_machine() -> list[Leftover]:
    """Processes, temporary folders and control groups whose makers have ended."""
    return [*_processes(), *_folders(), *_groups()]


def in_the_engine(*, everywhere: bool = False) -> list[Leftover]:
    """Containers and volumes with our label. With `everywhere` also those of makers on other machines, of which
    nobody here can tell whether they have ended. Raises `WorldFailure` when no engine answers."""
    engine = Engine("clean")
    try:
        containers = [
            each for each in engine.containers(LABEL) if _unused(each["Labels"], everywhere=everywhere)
        ]
        images = [each for each in engine.images(LABEL) if _unused(each["Labels"], everywhere=everywhere)]
        volumes = [each for each in engine.volumes(LABEL) if _unused(each["Labels"], everywhere=everywhere)]
    finally:
        engine.close()
    return [
        *(_engines("container", each["Id"], Engine.discard) for each in containers),
        *(_engines("image", each["Id"], Engine.discard_image) for each in images),
        *(_engines("volume", each["Name"], Engine.discard_volume) for each in volumes),
    ]


def _unused(labels: Mapping[str, str], *, everywhere: bool) -> bool:
    gone = is_gone(labels.get(MAKER_LABEL, ""))
    return everywhere if gone is None else gone


def _engines(kind: str, name: str, discard: Callable[[Engine, str], None]) -> Leftover:
    def remove() -> None:
        engine = Engine("clean")
        try:
            discard(engine, name)
        finally:
            engine.close()

    return Leftover(kind=kind, name=name, remove=remove)


def _folders() -> Iterator[Leftover]:
    for folder in abandoned_folders():
        yield Leftover(kind="folder", name=str(folder), remove=partial(shutil.rmtree, folder))


def _groups() -> Iterator[Leftover]:
    for folder in abandoned_groups():
        yield Leftover(kind="control group", name=str(folder), remove=folder.rmdir)


def _processes() -> Iterator[Leftover]:
    """bubblewraps of ours that outlived their makers: adopted by the first process, and by nobody else."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_orphan(entry):
            pid = int(entry.name)
            yield Leftover(kind="process", name=entry.name, remove=partial(os.kill, pid, signal.SIGKILL))


def _is_orphan(entry: Path) -> bool:
    try:
        arguments = (entry / "cmdline").read_bytes().split(b"\0")
        parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
    except OSError:
        return False  # it has ended
    return parent == "1" and b"--die-with-parent" in arguments and any(name in arguments for name in _INITS)
