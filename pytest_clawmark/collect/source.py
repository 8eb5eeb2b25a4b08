"""A task's files before anything of them runs: what they name that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pytest_clawmark.collect.finding import MATERIAL_FOLDERS, Source
from pytest_clawmark.task import Place, reject


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
