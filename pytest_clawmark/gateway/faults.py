"""What a model's service answers when it gives no completion, sorted by what to do about it.

Fault             passing: ask again
ContextOverflow   the conversation no longer fits: the agent's own doing
Refused           asking again would be refused again
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SHOWN = 500
_PASSING = frozenset({408, 409, 425, 429})
_MAY_BE_OVERFLOW = frozenset({400, 413, 422, 500})

# How providers word an overflow: OpenAI, vLLM and NIM; llama.cpp; Anthropic; Bedrock; Gemini; Mistral; TGI;
# xAI; LM Studio; newer vLLM. They share neither a status nor a code.
_OVERFLOW = re.compile(
    r"""context_length_exceeded | maximum\ context\ length | max_model_len
    | exceed_context_size | exceeds?\ the\ available\ context
    | prompt\ is\ too\ long | exceeds?\ (the\ )?context\ (limit|window|length) | context\ window\ exceed
    | input\ is\ too\ long
    | input\ token\ count .{0,40} exceeds
    | too\ large\ for\ model\ with
    | inputs`?\ (tokens|must\ have\ less\ than)
    | maximum\ prompt\ length
    | greater\ than\ the\ context\ length
    | longer\ than\ the\ maximum\ model\ length | exceeds\ (the\ )?model'?s?\ maximum
    | model_context_window_exceeded | string_above_max_length""",
    re.IGNORECASE | re.VERBOSE,
)


class ProviderAnswer(Exception):
    """Not a completion; the text says what came instead. `status` is HTTP's, None without an answer."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Fault(ProviderAnswer):
    """It may pass. `wait` is how many seconds the service asks to be left alone, if it says so."""

    def __init__(self, text: str, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(text, status)
        self.wait = wait


class ContextOverflow(ProviderAnswer):
    """The conversation is longer than the model's context window."""


class Refused(ProviderAnswer):
    """The request or the key is not accepted."""


def of_status(status: int, body: str, headers: Mapping[str, str]) -> ProviderAnswer:
    """What an answer with an error status means."""
    text = f"HTTP {status}: {' '.join(body.split())[:_SHOWN] or '(no text)'}"
    if status == 413 or (status in _MAY_BE_OVERFLOW and is_overflow(body)):
        return ContextOverflow(text, status)
    if status == 429 and "insufficient_quota" in body:
        return Refused(text, status)
    if status in _PASSING or status >= 500:
        return Fault(text, status, retry_after(headers))
    return Refused(text, status)


def is_overflow(body: str) -> bool:
    """Whether an error's text speaks of the context window."""
    return _OVERFLOW.search(body) is not None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or a date, or None where it says nothing."""
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = _seconds(asked)
    return seconds if seconds is not None else _until(asked)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(date: str) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
