"""Copies on this machine of the trees of a world on another: what `openat` needs, and checkers and tasks use."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path as FilePath

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Tree
from pytest_clawmark.sandboxes.control import TREES
from pytest_clawmark.sandboxes.maker import own_folder
from pytest_clawmark.sandboxes.relay.archive import (
    CHUNK,
    Broken,
    Packer,
    Path,
    Signature,
    Unpacker,
    clear,
    walk,
)
from pytest_clawmark.sandboxes.relay.link import Link
from pytest_clawmark.sandboxes.relay.wire import start
from pytest_clawmark.sandboxes.rights import Owner

_FILE_CLOCK = 5  # CLOCK_REALTIME_COARSE, which Python has no name for

# Waits for this process to end, however it does, and deletes the folder.
_SWEEP = 'read -r _; chmod -Rf u+rwx "$0"; rm -rf -- "$0"'


class Mirror:
    """Not safe to use from several threads at once."""

    def __init__(self, link: Link, owner: Owner) -> None:
        self._link = link
        self._owner = (owner.uid, owner.gid) if os.geteuid() == 0 else None
        self._folder = own_folder()
        self._sweeper = subprocess.Popen(
            ["/bin/sh", "-c", _SWEEP, str(self._folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        self.trees: Mapping[Tree, int] = {tree: self._make(self._folder / tree) for tree in TREES}
        self._known: dict[Tree, dict[Path, Signature]] = {}

    def pull(self, tree: Tree) -> None:
        """Make the copy what the world's tree is now."""
        root = self.trees[tree]
        os.fchmod(root, 0o700)
        clear(root)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        channel = self._link.channel()
        flow = start(channel.into, writer)
        try:
            self._unpacked(root, tree, reader, channel.number)
        finally:
            os.close(reader)
            self._link.wire.forget(channel.number)
        flow.join()
        self._known[tree] = walk(root)
        _let_a_moment_pass(self._known[tree])

    def push(self, tree: Tree) -> None:
        """Make of the world's tree what was made of the copy since it was pulled."""
        root = self.trees[tree]
        if walk(root) == self._known[tree]:
            return
        channel = self._link.channel()
        asked: list[WorldFailure] = []
        waiting = start(self._ask_to_take, tree, channel.number, asked)
        Packer(channel.send, self._known[tree]).pack(root)
        channel.end()
        waiting.join()
        self._link.wire.forget(channel.number)
        if asked:
            raise asked[0]
        self._known[tree] = walk(root)
        _let_a_moment_pass(self._known[tree])

    def close(self) -> None:
        """Delete the copies; their descriptors are the doors'."""
        self._sweeper.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _unpacked(self, root: int, tree: Tree, reader: int, channel: int) -> None:
        asked: list[WorldFailure] = []
        waiting = start(self._ask_for, tree, channel, asked)
        try:
            Unpacker(lambda count: os.read(reader, min(count, CHUNK)), self._owner).unpack(root)
        except (Broken, OSError, ValueError) as failure:
            waiting.join()
            raise (
                asked[0] if asked else WorldFailure(f"a copy of {tree} cannot be made: {failure}")
            ) from failure
        waiting.join()

    def _ask_for(self, tree: Tree, channel: int, asked: list[WorldFailure]) -> None:
        try:
            self._link.ask("pull", tree=TREES.index(tree), content=channel)
        except WorldFailure as failure:
            asked.append(failure)

    def _ask_to_take(self, tree: Tree, channel: int, asked: list[WorldFailure]) -> None:
        try:
            self._link.ask("push", tree=TREES.index(tree), content=channel)
        except WorldFailure as failure:
            asked.append(failure)

    def _make(self, path: FilePath) -> int:
        path.mkdir(mode=0o755)
        if self._owner:
            os.chown(path, *self._owner)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _let_a_moment_pass(known: Mapping[Path, Signature]) -> None:
    """Return when a change could no longer carry the time of the last: the kernel's clock for files has ticks."""
    newest = max(changed for _, changed, _, _ in known.values())
    while time.clock_gettime_ns(_FILE_CLOCK) <= newest:
        time.sleep(0.001)
