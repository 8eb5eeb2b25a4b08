"""A session in which tasks may be met and nobody was named to play them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_clawmark.collect.finding import formats_of


class NobodyPlays:
    """Tasks were found and nobody was named to play them: say so, and run nothing."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Before the first item runs; under pytest-xdist the controller finds out instead."""
        if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
            self._refuse(session.config, [item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Before the first item is dealt."""
        self._refuse(node.config, ids)

    @staticmethod
    def _refuse(config: pytest.Config, ids: Sequence[str]) -> None:
        files = dict.fromkeys(nodeid.partition("::")[0] for nodeid in ids)
        formats = formats_of(config)
        tasks = [file for file in files if formats.claim(config.rootpath / file) is not None]
        if tasks:
            raise pytest.UsageError(
                f"{tasks[0]} is a task, and nobody is named to play it: give --model=NAME "
                "(a model of clawmark.toml) or --agent=NAME (golden plays the task's own solution, idle nothing)"
            )
