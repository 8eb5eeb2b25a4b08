"""An installed Chromium for tests in a browser."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")


def chromium() -> str:
    """Its path; skips where there is none, unless CLAWMARK_REQUIRE_BROWSER is set."""
    named = os.environ.get("CLAWMARK_CHROMIUM")
    names = (named,) if named else NAMES
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        told = f"there is no Chromium ({', '.join(names)}); install one, or name it by CLAWMARK_CHROMIUM"
        if os.environ.get("CLAWMARK_REQUIRE_BROWSER"):
            pytest.fail(told)
        pytest.skip(told)
    return found
