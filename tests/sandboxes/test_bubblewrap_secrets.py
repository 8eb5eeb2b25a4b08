"""What of the host could reach a world by other ways than files and networks."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox_cases import blueprint

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import Completed, SandboxProvider, rootfs
from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
from pytest_clawmark.sandboxes.init import KEYCTL, KEYCTL_JOIN_SESSION_KEYRING

ADD_KEY = {"x86_64": 248, "aarch64": 217}
SESSION_KEYRING = -3

SEARCH = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(int(sys.argv[1]), 10, -3, b"user", b"clawmark-secret", 0))
"""


@pytest.mark.skipif(os.uname().machine not in ADD_KEY, reason="the numbers of the system calls are not known")
def test_keys_in_the_hosts_session_keyring_are_out_of_reach(
    provider_of: Callable[[str], SandboxProvider],
) -> None:
    provider_of("bubblewrap")
    machine = os.uname().machine
    told: list[Completed | int] = []

    def host() -> None:
        """On a thread of its own: keyrings belong to threads, and this one is not to keep the key."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall(KEYCTL[machine], KEYCTL_JOIN_SESSION_KEYRING, None)
        told.append(
            libc.syscall(ADD_KEY[machine], b"user", b"clawmark-secret", b"hidden", 6, SESSION_KEYRING)
        )
        provider = Bubblewrap()
        sandbox = provider.open(blueprint())
        told.append(sandbox.run(["python3", "-c", SEARCH, str(KEYCTL[machine])]))
        sandbox.close()
        provider.close()

    thread = threading.Thread(target=host)
    thread.start()
    thread.join()
    key, searched = told
    if key == -1:
        pytest.skip("this machine lets nobody keep keys")
    assert isinstance(searched, Completed)
    assert searched.stdout.strip() == b"-1", searched


def hidden(system: rootfs.Rootfs) -> set[str]:
    arguments = system.arguments
    return {arguments[at + 1] for at, argument in enumerate(arguments) if argument == "--tmpfs"}


def test_sources_and_our_own_packages_below_usr_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = "/usr/local/lib/python3.99/site-packages"
    monkeypatch.setattr(rootfs.sysconfig, "get_path", lambda kind: ours)
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) in {ours, "/usr/src", "/usr/local/src"})
    assert hidden(rootfs.Rootfs(None)) == {ours, "/usr/src", "/usr/local/src"}


def test_a_project_below_usr_is_hidden_wherever_pytest_was_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = Path("/usr/share/doc")
    assert hidden(rootfs.Rootfs(None, (project,))) >= {str(project)}
    monkeypatch.chdir(project)
    assert hidden(rootfs.Rootfs(None)) >= {str(project)}


def test_a_project_that_is_the_system_itself_cannot_be_hidden_and_is_refused() -> None:
    with pytest.raises(WorldFailure, match="move them to a folder of their own"):
        hidden(rootfs.Rootfs(None, (Path("/usr/share"),)))


def test_what_is_hidden_can_be_read_by_nobody_inside(
    provider_of: Callable[[str], SandboxProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider_of("bubblewrap")
    provider = Bubblewrap(rootfs=rootfs.Rootfs(None, (Path("/usr/share/doc"),)))
    sandbox = provider.open(blueprint())
    try:
        assert sandbox.run(["ls", "-A", "/usr/share/doc"]).stdout == b""
    finally:
        sandbox.close()
        provider.close()
