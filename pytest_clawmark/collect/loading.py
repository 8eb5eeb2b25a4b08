"""Runs a task's file as a module, with pytest's assertions."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

# pytest offers no public way to rewrite asserts in a tree that is already parsed; import modes that would
# do it collide on the name `task`, write __pycache__ into other people's folders, or skip the rewriting.
from _pytest.assertion.rewrite import rewrite_asserts

from pytest_clawmark.collect.finding import Source
from pytest_clawmark.modules import execute
from pytest_clawmark.task import Place, Task, reject


def load_module(source: Source, config: pytest.Config) -> ModuleType:
    """Execute a task's file under a unique name; whatever it raises passes through."""
    if not source.tree.body:
        compile(source.text, str(source.path), "exec")
    if config.getoption("assertmode") == "rewrite":
        rewrite_asserts(source.tree, source.text, str(source.path), config)
    return execute(compile(source.tree, str(source.path), "exec", dont_inherit=True), source.path, "task")


def find_task(module: ModuleType, path: Path) -> Task:
    """The module's `task`; raises `TaskError` when there is none, or when it has no turn."""
    task = getattr(module, "task", None)
    if not isinstance(task, Task):
        raise reject(
            Place(file=str(path), line=1),
            f"`task` is {task!r}, not a Task",
            "Assign task = Task(...) at the top level of the file.",
        )
    if not task.turns:
        raise reject(
            task.place, "the task has no turn", "Declare one with @task.turn('2024-03-19T09:00+08:00')."
        )
    return task
