"""The harnesses that come with the plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_clawmark.agents.harness.claude_code import ClaudeCode
from pytest_clawmark.agents.harness.codex import Codex
from pytest_clawmark.agents.harness.contract import Harness
from pytest_clawmark.agents.harness.hermes import Hermes
from pytest_clawmark.agents.harness.openclaw import OpenClaw

_KNOWN: Mapping[str, Callable[..., Harness]] = {
    "claude-code": ClaudeCode,
    "codex": Codex,
    "hermes": Hermes,
    "openclaw": OpenClaw,
}


def harness(name: str, version: str | None) -> Harness:
    """The harness called `name`, in another version than the pinned one if that is given."""
    make = _KNOWN[name]
    return make() if version is None else make(version)
