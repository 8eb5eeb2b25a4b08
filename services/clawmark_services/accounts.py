"""The people of a world: logical names and their mail addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a mailbox: `name` is how a task refers to them, `address` is their mail address."""

    name: str
    address: str


class AccountBook:
    """Who is who in one world.

    `agent` is the coworker under test. Lookups accept a logical name or any mail address, so that a task
    may write to somebody it never declared.
    """

    def __init__(self, agent: Account, people: Iterable[Account] = ()) -> None:
        self.agent = agent
        self._by_name = {account.name: account for account in (agent, *people)}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def address(self, who: str) -> str:
        """The address of a logical name; an address stands for itself.

        Raises `LookupError` naming the known accounts for anything else.
        """
        if who in self._by_name:
            return self._by_name[who].address
        if "@" in who:
            return who
        known = ", ".join(sorted(self._by_name))
        raise LookupError(f"no account is called {who!r}: use one of {known}, or a mail address")
