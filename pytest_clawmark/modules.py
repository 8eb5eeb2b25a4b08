"""Runs the author's files as modules of their own, under names that cannot collide."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_clawmark.failures import TaskError
from pytest_clawmark.log import say


def load_solution(path: Path) -> Mapping[str, Callable[[Any], None]]:
    """The functions of a `solution.py` by name; raises `TaskError` when importing it fails."""
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        module = execute(code, path, "solution")
    except Exception as error:
        raise TaskError(f"{path}: importing the solution failed: {type(error).__name__}: {error}") from error
    return {
        name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")
    }


def execute(code: Any, path: Path, kind: str) -> ModuleType:
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    module = ModuleType(f"clawmark_{kind}_{digest}")
    module.__file__ = str(path)
    vars(module)["print"] = say
    sys.modules[module.__name__] = module
    try:
        exec(code, vars(module))  # noqa: S102 - running the author's file is what importing it means
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module
