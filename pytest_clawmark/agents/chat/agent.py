"""The agent around a model: it asks, carries out the tools that are asked for, and asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from pytest_clawmark.agents.chat.conversation import Conversation
from pytest_clawmark.agents.chat.prompt import digest, system_prompt
from pytest_clawmark.agents.chat.turn import ChatTurn
from pytest_clawmark.agents.contract import Office, Stop, Workday
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.ledger import Ledger
from pytest_clawmark.gateway.line import Line
from pytest_clawmark.gateway.provider import Provider, Sleep


class ChatAgent:
    """A model behind an endpoint, with the tools of the world. `prompt` replaces the system prompt of its own;
    `sleep` waits between retries."""

    name = "chat"
    trusted = False

    def __init__(self, entry: ModelEntry, *, prompt: str | None = None, sleep: Sleep = asyncio.sleep) -> None:
        self._entry, self._prompt = entry, prompt
        self._provider = Provider(entry, sleep=sleep)

    @property
    def label(self) -> str:
        """The model's name."""
        return self._entry.name

    @property
    def model(self) -> str | None:
        """The model's name."""
        return self._entry.name

    def check(self) -> None:
        """Raise `SettingsError` when the key is missing or refused, or the endpoint does not answer."""
        self._provider.check()

    def describe(self) -> Mapping[str, Any]:
        """The model's entry, the prompt's digest and the client's version."""
        return {
            "agent": self.name,
            "model": self._entry.to_json(),
            "prompt": digest(self._prompt),
            "httpx": version("httpx"),
        }

    def open(self, office: Office) -> ChatSession:
        """Begin an episode."""
        return ChatSession(self._entry, self._provider, system_prompt(office, self._prompt))

    def close(self) -> None:
        """Close the connections."""
        self._provider.close()


class ChatSession:
    """One conversation, for one episode."""

    def __init__(self, entry: ModelEntry, provider: Provider, prompt: str) -> None:
        self._entry = entry
        self._ledger = Ledger(entry)
        self._line = Line(provider, self._ledger)
        self._conversation = Conversation(prompt)

    def work(self, day: Workday) -> Stop:
        """Play one turn. Raises `ModelFailure`, `Interrupted` or a `WorldFailure` of the tools."""
        self._conversation.tell(day.message)
        self._ledger.begin(day.record, day.limits, day.meet)
        try:
            stop = ChatTurn(self._entry, self._line, self._conversation, day).play()
            return replace(stop, usage=replace(self._ledger.usage, tool_calls=day.tools.calls))
        finally:
            self._ledger.end()

    def freeze(self) -> Mapping[str, Any]:
        """The conversation so far, and what it has cost."""
        return {**self._conversation.freeze(), "ledger": self._ledger.freeze()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with a conversation."""
        self._conversation.restore(state)
        self._ledger.restore(state["ledger"])

    def interrupt(self) -> None:
        """End a request in progress, and let no other begin."""
        self._line.cut()

    def close(self) -> None:
        """Nothing is held: the connections are the agent's."""
