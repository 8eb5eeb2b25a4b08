"""Agents without a model: `golden` plays the task author's own solution, `idle` does nothing."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from pytest_clawmark.agents.contract import Interrupted, Office, Stop, ToolResult, Usage, Workday
from pytest_clawmark.failures import VoidError

_SHOWN_LINES = 8


class ToolFailed(Exception):
    """A tool that a solution called gave an error; `result` is what it gave."""

    def __init__(self, call: str, result: ToolResult) -> None:
        super().__init__(f"{call} failed:\n{result.text}")
        self.result = result


class _AtLimit(Exception):
    """The turn's limits are used up."""


class Worker:
    """What a solution's function receives: one turn, and the tools that any agent has in it."""

    def __init__(self, day: Workday, stopped: threading.Event) -> None:
        self._day = day
        self._stopped = stopped
        self._began = time.monotonic()
        self.failure: VoidError | None = None
        """What broke under a call; kept, because a solution might catch it."""

    @property
    def message(self) -> str:
        """What woke the agent."""
        return self._day.message

    @property
    def time(self) -> datetime:
        """The turn's in-universe time."""
        return self._day.time

    @property
    def turn(self) -> str:
        """The turn's name."""
        return self._day.turn

    def shell(self, command: str, *, check: bool = True, timeout_seconds: float | None = None) -> str:
        """Run a command and return what it told; raises `ToolFailed` on a non-zero exit if `check`."""
        arguments: dict[str, Any] = {"command": command}
        if timeout_seconds is not None:
            arguments["timeout_seconds"] = timeout_seconds
        return self._call("shell", arguments, check=check)

    def tool(self, name: str, /, *, check: bool = True, **arguments: Any) -> str:
        """Call a tool and return its text; raises `ToolFailed` on an error result if `check`."""
        return self._call(name, arguments, check=check)

    def _call(self, name: str, arguments: Mapping[str, Any], *, check: bool) -> str:
        self._refuse_beyond_limits()
        try:
            result = self._day.tools.call(name, arguments)
        except VoidError as failure:
            self.failure = failure
            raise
        if check and result.error:
            shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
            raise ToolFailed(f"{name}({shown})", result)
        return result.text

    def _refuse_beyond_limits(self) -> None:
        if self._stopped.is_set():
            self.failure = Interrupted("the run was stopped")
            raise self.failure
        limits = self._day.limits
        if limits.tool_calls is not None and self._day.tools.calls >= limits.tool_calls:
            raise _AtLimit(f"the turn's limit of {limits.tool_calls} tool calls")
        if limits.minutes is not None and time.monotonic() - self._began > limits.minutes * 60:
            raise _AtLimit(f"the turn's limit of {limits.minutes:g} minutes")


class GoldenSession:
    """Plays `office.solution`, one function per turn."""

    def __init__(self, office: Office) -> None:
        self._solution = office.solution
        self._stopped = threading.Event()

    def work(self, day: Workday) -> Stop:
        """Call the turn's function; whatever it raises is the solution's own error."""
        play = self._solution.get(day.turn)
        if play is None:
            there = ", ".join(self._solution) or "none"
            return Stop(
                kind="error",
                reason=f"the solution has no function for the turn {day.turn!r} (there: {there})",
            )
        worker = Worker(day, self._stopped)
        stop = _play(play, worker)
        if worker.failure is not None:
            raise worker.failure
        return Stop(kind=stop.kind, reason=stop.reason, usage=Usage(tool_calls=day.tools.calls))

    def freeze(self) -> None:
        """Nothing is kept in mind: each turn has a function of its own."""

    def restore(self, state: None) -> None:
        """Nothing was kept."""

    def interrupt(self) -> None:
        """Its next call of a tool ends it."""
        self._stopped.set()

    def close(self) -> None:
        """Nothing is held."""


class IdleSession:
    """Looks at the wake-up message and goes home."""

    def work(self, day: Workday) -> Stop:  # noqa: ARG002 - whatever the day brings
        """End the turn at once."""
        return Stop(kind="done", reason="the idle agent does nothing")

    def freeze(self) -> None:
        """Nothing is kept in mind."""

    def restore(self, state: None) -> None:
        """Nothing was kept."""

    def interrupt(self) -> None:
        """Nothing to interrupt."""

    def close(self) -> None:
        """Nothing is held."""


class ScriptedAgent:
    """An agent whose every act was written by the task's author."""

    model: str | None = None
    trusted = True

    def __init__(self, name: str, session: Callable[[Office], GoldenSession | IdleSession]) -> None:
        self.name = name
        self.label = name
        self._session = session

    def check(self) -> None:
        """Nothing can be missing."""

    def describe(self) -> Mapping[str, Any]:
        """Its name is all there is."""
        return {"agent": self.name}

    def open(self, office: Office) -> GoldenSession | IdleSession:
        """Begin an episode."""
        return self._session(office)

    def close(self) -> None:
        """Nothing is shared."""


def golden() -> ScriptedAgent:
    """The agent that plays `solution.py`."""
    return ScriptedAgent("golden", GoldenSession)


def idle() -> ScriptedAgent:
    """The agent that does nothing."""
    return ScriptedAgent("idle", lambda office: IdleSession())  # noqa: ARG005 - it needs no office


def _play(play: Callable[[Any], None], worker: Worker) -> Stop:
    try:
        play(worker)
    except _AtLimit as limit:
        return Stop(kind="limit", reason=str(limit))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - sys.exit and pytest.fail in a solution are its errors too
        return Stop(kind="error", reason=_where(error))
    return Stop(kind="done")


def _where(error: BaseException) -> str:
    """The last lines of the traceback, without the frames of this module."""
    frames: TracebackType | None = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    raised_below = [f for f in traceback.extract_tb(frames) if f.filename != __file__]
    stack = "".join(traceback.format_list(_of_solution(raised_below)))
    text = "".join(traceback.format_exception_only(error))
    return "\n".join([*stack.splitlines()[-_SHOWN_LINES:], *text.splitlines()[:_SHOWN_LINES]]).strip()


def _of_solution(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """The frames up to the last one in the solution's own file: what lies below it is not the author's."""
    if not frames:
        return []
    own = frames[0].filename
    last = max(index for index, frame in enumerate(frames) if frame.filename == own)
    return frames[: last + 1]
