"""init as a program: compiled for the interpreter that will run it, which need not be ours."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from pytest_clawmark.failures import WorldFailure

SOURCE = Path(__file__).with_name("init.py")
FLAGS = ("-I", "-S", "-X", "utf8")

_COMPILE = """
import importlib.util, marshal, sys
code = compile(sys.stdin.buffer.read(), "init.py", "exec", optimize=2)
sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
"""


@cache
def compiled(interpreter: str) -> bytes:
    """The bytes of init's `.pyc` for `interpreter`: compiling it for every world would cost 10 ms each."""
    try:
        done = subprocess.run(
            [interpreter, *FLAGS, "-c", _COMPILE], input=SOURCE.read_bytes(), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as failure:
        told = getattr(failure, "stderr", b"").decode(errors="replace")
        raise WorldFailure(f"{interpreter} cannot compile the sandbox's init: {failure} {told}") from failure
    return done.stdout


@cache
def system_python() -> str | None:
    """A Python of the system's, at least 3.11, that exists in every sandbox; None where there is none."""
    names = ("python3", *(f"python3.{minor}" for minor in range(sys.version_info.minor, 10, -1)))
    return next((path for name in names if _suits(path := f"/usr/bin/{name}")), None)


def _suits(path: str) -> bool:
    if not Path(path).exists():
        return False
    asked = subprocess.run(
        [path, *FLAGS, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0
