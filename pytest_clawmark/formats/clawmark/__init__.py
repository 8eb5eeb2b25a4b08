"""The format of the ClawMark corpus: `METADATA`, `PROMPT`, `async def stage0(ctx)`... and `RUBRIC`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_clawmark.formats.clawmark.frozen import FrozenServices
    from pytest_clawmark.formats.contract import ReadTask, Source

_MARKS = (b"METADATA", b"RUBRIC", b"def stage")


class ClawMarkFormat:
    """Files with at least two of METADATA, RUBRIC and a stage at their top level.

    Two, so that a task that lost one of the three is reported instead of vanishing.
    """

    def __init__(self) -> None:
        self._services: FrozenServices | None = None

    file_name = "task.py"
    material_folders = ("assets", "inject")

    def claims(self, text: bytes, tree: Callable[[], ast.Module]) -> bool:
        """A file that names them all and cannot be parsed is claimed, so that its error is reported."""
        named = sum(mark in text for mark in _MARKS)
        if named < 2:
            return False
        parsed = tree()
        if not parsed.body:
            return named == len(_MARKS)
        return sum(_assigns(parsed, name) for name in ("METADATA", "RUBRIC")) + _has_stage(parsed) >= 2

    def read(self, source: Source, config: pytest.Config) -> ReadTask:
        """See `TaskFormat.read`."""
        from pytest_clawmark.formats.clawmark.frozen import FrozenServices
        from pytest_clawmark.formats.clawmark.reading import read_clawmark

        if self._services is None:
            self._services = FrozenServices()
        return read_clawmark(source, config, self._services)


def _assigns(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(target, ast.Name) and target.id == name
        for node in tree.body
        for target in (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
    )


def _has_stage(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.AsyncFunctionDef) and node.name.removeprefix("stage").isdecimal()
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("stage")
    )
