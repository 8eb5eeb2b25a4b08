"""From pytest's reports to verdicts, and from verdicts to the run's results.

`ItemReports` works where items run and puts what came of each on its report, as plain JSON; `RunResults`
works where reports arrive (the controller, under pytest-xdist) and alone writes `results.json`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_clawmark.collect.items import CheckerItem, EpisodeItem, TurnItem
from pytest_clawmark.collect.module import task_id, task_of
from pytest_clawmark.failures import VoidError
from pytest_clawmark.grading.reasons import stable_assertions, stable_reason
from pytest_clawmark.measurement import Measurement, PlayedEpisode, episode_key
from pytest_clawmark.reports.changes import Change, changed_files
from pytest_clawmark.reports.junit import (
    checker_properties,
    episode_properties,
    turn_properties,
    without_episode,
)
from pytest_clawmark.reports.payload import checker_payload, turn_payload
from pytest_clawmark.reports.text import visible
from pytest_clawmark.reports.world_changes import summary
from pytest_clawmark.runs.layout import RunFolder
from pytest_clawmark.scoring import EpisodeResult, Outcome, TurnResult, Verdict, points
from pytest_clawmark.scoring.taxonomy import Categories
from pytest_clawmark.scoring.verdict import Attempt
from pytest_clawmark.task import LoadedTask

Key = tuple[str, str, int]
_T = TypeVar("_T")


def judge(error: BaseException | None) -> tuple[Outcome, str]:
    """A checker's outcome by what it raised, and why.

    It fails by `AssertionError` (with it `EvidenceError`) and `pytest.fail`; it is void when its turn is;
    anything else, skip and xfail included, means that the checker itself is broken.
    """
    if error is None:
        return "passed", ""
    if isinstance(error, VoidError):
        return "void", f"{error.origin}: {error}"
    if isinstance(error, pytest.fail.Exception | AssertionError):
        return "failed", str(error).strip() or type(error).__name__
    return "broken", f"{type(error).__name__}: {error}"


class ItemReports:
    """Puts verdicts on reports."""

    def __init__(self, measurement: Measurement, *, detailed: bool) -> None:
        self._measurement, self._detailed = measurement, detailed
        self._remaining: Counter[Key] = Counter()
        self._verdicts: dict[Key, dict[str, Verdict]] = {}
        self._silent: list[Verdict] | None = None
        self._changes: dict[tuple[Key, str], dict[str, Any]] = {}
        self._told: set[tuple[Key, str]] = set()

    def expect(self, items: Sequence[pytest.Item]) -> None:
        """Count the items of each episode, to know its last."""
        self._remaining.update(key for item in items if (key := episode_key(item)) is not None)

    @property
    def silent(self) -> bool:
        """Whether verdicts are kept from the reports; see `silently`."""
        return self._silent is not None

    @contextlib.contextmanager
    def silently(self) -> Iterator[list[Verdict]]:
        """While this lasts, verdicts go into the list that is given and nowhere else."""
        self._silent = []
        try:
            yield self._silent
        finally:
            self._silent = None

    def verdict(self, item: CheckerItem) -> Verdict | None:
        """What this process reported of a checker, None before."""
        key = episode_key(item)
        return self._verdicts.get(key, {}).get(item.checker_id) if key is not None else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """A fixture may assert too."""
        __tracebackhide__ = True
        with stable_assertions() if isinstance(item, CheckerItem) else contextlib.nullcontext():
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Let what an assertion says be fit for a verdict."""
        __tracebackhide__ = True
        with stable_assertions() if isinstance(item, CheckerItem) else contextlib.nullcontext():
            yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """After every other plugin has made of the report what it would."""
        report = yield
        key = episode_key(item)
        if key is None or not isinstance(item, EpisodeItem):
            return report
        error = call.excinfo.value if call.excinfo is not None else None
        _make_visible(report)
        if isinstance(item, CheckerItem):
            report.clawmark_checker = item.checker_id  # type: ignore[attr-defined] # as below
        said = call.when == "call" or error is not None
        if said and self._silent is not None and isinstance(item, CheckerItem):
            self._silent.append(self._verdict(item, error, report))
            return report
        if said:
            self._enrich(item, key, error, report)
            self._tell_changes(item, key, report)
        if said and call.when != "teardown":
            self._count_down(item, key)
        report.user_properties = list(item.user_properties)
        return report

    def _enrich(
        self, item: EpisodeItem, key: Key, error: BaseException | None, report: pytest.TestReport
    ) -> None:
        if isinstance(item, CheckerItem):
            verdict = self._verdict(item, error, report)
            if verdict.outcome == "broken":
                _insist_on_failure(report, verdict.reason)
            self.settle(item, key, verdict, report)
        elif isinstance(item, TurnItem):
            payload = self._turn(item, key, report)
            report.clawmark = payload  # type: ignore[attr-defined] # pytest keeps and sends extra attributes

    def _tell_changes(self, item: EpisodeItem, key: Key, report: pytest.TestReport) -> None:
        """Put what changed in a turn on the first report that comes of it, whichever item's it is."""
        if (key, item.turn_name) not in self._told:
            self._told.add((key, item.turn_name))
            told = {"key": list(key), "turn": item.turn_name, "changes": self._world(key, item.turn_name)}
            report.clawmark_changes = told  # type: ignore[attr-defined] # as above

    def _world(self, key: Key, turn: str) -> dict[str, Any]:
        """What changed in a turn, worked out once; nothing for one that was not measured."""
        if (key, turn) not in self._changes:
            played = self._measurement.look(key)
            turns = played.record.turns if played is not None else ()
            measured = any(known.turn == turn and known.outcome != "void" for known in turns)
            self._changes[key, turn] = _readable(
                lambda: summary(played.changes(turn)) if played is not None and measured else {}, {}
            )
        return self._changes[key, turn]

    def settle(self, item: CheckerItem, key: Key, verdict: Verdict, report: pytest.TestReport) -> None:
        """Put a verdict on a checker's report, in the place of what was known of it."""
        self._verdicts.setdefault(key, {})[verdict.id] = verdict
        told = [*checker_properties(verdict)]
        if len(without_episode(item.user_properties)) < len(item.user_properties):
            # A fixture's end may break the last checker after the episode's score was told with it.
            told += self._of_episode(item, key)
        item.user_properties[:] = renewed(item.user_properties, told)
        report.user_properties = list(item.user_properties)
        report.clawmark = checker_report(key, verdict)  # type: ignore[attr-defined] # as above

    def replay(self, item: CheckerItem, key: Key, verdict: Verdict, report: pytest.TestReport) -> None:
        """Take over a verdict of an earlier session with one of its reports; the last one ends the checker."""
        self._verdicts.setdefault(key, {})[verdict.id] = verdict
        known = without_episode(report.user_properties)
        item.user_properties[:] = renewed(known, checker_properties(verdict))
        if report.when not in ("setup", "call"):
            self._count_down(item, key)
        report.user_properties = list(item.user_properties)

    def _verdict(self, item: CheckerItem, error: BaseException | None, report: pytest.TestReport) -> Verdict:
        outcome, reason = judge(error)
        if report.when == "teardown":
            outcome, reason = "broken", f"its fixtures' end failed: {error}"
        if hasattr(report, "wasxfail"):
            outcome, reason = "broken", f"xfail: {report.wasxfail}"
        return dataclasses.replace(
            missing_verdict(item),
            outcome=outcome,
            reason=stable_reason(reason, self._places(item)),
            seconds=round(report.duration, 4),
        )

    def _places(self, item: CheckerItem) -> dict[str, str]:
        """Folders that lie elsewhere on another machine, and what they are called everywhere."""
        task = task_of(item)
        own = {str(task.path.parent): task.id} if task is not None else {}
        return {**own, str(self._measurement.source.path): "<run>"}

    def _turn(self, item: TurnItem, key: Key, report: pytest.TestReport) -> dict[str, Any]:
        played = self._measurement.look(key)
        turn = _turn_result(item, played, report)
        item.user_properties.extend(turn_properties(turn))
        records: list[dict[str, Any]] = []
        changes: list[Change] = []
        if self._detailed and played is not None and turn.outcome != "void":
            records = _readable(lambda: list(played.snapshot(turn.turn).trajectory), records)
            changes = _readable(lambda: self._changed_files(played, turn.turn), changes)
        wakeup = next((r["message"] for r in records if r["type"] == "wakeup"), "")
        task, label, trial = key
        return turn_payload(
            task=task,
            label=label,
            trial=trial,
            turn=turn,
            wakeup=wakeup,
            trajectory=records,
            changes=changes,
            world=self._world(key, item.turn_name) if self._detailed else {},
        )

    def _changed_files(self, played: PlayedEpisode, turn: str) -> list[Change]:
        snapshot, wake = played.snapshot(turn), played.snapshot(turn, "wake")
        store = self._measurement.source.blobs
        return changed_files(wake.files.entries, snapshot.files.entries, store.checked)

    def _count_down(self, item: EpisodeItem, key: Key) -> None:
        self._remaining[key] -= 1
        if self._remaining[key] == 0:
            item.user_properties.extend(self._of_episode(item, key))

    def tell_episode(self, item: EpisodeItem, key: Key, report: pytest.TestReport) -> None:
        """Put on a report that comes later what the episode came to with it."""
        report.user_properties = renewed(report.user_properties, self._of_episode(item, key))

    def _of_episode(self, item: EpisodeItem, key: Key) -> list[tuple[str, str]]:
        task = task_of(item)
        assert task is not None
        planned = planned_episode(self._measurement, task, key)
        verdicts = tuple(self._verdicts.get(key, {}).values())
        return episode_properties(episode_result(planned, self._measurement.source, verdicts))


