"""Worlds on a Docker engine of another machine, which can neither show our files nor hand sockets over.

Beside each world's container runs one of ours, in which `inside.py` does what this process does for a world
that is near: it has init's sockets and trees, and passes everything on along the stream it is attached by. The
two containers share a small file system in memory, which the world's cannot write to. What is mounted otherwise
(the toolbox, the authorities, folders) is put into an image for the run.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import tarfile
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.clock import FOLDER, INSIDE, PRELOAD, PRELOADED, library
from pytest_clawmark.sandboxes.contract import Blueprint, Sandbox
from pytest_clawmark.sandboxes.control import Doors
from pytest_clawmark.sandboxes.docker import Docker, configuration_for, file_systems, rights_of
from pytest_clawmark.sandboxes.program import FLAGS, SOURCE
from pytest_clawmark.sandboxes.relay.inside import FOLDER as CONTROL
from pytest_clawmark.sandboxes.relay.link import Link, RelayedControl
from pytest_clawmark.sandboxes.relay.mirror import Mirror
from pytest_clawmark.sandboxes.relay.sandbox import RelayedSandbox
from pytest_clawmark.sandboxes.relay.stream import Stream
from pytest_clawmark.sandboxes.rights import Owner

NAME = "docker-relay"

_PACKAGE = "pytest_clawmark.sandboxes.relay"
_MODULES = ("wire", "archive", "inside")
# Modules whose packages need not exist.
_START = """
import sys, types
for name in {packages!r}:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name, source in {sources!r}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
module.main()
"""
_RELAY_MEMORY = 512 * 1024 * 1024
_RELAY_PROCESSES = 2048
_NOTHING: Mapping[str, Any] = {}


class RelayedDocker(Docker):
    """Implements `SandboxProvider`."""

    def __init__(self, image: str | None = None, *, name: str = NAME) -> None:
        super().__init__(image)
        self.name = name
        self._stocking = threading.Lock()
        self._stocked: dict[object, str] = {}

    def open(self, blueprint: Blueprint) -> Sandbox:
        self._refuse(blueprint)
        interpreter = self._interpreter(blueprint.toolbox)
        owner = self._owners.lend()
        inside = Owner(uid=0, gid=0) if self._rootless else owner
        with contextlib.ExitStack() as undo:
            undo.callback(self._owners.take_back, owner)
            image = self._image_for(blueprint)
            beside = self._beside(interpreter, blueprint)
            undo.callback(self.engine.discard, beside)
            link = Link(Stream(*self.engine.attach(beside)))
            undo.callback(link.close)
            self.engine.start(beside)
            self._prepare(link, inside)
            world = self._world(image, blueprint, interpreter, inside, beside)
            undo.callback(self.engine.discard, world)
            self.engine.start(world)
            link.ask("meet")
            control = RelayedControl(link)
            control.make(configuration_for(blueprint), blueprint.listen)
            mirror = Mirror(link, owner)
            undo.callback(mirror.close)
            doors = Doors(folder="", listeners=link.open_doors(blueprint.listen), trees=mirror.trees)
            undo.pop_all()
        place = self._place(blueprint, doors, owner, world, interpreter)

        def end() -> None:
            try:
                place.end()
                self.engine.await_removal(beside)
            finally:
                mirror.close()

        return RelayedSandbox(control, replace(place, end=end), self._drain, link, mirror)

    def close(self) -> None:
        try:
            for image in reversed(self._stocked.values()):
                self.engine.discard_image(image)
        finally:
            super().close()

    def _refuse(self, blueprint: Blueprint) -> None:
        for mount in blueprint.mounts:
            if mount.writable:
                raise WorldFailure(
                    f"{mount.source} cannot be written to from {mount.target}: the engine may be on another "
                    "machine; show it read-only, or use a sandbox of this machine"
                )
        if (theirs := self._architecture) != os.uname().machine:
            raise WorldFailure(
                f"the Docker engine's machine is {theirs}, this one {os.uname().machine}: worlds need the same kind"
            )

    @cached_property
    def _architecture(self) -> str:
        return self.engine.architecture()

    def _prepare(self, link: Link, inside: Owner) -> None:
        link.ask(
            "prepare",
            owner=[inside.uid, inside.gid],
            init=SOURCE.read_text(encoding="utf-8"),
            clock=base64.b64encode(library()).decode(),
        )

    def _helper(
        self,
        interpreter: str,
        toolbox: Path | None,
        program: Sequence[str],
        host: Mapping[str, Any] = _NOTHING,
    ) -> str:
        image = self._equipped(toolbox)
        return self.engine.create(image, [*FLAGS, "-c", *program], entrypoint=[interpreter], host=host)

    def _beside(self, interpreter: str, blueprint: Blueprint) -> str:
        """The container of `inside.py`, with the file system that the world's will see."""
        options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,nr_inodes=16,mode=0755"}
        shared = {"DriverConfig": {"Name": "local", "Options": options}}
        return self.engine.create(
            self._equipped(blueprint.toolbox),
            [*FLAGS, "-c", _program()],
            entrypoint=[interpreter],
            user="0:0",
            working_dir="/",
            stdin_open=True,
            host={
                "AutoRemove": True,
                "Mounts": [{"Type": "volume", "Target": CONTROL, "VolumeOptions": shared}],
                "CapDrop": ["ALL"],
                "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": True,
                "PidsLimit": _RELAY_PROCESSES,
                "Memory": _RELAY_MEMORY,
                "MemorySwap": _RELAY_MEMORY,
                "LogConfig": {"Type": "none"},
            },
        )

    def _world(self, image: str, blueprint: Blueprint, interpreter: str, inside: Owner, beside: str) -> str:
        return self.engine.create(
            image,
            [*FLAGS, f"{CONTROL}/init.py", f"{CONTROL}/control"],
            entrypoint=[interpreter],
            user=f"{inside.uid}:{inside.gid}",
            hostname=etc.HOSTNAME,
            working_dir="/",
            host={
                "AutoRemove": True,
                "VolumesFrom": [f"{beside}:ro"],
                "Tmpfs": file_systems(blueprint.limits, inside),
                **rights_of(blueprint),
            },
        )

    def _equipped(self, toolbox: Path | None) -> str:
        """The image with the toolbox in it."""
        if toolbox is None:
            return self._image
        # A toolbox's folder is named after what is in it.
        tag = f"clawmark-relay:{self.engine.image_id(self._image)[:12]}-{toolbox.name}"
        with self._stocking:
            if not self.engine.has_image(tag):
                self._store(tag, self._image, {etc.TOOLBOX: toolbox})
        return tag

    def _image_for(self, blueprint: Blueprint) -> str:
        """The image of a world: the toolbox, what is to be shown, the authorities and the way to the clock."""
        folders = tuple((mount.target, mount.source) for mount in blueprint.mounts)
        key = ("world", blueprint.toolbox, folders, blueprint.authority)
        files = {etc.BUNDLE: etc.bundle(blueprint.authority)}
        links = {}
        if library():
            files[PRELOAD] = PRELOADED
            links[INSIDE] = f"{CONTROL}/clock.so"
        content: dict[str, Path | bytes] = {**dict(folders), **files}
        return self._stock(key, self._equipped(blueprint.toolbox), content, links)

    def _stock(
        self,
        key: object,
        image: str,
        content: Mapping[str, Path | bytes],
        links: Mapping[str, str] = _NOTHING,
    ) -> str:
        with self._stocking:
            if key not in self._stocked:
                self._stocked[key] = self._store("", image, content, links)
            return self._stocked[key]

    def _store(
        self, tag: str, image: str, content: Mapping[str, Path | bytes], links: Mapping[str, str] = _NOTHING
    ) -> str:
        with tempfile.TemporaryFile() as archive:
            _pack(archive, content, links)
            archive.seek(0)
            return self.engine.stock(image, archive, tag)


def _program() -> str:
    sources = [
        (f"{_PACKAGE}.{name}", (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        for name in _MODULES
    ]
    steps = _PACKAGE.split(".")
    packages = [".".join(steps[: count + 1]) for count in range(len(steps))]
    return _START.format(packages=packages, sources=sources)


def _pack(archive: IO[bytes], content: Mapping[str, Path | bytes], links: Mapping[str, str]) -> None:
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for target, what in content.items():
            name = target.lstrip("/")
            if isinstance(what, Path):
                tar.add(what, arcname=name, filter=_roots)
                continue
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(what), 0o644
            tar.addfile(entry, io.BytesIO(what))
        if links:
            folder = tarfile.TarInfo(FOLDER.lstrip("/"))
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for target, where in links.items():
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, where
            tar.addfile(entry)


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Root's, so that nobody inside can change it; only what a folder to be read may hold."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry if entry.isreg() or entry.isdir() or entry.issym() or entry.islnk() else None
