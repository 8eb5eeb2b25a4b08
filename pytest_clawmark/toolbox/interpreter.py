"""The toolbox's interpreter: one that a world's user can read, and that exists inside the world."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_clawmark.failures import SettingsError

# Every sandbox shows the distribution's own programs, so that its Python can be linked to. Any other is copied.
_SYSTEM = Path("/usr")

_LEFT_OUT = shutil.ignore_patterns(
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "config-*",
    "EXTERNALLY-MANAGED",
    "*.pyc.*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python installation of this machine: `version` is `3.11.7`, `prefix` where it is installed."""

    program: Path
    prefix: Path
    version: str

    @property
    def label(self) -> str:
        """`python3.11`: the name of its program and of its library folder."""
        return "python" + ".".join(self.version.split(".")[:2])

    @property
    def linked(self) -> bool:
        """Whether the toolbox links to it instead of holding a copy."""
        return self.prefix == _SYSTEM


def current() -> Interpreter:
    """The installation behind the running interpreter, which may be a virtual environment's."""
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    version = ".".join(map(str, sys.version_info[:3]))
    return Interpreter(program=program, prefix=Path(sys.base_prefix).resolve(), version=version)


def provide(interpreter: Interpreter, folder: Path) -> None:
    """Make `folder` a Python environment of its own: `bin/python3`, `lib/python3.X/site-packages`."""
    if interpreter.linked:
        _link(interpreter, folder)
    else:
        _copy(interpreter, folder)


def _link(interpreter: Interpreter, folder: Path) -> None:
    subprocess.run(
        [interpreter.program, "-I", "-m", "venv", "--without-pip", "--symlinks", folder],
        check=True,
        capture_output=True,
    )
    for leftover in (folder / "bin").glob("[aA]ctivate*"):
        leftover.unlink()


def _copy(interpreter: Interpreter, folder: Path) -> None:
    """Copy the program, its libraries and the standard library; CPython finds them relative to itself."""
    label = interpreter.label
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / label
    shutil.copy2(interpreter.program, program)
    for alias in ("python", "python3"):
        (folder / "bin" / alias).symlink_to(label)
    library = folder / "lib" / label
    shutil.copytree(interpreter.prefix / "lib" / label, library, ignore=_LEFT_OUT)
    (library / "site-packages").mkdir()
    modules = sorted((interpreter.prefix / "lib" / label / "lib-dynload").glob("*.so"))
    copied = [_take(path, interpreter.prefix, folder) for path in _own_libraries(interpreter, modules)]
    for path in (program, *copied):
        _relocate(path, interpreter.prefix / "lib", folder / "lib")


def _take(path: Path, prefix: Path, folder: Path) -> Path:
    target = folder / path.relative_to(prefix)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(path, target))


def _own_libraries(interpreter: Interpreter, modules: list[Path]) -> list[Path]:
    """Shared libraries that the installation brings along, such as libpython, under the names they are
    looked up by."""
    listed = subprocess.run(
        ["ldd", interpreter.program, *modules], check=True, capture_output=True, text=True
    ).stdout
    paths = {Path(os.path.normpath(found)) for found in re.findall(r"=> (/\S+)", listed)}
    return sorted(path for path in paths if path.is_relative_to(interpreter.prefix))


def _relocate(path: Path, old: Path, new: Path) -> None:
    """Where a binary names the folder `old` to search for libraries, make it search relative to itself."""
    content = path.read_bytes()
    relative = os.path.relpath(new, path.parent)
    replacement = b"$ORIGIN/" + os.fsencode(relative) if relative != "." else b"$ORIGIN"
    for found in re.finditer(rb"(?<=[\0:])" + re.escape(os.fsencode(old)) + rb"(?=[\0:])([^\0]*)", content):
        text = replacement + found[1]
        if len(text) > len(found[0]):
            raise SettingsError(
                f"{path.name} of {old.parent} cannot be made relocatable: make the environment of pytest with "
                "another Python, such as the system's"
            )
        start, end = found.span()
        content = content[:start] + text.ljust(end - start, b"\0") + content[end:]
    path.write_bytes(content)
