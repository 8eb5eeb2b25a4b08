"""What a task's author writes: a `Task` and its turns."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clawmark_services import Account, AccountBook, ServiceSpec
from pytest_clawmark.clock import parse_turn_time, spoken
from pytest_clawmark.failures import TaskError

TurnFunction = Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a task's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def reject(place: Place, problem: str, remedy: str) -> TaskError:
    """The error for a malformed task: where, what with which value, and what to write instead."""
    return TaskError(f"{place}: {problem}\n    {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One in-universe working day of a task.

    `function` changes the world and returns the message that wakes the agent. `inject` names the folder
    below the task's `inject/` whose files are put into the workspace first; `tools`, when set, are the
    only ones that the agent may call. `minutes` is the task's own limit for the turn, where it has one; it binds
    under `--turn-timeout=task`.
    """

    name: str
    index: int
    time: datetime
    function: TurnFunction
    inject: str | None
    tools: frozenset[str] | None
    place: Place
    minutes: float | None = None

    @property
    def description(self) -> str:
        """The first line of the turn function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]


class Task:
    """One scenario.

    `role` says who the agent is at work, `prompt` precedes the first turn's message, `agent` is its
    account and `people` are the others'. `services` holds names ("email", "calendar", "notion", "sheets")
    and declarations such as `RestApi(...)`. `tools` limits the agent's tools in all turns that do not set
    their own.
    """

    def __init__(
        self,
        *,
        role: str,
        agent: Account,
        prompt: str = "",
        people: Iterable[Account] = (),
        services: Sequence[str | ServiceSpec] = (),
        tools: Iterable[str] | None = None,
    ) -> None:
        self.place = _caller()
        self.role, self.prompt, self.agent = role, prompt, agent
        self.people = tuple(people)
        self.services = services if isinstance(services, str) else tuple(services)
        self.tools = _tool_names(tools, self.place)
        self.turns: dict[str, Turn] = {}
        self._check_people()

    @property
    def accounts(self) -> AccountBook:
        """Who is who in the task's worlds."""
        return AccountBook(self.agent, self.people)

    @property
    def folder(self) -> Path:
        """The task's folder."""
        return Path(self.place.file).parent

    def wake_up(self, turn: Turn, message: str, *, first: bool) -> str:
        """What the agent is told when a turn function returned `message`; `first` if it hears of the task now."""
        parts = [part.strip() for part in (self.prompt if first else "", message) if part.strip()]
        return "\n\n".join([*parts, f"It is {spoken(turn.time)}."])

    def turn(
        self, time: str, *, inject: str | None = None, tools: Iterable[str] | None = None
    ) -> Callable[[TurnFunction], TurnFunction]:
        """Make the decorated function the next turn.

        `time` is ISO 8601 with an offset, later than the turn before. `inject` defaults to the folder
        `inject/<turn>` where there is one.
        """
        place = _caller()
        if callable(time):
            raise reject(
                place, "@task.turn needs the turn's time", "Write @task.turn('2024-03-19T09:00+08:00')."
            )

        def declare(function: TurnFunction) -> TurnFunction:
            name = function.__name__
            _refuse_other_parameters(function, place)
            if name in self.turns:
                raise reject(
                    place,
                    f"the turn {name!r} is declared twice, first at line {self.turns[name].place.line}",
                    "Give each turn a function name of its own.",
                )
            self.turns[name] = Turn(
                name=name,
                index=len(self.turns),
                time=self._time(time, place),
                function=function,
                inject=self._inject(inject, name, place),
                tools=_tool_names(tools, place) if tools is not None else self.tools,
                place=place,
            )
            return function

        return declare

    def _time(self, text: str, place: Place) -> datetime:
        example = "Write it like '2024-03-19T09:00+08:00'."
        if not isinstance(text, str):
            raise reject(place, f"the turn's time must be a string, not {text!r}", example)
        try:
            moment = parse_turn_time(text)
        except ValueError as error:
            raise reject(place, f"the turn's time {text!r} cannot be used: {error}", example) from None
        previous = list(self.turns.values())[-1:]
        if previous and moment <= previous[0].time:
            raise reject(
                place,
                f"the turn's time {text!r} is not later than the turn before, {previous[0].name!r} at "
                f"{previous[0].time.isoformat()}",
                "Declare turns in the order in which they happen.",
            )
        return moment

    def _inject(self, inject: str | None, turn: str, place: Place) -> str | None:
        folder = self.folder / "inject"
        if inject is None:
            return turn if (folder / turn).is_dir() else None
        if not (folder / inject).is_dir():
            known = ", ".join(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else "none"
            raise reject(
                place,
                f"inject={inject!r}: there is no folder inject/{inject}",
                f"Create it, or name one that exists: {known}.",
            )
        return inject

    def _check_people(self) -> None:
        seen: set[str] = set()
        for account in (self.agent, *self.people):
            if not isinstance(account, Account):
                raise reject(
                    self.place,
                    f"{account!r} is not an account",
                    "Write Account('name', 'name@company.example').",
                )
            if "@" not in account.address or account.name in seen:
                wrong = (
                    "is declared twice"
                    if account.name in seen
                    else f"has no mail address: {account.address!r}"
                )
                raise reject(
                    self.place,
                    f"the account {account.name!r} {wrong}",
                    "Write Account('name', 'name@company.example'), each name once.",
                )
            seen.add(account.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTask:
    """A task that was found to be well made; `id` reads like `hr/interns`, `family` like `hr`.

    `planned` counts its checkers, each set of parameters once.
    """

    id: str
    family: str
    path: Path
    task: Task
    services: tuple[ServiceSpec, ...]
    solution: Path | None
    planned: int


def _refuse_other_parameters(function: TurnFunction, place: Place) -> None:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise reject(
            place,
            f"the turn function {function.__name__!r} cannot be called with the world alone",
            f"Write def {function.__name__}(world): ...",
        ) from None


def service_called(attribute: str, services: Iterable[str]) -> str | None:
    """The service that an attribute of a world or snapshot means: `ticket_desk` also means `ticket-desk`."""
    return next((name for name in services if name.replace("-", "_") == attribute), None)


def _caller() -> Place:
    """The line of the task that called into this module."""
    frame = sys._getframe(2)  # noqa: SLF001 - the only way to learn the author's line without parsing
    return Place(file=frame.f_code.co_filename, line=frame.f_lineno)


def _tool_names(tools: Iterable[str] | None, place: Place) -> frozenset[str] | None:
    if tools is None:
        return None
    if isinstance(tools, str):
        raise reject(
            place, f"tools={tools!r} is a string, not a collection of names", f"Write tools=[{tools!r}]."
        )
    return frozenset(tools)
