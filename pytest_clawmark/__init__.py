"""Measures AI coworkers in offices that change under their hands, as a pytest plugin.

What a task's author writes is made of these names.
"""

from clawmark_services import Account, EvidenceError
from clawmark_services.rest import RestApi
from pytest_clawmark.task import Task

__all__ = ["Account", "EvidenceError", "RestApi", "Task"]
