"""Which addresses a world's mail reaches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clawmark_services.accounts import AccountBook

_DOMAIN = re.compile(r"[^\s@.,;:<>]+(\.[^\s@.,;:<>]+)*")


@dataclass(frozen=True, slots=True)
class Reach:
    """The addresses that have a mailbox: all, or those of some domains and the declared accounts."""

    domains: frozenset[str]
    accounts: AccountBook

    @property
    def home(self) -> str:
        """The domain that speaks for the mail server; empty where none is declared."""
        own = self.accounts.agent.address.rpartition("@")[2].lower()
        return own if own in self.domains else min(self.domains, default="")

    def __contains__(self, address: str) -> bool:
        if not address or not self.domains:
            return bool(address)
        if address.rpartition("@")[2].lower() in self.domains:
            return True
        return any(account.address.lower() == address.lower() for account in self.accounts)


def sorted_domains(domains: Iterable[str]) -> tuple[str, ...]:
    """Domains in lower case, each once; `ValueError` for what is none."""
    listed = [domains] if isinstance(domains, str) else list(domains)
    for domain in listed:
        if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
            raise ValueError(
                f"{domain!r} is no mail domain: give what stands after the @, as in company.example"
            )
    return tuple(sorted({domain.lower() for domain in listed}))
