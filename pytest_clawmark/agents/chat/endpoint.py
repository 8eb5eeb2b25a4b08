"""One OpenAI-compatible endpoint on the wire: its client and its key, which goes nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import openai

from pytest_clawmark.agents.chat.faults import Fault, ProviderAnswer, of_status
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.failures import SettingsError

_CONNECT_SECONDS = 10.0
# Shorter keys, such as "EMPTY" or "dummy", are placeholders, and ordinary words in an answer.
_SHORTEST_SECRET = 6


class ModelEndpoint:
    """Built and used inside one asyncio loop. Raises `SettingsError` when the entry's key is missing."""

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._key = read_key(entry)
        self._client: openai.AsyncOpenAI | None = None

    async def chat(self, body: Mapping[str, Any]) -> str:
        """The text of a successful answer; raises `Fault`, `ContextOverflow` or `Refused`.

        Waits as long as it takes: who calls bounds the time.
        """
        client = self._connected()
        problem: ProviderAnswer
        try:
            answer = await client.chat.completions.with_raw_response.create(
                **body, extra_body=dict(self._entry.parameters), extra_headers=self._headers()
            )
        except openai.OpenAIError as error:
            problem = self._problem(error)
        else:
            return str(answer.text)
        # Raised out here, so that the library's exception, which knows the key, is not chained to it.
        raise problem

    async def look(self) -> None:
        """Ask for the list of models, to see whether anybody is there; raises as `chat` does."""
        client = self._connected()
        problem: ProviderAnswer
        try:
            await client.models.with_raw_response.list(extra_headers=self._headers())
        except openai.OpenAIError as error:
            problem = self._problem(error)
        else:
            return
        raise problem

    def scrub(self, text: str) -> str:
        """An error's text without the key."""
        return text.replace(self._key, "(key)") if self._key else text

    def scrub_answer(self, text: str) -> str:
        """A piece of a model's answer without the key."""
        return self.scrub(text) if len(self._key) >= _SHORTEST_SECRET else text

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            self._client = openai.AsyncOpenAI(
                base_url=self._entry.base_url,
                # Given nothing, the library would send OPENAI_API_KEY to whoever this is.
                api_key=self._key or "none",
                max_retries=0,
                timeout=openai.Timeout(None, connect=_CONNECT_SECONDS),
            )
        return self._client

    def _headers(self) -> Any:
        """Leaves out whose key, organisation and project the library finds in OPENAI_* variables."""
        unsaid = ["OpenAI-Organization", "OpenAI-Project", *([] if self._key else ["Authorization"])]
        return dict.fromkeys(unsaid, openai.Omit())

    def _problem(self, error: Exception) -> ProviderAnswer:
        if isinstance(error, openai.APIStatusError):
            return of_status(error.status_code, self.scrub(error.response.text), error.response.headers)
        cause = error.__cause__ or error
        return Fault(self.scrub(f"{error} ({type(cause).__name__}: {cause})"))


def read_key(entry: ModelEntry) -> str:
    """The entry's key, or nothing where none is needed; raises `SettingsError` when it is missing."""
    if entry.api_key_env is None:
        return ""
    key = os.environ.get(entry.api_key_env, "").strip()
    if not key:
        raise SettingsError(
            f"{entry.source}: model {entry.name!r} takes its key from the variable {entry.api_key_env}, "
            f"which is not set; set it, or remove api_key_env if {entry.base_url} needs no key"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError(
            f"{entry.source}: the key in {entry.api_key_env} holds characters that no key has "
            "(spaces, line ends or letters beyond ASCII); set it again"
        )
    return key
