"""What is put to the test: the contract of agents, and those that come with the plugin.

Importing this loads no model client: `chat` does, once a model is asked.
"""

from pytest_clawmark.agents.choose import AgentKind, build_agents, built_in_kinds
from pytest_clawmark.agents.contract import (
    Agent,
    Interrupted,
    Office,
    Record,
    Session,
    Stop,
    StopKind,
    ToolResult,
    Toolset,
    TurnLimits,
    Usage,
    Workday,
)
from pytest_clawmark.agents.models import ModelEntry, Price, load_models

__all__ = [
    "Agent",
    "AgentKind",
    "Interrupted",
    "ModelEntry",
    "Office",
    "Price",
    "Record",
    "Session",
    "Stop",
    "StopKind",
    "ToolResult",
    "Toolset",
    "TurnLimits",
    "Usage",
    "Workday",
    "build_agents",
    "built_in_kinds",
    "load_models",
]
