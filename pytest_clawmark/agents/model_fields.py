"""The keys of a model's table in TOML: what each may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from pytest_clawmark.agents.wording import cut
from pytest_clawmark.failures import SettingsError

# A model's name becomes part of node ids, which end at the first "[", and of folders of the run directory.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INPUTS = ("text", "image", "audio")
_APIS = ("chat", "responses", "messages")
_PRICES = ("input", "cached", "output")
_OURS = ("model", "messages", "input", "tools", "stream", "stream_options", "n")
_SECRET = re.compile(r"(api[_-]?key|authorization|secret|password)", re.IGNORECASE)


class _Wrong(Exception):
    """A value is not allowed: its text says what is."""


def read_fields(name: str, table: Any, where: str) -> dict[str, Any]:
    """The table's values in the types of `ModelEntry`, where `price` stays a mapping.

    `where` is the file and the table's name. Raises `SettingsError`.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where}: the name {name!r} becomes part of file names and node ids; "
            "use letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    if not isinstance(table, dict):
        raise SettingsError(f"{where} = {table!r} must be a table with keys such as base_url and model")
    return {key: _field(key, value, where) for key, value in table.items()}


def _field(key: str, value: Any, where: str) -> Any:
    read = _READERS.get(key)
    if read is None:
        close = get_close_matches(key, _READERS, n=1)
        guess = f" Did you mean {close[0]}?" if close else ""
        raise SettingsError(
            f"{where}: unknown key {key} = {_shown(key, value)}.{guess} Allowed are {', '.join(_READERS)}; "
            "what the API itself takes, such as temperature, goes into parameters"
        )
    try:
        return read(value)
    except _Wrong as wrong:
        raise SettingsError(f"{where}: {key} = {_shown(key, value)} {wrong}") from None


def _shown(key: str, value: Any) -> str:
    """The value as an error text quotes it, unless a secret may have been written there by mistake."""
    text = repr(value)
    hidden = key == "api_key_env" or _SECRET.search(key) or _SECRET.search(text) or "@" in text
    return "(not shown, it may be secret)" if hidden else cut(text, 300)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong("must be a text that is not empty")
    return value


def _url(value: Any) -> str:
    allowed = 'must be an http or https address, such as "http://localhost:8000/v1"'
    try:
        parts = urlsplit(_text(value))
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise _Wrong(allowed) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_readable:
        raise _Wrong(allowed)
    if parts.username is not None or parts.password is not None:
        raise _Wrong("must hold no user or password: put the key in a variable and name it as api_key_env")
    if parts.query or parts.fragment:
        raise _Wrong(f"{allowed}, without '?' or '#'")
    return str(value).rstrip("/")


def _variable(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise _Wrong(
            "must be the name of an environment variable, such as NVIDIA_API_KEY, not the key itself"
        )
    return value


def _window(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise _Wrong("must be a positive whole number of tokens, such as 131072")
    return value


def _api(value: Any) -> str:
    if not isinstance(value, str) or value not in _APIS:
        raise _Wrong(f"must be what the endpoint speaks: {', '.join(map(repr, _APIS))}")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise _Wrong('must be a list of kinds of tools that the endpoint runs itself, such as ["web_search"]')
    return tuple(value)


def _input(value: Any) -> tuple[str, ...]:
    allowed = f"must be a list of {', '.join(_INPUTS[:-1])} and {_INPUTS[-1]} that contains text"
    if not isinstance(value, list) or "text" not in value or not all(kind in _INPUTS for kind in value):
        raise _Wrong(f'{allowed}, such as ["text", "image"]')
    return tuple(kind for kind in _INPUTS if kind in value)


def _price(value: Any) -> Mapping[str, float]:
    allowed = (
        "must be a table of US dollars per million tokens, such as { input = 0.5, cached = 0.1, output = 1.5 }; "
        "cached may be left out"
    )
    if not isinstance(value, dict) or not {"input", "output"} <= value.keys() <= set(_PRICES):
        raise _Wrong(allowed)
    if not all(_is_number(price) and price >= 0 for price in value.values()):
        raise _Wrong(f"{allowed}; prices are not negative")
    return {kind: float(price) for kind, price in value.items()}


def _parameters(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("must be a table, such as { temperature = 0.6, max_tokens = 4096 }")
    taken = sorted(set(value) & set(_OURS))
    if taken:
        raise _Wrong(f"sets {', '.join(taken)}, which the agent sets itself; remove it")
    if any(_SECRET.search(key) for key in value):
        raise _Wrong("looks like it holds a key; parameters are recorded: name its variable as api_key_env")
    if not _is_json(value):
        raise _Wrong("holds a date or an infinite number, which JSON cannot carry")
    return dict(value)


def _seconds(value: Any) -> float:
    if not _is_number(value) or value <= 0:
        raise _Wrong("must be a positive number of seconds, such as 300")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    return isinstance(value, str | bool) or _is_number(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "base_url": _url,
    "model": _text,
    "api": _api,
    "api_key_env": _variable,
    "context_window": _window,
    "input": _input,
    "price": _price,
    "parameters": _parameters,
    "server_tools": _names,
    "timeout_seconds": _seconds,
}
