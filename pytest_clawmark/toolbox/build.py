"""Building one toolbox, in a folder of its own that nobody uses yet."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.toolbox.interpreter import Interpreter, provide

REQUIREMENTS = Path(__file__).with_name("requirements.txt")

# Our own program for the toolbox: a module, and a script that starts it.
BRIDGE = Path(__file__).parent / "programs" / "clawmark_mcp.py"
_START = b"import sys\nfrom clawmark_mcp import main\nsys.exit(main())\n"

# Imported to see that the toolbox works: the clients, and those that bring compiled code.
_TRIED = (
    "caldav",
    "clawmark_mcp",
    "gspread",
    "lxml.etree",
    "notion_client",
    "openpyxl",
    "PIL.Image",
    "pypdfium2",
    "ssl",
    "yaml",
)

_NOBODY = 65_534

# A script that finds the interpreter beside itself, since the toolbox is seen at more than one path: read
# by sh, the second line replaces the shell; read by Python, it is a string.
_SHEBANG = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python3" "$0" "$@"
' '''
"""


def build(interpreter: Interpreter, folder: Path, progress: Callable[[str], None]) -> None:
    """Fill `folder`. Raises `SettingsError` with what pip or the interpreter said."""
    progress(f"preparing Python {interpreter.version} from {interpreter.prefix}")
    try:
        provide(interpreter, folder)
    except (OSError, subprocess.CalledProcessError) as failure:
        raise SettingsError(
            f"the toolbox's Python cannot be made from {interpreter.prefix}: {failure}"
        ) from failure
    progress(f"installing {len(requirements())} packages")
    _install(folder)
    _free_from_path(folder / "bin")
    _add_bridge(folder, interpreter.label)
    _open_to_all(folder)
    progress("trying it")
    _try(interpreter, folder)


def requirements() -> list[str]:
    """The pinned packages, one `name==version` each."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _install(folder: Path) -> None:
    """Install with the pip of our own environment, so that the toolbox needs none."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", folder / "bin/python3", "install"),
            *("--requirement", REQUIREMENTS, "--no-deps", "--only-binary=:all:"),
            *("--no-input", "--disable-pip-version-check", "--no-warn-script-location"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        # pip would take what PYTHONPATH shows for installed.
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise SettingsError(
            f"the toolbox's packages cannot be installed with `{sys.executable} -m pip`:\n{said}\n"
            "Once the package index can be reached (or `python -m ensurepip` has given pip), run "
            "`pytest-clawmark setup`"
        )


def _free_from_path(scripts: Path) -> None:
    for script in scripts.iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if found := re.match(rb"#!.*python.*\n(?:'''exec' .*\n' '''\n)?", content):
            script.write_bytes(_SHEBANG + content[found.end() :])


def _add_bridge(folder: Path, label: str) -> None:
    shutil.copyfile(BRIDGE, folder / "lib" / label / "site-packages" / BRIDGE.name)
    script = folder / "bin" / "clawmark-mcp"
    script.write_bytes(_SHEBANG + _START)
    script.chmod(0o755)


def _open_to_all(folder: Path) -> None:
    """Let everybody read it, whatever our umask: a world runs as a user of its own."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                executable = 0o111 if mode & 0o100 else 0
                path.chmod(stat.S_IMODE(mode) | 0o444 | executable)


def _try(interpreter: Interpreter, folder: Path) -> None:
    """Run it as a world does: as another user if we are root, who must be able to reach the folder."""
    somebody: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    program = f"import {', '.join(_TRIED)}\nprint(open('/proc/self/maps').read())"
    done = subprocess.run(
        [folder / "bin/python3", "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": "/"},  # as in a world, where it is set too
        cwd="/",
        **(somebody if os.geteuid() == 0 else {}),
    )
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise SettingsError(f"the toolbox made from {interpreter.prefix} in {folder} does not work: {said}")
    if not interpreter.linked and f"{interpreter.prefix}/" in done.stdout:
        raise SettingsError(
            f"the toolbox made from {interpreter.prefix} still needs files there: make the environment of "
            "pytest with another Python, such as the system's"
        )
