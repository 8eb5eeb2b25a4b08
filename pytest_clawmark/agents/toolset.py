"""The tools of one turn: what an agent may call, checked, bounded and written down."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from clawmark_services import Service, Tool, ToolError, acting_as
from pytest_clawmark.agents.arguments import parse, validate
from pytest_clawmark.agents.contract import Record, ToolResult
from pytest_clawmark.agents.sandbox_tools import SEEING, SandboxTools
from pytest_clawmark.agents.wording import cut, decode, encodable
from pytest_clawmark.failures import TaskFailure, VoidError, WorldFailure
from pytest_clawmark.sandboxes.contract import MIB, Sandbox

log = logging.getLogger(__name__)

OUTPUTS = "outputs"
# Numbered, so that the same work leaves the same names.
_KEEP = """
mkdir -p -- "$1" && number=$(ls -1 -- "$1" | wc -l) && file="$1/$((number + 1)).txt" && cat > "$file" &&
printf %s "$file"
"""
_KEEP_SECONDS = 60.0
_BLIND = "this model takes no images: look at the file with programs instead (shell)"


class WorldToolset:
    """The shell, the files and the services of one world, for one turn.

    `allowed` names the tools of this turn, None for all; a name that does not exist raises `TaskFailure`.
    A result's text has at most about `output_characters`; what is longer is kept whole in the agent's home.
    Times are seconds: `command_seconds` is the default of a shell command, `longest_seconds` the most that an
    agent may ask for.
    """

    def __init__(
        self,
        *,
        sandbox: Sandbox,
        env: Mapping[str, str],
        services: Iterable[Service],
        record: Record,
        allowed: Collection[str] | None = None,
        output_characters: int = 30_000,
        command_seconds: float = 120.0,
        longest_seconds: float = 600.0,
        image_bytes: int = 5 * MIB,
    ) -> None:
        own = SandboxTools(
            sandbox,
            env,
            command_seconds=command_seconds,
            longest_seconds=longest_seconds,
            image_bytes=image_bytes,
        )
        everything = [*own.tools(), *(tool for service in services for tool in service.tools())]
        self._sandbox = sandbox
        self._tools = {tool.name: tool for tool in _only(everything, allowed)}
        self._existing = {tool.name for tool in everything}
        self._record = record
        self._output_characters = output_characters
        self._calls = 0

    @property
    def tools(self) -> Sequence[Tool]:
        """Those allowed in this turn: the sandbox's first, then each service's."""
        return tuple(self._tools.values())

    @property
    def calls(self) -> int:
        """How many calls were made in this turn, refused ones included."""
        return self._calls

    def call(self, name: str, arguments: Mapping[str, Any] | str, *, images: bool = True) -> ToolResult:
        """Call one tool, and write it down however it ends. See `Toolset.call`."""
        self._calls += 1
        began = time.perf_counter()
        given: Any = arguments
        try:
            tool = self._find(name)
            given = parse(arguments)
            result = self._answer(tool, given, images=images)
        except ToolError as error:
            result = ToolResult(text=self._bounded(str(error)), error=True)
        except RecursionError:
            given = "nested too deeply"
            result = ToolResult(text="the arguments are nested too deeply", error=True)
        except VoidError as error:
            self._write_down(name, given, ToolResult(text=str(error), error=True), began)
            raise
        self._write_down(name, given, result, began)
        return result

    def _answer(self, tool: Tool, arguments: dict[str, Any], *, images: bool) -> ToolResult:
        if tool.name in SEEING and not images:
            raise ToolError(_BLIND)
        try:
            validate(tool, arguments)
            with acting_as("agent"):
                answer = tool.call(**arguments)
        except (ToolError, VoidError):
            raise
        except Exception as error:
            # Whatever an agent asks for must not make its episode void: it is told, and the log has the rest.
            log.exception("the tool %s broke", tool.name)
            raise ToolError(f"the tool {tool.name} failed: {type(error).__name__}: {error}") from error
        if not isinstance(answer, ToolResult):
            answer = ToolResult(text=_as_text(answer))
        return ToolResult(
            text=self._kept(answer.text),
            error=answer.error,
            image=answer.image,
            image_type=answer.image_type,
        )

    def _find(self, name: str) -> Tool:
        tool = self._tools.get(name)
        if tool is None:
            why = "is not allowed today" if name in self._existing else "does not exist"
            allowed = ", ".join(self._tools) or "none"
            raise ToolError(f"the tool {cut(repr(name), 100)} {why}. Tools you may call: {allowed}.")
        return tool

    def _kept(self, text: str) -> str:
        """A text as the agent is shown it; of one too long, the whole lies in a file of its home."""
        whole = encodable(text)
        if len(whole) <= self._output_characters:
            return str(whole)
        folder = f"{self._sandbox.paths['home']}/{OUTPUTS}"
        done = self._sandbox.run(
            ["sh", "-c", _KEEP, "sh", folder], stdin=whole.encode(), timeout=_KEEP_SECONDS
        )
        shown = cut(whole, self._output_characters)
        if done.exit_code != 0:
            return shown
        return f"{shown}\n[the whole text is in {decode(done.stdout).strip()}]"

    def _bounded(self, text: str) -> str:
        return cut(encodable(text), self._output_characters)

    def _write_down(self, name: str, arguments: Any, result: ToolResult, began: float) -> None:
        line: dict[str, Any] = {
            "type": "tool",
            "name": encodable(name),
            "arguments": _recordable(arguments),
            "output": result.text,
            "error": result.error,
            "seconds": round(time.perf_counter() - began, 3),
        }
        if result.image is not None:
            line["image"] = {
                "type": result.image_type,
                "bytes": len(result.image),
                "sha256": hashlib.sha256(result.image).hexdigest(),
            }
        self._record(line)


def _only(tools: Sequence[Tool], allowed: Collection[str] | None) -> list[Tool]:
    names = [tool.name for tool in tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorldFailure(f"several services offer a tool called {', '.join(twice)}")
    if allowed is None:
        return list(tools)
    unknown = sorted(set(allowed) - set(names))
    if unknown:
        raise TaskFailure(
            f"the turn allows unknown tools: {', '.join(unknown)}; there are {', '.join(names)}"
        )
    return [tool for tool in tools if tool.name in allowed]


def _as_text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, indent=1)


def _recordable(arguments: Any) -> Any:
    try:
        return encodable(arguments)
    except RecursionError:
        return "nested too deeply"