def _readable(read: Callable[[], _T], otherwise: _T) -> _T:
    """What is on record, or something else where the record is damaged: a report must not fail over it."""
    try:
        return read()
    except VoidError:
        return otherwise


def _make_visible(report: pytest.TestReport) -> None:
    """Let nothing that an agent wrote drive the terminal that the report is shown on."""
    report.longrepr = _visible(report.longrepr)
    report.sections = [(name, visible(content)) for name, content in report.sections]


def _visible(value: Any) -> Any:
    """The value with all its texts made visible; pytest's accounts of failures are changed in place."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple):
        return type(value)(_visible(part) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for part in dataclasses.fields(value):
            object.__setattr__(value, part.name, _visible(getattr(value, part.name)))
    return value


def checker_report(key: Key, verdict: Verdict) -> dict[str, Any]:
    """What a checker's report carries."""
    task, label, trial = key
    payload = checker_payload(task=task, label=label, trial=trial, verdict=verdict, score=points(verdict))
    return {**payload, "verdict": verdict.to_json()}


def renewed(known: Sequence[tuple[str, Any]], properties: Sequence[tuple[str, str]]) -> list[tuple[str, Any]]:
    """Properties in which the new ones stand instead of those of the same names."""
    names = {name for name, _ in properties}
    return [*(pair for pair in known if pair[0] not in names), *properties]


