"""Shows pymap our store: folders, messages and the changes that others make to them.

Every method answers from the store under its lock and never waits, so a change made on any thread is seen
by the very next command of every client.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from pymap.backend.mailbox import MailboxDataInterface, MailboxSetInterface
from pymap.concurrent import Event
from pymap.context import subsystem
from pymap.exceptions import MailboxNotFound, NotAllowedError
from pymap.flags import FlagOp
from pymap.interfaces.message import CachedMessage
from pymap.listtree import ListTree
from pymap.mailbox import MailboxSnapshot
from pymap.message import BaseMessage
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement, ObjectId
from pymap.parsing.specials.flag import Flag, Recent, Seen, Wildcard, get_system_flags
from pymap.selected import SelectedMailbox, SelectedSet

from clawmark_services.email.imap_content import Content
from clawmark_services.email.imap_limits import refusing
from clawmark_services.email.mailbox import Folder, StoredMessage, canonical
from clawmark_services.email.mime import Part, header_text
from clawmark_services.email.quota import checked_flags, checked_name
from clawmark_services.email.store import MailStore

_BREATH = 100
"""Messages that a command looks at before it lets other clients have their turn."""

_SYSTEM_FLAGS = get_system_flags() - {Recent}


class Reader(Protocol):
    """Whoever looks at folders: a session. `moment` is that of the command being answered."""

    store: MailStore
    moment: datetime

    @property
    def owner(self) -> str:
        """The address of the mailbox."""


class ImapMessage(BaseMessage):
    """A message as it was when a command looked at it."""

    def __init__(self, store: MailStore, stored: StoredMessage, *, expunged: bool = False) -> None:
        flags = [Flag(flag) for flag in stored.flags]
        super().__init__(stored.uid, stored.received, flags, expunged=expunged)
        self.stored = stored
        # Kept, because a message that somebody else removes may still be fetched until it is announced.
        self.raw = store.raw(stored.content)

    @property
    def email_id(self) -> ObjectId:
        """The same for the same bytes (RFC 8474, 5.1)."""
        return ObjectId(b"M" + self.stored.content[:32].encode())

    @property
    def thread_id(self) -> ObjectId:
        """The same for a message and its answers (RFC 8474, 5.2)."""
        fields = Part.parse(self.raw).fields
        thread = (
            *header_text(fields, "References").split(),
            *header_text(fields, "In-Reply-To").split(),
            header_text(fields, "Message-ID"),
        )
        return ObjectId(b"T" + hashlib.sha256(thread[0].encode()).hexdigest()[:32].encode())

    async def load_content(self, requirement: FetchRequirement) -> Content:
        """Its bytes, to be taken apart as needed."""
        return Content(self.raw, requirement)


class Snapshot(MailboxSnapshot):
    """What SELECT and STATUS tell."""

    @property
    def flags(self) -> frozenset[Flag]:
        """FLAGS, which unlike PERMANENTFLAGS never has the wildcard."""
        return super().flags - {Wildcard}


class ImapFolder(MailboxDataInterface[ImapMessage]):
    """A folder while one command looks at it."""

    def __init__(self, session: Reader, name: str) -> None:
        self._session, self._store, self._name = session, session.store, name
        self._address = session.owner
        self._validity = self._folder.validity
        self._looked_at = 0

    @property
    def mailbox_id(self) -> ObjectId:
        """Survives renaming, but not deleting and making anew."""
        identity = hashlib.sha256(f"{self._address}:{self._validity}".encode()).hexdigest()
        return ObjectId(b"F" + identity[:32].encode())

    @property
    def readonly(self) -> bool:
        """Never: whoever logs in owns everything."""
        return False

    @property
    def uid_validity(self) -> int:
        """Drawn from a counter, never from the clock."""
        return self._validity

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        """The system's flags, and any keyword."""
        return _SYSTEM_FLAGS | {Wildcard}

    @property
    def selected_set(self) -> SelectedSet:
        """Nobody else: which of several connections first sees a message as recent stays their own affair."""
        return SelectedSet()

    async def update_selected(
        self, selected: SelectedMailbox, *, wait_on: Event | None = None
    ) -> SelectedMailbox:
        """Tell `selected` what changed; with `wait_on`, wait for a change first."""
        if wait_on is not None:
            await self._wait_for_change(selected, wait_on)
        with self._store.lock:
            folder = self._folder
            if selected.mod_sequence != folder.version:
                selected.mod_sequence = folder.version
                selected.set_messages(self._messages())
        return selected

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> ImapMessage:
        """Add a message, dated by the client or by the moment of its command."""
        with refusing():
            flags = checked_flags(_spelt(append_msg.flag_set))
        stored = self._store.append(
            self._address,
            self._name,
            bytes(append_msg.literal),
            append_msg.when or self._session.moment,
            flags=flags,
            recent=recent,
        )
        return ImapMessage(self._store, stored)

    async def copy(self, uid: int, destination: ImapFolder, *, recent: bool = False) -> int | None:
        """Copy a message; None when it is gone."""
        return self._store.copy(self._address, self._name, uid, destination._name, recent=recent)

    def copy_all(
        self, uids: Iterable[int], destination: ImapFolder, *, recent: bool
    ) -> list[tuple[int, int]]:
        """Copy messages, all or none; pairs of old and new uid."""
        with refusing():
            return self._store.copy_all(self._address, self._name, uids, destination._name, recent=recent)

    async def move(self, uid: int, destination: ImapFolder, *, recent: bool = False) -> int | None:
        """Move a message; None when it is gone."""
        await self._breathe()
        return self._store.move(self._address, self._name, uid, destination._name, recent=recent)

    async def get(self, uid: int, cached_msg: CachedMessage) -> ImapMessage:
        """A message as it is now, or as it was if it is gone."""
        await self._breathe()
        with self._store.lock:
            return self._now(uid, self._folder.messages.get(uid), cached_msg)

    async def update(
        self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp
    ) -> ImapMessage:
        """Change a message's flags."""
        await self._breathe()
        with self._store.lock, refusing():
            stored = self._folder.messages.get(uid)
            if stored is not None:
                flags = mode.apply({Flag(flag) for flag in stored.flags}, flag_set)
                stored = self._store.change(
                    self._address, self._name, uid, flags=checked_flags(_spelt(flags))
                )
            return self._now(uid, stored, cached_msg)

    async def delete(self, uids: Iterable[int]) -> None:
        """Remove messages for good."""
        gone = list(uids)
        if gone:
            self._store.remove(self._address, self._name, gone)

    async def claim_recent(self, selected: SelectedMailbox) -> None:
        """This session is the first to be told of the messages that are recent."""
        with self._store.lock:
            for message in list(self._folder.messages.values()):
                if message.recent:
                    selected.session_flags.add_recent(message.uid)
                    self._store.change(self._address, self._name, message.uid, recent=False)

    async def cleanup(self) -> None:
        """Nothing is ever left over."""

    async def snapshot(self) -> Snapshot:
        """Counts, for SELECT and STATUS."""
        with self._store.lock:
            folder = self._folder
            messages = list(folder.messages.values())
        unseen = [number for number, message in enumerate(messages, 1) if str(Seen) not in message.flags]
        return Snapshot(
            self.mailbox_id,
            self.readonly,
            self.uid_validity,
            self.permanent_flags,
            self.session_flags,
            len(messages),
            sum(message.recent for message in messages),
            len(unseen),
            unseen[0] if unseen else None,
            folder.next_uid,
        )

    async def _breathe(self) -> None:
        self._looked_at += 1
        if self._looked_at % _BREATH == 0:
            await asyncio.sleep(0)

    @property
    def _folder(self) -> Folder:
        return self._store.folder(self._address, self._name)

    def _messages(self) -> Sequence[ImapMessage]:
        return [ImapMessage(self._store, stored) for stored in self._folder.messages.values()]

    def _now(self, uid: int, stored: StoredMessage | None, cached: CachedMessage) -> ImapMessage:
        if stored is not None:
            return ImapMessage(self._store, stored)
        if not isinstance(cached, ImapMessage):
            raise IndexError(uid)
        gone = ImapMessage.__new__(ImapMessage)
        BaseMessage.__init__(gone, uid, cached.internal_date, cached.permanent_flags, expunged=True)
        gone.stored, gone.raw = cached.stored, cached.raw
        return gone

    async def _wait_for_change(self, selected: SelectedMailbox, done: Event) -> None:
        loop = asyncio.get_running_loop()
        changed = subsystem.get().new_event()

        def notify() -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._store.watching(notify):
            while self._version() == selected.mod_sequence and not done.is_set():
                changed.clear()
                if self._version() != selected.mod_sequence:
                    return
                await done.or_event(changed).wait()

    def _version(self) -> int:
        try:
            return self._folder.version
        except KeyError:
            return -1


