"""What every agent is, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from clawmark_services import Tool
from clawmark_services.faults import Fault
from pytest_clawmark.failures import VoidError
from pytest_clawmark.sandboxes.contract import Sandbox

Record = Callable[[Mapping[str, Any]], None]
"""Appends one JSON object to the turn's `trajectory.jsonl`; each has a `type`:

`wakeup`  {message, time}                                       written by the episode
`model`   {message, usage, cost, seconds, retries, finish_reason, conversation, asked, tools?, removed?}
          one answer of the model. `asked` are the messages that the model had not been told before, without
          its own and without results of tools, which have records of their own; `tools` those it was offered,
          where they changed; `removed` what was asked for and not passed on. A harness may hold several
          conversations at once: they are numbered. `faults` are the kinds of those that were put in its way on
          purpose, in order, where there were any
`model_error` {error, kind, seconds, conversation, asked, ...}     no answer, or half of one
`tool`    {name, arguments, output, error, seconds, image?}     one call of a tool; an image is told by
          its {type, bytes, sha256}, arguments that were not read are the text that was sent. A harness's
          tools have the names that it gives them, such as `Bash` or `exec_command`
`harness` {command, exit_code, stdout, stderr}                  a command-line program that ended; texts are cut
`context` {left_out, tokens, after}                             results of tools left out, to stay in the window
`unread`  {what, why}                                           what the model could not be shown
`stop`    {kind, reason}                                        written by the episode
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """What one turn may cost: calls of tools, tokens (in and out), minutes, US dollars where the model's
    price is known; and what its whole episode may. None is no limit."""

    tool_calls: int | None = 200
    tokens: int | None = None
    minutes: float | None = 120.0
    cost: float | None = None
    episode_tokens: int | None = None
    episode_cost: float | None = None
    episode_minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used: tokens as the provider counts them (`cached` is part of `input`), US dollars, calls."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    model_calls: int = 0
    tool_calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=sum(costs) if costs else None,
            model_calls=self.model_calls + other.model_calls,
            tool_calls=self.tool_calls + other.tool_calls,
        )


StopKind = Literal["done", "limit", "context", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why the agent's turn ended: `done` of its own accord; at a `limit`; at the end of its `context`
    window; by an `error` of its own (a solution that raised). All but `done` are the agent's failure:
    the turn is frozen and graded all the same."""

    kind: StopKind
    reason: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave: text for the agent, whether it is an error, and an image for models that see."""

    text: str
    error: bool = False
    image: bytes | None = None
    image_type: str = "image/png"


class Toolset(Protocol):
    """The tools of one turn. Every call is recorded; nothing an agent asks for raises."""

    @property
    def tools(self) -> Sequence[Tool]:
        """Those allowed in this turn, in a stable order."""

    @property
    def calls(self) -> int:
        """How many calls were made in this turn."""

    def call(self, name: str, arguments: Mapping[str, Any] | str, *, images: bool = True) -> ToolResult:
        """Call one tool. `arguments` may be the raw text that a model sent; `images` says whether the
        caller can be shown any.

        An unknown or forbidden tool, malformed arguments and a failing tool are results with `error` set.
        Raises `WorldFailure` only, when the world itself broke.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Workday:
    """One turn as the agent meets it.

    `message` wakes it, and is all that a model is told: the first includes the task's prompt, and each
    the turn's time. `meet` gives the fault on purpose, if any, that the next request to a model is to meet.
    """

    turn: str
    index: int
    time: datetime
    message: str
    tools: Toolset
    limits: TurnLimits
    record: Record
    meet: Callable[[], Fault | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What lasts the whole episode: the sandbox, its variables, the role and skills to tell the agent of."""

    role: str
    sandbox: Sandbox
    env: Mapping[str, str]
    skills: Mapping[str, str]
    solution: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)


class Interrupted(VoidError):
    """The run is being stopped: the turn ends unmeasured, and is not tried again."""

    retry = False


class Session(Protocol):
    """One agent at work in one episode; `work` is called once per turn, in order, from one thread."""

    def work(self, day: Workday) -> Stop:
        """Play one turn. Raises `ModelFailure` when its model's service stays broken, `Interrupted` after
        `interrupt`, and passes on a `WorldFailure` of its tools."""

    def freeze(self) -> Any:
        """What it keeps in mind between turns, as JSON; None for nothing. Called between turns only.

        What an agent keeps in the world (its home, `/tmp`) is frozen with the world.
        """

    def restore(self, state: Any) -> None:
        """Become what was frozen, in a new session that has not worked yet: when a run is resumed."""

    def interrupt(self) -> None:
        """Called from another thread when the run is being stopped: make `work` end soon."""

    def close(self) -> None:
        """End of the episode."""


class Agent(Protocol):
    """What is under test; shared by all its episodes, so it keeps no state of any of them."""

    @property
    def label(self) -> str:
        """Its name in node ids and reports: the model's name, or the agent's where it has no model."""

    @property
    def name(self) -> str:
        """The value of `--agent`, e.g. `chat`."""

    @property
    def model(self) -> str | None:
        """The value of `--model`, or None."""

    @property
    def trusted(self) -> bool:
        """Whether its commands were written by the task's author, so that `local` may run them."""

    def check(self) -> None:
        """Raise `SettingsError` for what would fail before any world is built: a missing key variable,
        an endpoint that cannot be reached."""

    def describe(self) -> Mapping[str, Any]:
        """For `run.json`: everything that changes what it does, and no secret."""

    def open(self, office: Office) -> Session:
        """Begin an episode."""

    def close(self) -> None:
        """End of the run: release what its episodes shared, such as connections."""
