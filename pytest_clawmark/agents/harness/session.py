"""A harness at work in one world, one process a turn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_clawmark.agents.chat.prompt import system_prompt
from pytest_clawmark.agents.contract import Interrupted, Office, Stop, Workday
from pytest_clawmark.agents.harness.contract import Errand, Finished, Harness, Place
from pytest_clawmark.agents.harness.process import Running
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.agents.wording import cut
from pytest_clawmark.gateway.desk import Desk
from pytest_clawmark.gateway.door import VARIABLE

_SHOWN = 4_000
# How long a harness may take to save its session when it is told to end.
_GRACE_SECONDS = 5.0


class HarnessSession:
    """Implements `Session`."""

    def __init__(self, harness: Harness, entry: ModelEntry, desk: Desk, office: Office) -> None:
        self._harness, self._entry, self._desk, self._office = harness, entry, desk, office
        self._furnished = False
        self._news = threading.Condition()
        self._interrupted = False

    def work(self, day: Workday) -> Stop:
        """Run the harness for one turn. Raises `ModelFailure`, `Interrupted` or a `WorldFailure`."""
        self._refuse_when_interrupted()
        place = self._place()
        self._furnish(place)
        self._desk.open_for(day.record, day.limits, self._tell, day.meet)
        try:
            finished = self._run(self._harness.errand(place, day.message, first=day.index == 0), day)
            self._refuse_when_interrupted()
            self._desk.raise_failure()
            stop = self._desk.stop or self._harness.understand(finished)
            return replace(stop, usage=self._desk.ledger.usage)
        finally:
            self._desk.close_for_today()

    def freeze(self) -> Mapping[str, Any]:
        """What was used so far; the session itself lies in the world's home."""
        return self._desk.ledger.freeze()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._desk.ledger.restore(state)

    def interrupt(self) -> None:
        """End the turn soon."""
        self._interrupted = True
        self._desk.line.cut()
        self._tell()

    def close(self) -> None:
        """The process has ended with its turn."""

    def _place(self) -> Place:
        sandbox = self._office.sandbox
        return Place(
            home=sandbox.paths["home"],
            workspace=sandbox.paths["workspace"],
            url=self._office.env[VARIABLE],
            model=self._entry.name,
            context_window=self._entry.context_window,
            sees=self._entry.sees,
            briefing=system_prompt(self._office),
            exists=lambda path: sandbox.run(["test", "-e", path]).exit_code == 0,
        )

    def _furnish(self, place: Place) -> None:
        """Write the configuration, as the agent: it is its own."""
        if self._furnished:
            return
        for path, content in self._harness.files(place).items():
            target = f"{place.home}/{path}"
            self._office.sandbox.run(["mkdir", "-p", target.rpartition("/")[0]])
            self._office.sandbox.run(["tee", target], stdin=content)
        self._furnished = True

    def _run(self, errand: Errand, day: Workday) -> Finished:
        env = {**self._office.env, **errand.env}
        running = Running(self._office.sandbox, errand.command, errand.stdin, env, self._tell)
        try:
            self._wait(running)
        finally:
            # What the harness left in the background ends with its turn, and with it their output.
            self._office.sandbox.settle()
            finished = running.finish()
        day.record(
            {
                "type": "harness",
                "command": [cut(part, _SHOWN) for part in errand.command],
                "exit_code": finished.exit_code,
                "stdout": cut(finished.stdout, _SHOWN),
                "stderr": cut(finished.stderr, _SHOWN),
            }
        )
        return finished

    def _wait(self, running: Running) -> None:
        """Until it ends of its own accord, or is told to: at a limit, or when nothing can come of it."""
        with self._news:
            while not running.ended and not self._over():
                self._news.wait(self._desk.ledger.seconds_left())
            if running.ended:
                return
        running.signal(signal.SIGTERM)
        with self._news:
            self._news.wait_for(lambda: running.ended, _GRACE_SECONDS)

    def _over(self) -> bool:
        if self._interrupted or self._desk.over.is_set():
            return True
        reason = self._desk.ledger.out_of_minutes()
        if reason is not None:
            self._desk.end(Stop(kind="limit", reason=reason))
        return reason is not None

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    def _refuse_when_interrupted(self) -> None:
        if self._interrupted:
            raise Interrupted("the run was stopped")
