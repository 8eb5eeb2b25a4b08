"""Takes known secrets out of pytest's reports, and so out of everything that is made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import pytest

from pytest_clawmark.gateway.secrets import Scrubber

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


class ScrubbedReports:
    """To be registered behind all plugins that put something on a report."""

    def __init__(self, scrub: Scrubber) -> None:
        self._scrub = scrub

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tracebacks, captured output, properties, and what the plugin itself tells."""
        report = yield
        report.user_properties = each_text(report.user_properties, self._scrub)
        for name in [name for name in vars(report) if name.startswith("clawmark")]:
            setattr(report, name, each_text(getattr(report, name), self._scrub))
        return self._scrubbed(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A task that cannot be collected may say why with a secret in it."""
        report = yield
        return self._scrubbed(report)

    def _scrubbed(self, report: _Report) -> _Report:
        report.longrepr = each_text(report.longrepr, self._scrub)
        report.sections = each_text(report.sections, self._scrub)
        return report


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The value with all its texts changed; pytest's accounts of failures are changed in place."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {each_text(key, change): each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(each_text(part, change) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for part in dataclasses.fields(value):
            object.__setattr__(value, part.name, each_text(getattr(value, part.name), change))
    return value
