"""Read-only evidence over frozen mail: `snapshot.email`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import overload

from clawmark_services.accounts import Account, AccountBook
from clawmark_services.contract import Json
from clawmark_services.email.mailbox import INBOX, canonical, thaw_bytes
from clawmark_services.email.message import Message
from clawmark_services.evidence import EvidenceError


class EmailView:
    """Everybody's mail, and what the agent sent.

    People are logical names or mail addresses; `LookupError` for a name that the task does not declare.
    """

    def __init__(self, state: Json) -> None:
        self._state = state
        accounts = [Account(name, address) for name, address in state["accounts"]]
        agent = next(account for account in accounts if account.name == state["agent"])
        self._accounts = AccountBook(agent, accounts)

    @property
    def sent(self) -> Messages:
        """What the agent submitted this episode by SMTP or by its tool, oldest first.

        Callable to filter: `sent(to="hrbp", turn="tuesday")`.
        """
        own = [entry for entry in self._state["outbox"] if _is_the_agents(entry)]
        return Messages(map(self._submission, own), self._accounts)

    def inbox(self, who: str) -> tuple[Message, ...]:
        """What lies in somebody's INBOX, oldest first."""
        return self.folder(who, INBOX)

    def folder(self, who: str, name: str) -> tuple[Message, ...]:
        """What lies in a folder, oldest first; `EvidenceError` when there is no such folder."""
        owner = self._accounts.address(who).lower()
        mailbox = self._state["mailboxes"].get(owner)
        if mailbox is None and canonical(name) == INBOX:
            return ()
        for folder in mailbox["folders"] if mailbox else ():
            if folder["name"] == canonical(name):
                return tuple(self._message(owner, folder["name"], entry) for entry in folder["messages"])
        raise EvidenceError(
            f"{owner} has no folder {name!r}: there are {', '.join(self.folders(who)) or 'none'}"
        )

    def folders(self, who: str) -> tuple[str, ...]:
        """The names of somebody's folders; none before the mailbox was first used."""
        mailbox = self._state["mailboxes"].get(self._accounts.address(who).lower())
        return tuple(folder["name"] for folder in mailbox["folders"]) if mailbox else ()

    def message(
        self,
        who: str | None = None,
        *,
        subject: str | None = None,
        to: str | None = None,
        sender: str | None = None,
    ) -> Message:
        """The one mail that fits: among what the agent sent, or in all folders of `who`.

        `subject` is a part of the subject in whatever case. `EvidenceError` when none or several fit.
        """
        everywhere = self.sent if who is None else self._all(who)
        asked = {"subject": subject, "to": to, "sender": sender}
        found = everywhere(**asked)
        if len(found) != 1:
            place = "among what the agent sent" if who is None else f"in the mailbox of {who}"
            wanted = ", ".join(f"{key}={value!r}" for key, value in asked.items() if value is not None)
            there = "; ".join(map(repr, (found or everywhere)[:10])) or "nothing"
            raise EvidenceError(f"{len(found)} mails {place} fit ({wanted}); there is: {there}")
        return found[0]

    def _all(self, who: str) -> Messages:
        found = [message for name in self.folders(who) for message in self.folder(who, name)]
        return Messages(found, self._accounts)

    def _message(self, owner: str, folder: str, entry: Json) -> Message:
        return Message(
            raw=self._raw(entry["content"]),
            received=datetime.fromisoformat(entry["received"]),
            account=owner,
            folder=folder,
            uid=entry["uid"],
            flags=frozenset(entry["flags"]),
        )

    def _submission(self, entry: Json) -> Message:
        return Message(
            raw=self._raw(entry["content"]),
            received=datetime.fromisoformat(entry["at"]),
            account=entry["sender"],
            recipients=tuple(entry["recipients"]),
            returned=tuple(entry.get("returned", ())),
            turn=entry["turn"],
            actor=entry["actor"],
        )

    def _raw(self, digest: str) -> bytes:
        return thaw_bytes(self._state["contents"][digest])


class Messages(Sequence[Message]):
    """Messages in order; calling them keeps those that fit."""

    def __init__(self, messages: Iterable[Message], accounts: AccountBook) -> None:
        self._messages = tuple(messages)
        self._accounts = accounts

    def __call__(
        self,
        *,
        to: str | None = None,
        subject: str | None = None,
        sender: str | None = None,
        turn: str | None = None,
    ) -> Messages:
        """Those to somebody (cc and bcc included), with these words in the subject, from this turn."""
        kept = iter(self._messages)
        if to is not None:
            address = self._accounts.address(to).lower()
            kept = filter(lambda message: address in _reached(message), kept)
        if subject is not None:
            words = subject.casefold()
            kept = filter(lambda message: words in message.subject.casefold(), kept)
        if sender is not None:
            source = self._accounts.address(sender).lower()
            kept = filter(lambda message: message.sender == source, kept)
        if turn is not None:
            kept = filter(lambda message: message.turn == turn, kept)
        return Messages(kept, self._accounts)

    @overload
    def __getitem__(self, index: int) -> Message: ...

    @overload
    def __getitem__(self, index: slice) -> Messages: ...

    def __getitem__(self, index: int | slice) -> Message | Messages:
        if isinstance(index, slice):
            return Messages(self._messages[index], self._accounts)
        try:
            return self._messages[index]
        except IndexError:
            raise EvidenceError(f"there is no message {index}: there are {len(self)}") from None

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        return repr(list(self._messages))

    def only(self) -> Message:
        """The single message there is; `EvidenceError` when there are none or several."""
        if len(self._messages) != 1:
            shown = ", ".join(map(repr, self._messages[:5])) or "none"
            raise EvidenceError(f"expected exactly one message, found {len(self)}: {shown}")
        return self._messages[0]


def _is_the_agents(submission: Json) -> bool:
    return bool(submission["actor"] == "agent" and submission["via"] != "author")


def _reached(message: Message) -> set[str]:
    return {*message.recipients, *message.to, *message.cc, *message.bcc} - {""}
