"""OpenAI's Codex."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.agents.harness.contract import Errand, Finished, Place, by_exit_code, folder
from pytest_clawmark.agents.harness.install import npm
from pytest_clawmark.sandboxes.contract import Mount

_PACKAGE, _VERSION = "@openai/codex", "0.169.0"


class Codex:
    """Implements `Harness`: `codex exec`, and `codex exec resume --last` from the second day on."""

    name = "codex"

    def __init__(self, version: str = _VERSION) -> None:
        self.versions: Mapping[str, str] = {_PACKAGE: version}

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:
        self._folder = npm(self.versions, progress)
        return [folder(self._folder)]

    def files(self, place: Place) -> Mapping[str, bytes]:
        settings = {
            "model": place.model,
            "model_provider": "gateway",
            "model_context_window": place.context_window,
            "model_reasoning_summary": "none",
            "developer_instructions": place.briefing,
            "approval_policy": "never",
            "sandbox_mode": "danger-full-access",
            "web_search": "disabled",
            "check_for_update_on_startup": False,
        }
        provider = {
            "name": "gateway",
            "base_url": f"{place.url}/v1",
            "wire_api": "responses",
            # The gateway tries again where that can help.
            "request_max_retries": 1,
            "stream_max_retries": 4,
        }
        lines = [
            *_lines(settings),
            *("[analytics]", "enabled = false", "[feedback]", "enabled = false"),
            *(f"[projects.{json.dumps(place.workspace)}]", 'trust_level = "trusted"'),
            *("[model_providers.gateway]", *_lines(provider)),
        ]
        return {".codex/config.toml": ("\n".join(lines) + "\n").encode()}

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:
        begun = not first and place.exists(f"{place.home}/.codex/sessions")
        command = [
            *(*self._program(), "exec"),
            *("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json"),
            *(["resume", "--last", "-"] if begun else ["-"]),
        ]
        return Errand(command=command, stdin=message.encode(), env={"CODEX_HOME": f"{place.home}/.codex"})

    def _program(self) -> Sequence[str]:
        """Its own program for this machine, or the script that looks for that."""
        own = self._folder.glob("node_modules/@openai/codex-linux-*/vendor/*/bin/codex")
        script = (self._folder / "bin/node", self._folder / "node_modules/.bin/codex")
        found = next(own, None)
        return [str(found)] if found else [str(path) for path in script]

    def understand(self, finished: Finished) -> Stop:
        return by_exit_code(finished)


def _lines(values: Mapping[str, object]) -> list[str]:
    """TOML writes texts, numbers and truth as JSON does."""
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]