def missing_verdict(item: CheckerItem) -> Verdict:
    """What is known of a checker before it has run; it stays so when its process ends first."""
    checker = item.checker
    return Verdict(
        id=item.checker_id,
        turn=checker.turn,
        weight=checker.weight,
        red_line=checker.red_line,
        category=checker.category,
        outcome="void",
        reason="world: its process ended before the checker could run",
        description=checker.description,
        group=checker.group if checker.group != checker.turn else "",
        weighed=checker.weighed,
    )


def selected_checkers(items: Sequence[pytest.Item]) -> dict[str, Any]:
    """The checkers that a session set out to run, as JSON by node id."""
    return {
        item.nodeid: {"key": list(key), "verdict": missing_verdict(item).to_json()}
        for item in items
        if isinstance(item, CheckerItem) and (key := episode_key(item)) is not None
    }


def _insist_on_failure(report: pytest.TestReport, reason: str) -> None:
    """A checker cannot skip itself, nor expect to fail: pytest must count it as failed."""
    if report.outcome != "failed" or hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"broken checker: {reason}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail


def _turn_result(item: TurnItem, played: PlayedEpisode | None, report: pytest.TestReport) -> TurnResult:
    for turn in played.record.turns if played is not None else ():
        if turn.turn == item.turn_name:
            return turn
    return TurnResult(
        turn=item.turn_name, index=item.turn.index, outcome="void", reason=stable_reason(report.longreprtext)
    )


def planned_episode(measurement: Measurement, task: LoadedTask, key: Key) -> EpisodeResult:
    """An episode of which nothing is known yet."""
    agent = measurement.agents[key[1]]
    spec = measurement.spec(key)
    return EpisodeResult(
        task=task.id,
        family=task.family,
        agent=agent.name,
        model=agent.model,
        label=key[1],
        trial=key[2],
        seed=spec.seed,
        planned=measurement.planned_checkers(task, key),
        void_reason=measurement.given_up.get(key, ""),
    )


