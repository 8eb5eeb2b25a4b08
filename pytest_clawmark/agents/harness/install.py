"""Where harnesses are installed: once on this machine, pinned, read-only for the worlds that use them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.toolbox.cache import cache_folder

# The line with long-term support; the next one wants a library (libatomic) that slim images lack.
NODE = "24.21.0"
# Raise it when what older code installed no longer serves.
_LAYOUT = 1
_MINUTES = 20
_SHOWN_LINES = 15

Progress = Callable[[str], None]


def npm(packages: Mapping[str, str], progress: Progress) -> Path:
    """A folder with these packages, and Node as `bin/node`, from npm's registry."""

    def fill(folder: Path) -> None:
        progress(f"installing Node {NODE} from npm")
        node = folder / "node"
        _run_npm(node, [f"node@{NODE}"], os.environ["PATH"])
        program = next((path for path in node.rglob("bin/node") if not path.is_symlink()), None)
        if program is None:
            raise SettingsError(f"npm's package node@{NODE} brought no program for this machine")
        (folder / "bin").mkdir()
        program.rename(folder / "bin/node")
        shutil.rmtree(node)
        wanted = [f"{name}@{version}" for name, version in packages.items()]
        progress(f"installing {', '.join(wanted)} from npm")
        _run_npm(folder, wanted, f"{folder / 'bin'}:{os.environ['PATH']}")

    return _once({"node": NODE, **packages}, fill, progress)


def pip(packages: Mapping[str, str], progress: Progress) -> Path:
    """A virtual environment with these packages, from Python's package index."""

    def fill(folder: Path) -> None:
        wanted = [f"{name}=={version}" for name, version in packages.items()]
        progress(f"installing {', '.join(wanted)}")
        site = folder / "site"
        _run([sys.executable, "-m", "pip", "install", "--target", str(site), "--no-input", *wanted], "pip")

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _once({"python": python, **packages}, fill, progress)


def _run_npm(folder: Path, packages: list[str], path: str) -> None:
    folder.mkdir(exist_ok=True)
    command = [
        "npm",
        "install",
        "--prefix",
        str(folder),
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        *packages,
    ]
    _run(command, "npm", {**os.environ, "PATH": path})


def _run(command: list[str], program: str, env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", env=env, timeout=_MINUTES * 60
        )
    except FileNotFoundError:
        raise SettingsError(
            f"{program} is not installed on this machine: install it, and try again"
        ) from None
    except subprocess.TimeoutExpired:
        raise SettingsError(f"`{' '.join(command)}` did not end within {_MINUTES} minutes") from None
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:])
        raise SettingsError(f"`{' '.join(command)}` failed:\n{said}")


def _once(pins: Mapping[str, str], fill: Callable[[Path], None], progress: Progress) -> Path:
    """Built whole under a name that tells what is in it, however many ask at the same time.

    npm's and pip's scripts name the folder that they were installed into: it is built where it stays, and is
    whole when its mark is there.
    """
    key = hashlib.sha256(json.dumps([_LAYOUT, sorted(pins.items())]).encode()).hexdigest()[:16]
    folder = cache_folder() / "harnesses" / key
    mark = folder / "installed.json"
    if mark.is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            progress(f"looking for {', '.join(pins)}")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not mark.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                _open_to_all(folder)
                mark.write_text(json.dumps(dict(pins)), encoding="utf-8")
                mark.chmod(0o644)
    except OSError as failure:
        raise SettingsError(
            f"harnesses cannot be kept in {folder.parent}: {failure}; name another folder in CLAWMARK_CACHE"
        ) from failure
    return folder


def _open_to_all(folder: Path) -> None:
    """Let everybody read it, whatever our umask: a world runs as a user of its own."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) | 0o444 | (0o111 if mode & 0o100 else 0))
