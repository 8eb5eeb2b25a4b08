"""Anthropic's Claude Code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.agents.harness.contract import SECRET, Errand, Finished, Place, by_exit_code, folder
from pytest_clawmark.agents.harness.install import npm
from pytest_clawmark.sandboxes.contract import Mount

_PACKAGE, _VERSION = "@anthropic-ai/claude-code", "2.1.329"
# One episode has one session, so that its name may be the same everywhere.
_SESSION = "c1a30a2c-0000-4000-8000-000000000001"


class ClaudeCode:
    """Implements `Harness`: `claude --print`, with the session of the first day resumed on later ones."""

    name = "claude-code"

    def __init__(self, version: str = _VERSION) -> None:
        self.versions: Mapping[str, str] = {_PACKAGE: version}

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:
        self._folder = npm(self.versions, progress)
        return [folder(self._folder)]

    def files(self, place: Place) -> Mapping[str, bytes]:
        settings = {
            "env": {},
            "includeCoAuthoredBy": False,
            "permissions": {"deny": ["WebSearch", "WebFetch"]},
        }
        accepted: dict[str, Any] = {
            "hasCompletedOnboarding": True,
            "bypassPermissionsModeAccepted": True,
            "projects": {place.workspace: {"hasTrustDialogAccepted": True}},
        }
        return {
            ".claude/settings.json": json.dumps(settings).encode(),
            ".claude.json": json.dumps(accepted).encode(),
        }

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:
        kept = f"{place.home}/.claude/projects/{_folder_name(place.workspace)}/{_SESSION}.jsonl"
        begun = not first and place.exists(kept)
        command = [
            *(str(self._folder / "node_modules/.bin/claude"), "--print", "--output-format", "json"),
            *("--dangerously-skip-permissions", "--model", place.model),
            *("--append-system-prompt", place.briefing),
            *("--resume" if begun else "--session-id", _SESSION),
        ]
        return Errand(command=command, stdin=message.encode(), env=_environment(place))

    def understand(self, finished: Finished) -> Stop:
        stop = by_exit_code(finished)
        told = _last_result(finished.stdout)
        if stop.kind == "done" and told.get("is_error"):
            return Stop(kind="error", reason=f"it ended with an error: {str(told.get('result'))[:500]}")
        return stop


def _environment(place: Place) -> Mapping[str, str]:
    models = ("ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL")
    tiers = ("OPUS", "SONNET", "HAIKU")
    off = (
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
        "DISABLE_BUG_COMMAND",
    )
    return {
        "ANTHROPIC_BASE_URL": place.url,
        "ANTHROPIC_API_KEY": SECRET,
        "IS_SANDBOX": "1",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(place.context_window),
        **dict.fromkeys(models, place.model),
        **{f"ANTHROPIC_DEFAULT_{tier}_MODEL": place.model for tier in tiers},
        **dict.fromkeys(off, "1"),
    }


def _folder_name(path: str) -> str:
    """How Claude Code calls a project's folder: everything but letters and digits becomes a dash."""
    return "".join(letter if letter.isalnum() else "-" for letter in path)


def _last_result(stdout: str) -> Mapping[str, Any]:
    for line in reversed(stdout.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("type") == "result":
            return told
    return {}
