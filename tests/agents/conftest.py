"""What the tests of agents share: a world of files and processes, and a place to record into."""

from __future__ import annotations

import pytest
from support.plain_sandbox import PlainSandbox

from pytest_clawmark.agents.toolset import WorldToolset


@pytest.fixture
def sandbox(tmp_path):
    """A folder and subprocesses."""
    return PlainSandbox(tmp_path / "sandbox")


@pytest.fixture
def records():
    """What was written to the turn's trajectory."""
    return []


@pytest.fixture
def toolset(sandbox, records):
    """Builds the tools of a turn; keywords replace the defaults."""

    def build(**settings):
        return WorldToolset(
            **{"sandbox": sandbox, "env": {}, "services": (), "record": records.append, **settings}
        )

    return build
