"""Runs a task's file as a module, with pytest's assertions."""

from __future__ import annotations

from types import ModuleType

import pytest

# pytest offers no public way to rewrite asserts in a tree that is already parsed; import modes that would
# do it collide on the name `task`, write __pycache__ into other people's folders, or skip the rewriting.
from _pytest.assertion.rewrite import rewrite_asserts

from pytest_clawmark.formats.contract import Source
from pytest_clawmark.modules import execute


def load_module(source: Source, config: pytest.Config) -> ModuleType:
    """Execute a task's file under a unique name; whatever it raises passes through."""
    if not source.tree.body:
        compile(source.text, str(source.path), "exec")
    if config.getoption("assertmode") == "rewrite":
        rewrite_asserts(source.tree, source.text, str(source.path), config)
    return execute(compile(source.tree, str(source.path), "exec", dont_inherit=True), source.path, "task")