class ImapFolders(MailboxSetInterface[ImapFolder]):
    """All folders of the account that logged in."""

    def __init__(self, session: Reader) -> None:
        self._session, self._store, self._address = session, session.store, session.owner

    @property
    def delimiter(self) -> str:
        """Between a folder and those below it."""
        return "/"

    async def set_subscribed(self, name: str, subscribed: bool) -> None:  # noqa: FBT001 - pymap's interface
        """SUBSCRIBE, which needs a folder, as RFC 3501, 6.3.6 allows and clients expect, and UNSUBSCRIBE."""
        if subscribed and canonical(name) not in self._store.folder_names(self._address):
            raise MailboxNotFound(name)
        self._store.subscribe(self._address, _valid(name), subscribed=subscribed)

    async def list_subscribed(self) -> ListTree:
        """LSUB."""
        with self._store.lock:
            subscribed = self._store.open_mailbox(self._address).subscribed
            names = self._store.folder_names(self._address)
        return ListTree(self.delimiter).update(*(name for name in names if name in subscribed))

    async def list_mailboxes(self) -> ListTree:
        """LIST."""
        return ListTree(self.delimiter).update(*self._store.folder_names(self._address))

    async def get_mailbox(self, name: str) -> ImapFolder:
        """A folder; `KeyError` when there is none."""
        return ImapFolder(self._session, name)

    async def add_mailbox(self, name: str) -> ObjectId:
        """CREATE; a trailing delimiter only announces children (RFC 3501, 6.3.3)."""
        name = _valid(name.rstrip(self.delimiter))
        with refusing():
            self._store.require_room(folders=1)
        self._store.create_folder(self._address, name)
        return ImapFolder(self._session, name).mailbox_id

    async def delete_mailbox(self, name: str) -> None:
        """DELETE."""
        self._store.delete_folder(self._address, name)

    async def rename_mailbox(self, before: str, after: str) -> None:
        """RENAME."""
        _valid(after)
        with refusing():
            # INBOX is made anew, and names of folders below grow longer.
            self._store.require_room(folders=1)
            below = [
                name for name in self._store.folder_names(self._address) if name.startswith(before + "/")
            ]
            checked_name(max((after + name[len(before) :] for name in below), key=len, default=after))
        self._store.rename_folder(self._address, before, after)


def _spelt(flags: Iterable[Flag]) -> set[str]:
    return {str(flag) for flag in flags if flag in _SYSTEM_FLAGS or not flag.is_system}


def _valid(name: str) -> str:
    if not name or name != name.encode("utf-8", "replace").decode():
        raise NotAllowedError(f"{name!r} cannot be the name of a folder")
    with refusing():
        return checked_name(name)
