"""The fixture `grading`: what a checker may do with a frozen world beside reading its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.grading.answers import Answers, digest_of
from pytest_clawmark.grading.copies import Copies
from pytest_clawmark.grading.thawing import thaw
from pytest_clawmark.sandboxes.contract import Completed, Sandbox
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.store import BlobStore

OpenSandbox = Callable[[], Sandbox]


@dataclass(slots=True, kw_only=True)
class Desk:
    """What the gradings of one process share. `sandbox` opens an empty one; None where nothing may be run."""

    answers: Answers
    sandbox: OpenSandbox | None = None
    copies: Copies = field(default_factory=Copies)

    def close(self) -> None:
        """Remove what lies about; harmless when it was done already."""
        self.copies.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """An episode as a grading reads it: its key, its store, and the manifest of each turn's end."""

    key: tuple[str, str, int]
    store: BlobStore
    manifest: Callable[[str], Manifest]


class Grading:
    """One checker's doings with the frozen worlds of its episode; nothing of them reaches another checker.

    Close it when the checker has ended.
    """

    def __init__(self, frozen: Frozen, desk: Desk) -> None:
        self._frozen, self._desk = frozen, desk
        self._benches: dict[str, _Bench] = {}
        self._closing = ExitStack()

    def workspace(self, turn: str) -> Path:
        """A folder with the files of `/workspace` as they were frozen after a turn.

        It is this checker's own: writing into it changes nothing for anybody else, nor the record. Times of
        modification lie in the frozen order; links that led out of the workspace are missing.
        """
        task, label, trial = self._frozen.key

        def fill(root: int) -> None:
            thaw(root, self._frozen.manifest(turn), self._frozen.store)

        return self._desk.copies.hand_out((task, label, str(trial), turn), self, fill)

    def run(
        self,
        turn: str,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command over the frozen `/workspace` of a turn, in a sandbox without services.

        The commands of one checker share the sandbox of a turn, and no other checker's do. What came of each is
        recorded with the run, and told again when the checker is graded again. `timeout` is in seconds; a
        command that fails is a result, as in the world. Raises `NotRecorded` (the verdict is then void) where
        the run is only graded and the answer is not on record.
        """
        if turn not in self._benches:
            self._benches[turn] = _Bench(self._frozen, turn, self._desk, self._closing)
        wish = _Wish(command=tuple(command), timeout=timeout, env=dict(env or {}))
        return self._benches[turn].run(wish)

    def ask(self, question: Any, answer: Callable[[], Any]) -> Any:
        """What `answer()` gives, recorded with the run under the question and told again when graded again.

        Both are JSON, the answer is not null. The question must name all that the answer hangs on. Raises as
        `run` does.
        """
        return self._desk.answers.ask({"kind": "question", "question": question}, answer)

    def close(self) -> None:
        """End the sandboxes."""
        self._closing.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    command: tuple[str, ...]
    timeout: float | None
    env: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {"command": list(self.command), "timeout": self.timeout, "env": dict(self.env)}


class _Bench:
    """The commands of one checker over one turn's workspace; the sandbox is opened for the first unknown one."""

    def __init__(self, frozen: Frozen, turn: str, desk: Desk, closing: ExitStack) -> None:
        self._frozen, self._desk, self._closing = frozen, desk, closing
        self._manifest = frozen.manifest(turn)
        self._state = digest_of(
            {"digest": self._manifest.digest, "ranks": {e.path: e.rank for e in self._manifest.files}}
        )
        self._earlier: list[_Wish] = []
        self._done = 0
        self._sandbox: Sandbox | None = None

    def run(self, wish: _Wish) -> Completed:
        earlier = [digest_of(other.to_json()) for other in self._earlier]
        question = {"kind": "command", "state": self._state, "after": earlier, **wish.to_json()}
        self._earlier.append(wish)
        return _completed(self._desk.answers.ask(question, self._really))

    def _really(self) -> dict[str, Any]:
        """Run what was not run yet, of which the last is asked for; the rest was answered from the record."""
        if self._sandbox is None:
            self._sandbox = self._open()
        for wish in self._earlier[self._done :]:
            ended = self._sandbox.run(wish.command, env=wish.env, timeout=wish.timeout)
        self._done = len(self._earlier)
        return _answer(ended)

    def _open(self) -> Sandbox:
        if self._desk.sandbox is None:
            raise WorldFailure("there is no sandbox to run a checker's command in")
        sandbox = self._desk.sandbox()
        self._closing.callback(sandbox.close)
        thaw(sandbox.tree("workspace"), self._manifest, self._frozen.store, sandbox.as_agent)
        return sandbox


def _answer(ended: Completed) -> dict[str, Any]:
    return {
        "exit_code": ended.exit_code,
        "stdout": ended.stdout.decode("utf-8", "surrogateescape"),
        "stderr": ended.stderr.decode("utf-8", "surrogateescape"),
        "timed_out": ended.timed_out,
        "truncated": ended.truncated,
    }


def _completed(answer: Mapping[str, Any]) -> Completed:
    return Completed(
        exit_code=answer["exit_code"],
        stdout=answer["stdout"].encode("utf-8", "surrogateescape"),
        stderr=answer["stderr"].encode("utf-8", "surrogateescape"),
        timed_out=answer["timed_out"],
        truncated=answer["truncated"],
    )