def malformed_episodes(
    measurement: Measurement, path: Path, report: pytest.CollectReport
) -> list[EpisodeResult]:
    """The episodes of a task that cannot be collected: planned, and given up for the task's own fault."""
    reason = stable_reason(f"the task is malformed: {report.longreprtext}")
    return [
        EpisodeResult(
            task=task_id(path),
            family=path.parent.parent.name,
            agent=measurement.agents[contestant.label].name,
            model=measurement.agents[contestant.label].model,
            label=contestant.label,
            trial=contestant.trial,
            planned=0,
            void_reason=reason,
        )
        for contestant in measurement.contestants
        if measurement.plays(task_id(path), contestant)
    ]


def episode_result(planned: EpisodeResult, run: RunFolder, verdicts: Sequence[Verdict]) -> EpisodeResult:
    """A planned episode with what the run directory and the verdicts say of it."""
    record = run.episode(planned.task, planned.label, planned.trial).read() or {}
    return dataclasses.replace(
        planned,
        turns=tuple(TurnResult.from_json(turn) for turn in record.get("turns", ())),
        attempts=tuple(Attempt.from_json(attempt) for attempt in record.get("attempts", ())),
        void_reason=planned.void_reason or record.get("void_reason", ""),
        checkers=tuple(verdicts),
        planned=max(planned.planned, len(verdicts)),
    )


class RunResults:
    """Gathers verdicts from reports, wherever their items ran; `categories` names what corpora leave unnamed."""

    def __init__(self, source: RunFolder, categories: Categories) -> None:
        self._source, self._categories = source, categories
        self._planned: dict[Key, EpisodeResult] = {}
        self._verdicts: dict[Key, dict[str, Verdict]] = {}
        self._selected: dict[str, tuple[Key, Verdict]] = {}
        self._crashed: set[str] = set()
        self._changes: dict[tuple[Key, str], dict[str, Any]] = {}

    def plan(self, planned: Sequence[Mapping[str, Any]], selected: Mapping[str, Any]) -> None:
        """Learn of planned episodes and selected checkers, as JSON; learning twice changes nothing."""
        for data in planned:
            result = EpisodeResult.from_json(data)
            self._planned.setdefault((result.task, result.label, result.trial), result)
        for nodeid, data in selected.items():
            task, label, trial = data["key"]
            self._selected[nodeid] = ((task, label, trial), Verdict.from_json(data["verdict"]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the verdict that a report carries."""
        told = getattr(report, "clawmark_changes", None)
        if told is not None:
            task, label, trial = told["key"]
            self._changes[(task, label, trial), told["turn"]] = told["changes"]
        payload = getattr(report, "clawmark", None)
        if payload is not None and payload["kind"] == "checker":
            self._take(
                (payload["task"], payload["label"], payload["trial"]), Verdict.from_json(payload["verdict"])
            )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Say which failures are no failures of the agent."""
        payload = getattr(report, "clawmark", None)
        outcome = payload["outcome"] if payload is not None and report.failed else None
        if outcome == "broken":
            return "failed", "B", "BROKEN"
        if outcome == "void":
            return "error", "V", "VOID"
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A checker that ends its worker is broken: an agent must gain nothing by making it crash."""
        if crashitem in self._selected:
            key, missing = self._selected[crashitem]
            verdict = dataclasses.replace(missing, outcome="broken", reason="the checker ended its process")
            report.clawmark = checker_report(key, verdict)  # type: ignore[attr-defined] # as for all others
            report.clawmark_checker = verdict.id  # type: ignore[attr-defined] # likewise
            report.user_properties = [*report.user_properties, *checker_properties(verdict)]

    def complete(self) -> None:
        """Count the selected checkers that never reported as void; call it unless the session was stopped."""
        for key, missing in self._selected.values():
            if missing.id not in self._verdicts.get(key, {}):
                self._take(key, missing)

    @property
    def results(self) -> list[EpisodeResult]:
        """Every planned episode, with what is known of it."""
        return [
            self._categories.apply(
                self._with_changes(
                    key, episode_result(planned, self._source, tuple(self._verdicts.get(key, {}).values()))
                )
            )
            for key, planned in self._planned.items()
        ]

    def _with_changes(self, key: Key, result: EpisodeResult) -> EpisodeResult:
        turns = (
            dataclasses.replace(turn, changes=self._changes.get((key, turn.turn), turn.changes))
            for turn in result.turns
        )
        return dataclasses.replace(result, turns=tuple(turns))

    def _take(self, key: Key, verdict: Verdict) -> None:
        self._verdicts.setdefault(key, {})[verdict.id] = verdict
