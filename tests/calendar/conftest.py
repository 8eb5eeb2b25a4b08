"""A calendar service behind a real socket on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import caldav
import pytest

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.calendar import CalendarService, CalendarSpec, CalendarView
from clawmark_services.serving import ServiceHost


@dataclass
class Office:
    """One calendar service, its audit and how clients reach it."""

    service: CalendarService
    audit: list[dict[str, Any]] = field(repr=False)
    clock: ServiceClock
    url: str = ""

    def client(self, user: str = "benchmark") -> caldav.DAVClient:
        return caldav.DAVClient(url=self.url, username=user, password="")

    def view(self) -> CalendarView:
        return CalendarSpec().view(self.service.freeze())

    def operations(self) -> list[tuple[str, Any]]:
        return [(line["operation"], line["status"]) for line in self.audit]

    def tool(self, name: str, **arguments: Any) -> Any:
        return next(tool for tool in self.service.tools() if tool.name == name).call(**arguments)


def make_office(start: str = "2024-03-19T09:00+08:00") -> Office:
    audit: list[dict[str, Any]] = []
    clock = ServiceClock(datetime.fromisoformat(start), "tuesday")
    context = Context(
        service="calendar",
        clock=clock,
        ids=Ids(7, "calendar"),
        accounts=AccountBook(
            Account("mia", "mia.chen@company.example"), [Account("hrbp", "hrbp@company.example")]
        ),
        audit=audit.append,
    )
    return Office(CalendarSpec().open(context), audit, clock)


@pytest.fixture(scope="session")
def host() -> Iterator[ServiceHost]:
    host = ServiceHost()
    yield host
    host.close()


@pytest.fixture
def offices(host: ServiceHost) -> Iterator[Callable[[], Office]]:
    servings = []

    def build() -> Office:
        office = make_office()
        listener = socket.create_server(("127.0.0.1", 0))
        office.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        servings.append(host.serve(listener, office.service.door("caldav")))
        return office

    yield build
    for serving in servings:
        serving.close()


@pytest.fixture
def office(offices: Callable[[], Office]) -> Office:
    return offices()
