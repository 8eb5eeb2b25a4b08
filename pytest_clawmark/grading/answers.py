"""What checkers were told by something outside the snapshot: recorded once, repeated for ever after."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import VoidError
from pytest_clawmark.gateway.secrets import Scrubber
from pytest_clawmark.snapshots.store import canonical_json

SCHEMA = 1
_SHOWN = 300


class NotRecorded(VoidError):
    """A checker asks for what was not recorded, where nothing can be asked any more."""

    retry = False


class Answers:
    """Answers below `root`, as `ab/abcdef....json` by the SHA-256 of what was asked.

    The first answer to a question stays, whichever process asked: verdicts that were reached with it must be
    reached again. With `asking` False nothing is asked and nothing is written.
    Secrets that `scrub` knows are taken out of answers and records.
    """

    def __init__(self, root: Path, *, asking: bool = True, scrub: Scrubber | None = None) -> None:
        self._root, self.asking, self._scrub = root, asking, scrub or Scrubber()

    def find(self, question: Any) -> Any | None:
        """The recorded answer, None where there is none; answers themselves are never None.

        Raises `NotRecorded` for a record that cannot be read: it was cut short or changed by somebody.
        """
        path = self._path(question)
        try:
            return json.loads(path.read_bytes())["answer"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise NotRecorded(f"the recorded answer {path} cannot be read: {error}") from error

    def ask(self, question: Any, answer: Callable[[], Any]) -> Any:
        """The answer on record, or else what `answer()` gives, recorded; what it raises is not.

        Both are JSON, and the answer is not None. Raises `NotRecorded` where nothing may be asked.
        """
        if (known := self.find(question)) is not None:
            return known
        self.insist(question)
        given = self._scrub.json(json.loads(json.dumps(answer())))
        if given is None:
            raise ValueError(f"nothing was answered to {_told(question)}: an answer is JSON, and not null")
        return self._record(question, given)

    def insist(self, question: Any) -> None:
        """Raise `NotRecorded` where nothing may be asked."""
        if not self.asking:
            raise NotRecorded(
                f"the run has no recorded answer to {_told(question)}; only a session that plays can ask for "
                "one: --resume the run, or play it again"
            )

    def _record(self, question: Any, answer: Any) -> Any:
        path = self._path(question)
        content = {"schema": SCHEMA, "question": self._scrub.json(question), "answer": answer}
        path.parent.mkdir(parents=True, exist_ok=True)
        with _draft(path, (json.dumps(content, indent=1) + "\n").encode()) as draft:
            try:
                os.link(draft, path)
            except FileExistsError:
                return self.find(question)
        return answer

    def _path(self, question: Any) -> Path:
        digest = digest_of(question)
        return self._root / digest[:2] / f"{digest}.json"


def digest_of(question: Any) -> str:
    """Identifies what is asked."""
    return hashlib.sha256(canonical_json(question)).hexdigest()


@contextlib.contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _told(question: Any) -> str:
    """A command as a shell has it, everything else as JSON."""
    is_command = isinstance(question, dict) and question.get("kind") == "command"
    text = shlex.join(question["command"]) if is_command else json.dumps(question, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
