"""Plays one task with one agent: the only place that knows the order of things."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from clawmark_services import acting_as
from pytest_clawmark.agents.contract import (
    Agent,
    Interrupted,
    Office,
    Session,
    Stop,
    TurnLimits,
    Usage,
    Workday,
)
from pytest_clawmark.agents.toolset import WorldToolset
from pytest_clawmark.clock import spoken
from pytest_clawmark.failures import TaskError, TaskFailure, VoidError, WorldFailure
from pytest_clawmark.log import logged_to
from pytest_clawmark.modules import load_solution
from pytest_clawmark.runs.episodes import EpisodeRecord, EpisodeSpec
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder
from pytest_clawmark.runs.lines import JsonLines
from pytest_clawmark.scoring.verdict import Attempt, TurnResult
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.task import LoadedTask, Turn
from pytest_clawmark.world.author import AuthorWorld
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

__all__ = ["ATTEMPTS", "Episode", "EpisodeRecord", "EpisodeSpec", "Player", "Resources"]

ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What all episodes of a process share."""

    premises: Premises
    run: RunFolder
    tasks: Mapping[str, LoadedTask]
    agents: Mapping[str, Agent]
    limits: TurnLimits


@dataclass(slots=True)
class Player:
    """Plays episodes, several at once from several threads; `stop` ends them all."""

    resources: Resources
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: set[Episode] = field(default_factory=set)
    _stopped: bool = False

    def play(self, spec: EpisodeSpec) -> EpisodeRecord:
        """Play one episode to its end, trying again where that can help.

        Nothing that goes wrong in it raises, except `Interrupted` after `stop`. Its turns are known only
        when it has ended: a turn played well in an attempt that turned void later is played again, and
        verdicts must not mix two attempts.
        """
        folder = self.resources.run.episode(*spec.key)
        agent = self.resources.agents[spec.label]
        record = EpisodeRecord(spec=spec, agent=agent.name, model=agent.model, state="running")
        folder.write(record.to_json())
        for number in range(1, ATTEMPTS + 1):
            record = self._attempt(replace(record, turns=(), void=None), folder)
            if record.void is None or not record.void.retry or number == ATTEMPTS:
                break
        record = replace(record, state="ended" if record.void is None else "void")
        folder.write(record.to_json())
        return record

    def stop(self) -> None:
        """End every episode that is being played, from another thread; no further one begins."""
        with self._lock:
            self._stopped = True
            live = list(self._live)
        for episode in live:
            episode.interrupt()

    def _attempt(self, record: EpisodeRecord, folder: EpisodeFolder) -> EpisodeRecord:
        _forget_turns(folder)
        episode = Episode(self.resources, record.spec, folder)
        with self._lock:
            if self._stopped:
                raise Interrupted("the run was stopped")
            self._live.add(episode)
        began = time.monotonic()
        failure: VoidError | None = None
        try:
            episode.play()
        except VoidError as error:
            failure = error
        except TaskError as error:
            failure = TaskFailure(str(error))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it measured nothing and must not be lost
            failure = WorldFailure(f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-6)}")
        finally:
            with self._lock:
                self._live.discard(episode)
        if self._stopped:
            raise Interrupted("the run was stopped")
        attempts = record.attempts
        if failure is not None:
            attempts = (*attempts, Attempt(origin=failure.origin, reason=str(failure)))
        return replace(
            record,
            turns=tuple(episode.results),
            attempts=attempts,
            void=failure,
            seconds=time.monotonic() - began,
        )


