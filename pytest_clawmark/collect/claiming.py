"""Which files and functions pytest's collection hands to this plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_clawmark.collect import CONTESTANTS
from pytest_clawmark.collect.finding import formats_of
from pytest_clawmark.collect.items import CheckersCollector, Contestant
from pytest_clawmark.collect.module import TaskModule


def collect_found(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The task in a file that pytest itself would pass over."""
    if path.suffix == ".py" and (parent.session.isinitpath(path) or _is_test_file(path, parent.config)):
        return None
    return collect_named(path, parent)


def collect_named(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The task in a file, None if it is anybody else's."""
    claim = formats_of(parent.config).claim(path)
    return TaskModule.from_parent(parent, path=path, claim=claim) if claim is not None else None


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Play every turn and every checker once per contestant."""
    contestants: tuple[Contestant, ...] = metafunc.config.stash[CONTESTANTS]
    parent = metafunc.definition.parent
    if isinstance(parent, (TaskModule, CheckersCollector)):
        metafunc.parametrize("episode", contestants, ids=[c.bracket for c in contestants], indirect=True)


def _is_test_file(path: Path, config: pytest.Config) -> bool:
    patterns: list[str] = config.getini("python_files")
    return any(path.match(pattern) for pattern in patterns)
