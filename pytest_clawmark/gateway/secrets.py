"""Known secrets, taken out of every text before it is written, shown or told to an agent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_clawmark.agents.wording import each_text

# Shorter keys, such as "EMPTY" or "dummy", are placeholders, and ordinary words in an answer.
_SHORTEST = 6
_SHOWN = "(key)"


class Scrubber:
    """Replaces the values it was given. Where secrets overlap, the longest goes first."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len)[::-1]

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, _SHOWN)
        return text

    def line(self, record: Any, written: str) -> str:
        """`written`, which is how a record looks as JSON, or how it looks without them.

        Looking at the whole line first spares nearly all records from being taken apart.
        """
        if not any(json.dumps(secret)[1:-1] in written for secret in self._secrets):
            return written
        return json.dumps(self.json(record), ensure_ascii=True, separators=(",", ":"))

    def json(self, value: Any) -> Any:
        """The same JSON without them, keys of objects included."""
        return each_text(value, self) if self._secrets else value

    def __or__(self, other: Scrubber) -> Scrubber:
        return Scrubber([*self._secrets, *other._secrets])


def secrets_in(variables: Iterable[str | None], environment: Mapping[str, str] = os.environ) -> Scrubber:
    """A scrubber for the values of these environment variables, as they are now."""
    return Scrubber(environment.get(name, "").strip() for name in variables if name)
