"""Whether a sandbox works on this machine, found by trying, and how to mend it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Blueprint, Finding, SandboxProvider
from pytest_clawmark.sandboxes.program import system_python
from pytest_clawmark.toolbox import locate

if TYPE_CHECKING:
    from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
    from pytest_clawmark.sandboxes.docker import Docker

_OLDEST_BUBBLEWRAP = (0, 5)
_INSTALL = "install it, for example with `apt-get install bubblewrap` or `dnf install bubblewrap`"
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
_DEBIAN_SWITCH = Path("/proc/sys/kernel/unprivileged_userns_clone")


def check_bubblewrap(provider: Bubblewrap, program: str) -> list[Finding]:
    """The program, its version, and a world that opens."""
    found = shutil.which(program)
    if not found:
        return [
            Finding(subject=provider.name, works=False, detail=f"{program} is not installed", remedy=_INSTALL)
        ]
    version = _bubblewrap_version(found)
    if not isinstance(version, tuple):
        return [Finding(subject=provider.name, works=False, detail=version, remedy=_INSTALL)]
    text = ".".join(map(str, version))
    if version < _OLDEST_BUBBLEWRAP:
        oldest = ".".join(map(str, _OLDEST_BUBBLEWRAP))
        detail = f"{found} is version {text}, {oldest} or later is needed"
        return [Finding(subject=provider.name, works=False, detail=detail, remedy=_INSTALL)]
    return [
        Finding(subject=provider.name, works=True, detail=f"{found}, version {text}"),
        _try_bubblewrap(provider),
    ]


def check_docker(provider: Docker) -> list[Finding]:
    """An engine that answers, the image, and a world that opens."""
    try:
        found = provider.find_image()
    except WorldFailure as failure:
        remedy = (
            "start a Docker engine (for example `systemctl start docker`), and let this user reach it "
            "(`usermod -aG docker USER`, then log in again)"
        )
        return [Finding(subject=provider.name, works=False, detail=str(failure), remedy=remedy)]
    if not found:
        detail = f"the engine answers but has no image {provider.wanted}"
        remedy = (
            "build one with `pytest-clawmark build`, or name one that has Python 3.11 or later with --image"
        )
        return [Finding(subject=provider.name, works=False, detail=detail, remedy=remedy)]
    return [
        Finding(subject=provider.name, works=True, detail=f"the engine answers and has the image {found}"),
        try_world(provider, "look at the engine's log; the engine must run on this machine"),
    ]


def check_local(provider: SandboxProvider) -> list[Finding]:
    """A world that opens."""
    return [try_world(provider, "look at the temporary folder's rights and space")]


def _try_bubblewrap(provider: Bubblewrap) -> Finding:
    if locate() or system_python():
        return try_world(provider, _namespace_remedy())
    subject = f"{provider.name} world"
    if complaint := provider.try_namespaces():
        return Finding(subject=subject, works=False, detail=complaint, remedy=_namespace_remedy())
    return Finding(subject=subject, works=True, detail="its namespaces open; the toolbox is not built yet")


def try_world(provider: SandboxProvider, remedy: str) -> Finding:
    """Open a world and run a command in it."""
    blueprint = Blueprint(hosts={}, listen=(), authority=b"", toolbox=locate())
    subject = f"{provider.name} world"
    try:
        sandbox = provider.open(blueprint)
        try:
            done = sandbox.run(["/bin/sh", "-c", "echo works"])
        finally:
            sandbox.close()
    except WorldFailure as failure:
        return Finding(subject=subject, works=False, detail=str(failure), remedy=remedy)
    if done.stdout != b"works\n":
        return Finding(subject=subject, works=False, detail=f"a command in it gave {done}", remedy=remedy)
    return Finding(subject=subject, works=True, detail="opens, runs a command and closes")


def _bubblewrap_version(program: str) -> tuple[int, ...] | str:
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    numbers = asked.stdout.strip().rpartition(" ")[2].split(".")
    if asked.returncode or not all(number.isdigit() for number in numbers):
        return f"{program} --version answers {asked.stdout.strip() or asked.stderr.strip()!r}"
    return tuple(map(int, numbers))


def _namespace_remedy() -> str:
    """Why a kernel that has user namespaces may refuse them, most likely reason first."""
    if _says(_APPARMOR, "1"):
        return (
            "AppArmor restricts user namespaces (Ubuntu since 23.10): allow them with "
            "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or give bwrap a profile "
            "with the `userns` permission in /etc/apparmor.d"
        )
    if _says(_DEBIAN_SWITCH, "0"):
        return "allow user namespaces with `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
    if _says(_USER_NAMESPACES, "0"):
        return "allow user namespaces with `sudo sysctl -w user.max_user_namespaces=15000`"
    return (
        "inside a container, start that with `--security-opt seccomp=unconfined --security-opt "
        "systempaths=unconfined --security-opt apparmor=unconfined`; or use --sandbox=docker"
    )


def _says(path: Path, value: str) -> bool:
    return path.exists() and path.read_text(encoding="ascii").strip() == value
