"""Root filesystems of one's own choice."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox_cases import blueprint

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes import SandboxProvider
from pytest_clawmark.sandboxes.bubblewrap import Bubblewrap
from pytest_clawmark.sandboxes.rootfs import Rootfs, find_rootfs


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAWMARK_CACHE", str(tmp_path / "cache"))


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as file:
        for member in members:
            file.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o755, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.linkname = kind, mode, link
    return made


SYSTEM = (member("usr", tarfile.DIRTYPE), member("usr/bin", tarfile.DIRTYPE, 0o500))


def test_the_machines_own_is_the_default() -> None:
    assert find_rootfs(None) == find_rootfs("host") == Rootfs(None)


def test_a_folder_without_programs_is_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no root filesystem; name `host`, a folder .* or a tar archive"):
        find_rootfs(str(tmp_path))


def test_an_archive_is_unpacked_once_and_kept_by_its_content(tmp_path: Path) -> None:
    path = archive(tmp_path / "root.tar", *SYSTEM, member("usr/bin/tool", mode=0o6755))
    first = find_rootfs(str(path)).folder
    assert first
    (first / "usr/bin/mark").touch()
    assert find_rootfs(str(path)).folder == first
    assert (first / "usr/bin/mark").exists()
    assert (first / "usr/bin/tool").stat().st_mode & 0o7777 == 0o755


def test_an_archive_makes_no_device_and_nothing_outside_its_folder(tmp_path: Path) -> None:
    device = member("usr/bin/disk", tarfile.BLKTYPE)
    path = archive(
        tmp_path / "root.tar", *SYSTEM, device, member("usr/bin/link", tarfile.SYMTYPE, link="/etc")
    )
    folder = find_rootfs(str(path)).folder
    assert folder
    assert sorted(each.name for each in (folder / "usr/bin").iterdir()) == ["link"]
    with pytest.raises(SettingsError, match="cannot be unpacked"):
        find_rootfs(str(archive(tmp_path / "evil.tar", *SYSTEM, member("../../outside"))))
    assert not list(tmp_path.rglob("outside"))


def test_what_is_no_archive_or_holds_no_system_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(SettingsError, match="cannot be unpacked"):
        find_rootfs(str(tmp_path / "text"))
    with pytest.raises(SettingsError, match="no usr/bin"):
        find_rootfs(str(archive(tmp_path / "empty.tar", member("file"))))
    assert list((tmp_path / "cache/rootfs").iterdir()) == []


def test_a_world_has_the_programs_of_the_chosen_root_and_its_own_names(
    provider_of: Callable[[str], SandboxProvider],
) -> None:
    """The root is the machine's whole one, which a world by default has only a part of."""
    provider_of("bubblewrap")
    provider = Bubblewrap(rootfs=Rootfs(Path("/")))
    sandbox = provider.open(blueprint())
    try:
        assert sandbox.run(["test", "-e", "/etc/os-release"]).exit_code == 0
        assert b"greenmail" in sandbox.run(["cat", "/etc/hosts"]).stdout
        assert sandbox.run(["cut", "-d:", "-f1", "/etc/passwd"]).stdout == b"root\nnobody\n"
        assert (
            sandbox.run(["ls", "-A", "/root", "/tmp", "/workspace"]).stdout
            == b"/root:\n\n/tmp:\n\n/workspace:\n"
        )
        for place in ("/", "/etc", "/usr", "/opt", "/var"):
            assert sandbox.run(["touch", f"{place}/planted"]).exit_code != 0
    finally:
        sandbox.close()
        provider.close()


def test_a_project_below_the_chosen_root_is_hidden(
    provider_of: Callable[[str], SandboxProvider], tmp_path: Path
) -> None:
    arguments = Rootfs(tmp_path.parent, (tmp_path,)).arguments
    assert f"/{tmp_path.name}" in arguments[arguments.index("--tmpfs") :]
