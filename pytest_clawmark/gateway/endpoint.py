"""One model's endpoint on the wire: its client and its key, which goes nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.agents.wording import encodable
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.gateway.dialects import DIALECTS
from pytest_clawmark.gateway.events import Event, read_events
from pytest_clawmark.gateway.faults import Fault, ProviderAnswer, of_status
from pytest_clawmark.gateway.secrets import Scrubber

_CONNECT_SECONDS = 10.0
_ANTHROPIC_VERSION = "2023-06-01"


class ModelEndpoint:
    """Built and used inside one asyncio loop. Raises `SettingsError` when the entry's key is missing.

    Its methods raise `Fault`, `ContextOverflow` or `Refused`, and wait as long as it takes: who calls bounds
    the time.
    """

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._key = read_key(entry)
        self._path = DIALECTS[entry.api].path
        self._client: httpx.AsyncClient | None = None
        self._told = Scrubber([self._key])

    async def ask(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        """The text of a successful answer."""
        problem: ProviderAnswer
        try:
            answer = await self._connected().send(self._request(body, headers))
        except httpx.HTTPError as error:
            problem = self._broken(error)
        else:
            if answer.is_success:
                return answer.text
            problem = of_status(answer.status_code, self.scrub(answer.text), answer.headers)
        # Raised out here, so that the library's exception, which knows the key, is not chained to it.
        raise problem

    @asynccontextmanager
    async def stream(
        self, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a successful answer, as they come; reading on may raise `httpx.HTTPError`."""
        problem: ProviderAnswer | None = None
        try:
            answer = await self._connected().send(self._request(body, headers), stream=True)
        except httpx.HTTPError as error:
            problem = self._broken(error)
        if problem is not None:
            raise problem
        try:
            if not answer.is_success:
                told = (await answer.aread()).decode("utf-8", "replace")
                raise of_status(answer.status_code, self.scrub(told), answer.headers)
            yield read_events(answer.aiter_lines())
        finally:
            await answer.aclose()

    async def look(self) -> None:
        """Ask for the list of models, to see whether anybody is there."""
        problem: ProviderAnswer
        try:
            answer = await self._connected().get(f"{self._entry.base_url}/models", headers=self._headers())
        except httpx.HTTPError as error:
            problem = self._broken(error)
        else:
            if answer.is_success:
                return
            problem = of_status(answer.status_code, self.scrub(answer.text), answer.headers)
        raise problem

    def scrub(self, text: str) -> str:
        """A text without the key."""
        return self._told(text)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
            timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
            self._client = httpx.AsyncClient(limits=limits, timeout=timeout)
        return self._client

    def _request(self, body: Mapping[str, Any], more: Mapping[str, str]) -> httpx.Request:
        content = json.dumps(encodable(body), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {**more, **self._headers(), "Content-Type": "application/json"}
        return self._connected().build_request(
            "POST", self._entry.base_url + self._path, content=content, headers=headers
        )

    def _headers(self) -> dict[str, str]:
        if self._entry.api == "messages":
            return {"anthropic-version": _ANTHROPIC_VERSION} | ({"x-api-key": self._key} if self._key else {})
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def _broken(self, error: Exception) -> Fault:
        return Fault(self.scrub(f"{error or 'the connection broke'} ({type(error).__name__})"))


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
