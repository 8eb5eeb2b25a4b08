"""Which sandbox a run uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes.contract import Finding, SandboxProvider

_HOW_TO_ISOLATE = (
    "install bubblewrap (for example `apt-get install bubblewrap`) or start a Docker engine; "
    "`pytest-clawmark doctor` tells what is missing"
)


def _bubblewrap(rootfs: str | None, hidden: Sequence[Path]) -> SandboxProvider:
    from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
    from pytest_clawmark.sandboxes.rootfs import find_rootfs

    return Bubblewrap(rootfs=find_rootfs(rootfs, hidden))


def _docker(image: str | None) -> SandboxProvider:
    from pytest_clawmark.sandboxes.engine import is_remote

    if is_remote():
        return _relay(image, "docker")
    from pytest_clawmark.sandboxes.docker import Docker

    return Docker() if image is None else Docker(image=image)


def _relay(image: str | None, name: str = "docker-relay") -> SandboxProvider:
    from pytest_clawmark.sandboxes.relay.docker import RelayedDocker

    return RelayedDocker(image, name=name)


def _local() -> SandboxProvider:
    from pytest_clawmark.sandboxes.local import Local

    return Local()


Providers = Mapping[str, Callable[[], SandboxProvider]]


def providers(
    image: str | None = None, *, rootfs: str | None = None, hidden: Sequence[Path] = ()
) -> Providers:
    """Every kind of sandbox by its name, the preferred first. Calling one makes it.

    Whoever names an `image` prefers Docker. `rootfs` is bubblewrap's root filesystem (`find_rootfs`); the folders
    `hidden`, such as that of the tasks, are not shown to its worlds wherever they lie.
    """
    isolated: dict[str, Callable[[], SandboxProvider]] = {
        "bubblewrap": lambda: _bubblewrap(rootfs, hidden),
        "docker": lambda: _docker(image),
        "docker-relay": lambda: _relay(image),
    }
    near = ["bubblewrap", "docker"] if image is None else ["docker", "bubblewrap"]
    names = [*near, "docker-relay"]
    return {**{name: isolated[name] for name in names}, "local": _local}


def choose(name: str, *, trusted: bool, known: Providers | None = None) -> tuple[SandboxProvider, str]:
    """The provider called `name`, or for `auto` the first that works; and why, in one sentence.

    `trusted` says whether the task's author wrote what will run inside; only then is `auto` ever `local`.
    Raises `SettingsError` with the remedy where there is none. The caller closes the provider.
    """
    known = providers() if known is None else known
    if sys.platform != "linux":
        raise SettingsError(
            f"worlds need Linux, this is {sys.platform}: run pytest inside a Linux container, "
            "for example with Docker, or in a virtual machine"
        )
    if name == "auto":
        return _first_that_works(known, trusted=trusted)
    if name not in known:
        raise SettingsError(f"--sandbox={name}: no such sandbox, use one of auto, {', '.join(known)}")
    provider = known[name]()
    if faults := _faults(provider):
        provider.close()
        raise SettingsError(f"--sandbox={name} does not work here: {_tell(faults)}")
    return provider, f"{name} was asked for" + ("" if provider.isolated else f"; {_not_isolated()}")


def _first_that_works(known: Providers, *, trusted: bool) -> tuple[SandboxProvider, str]:
    faults: dict[str, Sequence[Finding]] = {}
    for name, make in known.items():
        provider = make()
        if not provider.isolated and not trusted:
            provider.close()
            continue
        if not (faulty := _faults(provider)):
            if provider.isolated:
                return provider, f"{name} works here"
            return provider, _not_isolated()
        provider.close()
        faults[name] = faulty
    told = "; ".join(f"{name}: {_tell(faulty)}" for name, faulty in faults.items())
    raise SettingsError(
        f"no sandbox here can isolate an agent that is not trusted ({told}): {_HOW_TO_ISOLATE}; "
        "--sandbox=local runs it unprotected on this machine"
        if not trusted
        else f"no sandbox works here ({told}): {_HOW_TO_ISOLATE}"
    )


def _not_isolated() -> str:
    return f"the world is not isolated from this machine; to get it isolated {_HOW_TO_ISOLATE}"


def _faults(provider: SandboxProvider) -> Sequence[Finding]:
    return [finding for finding in provider.check() if not finding.works]


def _tell(faults: Sequence[Finding]) -> str:
    return ", ".join(f"{fault.detail}; {fault.remedy}" if fault.remedy else fault.detail for fault in faults)
