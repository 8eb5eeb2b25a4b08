"""What comes with the plugin, offered through the same hooks as anybody's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import pytest

from pytest_clawmark.formats.clawmark import ClawMarkFormat
from pytest_clawmark.formats.contract import TaskFormat
from pytest_clawmark.formats.native import NativeFormat

_SERVICES = {
    "email": "clawmark_services.email:EmailSpec",
    "calendar": "clawmark_services.calendar:CalendarSpec",
    "notion": "clawmark_services.notion:NotionSpec",
    "sheets": "clawmark_services.sheets:SheetsSpec",
}


@pytest.hookimpl(trylast=True)
def pytest_clawmark_formats() -> Mapping[str, TaskFormat]:
    """The formats of tasks; each is light until it reads one."""
    return {"native": NativeFormat(), "clawmark": ClawMarkFormat()}


@pytest.hookimpl(trylast=True)
def pytest_clawmark_services() -> Mapping[str, Callable[[], Any]]:
    """The office's services; each is imported when a task names it."""
    return {name: _maker(where) for name, where in _SERVICES.items()}


def _maker(where: str) -> Callable[[], Any]:
    module, _, name = where.partition(":")
    return lambda: getattr(import_module(module), name)()  # noqa: PLW0108 - the import must wait
