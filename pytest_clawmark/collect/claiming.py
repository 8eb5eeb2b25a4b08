"""Which files and functions pytest's collection hands to this plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_clawmark.collect.items import Contestant, TurnCollector
from pytest_clawmark.collect.module import TaskModule
from pytest_clawmark.collect.source import MATERIAL_FOLDERS, TASK_FILE, claim
from pytest_clawmark.runs.layout import is_run

CONTESTANTS = pytest.StashKey[tuple[Contestant, ...]]()


def is_material(path: Path) -> bool:
    """Whether a path is a task's `assets` or `inject`, or a run: places that nothing is collected from."""
    if path.name in MATERIAL_FOLDERS and (path.parent / TASK_FILE).is_file():
        return True
    return path.is_dir() and is_run(path)


def collect_found(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The task in a `task.py` that pytest itself would pass over."""
    if path.name != TASK_FILE or parent.session.isinitpath(path) or _is_test_file(path, parent.config):
        return None
    return collect_named(path, parent)


def collect_named(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The task in a file, None if it is anybody else's."""
    source = claim(path)
    return TaskModule.from_parent(parent, path=path, source=source) if source is not None else None


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Play every turn and every checker once per contestant."""
    contestants = metafunc.config.stash[CONTESTANTS]
    parent = metafunc.definition.parent
    if contestants and isinstance(parent, (TaskModule, TurnCollector)):
        metafunc.parametrize("episode", contestants, ids=[c.bracket for c in contestants], indirect=True)


def _is_test_file(path: Path, config: pytest.Config) -> bool:
    patterns: list[str] = config.getini("python_files")
    return any(path.match(pattern) for pattern in patterns)
