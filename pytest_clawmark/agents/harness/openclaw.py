"""OpenClaw."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.agents.harness.contract import SECRET, Errand, Finished, Place, by_exit_code, folder
from pytest_clawmark.agents.harness.install import npm
from pytest_clawmark.sandboxes.contract import Mount

_PACKAGE, _VERSION = "openclaw", "2026.9.6"
_SESSION = "clawmark"
# Its own limit of a turn; ours comes first.
_LONGEST_SECONDS = 86_400
_LONGEST_ANSWER = 16_384


class OpenClaw:
    """Implements `Harness`: its embedded agent, with one session for all days."""

    name = "openclaw"

    def __init__(self, version: str = _VERSION) -> None:
        self.versions: Mapping[str, str] = {_PACKAGE: version}

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:
        self._folder = npm(self.versions, progress)
        return [folder(self._folder)]

    def files(self, place: Place) -> Mapping[str, bytes]:
        desk = f"{place.home}/.openclaw/desk"
        return {
            ".openclaw/openclaw.json": json.dumps(_settings(place, desk), indent=1).encode(),
            ".openclaw/desk/AGENTS.md": place.briefing.encode(),
        }

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:  # noqa: ARG002 - it finds its session
        command = [
            *(str(self._folder / "bin/node"), str(self._folder / "node_modules/openclaw/openclaw.mjs")),
            *("agent", "--local", "--agent", "main", "--session-id", _SESSION, "--json"),
            *("--timeout", str(_LONGEST_SECONDS), "--message", message),
        ]
        return Errand(command=command, env=_environment(place))

    def understand(self, finished: Finished) -> Stop:
        return by_exit_code(finished)


def _settings(place: Place, desk: str) -> dict[str, Any]:
    model = {
        "id": place.model,
        "name": place.model,
        "reasoning": False,
        "input": ["text", "image"] if place.sees else ["text"],
        "cost": dict.fromkeys(("input", "output", "cacheRead", "cacheWrite"), 0),
        "contextWindow": place.context_window,
        "maxTokens": min(_LONGEST_ANSWER, place.context_window // 4),
    }
    provider = {
        "baseUrl": f"{place.url}/v1",
        "apiKey": SECRET,
        "api": "openai-completions",
        "models": [model],
        # The gateway is at a loopback address of the world's.
        "request": {"allowPrivateNetwork": True},
    }
    return {
        "models": {"mode": "replace", "providers": {"gateway": provider}},
        "agents": {
            "defaults": {
                "model": {"primary": f"gateway/{place.model}"},
                "workspace": desk,
                "skipBootstrap": True,
                "sandbox": {"mode": "off"},
            },
        },
        "tools": {
            "profile": "full",
            "toolSearch": {"enabled": False},
            "codeMode": {"enabled": False},
            "exec": {"host": "gateway", "security": "full", "ask": "off"},
            "web": {"search": {"enabled": False}, "fetch": {"enabled": False}},
        },
        "update": {"checkOnStart": False},
        "telemetry": {"enabled": False},
    }


def _environment(place: Place) -> Mapping[str, str]:
    return {
        "OPENCLAW_STATE_DIR": f"{place.home}/.openclaw",
        "OPENCLAW_CONFIG_PATH": f"{place.home}/.openclaw/openclaw.json",
        "OPENCLAW_HIDE_BANNER": "1",
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