class Episode:
    """One attempt at one episode."""

    def __init__(self, resources: Resources, spec: EpisodeSpec, folder: EpisodeFolder) -> None:
        self._resources, self._spec, self._folder = resources, spec, folder
        self._task = resources.tasks[spec.task]
        self._store: BlobStore = resources.run.blobs
        self._audit, self._trajectory = JsonLines(), JsonLines()
        self._world: World | None = None
        self._session: Session | None = None
        self._stopped = False
        self.results: list[TurnResult] = []

    def play(self) -> None:
        """Play the turns in order. Raises `VoidError` when nothing can be measured."""
        task = self._task.task
        plan = WorldPlan(
            services=self._task.services,
            accounts=task.accounts,
            seed=self._spec.seed,
            start=next(iter(task.turns.values())).time,
            material=task.folder,
        )
        with ExitStack() as closing:
            closing.enter_context(logged_to(self._folder.log))
            closing.callback(self._trajectory.close)
            closing.callback(self._audit.close)
            world = open_world(plan, self._resources.premises, self._audit)
            closing.callback(world.close)
            self._world = world
            self._go_on_unless_stopped()
            session = self._resources.agents[self._spec.label].open(self._office(world))
            closing.callback(session.close)
            self._session = session
            for turn in list(task.turns.values())[: self._spec.turns]:
                self._go_on_unless_stopped()
                self._play_turn(turn, world, session)

    def interrupt(self) -> None:
        """Make `play` end soon, from another thread."""
        self._stopped = True
        if self._session is not None:
            self._session.interrupt()
        if self._world is not None:
            self._world.close()

    def _go_on_unless_stopped(self) -> None:
        """An interruption may come before there is a world or a session to tell of it."""
        if self._stopped:
            raise Interrupted("the run was stopped")

    def _office(self, world: World) -> Office:
        solution = load_solution(self._task.solution) if self._task.solution else {}
        return Office(
            role=self._task.task.role,
            sandbox=world.sandbox,
            env=world.env,
            skills=world.skills,
            solution=solution,
        )

    def _play_turn(self, turn: Turn, world: World, session: Session) -> None:
        began = time.monotonic()
        try:
            stop = self._record_turn(turn, world, session)
        except VoidError as failure:
            self.results.append(_void(turn, failure, time.monotonic() - began))
            raise
        self.results.append(
            TurnResult(
                turn=turn.name,
                index=turn.index,
                outcome="worked" if stop.kind == "done" else "stopped",
                reason=stop.reason,
                stop_kind=stop.kind if stop.kind != "done" else "",
                usage=_usage_json(stop.usage),
                seconds=round(time.monotonic() - began, 3),
            )
        )

    def _record_turn(self, turn: Turn, world: World, session: Session) -> Stop:
        folder = self._folder.turn(turn.name)
        self._audit.open(folder.audit)
        self._trajectory.open(folder.trajectory)
        world.begin_turn(turn.name, turn.time)
        message = self._wake_up_message(turn, self._change_world(turn, world))
        folder.write("wake", self._freeze(turn, world))
        self._trajectory({"type": "wakeup", "message": message, "time": turn.time.isoformat()})
        stop = session.work(self._workday(turn, world, message))
        self._trajectory({"type": "stop", "kind": stop.kind, "reason": stop.reason})
        folder.write("snapshot", self._freeze(turn, world))
        return stop

    def _change_world(self, turn: Turn, world: World) -> str:
        if turn.inject is not None:
            world.files.upload(f"inject/{turn.inject}")
        try:
            with acting_as("task"):
                message = turn.function(AuthorWorld(world, turn))
        except VoidError:
            raise
        except BaseException as error:  # pytest.fail and sys.exit are the author's mistakes too
            where = _innermost(turn.place.file, error) or turn.place
            raise TaskFailure(
                f"{where}: the turn function {turn.name!r} raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(message, str) or not message.strip():
            raise TaskFailure(
                f"{turn.place}: the turn function {turn.name!r} returned {message!r}: it must return the message "
                "that wakes the agent"
            )
        return message

    def _wake_up_message(self, turn: Turn, message: str) -> str:
        prompt = self._task.task.prompt if turn.index == 0 else ""
        parts = [part.strip() for part in (prompt, message) if part.strip()]
        return "\n\n".join([*parts, f"It is {spoken(turn.time)}."])

    def _freeze(self, turn: Turn, world: World) -> Manifest:
        frozen = world.freeze(self._store)
        return Manifest(
            task=self._spec.task,
            turn=turn.name,
            time=turn.time.isoformat(),
            files=frozen.files,
            services=frozen.services,
            clocks=frozen.clocks,
            memory=frozen.memory,
        )

    def _workday(self, turn: Turn, world: World, message: str) -> Workday:
        tools = WorldToolset(
            sandbox=world.sandbox,
            env=world.env,
            services=world.services.values(),
            record=self._trajectory,
            allowed=turn.tools,
        )
        return Workday(
            turn=turn.name,
            index=turn.index,
            time=turn.time,
            message=message,
            tools=tools,
            limits=self._resources.limits,
            record=self._trajectory,
        )


def _void(turn: Turn, failure: VoidError, seconds: float) -> TurnResult:
    return TurnResult(
        turn=turn.name, index=turn.index, outcome="void", reason=str(failure), seconds=round(seconds, 3)
    )


def _usage_json(usage: Usage) -> dict[str, float | None]:
    return {name: getattr(usage, name) for name in usage.__slots__}


def _innermost(file: str, error: BaseException) -> str | None:
    """The last line of `file` that was executing when `error` was raised, as `file:line`."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{lines[-1]}" if lines else None


def _forget_turns(folder: EpisodeFolder) -> None:
    """Remove what an earlier attempt recorded of its turns."""
    if folder.path.is_dir():
        for path in folder.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
