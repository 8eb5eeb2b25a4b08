"""What a task format is: how its files are recognised, and how they become tasks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pytest

    from pytest_clawmark.checker import Checker
    from pytest_clawmark.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A task's file, read and parsed once.

    `tree` is its syntax tree where it is Python; it is empty where the file cannot be parsed, which `read` then
    reports.
    """

    path: Path
    text: bytes
    tree: ast.Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A checker and the function that runs it, which takes fixtures by name as a test does."""

    checker: Checker
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTask:
    """What a file of a format says.

    `module` is what pytest takes fixtures from. `checkers` stand in the order of the file, by the name that ends
    their node ids; each lies below the collector that `Checker.group` names: a turn, or a name of the format's own,
    which then follows the last turn. `marks` are put on every item of the task.
    """

    task: Task
    module: ModuleType
    checkers: Mapping[str, Declared]
    solution: Path | None = None
    marks: Sequence[pytest.MarkDecorator] = ()


class TaskFormat(Protocol):
    """A way to write tasks down. Every session asks the first three, so they must be cheap."""

    @property
    def file_name(self) -> str:
        """What a task's file is called, e.g. `task.py`."""

    @property
    def material_folders(self) -> Sequence[str]:
        """The folders beside it that nothing is collected from."""

    def claims(self, text: bytes, tree: Callable[[], ast.Module]) -> bool:
        """Whether a file of that name is of this format, by what stands in it and never by running it.

        Look at `text` first; `tree` parses it, and gives an empty tree for what is no valid Python.
        """

    def read(self, source: Source, config: pytest.Config) -> ReadTask:
        """Run the file and take from it what it declares; raises `TaskError` for what is malformed."""
