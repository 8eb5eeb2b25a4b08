"""Folders of this machine that a world is to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes.contract import Mount, Sandbox

# Where a world has files of its own. Below them, and above, a folder would hide these or be hidden.
_TAKEN = (
    *("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "root", "run", "sbin"),
    *("sys", "tmp", "usr", "var", "workspace"),
)


def parse(text: str) -> Mount:
    """`PATH` or `PATH:ro`. A folder is shown at its own path, or below `/mnt` where the world has files of
    its own: `/home/me/code` stays, `/root/code` becomes `/mnt/root/code`.

    Raises `SettingsError` for what is no folder.
    """
    name, read_only = (text[:-3], True) if text.endswith(":ro") else (text.removesuffix(":rw"), False)
    source = Path(name).resolve()
    if not source.is_dir():
        raise SettingsError(f"--mount {text}: {source} is no folder; give one as PATH or PATH:ro")
    if source == Path("/"):
        raise SettingsError("--mount /: the whole machine cannot be shown; name folders in it")
    taken = source.parts[1] in _TAKEN
    target = str(PurePosixPath("/mnt", *source.parts[1:])) if taken else str(source)
    return Mount(source=source, target=target, writable=not read_only)


def complaints(sandbox: Sandbox, mounts: Sequence[Mount]) -> list[str]:
    """What the world's user may not do there, though it was asked for; a sentence each."""
    found = []
    for mount in mounts:
        wanted = "-r -x -w" if mount.writable else "-r -x"
        script = " && ".join(f'test {right} "$1"' for right in wanted.split())
        if sandbox.run(["sh", "-c", script, "sh", mount.target]).exit_code:
            verb = "read and write" if mount.writable else "read"
            found.append(
                f"{mount.source}: the world's user may not {verb} there; worlds started by root run as "
                "nobody in particular, so open the folder to all (chmod) or start this command as its owner"
            )
    return found
