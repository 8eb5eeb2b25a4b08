"""Ways to read and play a small task in the ClawMark format."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.clawmark_task import changed, write_task

from pytest_clawmark.formats.clawmark import ClawMarkFormat
from pytest_clawmark.formats.contract import ReadTask, Source

Read = Callable[..., ReadTask]


@pytest.fixture
def read(tmp_path: Path, pytestconfig: pytest.Config) -> Read:
    """Read a task from its text, as collecting does."""

    def from_text(*changes: tuple[str, str]) -> ReadTask:
        path = write_task(tmp_path / "tasks" / "office" / "task1", changed(*changes))
        raw = path.read_bytes()
        return ClawMarkFormat().read(Source(path=path, text=raw, tree=ast.parse(raw)), pytestconfig)

    return from_text


class Corpus:
    """A folder with the task, and sessions over it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.root = pytester, pytester.path
        self.path = write_task(self.root / "tasks" / "office" / "task1")
        pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def run(self, *arguments: str) -> pytest.RunResult:
        """A session without isolation, so that it runs anywhere."""
        return self.pytester.runpytest("tasks", *self._common, *arguments)

    def play(self, *arguments: str, agent: str = "golden") -> pytest.RunResult:
        """A session in which an agent plays; the run lies in `run`."""
        played = ("--sandbox=local", f"--agent={agent}", "--run-dir=run")
        return self.run(*played, *arguments)

    def collected(self, *arguments: str) -> Sequence[str]:
        """The node ids that are selected."""
        lines = self.run("--collect-only", "-q", *arguments).outlines
        return [line for line in lines if "::" in line]

    _common = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")


@pytest.fixture
def corpus(pytester: pytest.Pytester) -> Corpus:
    """A corpus of one task."""
    return Corpus(pytester)
