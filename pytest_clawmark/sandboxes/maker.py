"""Which process made something that may outlive it, so that `pytest-clawmark clean` knows what nobody uses."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pytest_clawmark.toolbox.cache import cache_folder

_BOOT = Path("/proc/sys/kernel/random/boot_id")
PREFIX = "clawmark-"


def maker() -> str:
    """This process, as text that means no other one: the boot of its machine, its number, when it started."""
    return f"{_boot()} {os.getpid()} {_started(os.getpid())}"


def is_gone(text: str) -> bool | None:
    """Whether the process that `maker` described has ended; None if that was on another machine."""
    boot, _, rest = text.partition(" ")
    pid, _, started = rest.partition(" ")
    if boot != _boot() or not pid.isdigit():
        return None
    return _started(int(pid)) != started


def own_folder(place: Path | None = None) -> Path:
    """A new folder, among the temporary ones by default, whose name tells whose it is."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))


def abandoned_folders() -> list[Path]:
    """Temporary folders of worlds whose processes have ended."""
    found = (folder for place in places() for folder in sorted(place.glob(f"{PREFIX}*-*")))
    return [folder for folder in found if folder.is_dir() and _maker_ended(folder)]


def places() -> list[Path]:
    """Where folders of ours may lie."""
    return list(dict.fromkeys((Path(tempfile.gettempdir()), cache_folder())))


def _maker_ended(folder: Path) -> bool:
    pid = folder.name.removeprefix(PREFIX).partition("-")[0]
    return pid.isdigit() and not Path(f"/proc/{pid}").exists()


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip()


def _started(pid: int) -> str:
    """In clock ticks after the boot; empty for a process that has ended."""
    try:
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
    except OSError:
        return ""
