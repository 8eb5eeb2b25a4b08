"""Plays one task with one agent: the only place that knows the order of things."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from clawmark_services import acting_as
from clawmark_services.faults import FaultSchedule
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
from pytest_clawmark.agents.equipment import outfit_of
from pytest_clawmark.agents.toolset import WorldToolset
from pytest_clawmark.agents.wording import cut
from pytest_clawmark.failures import TaskError, TaskFailure, VoidError, WorldFailure
from pytest_clawmark.faults import MODEL, Faults
from pytest_clawmark.log import logged_to, say
from pytest_clawmark.modules import load_solution
from pytest_clawmark.runs import verdicts
from pytest_clawmark.runs.budget import Budget
from pytest_clawmark.runs.episodes import EpisodeRecord, EpisodeSpec, Resumption, recorded_episode
from pytest_clawmark.runs.forking import ForkPoints
from pytest_clawmark.runs.layout import EpisodeFolder, RunFolder
from pytest_clawmark.runs.lines import JsonLines
from pytest_clawmark.runs.resuming import Beginning, anew, forget_beyond, interrupted
from pytest_clawmark.scoring.verdict import Attempt, TurnResult
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.private import PrivateState
from pytest_clawmark.snapshots.store import BlobStore
from pytest_clawmark.task import LoadedTask, Turn
from pytest_clawmark.world.author import AuthorWorld
from pytest_clawmark.world.premises import Premises
from pytest_clawmark.world.world import World, WorldPlan, open_world

__all__ = ["ATTEMPTS", "Episode", "EpisodeRecord", "EpisodeSpec", "Player", "Resources"]

ATTEMPTS = 3

_MOST_UNREAD, _UNREAD_TEXT = 50, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What all episodes of a process share. `tasks_minutes` lets a task's own limit replace that of `limits`."""

    premises: Premises
    run: RunFolder
    tasks: Mapping[str, LoadedTask]
    agents: Mapping[str, Agent]
    limits: TurnLimits
    tasks_minutes: bool = False
    fork_points: ForkPoints | None = None
    budget: Budget | None = None
    faults: Faults | None = None


@dataclass(slots=True)
class Player:
    """Plays episodes, several at once from several threads; `stop` ends them all."""

    resources: Resources
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: set[Episode] = field(default_factory=set)
    _stopped: bool = False

    def play(self, spec: EpisodeSpec) -> EpisodeRecord:
        """Play one episode to its end, trying again where that can help.

        What the run has on record of it decides where it begins: an ended one is given back at once, an interrupted
        one goes on in the turn that was in progress, a void one begins anew.

        Nothing that goes wrong in it raises, except `Interrupted` after `stop` and `BudgetSpent` where the run may
        cost no more. Its turns are known only when it has ended: a turn played well in an attempt that turned void
        later is played again, and verdicts must not mix two attempts.
        """
        folder = self.resources.run.episode(*spec.key)
        record, beginning = self._taken_up(spec, folder)
        if record.state == "ended":
            if folder.read() != record.to_json():
                folder.write(record.to_json())
            return record
        if self.resources.budget is not None:
            self.resources.budget.refuse_beyond()
        tries = ATTEMPTS - len(record.attempts) % ATTEMPTS
        for number in range(1, tries + 1):
            record = self._attempt(record, beginning, folder)
            if record.void is None or not record.void.retry or number == tries:
                break
            record = replace(record, turns=(), void=None)
            beginning = anew(record)
        record = replace(record, state="ended" if record.void is None else "void")
        folder.write(record.to_json())
        return record

    def _taken_up(self, spec: EpisodeSpec, folder: EpisodeFolder) -> tuple[EpisodeRecord, Beginning]:
        """The record to go on from, and where that is."""
        known = recorded_episode(folder)
        if known is None:
            record = self._first_record(spec)
            return record, anew(record)
        if known.state != "void" and known.played >= spec.turns:
            return replace(known, state="ended"), anew(known)
        record = replace(known, spec=replace(spec, seed=known.spec.seed), state="running", void=None)
        if known.state == "void":
            record = replace(record, turns=())
            return record, anew(record)
        turns = list(self.resources.tasks[spec.task].task.turns)
        beginning = interrupted(record, folder, turns)
        resumption = Resumption(turn=turns[beginning.turns], moment=beginning.moment)
        return replace(record, resumed=(*record.resumed, resumption)), beginning

    def _first_record(self, spec: EpisodeSpec) -> EpisodeRecord:
        agent, inherited = self.resources.agents[spec.label], None
        if self.resources.fork_points is not None:
            task = self.resources.tasks[spec.task]
            spec, inherited = self.resources.fork_points.take_over(spec, task, self.resources.run)
        return EpisodeRecord(
            spec=spec, agent=agent.name, model=agent.model, state="running", inherited=inherited
        )

    def stop(self) -> None:
        """End every episode that is being played, from another thread; no further one begins."""
        with self._lock:
            self._stopped = True
            live = list(self._live)
        for episode in live:
            episode.interrupt()

    def _attempt(self, record: EpisodeRecord, beginning: Beginning, folder: EpisodeFolder) -> EpisodeRecord:
        turns = list(self.resources.tasks[record.spec.task].task.turns)
        folder.write(record.to_json())
        forget_beyond(beginning, folder, turns)
        if not record.turns:
            verdicts.forget(folder)
        episode = Episode(self.resources, record, beginning, folder)
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
            episode.record,
            attempts=attempts,
            void=failure,
            seconds=time.monotonic() - began,
        )


