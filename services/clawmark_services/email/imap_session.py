"""Who is connected: anybody, with whatever password."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pymap.backend.session import BaseSession
from pymap.config import IMAPConfig
from pymap.exceptions import MailboxNotFound, NotAllowedError
from pymap.interfaces.login import IdentityInterface, LoginInterface
from pymap.parsing.message import AppendMessage
from pymap.parsing.response.code import AppendUid, CopyUid
from pymap.parsing.specials import SequenceSet
from pymap.selected import SelectedMailbox
from pysasl.creds.server import ServerCredentials

from clawmark_services.accounts import AccountBook
from clawmark_services.email.imap_folders import ImapFolder, ImapFolders, ImapMessage
from clawmark_services.email.imap_limits import refusing
from clawmark_services.email.store import MailStore

_SPECIAL_USE = {"Sent": b"Sent", "Drafts": b"Drafts", "Trash": b"Trash"}


class ImapSession(BaseSession[ImapMessage]):
    """What a connection is after LOGIN. `moment` is that of the command being answered."""

    def __init__(self, address: str, store: MailStore, config: IMAPConfig, moment: datetime) -> None:
        super().__init__(address)
        self.store, self.moment = store, moment
        self._config = config
        self._folders = ImapFolders(self)

    @property
    def config(self) -> IMAPConfig:
        """The server's settings."""
        return self._config

    @property
    def mailbox_set(self) -> ImapFolders:
        """The account's folders."""
        return self._folders

    async def list_mailboxes(
        self,
        ref_name: str,
        filter_: str,
        subscribed: bool = False,  # noqa: FBT001, FBT002 - pymap's interface
        selected: SelectedMailbox | None = None,
    ) -> tuple[Iterable[tuple[str, str | None, Sequence[bytes]]], SelectedMailbox | None]:
        """LIST and LSUB, telling the folders of special use apart (RFC 6154)."""
        entries, selected = await super().list_mailboxes(ref_name, filter_, subscribed, selected)
        told = [
            (name, delimiter, [*attributes, *([_SPECIAL_USE[name]] if name in _SPECIAL_USE else [])])
            for name, delimiter, attributes in entries
            # A parent that is not subscribed is told only where it stands for its children (RFC 3501, 6.3.9).
            if not (subscribed and b"Noselect" in attributes and "%" not in filter_)
        ]
        return told, selected

    async def append_messages(
        self, name: str, messages: Sequence[AppendMessage], selected: SelectedMailbox | None = None
    ) -> tuple[AppendUid, SelectedMailbox | None]:
        """APPEND, of all messages or of none."""
        with refusing():
            size = sum(len(message.literal) for message in messages)
            self.store.require_room(messages=len(messages), size=size)
        return await super().append_messages(name, messages, selected)

    async def copy_messages(
        self, selected: SelectedMailbox, sequence_set: SequenceSet, mailbox: str
    ) -> tuple[CopyUid | None, SelectedMailbox]:
        """COPY, in one step (RFC 3501, 6.4.7): a folder copied to itself grows once, not as it is read."""
        source, target = await self._folder(str(selected.lookup)), await self._folder(mailbox, create=True)
        uids = [uid for _, uid in selected.messages.get_uids(sequence_set)]
        into = self._pick_selected(selected, target)
        copies = source.copy_all(uids, target, recent=not into)
        if into:
            for _, uid in copies:
                into.session_flags.add_recent(uid)
        done = CopyUid(target.uid_validity, copies) if copies else None
        return done, await source.update_selected(selected)

    async def _folder(self, name: str, *, create: bool = False) -> ImapFolder:
        """A folder; the refusal tells the client whether to CREATE it."""
        try:
            return await self._folders.get_mailbox(name)
        except KeyError:
            raise MailboxNotFound(name, try_create=create) from None


class Identity(IdentityInterface):
    """Somebody who logged in. `moment` is that of the LOGIN."""

    def __init__(self, address: str, store: MailStore, config: IMAPConfig, moment: datetime) -> None:
        self._address, self._store, self._config, self._moment = address, store, config, moment

    @property
    def name(self) -> str:
        """The address of the mailbox."""
        return self._address

    @property
    def roles(self) -> frozenset[str]:
        """Nobody is more than anybody else."""
        return frozenset()

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[ImapSession]:
        """The session; its mailbox is made on first use."""
        with refusing():
            self._store.require_room(mailboxes=[self._address])
        self._store.open_mailbox(self._address)
        yield ImapSession(self._address, self._store, self._config, self._moment)

    async def new_token(self, *, expiration: datetime | None = None) -> str | None:  # noqa: ARG002 - pymap's interface
        """There are no tokens."""
        return None

    async def get(self) -> Any:
        """Accounts carry no data of their own."""
        raise NotAllowedError

    async def set(self, metadata: Any) -> int | None:  # noqa: ARG002 - pymap's interface
        """Accounts carry no data of their own."""
        raise NotAllowedError

    async def delete(self) -> None:
        """Accounts cannot be deleted."""
        raise NotAllowedError


class AnyLogin(LoginInterface):
    """Lets everybody in with whatever password, as the mail server of the published tasks does."""

    def __init__(self, store: MailStore, config: IMAPConfig, accounts: AccountBook, moment: datetime) -> None:
        self._store, self._config, self._accounts = store, config, accounts
        self.moment = moment

    @property
    def tokens(self) -> Any:
        """There are no tokens."""
        raise NotAllowedError

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        """Whoever they say they are."""
        return self._identity(credentials.authcid)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        """Whoever they want to act as."""
        return self._identity(authzid or authenticated.name)

    def _identity(self, login: str) -> Identity:
        if not login or login != login.encode("utf-8", "replace").decode():
            raise NotAllowedError
        return Identity(address_of(login, self._accounts), self._store, self._config, self.moment)


def address_of(login: str, accounts: AccountBook) -> str:
    """The mailbox behind a login: an address, a logical name, or the part before an account's @."""
    if "@" in login:
        return login.lower()
    for account in accounts:
        if login.lower() in (account.name.lower(), account.address.partition("@")[0].lower()):
            return account.address.lower()
    return login.lower()
