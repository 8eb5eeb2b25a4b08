"""`--verify=N`: every checker runs N times on the frozen worlds, and must agree with itself."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal

import pytest

# pytest-rerunfailures and others run items by it, too; there is nothing public to run one without reporting it.
from _pytest.runner import runtestprotocol

from pytest_clawmark.collect.items import CheckerItem
from pytest_clawmark.measurement import Measurement, episode_key
from pytest_clawmark.reporting import ItemReports
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import Outcome, Verdict

UNSTEADY = "not deterministic"
_SAID: Mapping[Outcome, str] = {
    "broken": "was broken",
    "failed": "failed",
    "passed": "passed",
    "void": "was void",
}


class Verifying:
    """Runs the checkers of a session again after all of them have been reported; in every process.

    Further runs come in an order of their own, so that a checker which leaves something behind for another, or
    lives on what another left, is found out. One that disagrees with itself is reported once more, as broken.
    """

    def __init__(
        self, config: pytest.Config, measurement: Measurement, reports: ItemReports, times: int
    ) -> None:
        self._config, self._measurement, self._reports, self._times = config, measurement, reports, times
        self._unsteady: dict[str, str] = {}
        self._verified: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """When everything has been reported once, in whichever order pytest chose."""
        result = yield
        mine = [item for item in session.items if isinstance(item, CheckerItem) and self._was_judged(item)]
        if not (session.config.option.collectonly or session.shouldstop or session.shouldfail):
            self._verify(session, mine)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """In the place of pytest's own while items run again: as it does, and tell nobody."""
        if not self._reports.silent:
            return None
        runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a checker once in the terminal, whichever process found out that it is unsteady."""
        if not hasattr(report, "clawmark_checker"):
            return
        self._verified.add(report.nodeid)
        if hasattr(report, "clawmark_late"):
            self._unsteady[report.nodeid] = str(report.clawmark["verdict"]["reason"])
        if hasattr(report, "clawmark_late") and report.when == "call":
            self._take_back(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Which checkers disagree with themselves."""
        if not self._verified:
            return
        terminalreporter.write_sep("=", "verified")
        ran = f"each of {len(self._verified)} checkers ran {self._times} times on what was frozen"
        if not self._unsteady:
            terminalreporter.write_line(f"{ran}: all agree with themselves", green=True)
            return
        terminalreporter.write_line(f"{ran}: {len(self._unsteady)} not deterministic", yellow=True)
        for nodeid, reason in sorted(self._unsteady.items()):
            terminalreporter.write_line(one_line(f"  {nodeid}: {reason}"), yellow=True)

    def _was_judged(self, item: CheckerItem) -> bool:
        verdict = self._reports.verdict(item)
        return verdict is not None and verdict.outcome != "void"

    def _verify(self, session: pytest.Session, items: Sequence[CheckerItem]) -> None:
        chance = random.Random(f"clawmark verify {self._measurement.settings.seed}")  # noqa: S311 - no secret
        outcomes: dict[CheckerItem, set[Outcome]] = {item: {self._outcome(item)} for item in items}
        for _ in range(1, self._times):
            order = chance.sample(list(items), len(items))
            for item, following in zip(order, [*order, None][1:], strict=True):
                outcomes[item].update(self._run_again(item, following))
                if session.shouldstop or session.shouldfail:
                    return
        for item, found in outcomes.items():
            if len(found) > 1:
                self._report(session, item, found)

    def _outcome(self, item: CheckerItem) -> Outcome:
        verdict = self._reports.verdict(item)
        assert verdict is not None
        return verdict.outcome

    def _run_again(self, item: CheckerItem, following: pytest.Item | None) -> set[Outcome]:
        """What it came to; nothing when it could not be measured, which is no disagreement."""
        with self._reports.silently() as verdicts:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        # A fixture's end that failed comes after the checker, and says what the verdict is.
        return {verdict.outcome for verdict in verdicts[-1:] if verdict.outcome != "void"}

    def _report(self, session: pytest.Session, item: CheckerItem, outcomes: set[Outcome]) -> None:
        key, known = episode_key(item), self._reports.verdict(item)
        assert key is not None
        assert known is not None
        verdict: Verdict = dataclasses.replace(
            known,
            outcome="broken",
            reason=f"{UNSTEADY}: on the same frozen world it {' and '.join(_SAID[o] for o in sorted(outcomes))}",
        )
        self._let_worker_send(session, item)
        told = f"broken checker: {verdict.reason}"
        for report in (_late(item, "call", "failed", told), _late(item, "teardown", "passed", None)):
            self._reports.settle(item, key, verdict, report)
            self._reports.tell_episode(item, key, report)
            item.ihook.pytest_runtest_logreport(report=report)

    def _let_worker_send(self, session: pytest.Session, item: pytest.Item) -> None:
        """A worker of pytest-xdist sends reports of the item that it believes to be running, and of no other."""
        for plugin in self._config.pluginmanager.get_plugins():
            if hasattr(plugin, "torun") and hasattr(plugin, "item_index"):
                plugin.item_index = session.items.index(item)

    def _take_back(self, nodeid: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            return
        for reports in reporter.stats.values():
            reports[:] = [
                report
                for report in reports
                if getattr(report, "nodeid", None) != nodeid or getattr(report, "when", None) != "call"
            ]


def _late(
    item: CheckerItem,
    when: Literal["call", "teardown"],
    outcome: Literal["passed", "failed"],
    told: str | None,
) -> pytest.TestReport:
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome=outcome,
        longrepr=told,
        when=when,
    )
    report.clawmark_checker = item.checker_id  # type: ignore[attr-defined] # as ItemReports does
    report.clawmark_late = True  # type: ignore[attr-defined] # likewise
    return report
