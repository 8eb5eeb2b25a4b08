"""A task's files before anything of them runs: what they name that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pytest_clawmark.checker import PREFIX
from pytest_clawmark.formats.contract import Source
from pytest_clawmark.task import Place, reject


def check_shape(source: Source) -> None:
    """Raise `TaskError` for what would be overlooked: a checker defined twice, or one that is no function."""
    seen: dict[str, int] = {}
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        place = Place(file=str(source.path), line=node.lineno)
        if node.name in seen and node.name.startswith(PREFIX):
            raise reject(
                place,
                f"{node.name} is defined twice, first at line {seen[node.name]}: only the last would count",
                "Give each checker a name of its own.",
            )
        seen[node.name] = node.lineno
        if node.name.startswith(("test_", "Test", "Check")):
            raise reject(
                place,
                f"{node.name} is no checker, and would never run here",
                f"Write functions called {PREFIX}...; tests belong into files of their own.",
            )
        if node.name.startswith(PREFIX) and (line := _returning(node)) is not None:
            raise reject(
                Place(file=str(source.path), line=line),
                f"{node.name} returns a value, which nobody looks at",
                "Write assert instead of return.",
            )


def _returning(function: ast.AST) -> int | None:
    """The line of a function's own `return` of a value, None without one."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Return) and child.value is not None:
            return child.lineno
        if (line := _returning(child)) is not None:
            return line
    return None


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
    prefixes = tuple(f"{name}/" for name in ("assets", "inject"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("upload", "asset") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, first.lineno
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                for leaf in ast.walk(argument):
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                        text = leaf.value
                        if text.startswith(prefixes) and "\n" not in text:
                            yield text, leaf.lineno


def solution_functions(path: Path) -> dict[str, int]:
    """The functions at the top level of a `solution.py` and how many arguments they take, without running it.

    Raises `TaskError` when it cannot be parsed.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise reject(
            Place(file=str(path), line=error.lineno or 1), f"not valid Python: {error.msg}", "Mend the line."
        ) from None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: len(node.args.posonlyargs + node.args.args) for node in functions}
