"""The plugin's own format: a `task.py` with a `Task`, turn functions and `check_*` functions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_clawmark.formats.contract import ReadTask, Source


class NativeFormat:
    """Files that import this package at their top level; everybody else's `task.py` is left alone."""

    file_name = "task.py"
    material_folders = ("assets", "inject")

    def claims(self, text: bytes, tree: Callable[[], ast.Module]) -> bool:
        """A file that mentions this package and cannot be parsed is claimed, so that its error is reported."""
        if b"pytest_clawmark" not in text:
            return False
        parsed = tree()
        return not parsed.body or _imports_us(parsed)

    def read(self, source: Source, config: pytest.Config) -> ReadTask:
        """See `TaskFormat.read`."""
        from pytest_clawmark.formats.native.reading import read_native

        return read_native(source, config)


def _imports_us(tree: ast.Module) -> bool:
    names = [
        name
        for node in tree.body
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    return any(name.partition(".")[0] == "pytest_clawmark" for name in names)
