"""What is found out about a machine on which a sandbox does not work."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox_cases import blueprint

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import Finding, SandboxProvider, checks
from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
from pytest_clawmark.sandboxes.docker import Docker


def program(folder: Path, script: str) -> str:
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    for part in (path, folder, *folder.parents):
        if part.is_relative_to("/tmp/") or part == path:
            part.chmod(0o755)
    return str(path)


def faults(command: str) -> list[Finding]:
    provider = Bubblewrap(command)
    try:
        return [finding for finding in provider.check() if not finding.works]
    finally:
        provider.close()


def test_a_missing_bubblewrap_is_named_with_how_to_install_it() -> None:
    (fault,) = faults("no-such-bwrap")
    assert fault.detail == "no-such-bwrap is not installed"
    assert "apt-get install bubblewrap" in fault.remedy


def test_a_bubblewrap_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    (fault,) = faults(program(tmp_path, "echo bubblewrap 0.4.1"))
    assert "version 0.4.1, 0.5 or later is needed" in fault.detail


@pytest.mark.parametrize("script", ["echo nonsense", "echo broken >&2; exit 1"])
def test_a_program_that_is_not_bubblewrap_is_told_apart(tmp_path: Path, script: str) -> None:
    (fault,) = faults(program(tmp_path, script))
    assert "--version answers" in fault.detail


REFUSES = """
[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit
echo "bwrap: setting up uid map: Permission denied" >&2
exit 1
"""


@pytest.mark.parametrize(
    ("switch", "value", "remedy"),
    [
        ("_APPARMOR", "1\n", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("_DEBIAN_SWITCH", "0\n", "kernel.unprivileged_userns_clone=1"),
        ("_USER_NAMESPACES", "0\n", "user.max_user_namespaces=15000"),
        (None, "", "--sandbox=docker"),
    ],
)
def test_refused_namespaces_are_told_in_bubblewraps_words_with_the_remedy_for_this_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str | None, value: str, remedy: str
) -> None:
    for name in ("_APPARMOR", "_DEBIAN_SWITCH", "_USER_NAMESPACES"):
        monkeypatch.setattr(checks, name, tmp_path / name)
    if switch:
        (tmp_path / switch).write_text(value)
    (fault,) = faults(program(tmp_path, REFUSES))
    assert "setting up uid map: Permission denied" in fault.detail
    assert remedy in fault.remedy


def test_without_any_python_for_init_the_namespaces_alone_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "locate", lambda: None)
    monkeypatch.setattr(checks, "system_python", lambda: None)
    (fault,) = faults(program(tmp_path, REFUSES))
    assert fault.detail == "bwrap: setting up uid map: Permission denied"


def test_a_bubblewrap_that_fails_to_open_leaves_no_descriptor(tmp_path: Path) -> None:
    provider = Bubblewrap(program(tmp_path, REFUSES))
    with pytest.raises(WorldFailure):
        provider.open(blueprint())
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(WorldFailure, match="uid map: Permission denied"):
        provider.open(blueprint())
    assert len(os.listdir("/proc/self/fd")) == before
    provider.close()


def test_an_engine_that_does_not_answer_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    provider = Docker()
    (fault,) = provider.check()
    provider.close()
    assert f"{tmp_path}/none.sock" in fault.detail
    assert "systemctl start docker" in fault.remedy


def test_what_listens_but_is_no_engine_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        provider = Docker()
        (fault,) = provider.check()
        provider.close()
    assert not fault.works


@pytest.mark.docker
def test_a_missing_image_is_named(provider_of: Callable[[str], SandboxProvider]) -> None:
    provider_of("docker")
    provider = Docker("no-such-image-of-clawmark")
    try:
        (fault,) = provider.check()
    finally:
        provider.close()
    assert "no image no-such-image-of-clawmark" in fault.detail
    assert "--image" in fault.remedy
