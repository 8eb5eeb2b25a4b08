"""Any command line of a user's own, as `clawmark.toml` describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_clawmark.agents.contract import Stop
from pytest_clawmark.agents.harness.contract import SECRET, Errand, Finished, Place, by_exit_code
from pytest_clawmark.sandboxes.contract import Mount

PLACEHOLDER = "{message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Implements `Harness`. `{message}`, `{model}` and `{url}` in `command` are filled in; with
    `message = "stdin"` the wake-up is on stdin, with the briefing before it on the first day."""

    name: str
    command: tuple[str, ...]
    message: Literal["stdin", "argument"] = "stdin"
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def install(self, progress: Callable[[str], None]) -> Sequence[Mount]:  # noqa: ARG002 - nothing to tell
        return self.mounts

    def files(self, place: Place) -> Mapping[str, bytes]:
        return {".clawmark/briefing.md": place.briefing.encode()}

    def errand(self, place: Place, message: str, *, first: bool) -> Errand:
        told = f"{place.briefing.strip()}\n\n{message}" if first else message
        known = {"model": place.model, "url": f"{place.url}/v1"}
        command = [_filled(part, {**known, "message": told}) for part in self.command]
        if self.message == "argument" and not any(PLACEHOLDER in part for part in self.command):
            command.append(told)
        stdin = told.encode() if self.message == "stdin" else b""
        return Errand(command=command, stdin=stdin, env={**endpoints(place), **self.env})

    def understand(self, finished: Finished) -> Stop:
        return by_exit_code(finished)


def endpoints(place: Place) -> dict[str, str]:
    """The variables in which clients of the three APIs look for their endpoint."""
    return {
        "OPENAI_BASE_URL": f"{place.url}/v1",
        "OPENAI_API_KEY": SECRET,
        "ANTHROPIC_BASE_URL": place.url,
        "ANTHROPIC_API_KEY": SECRET,
        "CLAWMARK_MODEL": place.model,
    }


def _filled(part: str, values: Mapping[str, str]) -> str:
    """Only the names known here are filled in: braces mean something in many command lines."""
    for name, value in values.items():
        part = part.replace("{" + name + "}", value)
    return part
