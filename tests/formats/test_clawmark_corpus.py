"""The published corpus itself, from a checkout that `CLAWMARK_CORPUS` names."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = os.environ.get("CLAWMARK_CORPUS")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHECKOUT, reason="CLAWMARK_CORPUS names no checkout of the corpus (evolvent-ai/ClawMark)"
    ),
]
COMMON = ("-p", "no:cacheprovider", "-q", "--tb=no", "-rN")


@pytest.fixture
def tasks() -> Path:
    return Path(str(CHECKOUT)).resolve() / "tasks"


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)} {path.lstat().st_mtime_ns}\n".encode())
    return found.hexdigest()


@pytest.fixture
def untouched(tasks):
    """The checkout is as it was, when the test has ended."""
    before = digest(tasks)
    yield
    assert digest(tasks) == before


@pytest.mark.usefixtures("untouched")
def test_the_whole_corpus_is_collected(pytester, tasks):
    result = pytester.runpytest_subprocess(str(tasks), "--collect-only", *COMMON)
    lines = [line for line in result.outlines if "/task.py::" in line]
    turns = [line for line in lines if line.count("::") == 1]
    assert result.ret == 0
    assert len({line.partition("::")[0] for line in lines}) == 100
    assert (len(turns), len(lines) - len(turns)) == (290, 1537)


@pytest.mark.usefixtures("untouched")
def test_red_lines_are_selected_by_their_mark(pytester, tasks):
    result = pytester.runpytest_subprocess(str(tasks), "--collect-only", *COMMON, "-m", "red_line")
    assert sum("/task.py::" in line for line in result.outlines) == 55


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("untouched")
def test_every_stage_runs_and_every_verdict_is_reached_and_reached_again(pytester, tasks):
    played = pytester.runpytest_subprocess(str(tasks), "--agent=idle", "--run-dir=run", *COMMON)
    assert played.ret == 1
    first = json.loads((pytester.path / "run" / "results.json").read_text())["tasks"]
    outcomes = Counter(checker["outcome"] for task in first for checker in task["checkers"])
    assert sum(outcomes.values()) == 1537
    assert set(outcomes) == {"passed", "failed"}
    assert {turn["outcome"] for task in first for turn in task["turns"]} == {"worked"}
    again = pytester.runpytest_subprocess(str(tasks), "--regrade=run", *COMMON)
    again.stdout.fnmatch_lines(["1537 of 1537 verdicts are as before"])
