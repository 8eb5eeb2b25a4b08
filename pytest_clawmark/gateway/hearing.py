"""What a model is told anew: clients send the whole conversation each time, the record keeps each message once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_clawmark.gateway.dialects.content import image_url, split_data_url
from pytest_clawmark.gateway.json_reading import table, text

Message = Mapping[str, Any]


class Hearing:
    """The conversations of one episode: a harness may hold several at once, with agents below its agent."""

    def __init__(self) -> None:
        self._known: list[list[str]] = []

    def freeze(self) -> list[list[str]]:
        """The digests of what each conversation holds."""
        return [list(known) for known in self._known]

    def restore(self, state: Sequence[Sequence[str]]) -> None:
        """Go on with what was frozen."""
        self._known = [list(known) for known in state]

    def news(self, messages: Sequence[Message]) -> tuple[int, list[Message]]:
        """The number of the conversation that these messages go on with, and those it did not have yet.

        A conversation is the one with the longest beginning in common; a rewritten message, and all behind
        it, count as new. The model's own messages are left out.
        """
        told = [message for message in messages if message.get("role") != "assistant"]
        digests = [_digest(message) for message in told]
        lengths = [_common(known, digests) for known in self._known]
        best = max(range(len(lengths)), key=lengths.__getitem__, default=-1)
        # Agents below an agent share its instructions, which alone are no conversation.
        shared = sum(message.get("role") == "system" for message in told[: lengths[best]]) if lengths else 0
        if best < 0 or lengths[best] <= shared:
            self._known.append(digests)
            return len(self._known) - 1, told
        length = lengths[best]
        self._known[best] = digests
        return best, told[length:]


def _common(known: Sequence[str], new: Sequence[str]) -> int:
    length = 0
    for one, other in zip(known, new, strict=False):
        if one != other:
            break
        length += 1
    return length


def _digest(message: Message) -> str:
    if message.get("role") == "tool":
        # Old results are shortened to make room; that does not make what follows them new.
        message = {"tool_call_id": message.get("tool_call_id")}
    content = json.dumps(message, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def recordable(message: Message) -> dict[str, Any]:
    """The message with each picture and file told by its kind, size and digest."""
    content = message.get("content")
    if not isinstance(content, list):
        return dict(message)
    return {**message, "content": [_told(part) if isinstance(part, dict) else part for part in content]}


def _told(part: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = part.get("type")
    if kind == "input_audio":
        audio = table(part.get("input_audio"))
        return {"type": kind, **_measured(f"audio/{text(audio.get('format'))}", text(audio.get("data")))}
    url = image_url(part) or text(table(part.get("file")).get("file_data"))
    split = split_data_url(url)
    return {"type": kind, **_measured(*split)} if split else part


def _measured(media_type: str, encoded: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(encoded)
    except binascii.Error:
        data = encoded.encode("utf-8", "replace")
    return {"media_type": media_type, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
