"""What a request from inside a world may ask of a provider: its model, and nothing else.

Providers run tools of their own (web search, code, remote servers), fetch addresses, and keep what they are
told for later requests. Each would be a way out of the world, or into another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from pytest_clawmark.gateway.dialects import Api
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.json_reading import table, tables, text

_COMMON = frozenset({"temperature", "top_p", "tools", "tool_choice", "stream"})
_FIELDS: Mapping[Api, frozenset[str]] = {
    "chat": _COMMON
    | {
        *("messages", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "stop", "seed"),
        *("presence_penalty", "frequency_penalty", "response_format", "reasoning_effort", "stream_options"),
        *("top_k", "min_p", "repetition_penalty", "logit_bias", "verbosity", "chat_template_kwargs"),
    },
    "responses": _COMMON
    | {
        *(
            "input",
            "instructions",
            "parallel_tool_calls",
            "max_output_tokens",
            "reasoning",
            "text",
            "include",
        ),
        *("truncation", "prompt_cache_key"),
    },
    "messages": _COMMON
    | {
        "system",
        "messages",
        "max_tokens",
        "top_k",
        "stop_sequences",
        "thinking",
        "output_config",
        "context_management",
    },
}

# Tools that the client runs. Anthropic's own end in a date; those that its servers run are not among them.
_CLIENT_TOOLS: Mapping[Api, tuple[str, ...]] = {
    "chat": ("function", "custom"),
    "responses": ("function", "custom", "namespace", "local_shell", "apply_patch", "computer_use_preview"),
    "messages": ("custom", "bash_", "text_editor_", "computer_", "memory_"),
}
# What clients ask for by default and nobody misses.
_UNSAID = frozenset({"model", "store", "metadata", "client_metadata", "n", "user"})
_UNSAID |= {"service_tier", "safety_identifier", "prompt_cache_retention", "background"}


def admit(api: Api, body: Mapping[str, Any], allowed: Collection[str]) -> tuple[Body, list[str]]:
    """The request without what is not to be passed on, and what that was.

    `allowed` names kinds of tools that the provider may run itself, such as `web_search`.
    """
    removed = sorted(key for key in body.keys() - _FIELDS[api] - _UNSAID if body[key])
    kept = {key: value for key, value in body.items() if key in _FIELDS[api]}
    if "tools" in kept:
        kept["tools"] = []
        for tool in tables(body["tools"]):
            if _may(api, tool, allowed):
                kept["tools"].append(_inner(tool))
            else:
                removed.append(f"tool {tool.get('type')}")
        if not kept["tools"]:
            del kept["tools"]
            kept.pop("tool_choice", None)
            kept.pop("parallel_tool_calls", None)
    for key in ("messages", "input", "system"):
        if key in kept:
            kept[key] = _without_addresses(kept[key], removed)
    return kept, removed


def misshapen(api: Api, body: Mapping[str, Any]) -> str | None:
    """What is wrong with the outline of a request: providers break on some of it, which would look like their
    own fault."""
    if api == "responses":
        given = body.get("input")
        items = given if isinstance(given, list) else []
        right = isinstance(given, str) or (bool(items) and len(tables(items)) == len(items))
        return None if right else "input must be a text or a list of objects"
    messages = body.get("messages")
    if not isinstance(messages, list) or len(tables(messages)) != len(messages):
        return "messages must be a list of objects"
    if not all(isinstance(message.get("role"), str) for message in messages):
        return "each of messages must have a role"
    return None


def _may(api: Api, tool: Mapping[str, Any], allowed: Collection[str]) -> bool:
    kind = tool.get("type")
    if kind is None:
        return api == "messages" and "input_schema" in tool
    if not isinstance(kind, str):
        return False
    known = _CLIENT_TOOLS[api]
    return any(kind == name or (name.endswith("_") and kind.startswith(name)) for name in known) or any(
        kind == name or kind.startswith(f"{name}_") for name in allowed
    )


def _inner(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    if tool.get("type") != "namespace":
        return tool
    inner = [one for one in tables(tool.get("tools")) if one.get("type") in ("function", "custom")]
    return {**tool, "tools": inner}


def _without_addresses(value: Any, removed: list[str]) -> Any:
    """The conversation with each part that a provider would fetch replaced by a word about it."""
    if isinstance(value, list):
        return [_without_addresses(item, removed) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in _PARTS and (address := _address(value)):
        removed.append(f"{value['type']} by address")
        kind = "input_text" if str(value["type"]).startswith("input_") else "text"
        return {
            "type": kind,
            "text": f"({value['type']} left out: {address[:200]} cannot be fetched from here)",
        }
    if "content" in value or "output" in value:
        inner = {key: value[key] for key in ("content", "output") if isinstance(value.get(key), list)}
        return {**value, **{key: _without_addresses(item, removed) for key, item in inner.items()}}
    return value


_PARTS = frozenset({"image_url", "file", "input_image", "input_file", "image", "document"})


def _address(part: Mapping[str, Any]) -> str:
    """What a provider would have to fetch, or had stored, to see this part."""
    picture = part.get("image_url")
    url = text(picture) or text(table(picture).get("url"))
    if url and not url.startswith("data:"):
        return url
    file = table(part.get("file"))
    source = table(part.get("source"))
    named = (part.get("file_url"), part.get("file_id"), file.get("file_id"), source.get("url"))
    return next((text(name) for name in (*named, source.get("file_id")) if text(name)), "")


_BETA_HEADER = "anthropic-beta"
_BETA = re.compile(r"[a-z0-9-]{1,80}")
_NOT_PASSED_ON = ("mcp-client", "code-execution", "files-api", "web-", "skills", "oauth", "fast-mode")


def admit_headers(api: Api, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that change how a request's body is read, which Anthropic's clients send; no other."""
    if api != "messages":
        return {}
    names = [name.strip() for name in headers.get(_BETA_HEADER, "").split(",")]
    kept = [name for name in names if _BETA.fullmatch(name) and not name.startswith(_NOT_PASSED_ON)]
    return {_BETA_HEADER: ",".join(kept)} if kept else {}
