"""What of the host could reach a world by other ways than files and networks."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox_cases import blueprint

from pytest_clawmark.sandboxes import Completed, SandboxProvider, bubblewrap
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


def test_sources_and_our_own_packages_below_usr_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = "/usr/local/lib/python3.99/site-packages"
    monkeypatch.setattr(bubblewrap.sysconfig, "get_path", lambda kind: ours)
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) in {ours, "/usr/src", "/usr/local/src"})
    assert bubblewrap._hidden() == {ours, "/usr/src", "/usr/local/src"}
