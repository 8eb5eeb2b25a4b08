"""From files called `task.py` to pytest's items.

What the rest of the plugin decides for collection lies in the session's stash, under these keys.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_clawmark.collect.items import Contestant  # noqa: F401 - named in a string below

CONTESTANTS = pytest.StashKey["tuple[Contestant, ...]"]()
"""Who plays every task; empty where items are only listed."""

NEEDS_SOLUTION = pytest.StashKey[bool]()
"""Whether a task without a solution is malformed."""
