"""Deals whole episodes to pytest-xdist's workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pytest

# Optional: this module is imported only when pytest-xdist asked for a scheduler.
from xdist.scheduler.loadscope import LoadScopeScheduling

from pytest_clawmark.collect.finding import formats_of


class EpisodeScheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Keeps the items of one episode together; every other item is dealt on its own."""

    def __init__(self, config: pytest.Config, log: Any, brackets: Iterable[str]) -> None:
        super().__init__(config, log)
        self._brackets = sorted(brackets, key=len, reverse=True)
        self._file_names = formats_of(config).file_names

    def remove_node(self, node: Any) -> str | None:
        """Deal what a crashed worker left to another one, without the item that it crashed in.

        pytest-xdist would deal that one again too, and one worker after the other would end in it.
        """
        left = [(unit, item) for unit in self.assigned_work[node].values() for item in unit if not unit[item]]
        if left:
            unit, crashed = left[0]
            unit[crashed] = True
        super().remove_node(node)
        return left[0][1] if left else None

    def _split_scope(self, nodeid: str) -> str:
        return episode_scope(nodeid, self._brackets, self._file_names)


def episode_scope(nodeid: str, brackets: Sequence[str], file_names: Collection[str]) -> str:
    """What groups an item with others: `path/task.py[label]` for a task's item, itself otherwise.

    `brackets` are the contestants', longest first, since one label may end with another; `file_names` are what the
    files of tasks are called.
    """
    path, _, rest = nodeid.partition("::")
    if path.rpartition("/")[2] in file_names and rest.endswith("]"):
        inside = rest[:-1].partition("[")[2]
        for bracket in brackets:
            if inside == bracket or inside.endswith(f"-{bracket}"):
                return f"{path}[{bracket}]"
    return nodeid
