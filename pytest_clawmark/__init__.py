"""Measures AI coworkers in offices that change under their hands, as a pytest plugin.

What a task's author writes is made of these names. They are imported when they are first used: pytest loads
this package in every project where it is installed, and most sessions meet no task.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clawmark_services import Account, EvidenceError
    from clawmark_services.rest import RestApi
    from pytest_clawmark.task import Task

__all__ = ["Account", "EvidenceError", "RestApi", "Task"]

_HOMES = {
    "Account": "clawmark_services.accounts",
    "EvidenceError": "clawmark_services.evidence",
    "RestApi": "clawmark_services.rest",
    "Task": "pytest_clawmark.task",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
