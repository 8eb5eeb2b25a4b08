"""A mail service behind real sockets on this machine."""

from __future__ import annotations

import imaplib
import smtplib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.email import EmailService, EmailSpec, EmailView
from clawmark_services.serving import ServiceHost, Serving

MIA = "mia.chen@company.example"
HRBP = "hrbp@company.example"


@dataclass
class Office:
    """One mail service, its audit and how clients reach it."""

    service: EmailService
    audit: list[dict[str, Any]] = field(repr=False)
    ports: dict[str, int] = field(default_factory=dict)
    servings: list[Serving] = field(default_factory=list)

    def imap(self, login: str | None = MIA) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.ports["imap"], timeout=20)
        if login:
            client.login(login, "whatever")
        return client

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=20)

    def view(self) -> EmailView:
        return EmailSpec().view(self.service.freeze())

    def operations(self) -> list[tuple[str, Any]]:
        return [(line["operation"], line["status"]) for line in self.audit]


def make_office(
    start: str = "2024-03-19T09:00+08:00", turn: str = "tuesday", spec: EmailSpec | None = None
) -> Office:
    audit: list[dict[str, Any]] = []
    context = Context(
        service="email",
        clock=ServiceClock(datetime.fromisoformat(start), turn),
        ids=Ids(7, "email"),
        accounts=AccountBook(Account("mia", MIA), [Account("hrbp", HRBP)]),
        audit=audit.append,
    )
    return Office((spec or EmailSpec()).open(context), audit)


@pytest.fixture(scope="session")
def host() -> Iterator[ServiceHost]:
    host = ServiceHost()
    yield host
    host.close()


@pytest.fixture
def offices(host: ServiceHost) -> Iterator[Callable[..., Office]]:
    built: list[Office] = []

    def build(spec: EmailSpec | None = None) -> Office:
        office = make_office(spec=spec)
        for endpoint in office.service.endpoints:
            listener = socket.create_server(("127.0.0.1", 0))
            office.ports[endpoint.key] = listener.getsockname()[1]
            office.servings.append(host.serve(listener, office.service.door(endpoint.key)))
        built.append(office)
        return office

    yield build
    for office in built:
        for serving in office.servings:
            serving.close()


@pytest.fixture
def office(offices: Callable[..., Office]) -> Office:
    return offices()
