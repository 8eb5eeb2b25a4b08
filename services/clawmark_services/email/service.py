"""The mail service: SMTP in, IMAP out, an account for everybody from its first use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from clawmark_services.allowance import Allowance
from clawmark_services.change import Change
from clawmark_services.context import Context
from clawmark_services.contract import Door, Endpoint, Json, Stream, Tool
from clawmark_services.email.author import EmailAuthor
from clawmark_services.email.delivery import PostOffice
from clawmark_services.email.reach import Reach, sorted_domains
from clawmark_services.email.store import MailStore
from clawmark_services.email.tools import EmailTools
from clawmark_services.email.view import EmailView

ENDPOINTS = (
    Endpoint(key="imap", hosts=("greenmail",), port=3143, scheme="imap", variable="CLAWMARK_EMAIL_IMAP_URL"),
    Endpoint(key="smtp", hosts=("greenmail",), port=3025, scheme="smtp", variable="CLAWMARK_EMAIL_SMTP_URL"),
)

MAX_HELD = 256 * 1024 * 1024
"""Bytes that all clients of a world have sent, or are being sent, at once."""


@dataclass(frozen=True, slots=True)
class EmailSpec:
    """Mail, as a task declares it.

    Without `domains` every address in the world exists from its first mail. With them, such as
    `EmailSpec(domains=["company.example"])`, mail to any other domain is returned to its sender as
    undeliverable; the task's declared accounts are reached wherever they are. `ValueError` for what is no
    domain.
    """

    name: str = "email"
    domains: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "domains", sorted_domains(self.domains))

    def open(self, context: Context) -> EmailService:
        """Empty mailboxes."""
        return EmailService(context, Reach(frozenset(self.domains), context.accounts))

    def view(self, state: Json) -> EmailView:
        """`snapshot.email`."""
        return EmailView(state)

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """Which submissions, mails, folders differ."""
        from clawmark_services.email.changes import changes

        return changes(before, after)

    def to_json(self) -> Json:
        """The domains, where any are declared."""
        return {"service": "email"} | ({"domains": list(self.domains)} if self.domains else {})


class EmailService:
    """The mail of one world."""

    name = "email"
    endpoints = ENDPOINTS

    def __init__(self, context: Context, reach: Reach) -> None:
        self._context = context
        self._store = MailStore()
        self._post_office = PostOffice(context, self._store, reach)
        self._allowance = Allowance(MAX_HELD)

    @cached_property
    def author(self) -> EmailAuthor:
        """`world.email`."""
        return EmailAuthor(self._post_office)

    def door(self, key: str) -> Door:
        """How connections to "imap" and "smtp" are answered."""
        return Stream({"imap": self._imap, "smtp": self._smtp}[key])

    def tools(self) -> Sequence[Tool]:
        """`email_list`, `email_read`, `email_send`, `email_search`."""
        return EmailTools(self._post_office).all()

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """Who the agent is, and the endpoints in the pieces that mail programs ask for."""
        address = self._context.accounts.agent.address
        variables = {"CLAWMARK_EMAIL_ADDRESS": address, "EMAIL_ADDRESS": address}
        for endpoint in self.endpoints:
            url = urlsplit(urls[endpoint.key])
            variables[f"{endpoint.key.upper()}_HOST"] = url.hostname or ""
            variables[f"{endpoint.key.upper()}_PORT"] = str(url.port or endpoint.port)
        return variables

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG002 - the contract's
        """None: nothing is asked for a password."""
        return {}

    def skill(self) -> str:
        """How an agent reaches its mail."""
        return Path(__file__).with_name("SKILL.md").read_text(encoding="utf-8")

    def freeze(self) -> Json:
        """The mail, who is who, and how many identifiers were drawn."""
        accounts = self._context.accounts
        with self._store.lock:
            return {
                **self._store.freeze(),
                "accounts": sorted([account.name, account.address] for account in accounts),
                "agent": accounts.agent.name,
                "ids": self._context.ids.count,
            }

    def restore(self, state: Json) -> None:
        """Become what was frozen; the people are those of this world."""
        with self._store.lock:
            self._store.restore(state)
            self._context.ids.count = state["ids"]

    def _imap(self) -> asyncio.BaseProtocol:
        # Imported with the first connection: the libraries take a while to load.
        from clawmark_services.email import imap

        return imap.connection(self._context, self._store, self._allowance)

    def _smtp(self) -> asyncio.BaseProtocol:
        from clawmark_services.email import smtp

        return smtp.connection(self._post_office, self._allowance)
