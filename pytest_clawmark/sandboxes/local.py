"""A folder and processes of this machine, kept in order but not apart: for trusted commands only."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import etc
from pytest_clawmark.sandboxes.clock import library
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, Sandbox, Tree
from pytest_clawmark.sandboxes.control import Configuration, Control, Doors, resource_limits, sealed
from pytest_clawmark.sandboxes.drain import Drain
from pytest_clawmark.sandboxes.launcher import Launched, Launcher
from pytest_clawmark.sandboxes.program import FLAGS, compiled
from pytest_clawmark.sandboxes.rights import Owner
from pytest_clawmark.sandboxes.running import Place, RunningSandbox

_TREES: dict[Tree, str] = {"workspace": "/workspace", "home": "/home", "tmp": "/tmp"}  # noqa: S108 - in the folder
_CLOCK = "/clock"
_BUNDLE = "/authorities.pem"


class Local:
    """Implements `SandboxProvider`. Limits on processes and disk space are not kept here."""

    name = "local"
    isolated = False

    def __init__(self) -> None:
        self._launcher = Launcher()
        self._drain = Drain()

    def check(self) -> Sequence[Finding]:
        from pytest_clawmark.sandboxes.checks import check_local

        return check_local(self)

    def open(self, blueprint: Blueprint) -> Sandbox:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control = Control(ours)
        try:
            with theirs:
                launched = self._launch(blueprint, theirs.fileno())
        except BaseException:
            control.close()
            raise
        try:
            doors = control.build(_configuration(blueprint), blueprint.listen)
        except BaseException as failure:
            control.close()
            complaint = launched.end()
            if isinstance(failure, WorldFailure) and complaint:
                raise WorldFailure(f"{failure}: {complaint}") from failure
            raise
        return RunningSandbox(control, _place(blueprint, doors, launched), self._drain)

    def close(self) -> None:
        self._drain.close()
        self._launcher.close()

    def _launch(self, blueprint: Blueprint, control: int) -> Launched:
        interpreter = str(blueprint.toolbox / "bin/python3") if blueprint.toolbox else sys.executable
        program = sealed(compiled(interpreter), "init.pyc")
        try:
            command = [interpreter, *FLAGS, f"/proc/self/fd/{program}", str(control)]
            owner = Owner(uid=os.geteuid(), gid=os.getegid())
            return self._launcher.start(command, descriptors=[control, program], owner=owner)
        finally:
            os.close(program)


def _configuration(blueprint: Blueprint) -> Configuration:
    return Configuration(
        listen=[("127.0.0.1", 0)] * len(blueprint.listen),
        trees=list(_TREES.values()),
        namespace=False,
        memory=blueprint.limits.memory,
        # The kernel would count all processes of this user, and tmpfs needs rights that we do not have.
        rlimits=resource_limits(blueprint.limits, count_processes=False),
        folders=[*_TREES.values(), _CLOCK],
        clock=library(),
        clock_folders=(_CLOCK, ""),
        files={_BUNDLE: etc.bundle(blueprint.authority)},
        parent=tempfile.gettempdir(),
    )


def _place(blueprint: Blueprint, doors: Doors, launched: Launched) -> Place:
    def end() -> None:
        launched.end()
        # init deletes its folder; it is still there only if somebody killed init.
        if Path(doors.folder).exists():
            subprocess.run(["rm", "-rf", "--", doors.folder], check=True)

    paths: dict[Tree, str] = {tree: doors.folder + path for tree, path in _TREES.items()}
    return Place(
        doors=doors,
        paths=paths,
        trust=etc.trust(doors.folder + _BUNDLE),
        env={
            **etc.environment(
                home=paths["home"],
                tmp=paths["tmp"],
                toolbox=str(blueprint.toolbox) if blueprint.toolbox else None,
                user=getpass.getuser(),
            ),
            **({"LD_PRELOAD": f"{doors.folder}{_CLOCK}/clock.so"} if doors.clock is not None else {}),
        },
        limits=blueprint.limits,
        owner=Owner(uid=os.geteuid(), gid=os.getegid()),
        end=end,
    )
