"""From files called `task.py` to pytest's items.

What the rest of the plugin decides for collection lies in the session's stash, under these keys.
"""

from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_clawmark.collect.items import Contestant  # noqa: F401 - named in a string below

CONTESTANTS = pytest.StashKey["tuple[Contestant, ...]"]()
"""Who plays every task; empty where items are only listed."""

FIXTURES = pytest.StashKey[ModuleType]()
"""What holds the checkers' fixtures: they are known below tasks only, since other plugins have a `snapshot` too."""

NEEDS_SOLUTION = pytest.StashKey[bool]()
"""Whether a task without a solution is malformed."""
