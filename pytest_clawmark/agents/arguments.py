"""What a model sends as the arguments of a tool: text that may be anything, made into valid arguments."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from clawmark_services import Tool, ToolError
from pytest_clawmark.agents.wording import cut

_SHOWN = 300


def parse(raw: Mapping[str, Any] | str) -> dict[str, Any]:
    """The arguments as a JSON object; no text at all stands for no arguments.

    Raises `ToolError` with a text for the agent.
    """
    if not isinstance(raw, str):
        return dict(raw)
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ToolError(
            f"the arguments are not valid JSON ({error}): {cut(raw, _SHOWN)!r}. "
            'Send one JSON object, such as {} or {"path": "notes.txt"}.'
        ) from None
    if not isinstance(value, dict):
        raise ToolError(f"the arguments must be one JSON object, not {cut(raw, _SHOWN)!r}")
    return value


def validate(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Raise `ToolError` unless the arguments fit the tool's JSON Schema and can be carried as UTF-8."""
    from jsonschema import Draft202012Validator

    _refuse_uncarriable(arguments, "arguments")
    errors = sorted(Draft202012Validator(tool.parameters).iter_errors(arguments), key=lambda e: e.json_path)
    if errors:
        listed = "; ".join(f"{error.json_path}: {cut(error.message, _SHOWN)}" for error in errors[:3])
        raise ToolError(f"wrong arguments for {tool.name}: {listed}. It takes {signature(tool)}.")


def signature(tool: Tool) -> str:
    """The tool's parameters in a line, such as `path (string), limit (integer, optional)`."""
    required = set(tool.parameters.get("required", ()))
    properties = tool.parameters.get("properties", {})
    parts = []
    for name, schema in properties.items():
        kind = schema.get("type", "any") if isinstance(schema, Mapping) else "any"
        kind = kind if isinstance(kind, str) else " or ".join(kind)
        parts.append(f"{name} ({kind})" if name in required else f"{name} ({kind}, optional)")
    return ", ".join(parts) or "no arguments"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse_uncarriable(value: Any, place: str) -> None:
    """Neither lone surrogates nor infinite numbers survive the way to a process or to a file."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ToolError(f"{place}: {value} is no number that JSON can carry")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ToolError(f"{place}: character {error.start} is half of a surrogate pair") from None
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_uncarriable(str(key), place)
            _refuse_uncarriable(item, f"{place}.{key}")
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_uncarriable(item, f"{place}[{index}]")
