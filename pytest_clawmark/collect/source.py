"""A task's file before anything of it runs: whose it is, and what it names that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_clawmark.task import Place, reject

TASK_FILE = "task.py"
MATERIAL_FOLDERS = ("assets", "inject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed `task.py`; the tree is rewritten and compiled later, so it is parsed only once."""

    path: Path
    text: bytes
    tree: ast.Module


def claim(path: Path) -> Source | None:
    """The source of `path` if it is a task of ours, None for anybody else's `task.py`.

    It is ours when its top level imports `Task` from this package. A file that mentions this package and
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
    return Source(path=path, text=text, tree=tree) if _imports_task(tree) else None


def _imports_task(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "pytest_clawmark":
            return any(alias.name == "Task" for alias in node.names)
        if isinstance(node, ast.Import) and any(alias.name == "pytest_clawmark" for alias in node.names):
            return True
    return False


def check_materials(source: Source) -> None:
    """Raise `TaskError` for the first string that names a file below `assets/` or `inject/` that is missing."""
    folder = source.path.parent
    for text, line in _material_names(source.tree):
        if (folder / text).exists():
            continue
        place = Place(file=str(source.path), line=line)
        near = folder / Path(text).parts[0]
        known = sorted(str(p.relative_to(folder)) for p in near.rglob("*")) if near.is_dir() else []
        raise reject(
            place,
            f"{text!r} does not exist in the task's folder",
            f"Add the file, or name one that exists: {', '.join(known[:20]) or 'there is none'}.",
        )


def _material_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    prefixes = tuple(f"{name}/" for name in MATERIAL_FOLDERS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                for leaf in ast.walk(argument):
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                        text = leaf.value
                        if text.startswith(prefixes) and "\n" not in text:
                            yield text, leaf.lineno


def solution_functions(path: Path) -> dict[str, int]:
    """The functions at the top level of a `solution.py` and their lines, without running it.

    Raises `TaskError` when it cannot be parsed.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise reject(
            Place(file=str(path), line=error.lineno or 1), f"not valid Python: {error.msg}", "Mend the line."
        ) from None
    return {node.name: node.lineno for node in tree.body if isinstance(node, ast.FunctionDef)}
