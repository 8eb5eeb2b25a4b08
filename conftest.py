"""For the project's own tests: pytester, and what becomes of tests whose sandbox this machine lacks."""

from __future__ import annotations

import os
import shutil

import pytest

pytest_plugins = ["pytester"]

REQUIRED = "CLAWMARK_REQUIRE_SANDBOXES"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a missing bubblewrap, except where every sandbox is required: there it fails."""
    if item.get_closest_marker("bubblewrap") and shutil.which("bwrap") is None:
        message = "bubblewrap is not installed; `pytest-clawmark doctor` tells how to get it"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{message}, and {REQUIRED} is set", pytrace=False)
        pytest.skip(message)
