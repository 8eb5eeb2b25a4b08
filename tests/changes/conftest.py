"""One service without a world: acted on by the task and by the agent, frozen, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from clawmark_services import (
    Account,
    AccountBook,
    Change,
    Context,
    Ids,
    Service,
    ServiceClock,
    ServiceSpec,
    TellsChanges,
    acting_as,
)
from pytest_clawmark.changes import Changes
from pytest_clawmark.changes.attribution import Requests

MIA = "mia@company.example"
HRBP = "hrbp@company.example"


@dataclass
class Desk:
    """A service, what it was when it was last looked at, and its audit since then."""

    spec: ServiceSpec
    audit: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service: Service = self.spec.open(
            Context(
                service=self.spec.name,
                clock=ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00"), "tuesday"),
                ids=Ids(7, self.spec.name),
                accounts=AccountBook(Account("mia", MIA), [Account("hrbp", HRBP)]),
                audit=self.audit.append,
            )
        )
        self.before: Any = None

    @property
    def author(self) -> Any:
        return self.service.author

    def tool(self, name: str, **arguments: Any) -> Any:
        """What the agent does by a tool."""
        tool = next(tool for tool in self.service.tools() if tool.name == name)
        with acting_as("agent"):
            return tool.call(**arguments)

    def frozen(self) -> Any:
        """Its state, as it comes back from disk."""
        return json.loads(json.dumps(self.service.freeze()))

    def look(self, *, spoilt: Callable[[Any], Any] | None = None) -> Changes:
        """What changed since the last look, explained by the audit since then; `spoilt` alters the state."""
        now = self.frozen()
        if spoilt is not None:
            spoilt(now)
        assert isinstance(self.spec, TellsChanges)
        found: list[Change] = list(self.spec.changes(self.before, now))
        requests = Requests("agent", self.audit)
        self.before = self.frozen()
        self.audit.clear()
        return Changes(tuple(requests.explain(self.spec.name, change) for change in found))


@pytest.fixture
def desk() -> Callable[[ServiceSpec], Desk]:
    """Opens a service; what happens in it before the first look is the setting of the scene."""
    return Desk
