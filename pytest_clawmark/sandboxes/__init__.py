"""Where the agent's commands run: one contract; bubblewrap, docker, a relay and local behind it."""

from pytest_clawmark.sandboxes.choose import choose, providers
from pytest_clawmark.sandboxes.contract import (
    Address,
    Blueprint,
    Completed,
    Finding,
    Limits,
    Mount,
    Sandbox,
    SandboxProvider,
)

__all__ = [
    "Address",
    "Blueprint",
    "Completed",
    "Finding",
    "Limits",
    "Mount",
    "Sandbox",
    "SandboxProvider",
    "choose",
    "providers",
]
