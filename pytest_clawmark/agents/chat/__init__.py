"""The agent around a model behind an OpenAI-compatible endpoint."""

from pytest_clawmark.agents.chat.agent import ChatAgent, ChatSession

__all__ = ["ChatAgent", "ChatSession"]
