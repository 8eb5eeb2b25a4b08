"""Hermes, of Nous Research."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.agents.harness.contract import SECRET, Errand, Finished, Place, by_exit_code, folder
from pytest_clawmark.agents.harness.install import pip
from pytest_clawmark.sandboxes.contract import Mount

_PACKAGE, _VERSION = "hermes-agent", "0.19.0"
_LAUNCH = "import sys; from hermes_cli.main import main; sys.exit(main())"


class Hermes:
    """Implements `Harness`: one query a day, in the session of the day before."""

    name = "hermes"

    def __init__(self, version: str = _VERSION) -> None:
        self.versions: Mapping[str, str] = {_PACKAGE: version}

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:
        self._folder = pip(self.versions, progress)
        return [folder(self._folder)]

    def files(self, place: Place) -> Mapping[str, bytes]:
        settings = {
            "model": {
                "default": place.model,
                "provider": "custom",
                "base_url": f"{place.url}/v1",
                "api_key": SECRET,
                "api_mode": "chat_completions",
                "context_length": place.context_window,
            },
            "terminal": {"backend": "local", "cwd": place.workspace, "timeout": 600},
            "approvals": {"mode": "off"},
            "agent": {"max_turns": 1000},
            "updates": {"check": False},
        }
        return {
            # JSON is YAML too.
            ".hermes/config.yaml": json.dumps(settings, indent=1).encode(),
            ".hermes/SOUL.md": place.briefing.encode(),
        }

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:
        begun = not first and place.exists(f"{place.home}/.hermes/state.db")
        command = [
            *("python3", "-c", _LAUNCH, "chat", "--quiet", "--yolo", "--accept-hooks"),
            *(["--continue"] if begun else []),
            *("--query", message),
        ]
        env = {
            "PYTHONPATH": str(self._folder / "site"),
            "HERMES_HOME": f"{place.home}/.hermes",
            "HERMES_YOLO_MODE": "1",
            "OPENAI_API_KEY": SECRET,
            "OPENAI_BASE_URL": f"{place.url}/v1",
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
        }
        return Errand(command=command, env=env)

    def understand(self, finished: Finished) -> Stop:
        return by_exit_code(finished)