class Episode:
    """One attempt at one episode."""

    def __init__(
        self, resources: Resources, record: EpisodeRecord, beginning: Beginning, folder: EpisodeFolder
    ) -> None:
        self._resources, self._beginning, self._folder = resources, beginning, folder
        self._spec = record.spec
        self._task = resources.tasks[record.spec.task]
        self._store: BlobStore = resources.run.blobs
        self._scrub = resources.run.scrub
        self._audit, self._trajectory = JsonLines(self._scrub), JsonLines(self._scrub)
        self._unread: list[Mapping[str, str]] = []
        self._world: World | None = None
        self._session: Session | None = None
        self._stopped = False
        self._model_faults = self._faults([MODEL]).get(MODEL)
        self.record = record
        """What is known of the episode by now; its turns are those of this attempt."""

    def play(self) -> None:
        """Play the turns in order. Raises `VoidError` when nothing can be measured."""
        task = self._task.task
        turns = list(task.turns.values())
        outfit = outfit_of(self._resources.agents[self._spec.label])
        plan = WorldPlan(
            services=self._task.services,
            accounts=task.accounts,
            seed=self._spec.seed,
            start=turns[0].time,
            material=task.folder,
            mounts=outfit.mounts,
            doors=outfit.doors,
            faults=self._faults([service.name for service in self._task.services]),
        )
        with ExitStack() as closing:
            closing.enter_context(logged_to(self._folder.log, self._scrub))
            closing.callback(self._trajectory.close)
            closing.callback(self._audit.close)
            world = open_world(plan, self._resources.premises, self._audit)
            closing.callback(world.close)
            self._world = world
            self._go_on_unless_stopped()
            session = outfit.open(self._office(world))
            closing.callback(session.close)
            self._session = session
            woken = self._restore(turns, world, session)
            for turn in turns[self._beginning.turns : self._spec.turns]:
                self._go_on_unless_stopped()
                self._play_turn(turn, world, session, woken)
                woken = None

    def _restore(self, turns: Sequence[Turn], world: World, session: Session) -> PrivateState | None:
        """Bring world and session to where the episode begins; returns what woke the agent, if it is awake."""
        beginning = self._beginning
        if beginning.moment == "start":
            return None
        turn = turns[beginning.turns] if beginning.moment == "wake" else turns[beginning.turns - 1]
        folder = self._folder.turn(turn.name)
        private = folder.read_private(beginning.moment)
        lost = world.restore(self._store, folder.read(beginning.moment), private)
        if private.session is not None:
            session.restore(json.loads(self._store.checked(private.session)))
        if lost:
            self._tell_lost(lost)
        return private if beginning.moment == "wake" else None

    def _tell_lost(self, lost: Sequence[str]) -> None:
        say(*(f"could not be restored: {each}" for each in lost), sep="\n")
        *before, now = self.record.resumed or [None]
        if now is not None:
            now = replace(now, lost=(*now.lost, *lost))
            self.record = replace(self.record, resumed=(*before, now))

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

    def _play_turn(self, turn: Turn, world: World, session: Session, woken: PrivateState | None) -> None:
        began = time.monotonic()
        try:
            stop = self._record_turn(turn, world, session, woken)
        except VoidError as failure:
            self._keep(_void(turn, failure, time.monotonic() - began))
            raise
        self._keep(
            TurnResult(
                turn=turn.name,
                index=turn.index,
                outcome="worked" if stop.kind == "done" else "stopped",
                reason=stop.reason,
                stop_kind=stop.kind if stop.kind != "done" else "",
                usage=_usage_json(stop.usage),
                unread=tuple(self._unread),
                seconds=round(time.monotonic() - began, 3),
            )
        )
        # From here on, an interruption no longer loses the turn.
        self._folder.write(self.record.to_json())

    def _keep(self, result: TurnResult) -> None:
        self.record = replace(self.record, turns=(*self.record.turns, result))

    def _record_turn(self, turn: Turn, world: World, session: Session, woken: PrivateState | None) -> Stop:
        folder = self._folder.turn(turn.name)
        self._unread.clear()
        self._audit.open(folder.audit, keep=woken.audit if woken else 0)
        self._trajectory.open(folder.trajectory)
        if woken is not None and woken.message is not None:
            message = woken.message
        else:
            message = self._wake(turn, world, session)
        self._trajectory({"type": "wakeup", "message": message, "time": turn.time.isoformat()})
        stop = session.work(self._workday(turn, world, message))
        self._trajectory({"type": "stop", "kind": stop.kind, "reason": stop.reason})
        self._freeze(turn, "snapshot", world, session)
        return stop

    def _wake(self, turn: Turn, world: World, session: Session) -> str:
        """Let the task change the world; returns what the agent is told."""
        world.begin_turn(turn.name, turn.time)
        told = self._change_world(turn, world)
        message = self._task.task.wake_up(turn, told, first=turn.index == anew(self.record).turns)
        self._freeze(turn, "wake", world, session, message)
        return message

    def _change_world(self, turn: Turn, world: World) -> str:
        if turn.inject is not None:
            world.files.upload(f"inject/{turn.inject}")
        try:
            with acting_as("task"):
                message = turn.function(AuthorWorld(world, turn, self._earlier))
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

    def _earlier(self, turn: str) -> tuple[Manifest, BlobStore]:
        return self._folder.turn(turn).read("snapshot"), self._store

    def _freeze(
        self, turn: Turn, moment: str, world: World, session: Session, message: str | None = None
    ) -> None:
        """Record a moment: what it names comes first, so that a kill never leaves a name of nothing."""
        frozen = world.freeze(self._store)
        belongings = world.freeze_belongings(self._store)
        state = session.freeze()
        manifest = Manifest(
            task=self._spec.task,
            turn=turn.name,
            time=turn.time.isoformat(),
            files=frozen.files,
            services=frozen.services,
            clocks=frozen.clocks,
            memory=frozen.memory,
        )
        private = PrivateState(
            of=manifest.digest,
            workspace=frozen.details,
            home=belongings.home,
            tmp=belongings.tmp,
            session=None if state is None else self._store.put(json.dumps(self._scrub.json(state)).encode()),
            audit=self._audit.position,
            message=message,
        )
        folder = self._folder.turn(turn.name)
        folder.write_private(moment, private)
        self._store.sync()
        folder.write(moment, manifest)

    def _workday(self, turn: Turn, world: World, message: str) -> Workday:
        tools = WorldToolset(
            sandbox=world.sandbox,
            env=world.env,
            services=world.services.values(),
            record=self._step,
            allowed=turn.tools,
        )
        return Workday(
            turn=turn.name,
            index=turn.index,
            time=turn.time,
            message=message,
            tools=tools,
            limits=self._limits(turn),
            record=self._step,
            meet=partial(self._model_faults.next, turn.name) if self._model_faults is not None else None,
        )

    def _faults(self, names: Sequence[str]) -> dict[str, FaultSchedule]:
        faults = self._resources.faults
        return faults.schedules(names, self._spec.task, self._spec.trial) if faults is not None else {}

    def _step(self, record: Mapping[str, Any]) -> None:
        """Write down what the agent did, and keep what reports tell of it."""
        self._trajectory(record)
        if record["type"] == "unread" and len(self._unread) < _MOST_UNREAD:
            self._unread.append({name: cut(str(record[name]), _UNREAD_TEXT) for name in ("what", "why")})

    def _limits(self, turn: Turn) -> TurnLimits:
        limits = self._resources.limits
        if not self._resources.tasks_minutes or turn.minutes is None:
            return limits
        return replace(limits, minutes=turn.minutes)


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
