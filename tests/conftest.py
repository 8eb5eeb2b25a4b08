"""What all tests share: modules that must not be imported twice."""

from __future__ import annotations

# A session that pytester runs in this process forgets what it imported, and a module with a core in C must not
# be imported twice. So everything that such a session could need is imported here, once.
import jinja2  # noqa: F401
import openai  # noqa: F401
import trustme  # noqa: F401

import clawmark_services.calendar
import clawmark_services.email
import clawmark_services.notion
import clawmark_services.rest
import clawmark_services.sheets  # noqa: F401
import pytest_clawmark.agents.chat
import pytest_clawmark.collect.claiming
import pytest_clawmark.playing
import pytest_clawmark.recording  # noqa: F401
