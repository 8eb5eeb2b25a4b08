"""What makes a session fail or pass in CI: thresholds, and a run to be no worse than."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports.comparability import differences
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.scoring import EpisodeResult, summarise
from pytest_clawmark.scoring.comparison import difference
from pytest_clawmark.scoring.thresholds import Thresholds, worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a user asked for; `decides` says that failed checkers alone do not fail the session."""

    thresholds: Thresholds
    baseline: StoredRun | None
    decides: bool

    @classmethod
    def read(cls, config: pytest.Config) -> Gate | None:
        """From the options, None where nothing is asked for; raises `SettingsError` for what cannot be used."""
        option = config.getoption
        thresholds = Thresholds(
            score=option("min_score"),
            red_lines=option("max_red_lines"),
            coverage=option("min_coverage"),
            dollars=option("budget"),
        )
        given = option("baseline")
        baseline = StoredRun.read(config.invocation_params.dir / given) if given is not None else None
        decides = option("exit") == "thresholds"
        if decides and not (thresholds.any or baseline):
            raise SettingsError(
                "--exit=thresholds needs a threshold, or nothing could fail: give --min-score, --max-red-lines, "
                "--min-coverage, --budget or --baseline"
            )
        return (
            cls(thresholds=thresholds, baseline=baseline, decides=decides)
            if thresholds.any or baseline
            else None
        )

    def missed(self, run: StoredRun) -> list[str]:
        """A sentence for everything that the run does not reach."""
        found = self.thresholds.missed(summarise(run.results))
        return found + (_worse_than(self.baseline, run) if self.baseline is not None else [])


class Gating:
    """Fails a session that misses its thresholds, and, where they alone decide, passes one that does not.

    `document` gives the run as it was recorded, once it has been.
    """

    def __init__(self, gate: Gate, document: Callable[[], StoredRun]) -> None:
        self._gate, self._document = gate, document
        self._others_failed = False
        self._missed: Sequence[str] | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Failures that are no verdict on an agent fail the session in any case."""
        if report.failed and getattr(report, "clawmark", None) is None:
            self._others_failed = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """So do files that cannot be collected."""
        if report.failed:
            self._others_failed = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Decide, when the results have been written."""
        if session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        self._missed = self._gate.missed(self._document())
        if self._missed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self._gate.decides and not self._others_failed and not session.shouldfail:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What was missed, or that nothing was."""
        if self._missed is None:
            return
        terminalreporter.write_sep("=", "thresholds")
        for text in self._missed:
            terminalreporter.write_line(f"missed: {text}", red=True)
        if not self._missed:
            terminalreporter.write_line("all reached", green=True)


def _worse_than(baseline: StoredRun, run: StoredRun) -> list[str]:
    """Each agent against itself in the baseline, or against the only one there is."""
    told_apart = differences([baseline, run])
    if told_apart:
        return [f"--baseline cannot be compared: {text}" for text in told_apart]
    before = _by_label(baseline)
    found = []
    for label, results in _by_label(run).items():
        base = label if label in before else next(iter(before)) if len(before) == 1 else None
        if base is None:
            found.append(f"--baseline has no agent {label!r}, only {', '.join(before)}")
            continue
        name = f"{base} ({baseline.name})"
        text = worse(difference(name, label, {name: before[base], label: results}))
        found += [f"worse than --baseline: {text}"] if text else []
    return found


def _by_label(run: StoredRun) -> dict[str, list[EpisodeResult]]:
    found: dict[str, list[EpisodeResult]] = {}
    for result in run.results:
        found.setdefault(result.label, []).append(result)
    return found
