"""Which files are tasks, and which places are never looked into. Light: every pytest session asks this."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

TASK_FILE = "task.py"
MATERIAL_FOLDERS = ("assets", "inject")


def is_material(path: Path) -> bool:
    """Whether a path is a task's `assets` or `inject`, or a run: places that nothing is collected from."""
    if path.name in MATERIAL_FOLDERS and (path.parent / TASK_FILE).is_file():
        return True
    return (path / "run.json").is_file() and (path / "episodes").is_dir()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed `task.py`; the tree is rewritten and compiled later, so it is parsed only once."""

    path: Path
    text: bytes
    tree: ast.Module


def claim(path: Path) -> Source | None:
    """The source of `path` if it is a task of ours, None for anybody else's `task.py`.

    It is ours when its top level imports this package. A file that mentions this package and
    cannot be parsed is claimed with an empty tree, so that the syntax error is reported, not overlooked.
    """
    if path.name != TASK_FILE:
        return None
    text = path.read_bytes()
    if b"pytest_clawmark" not in text:
        return None
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError:
        return Source(path=path, text=text, tree=ast.Module(body=[], type_ignores=[]))
    return Source(path=path, text=text, tree=tree) if _imports_us(tree) else None


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
