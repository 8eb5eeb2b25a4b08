"""Agents that are programs of their own, at work inside a world with a model behind the gateway."""

from pytest_clawmark.agents.harness.agent import HarnessAgent
from pytest_clawmark.agents.harness.contract import Errand, Finished, Harness, Place

__all__ = ["Errand", "Finished", "Harness", "HarnessAgent", "Place"]
