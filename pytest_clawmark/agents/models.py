"""The models a run may name, read from `clawmark.toml` or `pyproject.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pytest_clawmark.agents.model_fields import read_fields
from pytest_clawmark.failures import SettingsError

BUILT_IN = "pytest-clawmark's own examples"

# Both are served by a NIM container of their own; https://docs.nvidia.com/nim lists the port and names.
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "nemotron-49b": {
        "base_url": "http://localhost:8000/v1",
        "model": "nvidia/llama-3.3-nemotron-super-49b-v1.5",
        "context_window": 131_072,
    },
    "llama-3.1-8b": {
        "base_url": "http://localhost:8000/v1",
        "model": "meta/llama-3.1-8b-instruct",
        "context_window": 131_072,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens. `cached` is for input that the provider had cached."""

    input: float
    cached: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model behind an endpoint.

    `base_url` has no trailing slash. `api` is what the endpoint speaks: OpenAI's `chat` completions or
    `responses`, or Anthropic's `messages`. `server_tools` are the kinds of tools that the endpoint may run on
    its own side, such as `web_search`: none unless named. `api_key_env` names the variable that holds the
    key, None where none is needed. `context_window` counts tokens. `input` is what it understands.
    `parameters` go into every request's body, such as `temperature`. `timeout_seconds` bounds one answer.
    `source` is where it is defined, for error texts.
    """

    name: str
    base_url: str
    model: str
    api: Literal["chat", "responses", "messages"] = "chat"
    api_key_env: str | None = None
    context_window: int = 131_072
    input: tuple[str, ...] = ("text",)
    price: Price | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    server_tools: tuple[str, ...] = ()
    timeout_seconds: float = 300.0
    source: str = BUILT_IN

    @property
    def sees(self) -> bool:
        """Whether it can be shown images."""
        return "image" in self.input

    @property
    def hears(self) -> bool:
        """Whether it can be played recordings."""
        return "audio" in self.input

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float | None:
        """US dollars, or None where the price is unknown. Cached tokens are part of the input's."""
        if self.price is None:
            return None
        fresh = input_tokens - cached_tokens
        dollars = (
            fresh * self.price.input + cached_tokens * self.price.cached + output_tokens * self.price.output
        )
        return dollars / 1_000_000

    def to_json(self) -> dict[str, Any]:
        """Everything that changes what it answers or costs; never the key, and not where it is defined."""
        return {
            "name": self.name,
            "base_url": self.base_url,
            "model": self.model,
            "api": self.api,
            "api_key_env": self.api_key_env,
            "context_window": self.context_window,
            "input": list(self.input),
            "price": self.price
            and {"input": self.price.input, "cached": self.price.cached, "output": self.price.output},
            "parameters": dict(self.parameters),
            "server_tools": list(self.server_tools),
            "timeout_seconds": self.timeout_seconds,
        }


def load_models(*folders: Path) -> Mapping[str, ModelEntry]:
    """The models by name: the examples, overlaid by each folder's files, the first folder's last.

    A folder's `clawmark.toml` ([models.<name>]) overlays its `pyproject.toml`
    ([tool.clawmark.models.<name>]). Overlaying is by key: a file may change an example's `base_url` and
    leave the rest. Missing files are no error. Raises `SettingsError` naming file, key, value, what is
    allowed and what to do.
    """
    tables = {name: dict(table) for name, table in _EXAMPLES.items()}
    sources = dict.fromkeys(tables, BUILT_IN)
    for path, prefix in _places(folders):
        for name, table in _models_of(path, prefix).items():
            where = f"{path}: [{'.'.join((*prefix, name))}]"
            tables[name] = {**tables.get(name, {}), **read_fields(name, table, where)}
            sources[name] = where
    return {name: _entry(name, table, sources[name]) for name, table in tables.items()}


def find_model(name: str, models: Mapping[str, ModelEntry]) -> ModelEntry:
    """The entry called `name`; raises `SettingsError` naming those there are."""
    if name in models:
        return models[name]
    close = get_close_matches(name, models, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise SettingsError(
        f"--model={name}: no such model.{guess} Known are {', '.join(sorted(models))}; "
        f"define another as [models.{name}] in clawmark.toml or [tool.clawmark.models.{name}] in pyproject.toml"
    )


def _places(folders: tuple[Path, ...]) -> list[tuple[Path, tuple[str, ...]]]:
    places: list[tuple[Path, tuple[str, ...]]] = []
    for folder in dict.fromkeys(reversed(folders)):
        places.append((folder / "pyproject.toml", ("tool", "clawmark", "models")))
        places.append((folder / "clawmark.toml", ("models",)))
    return places


def _models_of(path: Path, prefix: tuple[str, ...]) -> Mapping[str, Any]:
    table: Any = _read(path)
    for depth, key in enumerate(prefix, start=1):
        table = table.get(key, {})
        if not isinstance(table, dict):
            wanted = ".".join(prefix[:depth])
            raise SettingsError(f"{path}: {wanted} = {table!r} must be a table, [{wanted}.<...>]")
    return table if isinstance(table, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML: {error}") from error


def _entry(name: str, table: Mapping[str, Any], source: str) -> ModelEntry:
    missing = [key for key in ("base_url", "model") if key not in table]
    if missing:
        raise SettingsError(
            f"{source}: {' and '.join(missing)} missing; add for example "
            'base_url = "http://localhost:8000/v1" and model = "meta/llama-3.1-8b-instruct"'
        )
    price = table.get("price")
    if price is not None:
        price = Price(**{"cached": price["input"], **price})
    return ModelEntry(**{**table, "name": name, "price": price, "source": source})
