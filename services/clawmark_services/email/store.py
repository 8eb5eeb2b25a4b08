"""The mail of one world, and every way in which it changes."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from clawmark_services.contract import Json
from clawmark_services.email.mailbox import (
    DEFAULT_FOLDERS,
    INBOX,
    Folder,
    Mailbox,
    StoredMessage,
    Submission,
    canonical,
    freeze_bytes,
    freeze_mailbox,
    freeze_submission,
    thaw_bytes,
    thaw_mailbox,
    thaw_submission,
)
from clawmark_services.email.mime import Part, header_text
from clawmark_services.email.quota import MAX_BYTES, MAX_FOLDERS, MAX_MESSAGES, OverQuotaError

SENT = "Sent"


class MailStore:
    """All state of the mail service. Every method is atomic; `lock` makes several of them one step."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._mailboxes: dict[str, Mailbox] = {}
        self._contents: dict[str, bytes] = {}
        self._size = 0
        self._outbox: list[Submission] = []
        # Versions are never repeated, not even after `restore`: an open connection must notice it.
        self._versions = itertools.count(1)
        self._watchers: set[Callable[[], None]] = set()

    # Folders ---------------------------------------------------------------------------------------

    def open_mailbox(self, address: str) -> Mailbox:
        """The mailbox of an address, made on first use."""
        with self.lock:
            mailbox = self._mailboxes.get(address.lower())
            if mailbox is None:
                mailbox = self._mailboxes[address.lower()] = Mailbox()
                for name in DEFAULT_FOLDERS:
                    self.create_folder(address, name)
                    mailbox.subscribed.add(name)
            return mailbox

    def folder(self, address: str, name: str) -> Folder:
        """A folder of a mailbox; `KeyError` when there is none."""
        with self.lock:
            return self.open_mailbox(address).folders[canonical(name)]

    def folder_names(self, address: str) -> list[str]:
        """The folders of a mailbox: the default ones first, then in the order of their making."""
        with self.lock:
            return list(self.open_mailbox(address).folders)

    def has_mailbox(self, address: str) -> bool:
        """Whether the address has been used yet."""
        with self.lock:
            return address.lower() in self._mailboxes

    def create_folder(self, address: str, name: str) -> Folder:
        """A new folder; `ValueError` when the name is taken."""
        with self.lock:
            mailbox = self.open_mailbox(address)
            if not name or canonical(name) in mailbox.folders:
                raise ValueError(name)
            folder = Folder(validity=mailbox.next_validity, version=next(self._versions))
            mailbox.next_validity += 1
            mailbox.folders[canonical(name)] = folder
            return folder

    def delete_folder(self, address: str, name: str) -> None:
        """Remove a folder with its messages; `KeyError` when there is none."""
        with self.lock:
            del self.open_mailbox(address).folders[canonical(name)]
            self._announce()

    def rename_folder(self, address: str, before: str, after: str) -> None:
        """Rename a folder and those below it; INBOX instead hands over its messages.

        `KeyError` when it does not exist, `ValueError` when the new name is taken (RFC 3501, 6.3.5).
        """
        with self.lock:
            folders = self.open_mailbox(address).folders
            before, after = canonical(before), canonical(after)
            if before not in folders:
                raise KeyError(before)
            if after in folders:
                raise ValueError(after)
            below = [] if before == INBOX else [name for name in folders if name.startswith(before + "/")]
            for name in (before, *below):
                folders[after + name[len(before) :]] = folders.pop(name)
            if before == INBOX:
                self.create_folder(address, INBOX)
            self._announce()

    def subscribe(self, address: str, name: str, *, subscribed: bool) -> None:
        """Note whether a folder is subscribed; it need not exist."""
        with self.lock:
            names = self.open_mailbox(address).subscribed
            (names.add if subscribed else names.discard)(canonical(name))

    # Messages --------------------------------------------------------------------------------------

    def append(
        self,
        address: str,
        name: str,
        raw: bytes,
        received: datetime,
        *,
        flags: Iterable[str] = (),
        recent: bool = True,
    ) -> StoredMessage:
        """Add a message to the end of a folder; `KeyError` when there is no such folder."""
        with self.lock:
            digest = self.keep(raw)
            return self._add(self.folder(address, name), digest, received, frozenset(flags), recent=recent)

    def keep_sent(self, address: str, raw: bytes, at: datetime) -> StoredMessage:
        """Add a copy of what somebody sent to their Sent folder, made again if it was deleted or renamed."""
        with self.lock:
            if canonical(SENT) not in self.open_mailbox(address).folders:
                self.create_folder(address, SENT)
            return self.append(address, SENT, raw, at, flags=["\\Seen"], recent=False)

    def copy_all(
        self, address: str, name: str, uids: Iterable[int], to: str, *, recent: bool = True
    ) -> list[tuple[int, int]]:
        """Copy messages to another folder of the mailbox, all of them or none: pairs of old and new uid.

        `OverQuotaError` when there is no room; those that are gone are passed over.
        """
        with self.lock:
            source, target = self.folder(address, name), self.folder(address, to)
            found = [source.messages[uid] for uid in uids if uid in source.messages]
            self.require_room(messages=len(found))
            copies = [
                (m.uid, self._place(target, m.content, m.received, m.flags, recent=recent).uid) for m in found
            ]
            if copies:
                self._touch(target)
            return copies

    def copy(self, address: str, name: str, uid: int, to: str, *, recent: bool = True) -> int | None:
        """Copy a message to another folder of the mailbox; its new uid, or None when it is gone."""
        with self.lock:
            message = self.folder(address, name).messages.get(uid)
            if message is None:
                return None
            target = self.folder(address, to)
            return self._add(target, message.content, message.received, message.flags, recent=recent).uid

    def move(self, address: str, name: str, uid: int, to: str, *, recent: bool = True) -> int | None:
        """Move a message to another folder of the mailbox; its new uid, or None when it is gone."""
        with self.lock:
            moved = self.copy(address, name, uid, to, recent=recent)
            if moved is not None:
                self.remove(address, name, [uid])
            return moved

    def remove(self, address: str, name: str, uids: Iterable[int]) -> None:
        """Remove messages for good; those already gone are no matter."""
        with self.lock:
            folder = self.folder(address, name)
            for uid in uids:
                folder.messages.pop(uid, None)
            self._touch(folder)

    def change(self, address: str, name: str, uid: int, **changes: Any) -> StoredMessage | None:
        """Replace fields (`flags`, `recent`) of a message; None when it is gone."""
        with self.lock:
            folder = self.folder(address, name)
            message = folder.messages.get(uid)
            if message is None:
                return None
            changed = folder.messages[uid] = replace(message, **changes)
            if changed != message:
                self._touch(folder)
            return changed

    def remove_everywhere(self, message_id: str) -> int:
        """Remove a mail from every folder of every mailbox; how many copies there were."""
        removed = 0
        with self.lock:
            digests = {digest for digest, raw in self._contents.items() if _is_called(raw, message_id)}
            for mailbox in self._mailboxes.values():
                for folder in mailbox.folders.values():
                    found = [m.uid for m in folder.messages.values() if m.content in digests]
                    for uid in found:
                        del folder.messages[uid]
                    if found:
                        self._touch(folder)
                    removed += len(found)
        return removed

    def keep(self, raw: bytes) -> str:
        """Keep bytes once, however many mailboxes they go to; their digest."""
        digest = hashlib.sha256(raw).hexdigest()
        with self.lock:
            if digest not in self._contents:
                self._contents[digest] = raw
                self._size += len(raw)
        return digest

    def require_room(
        self, *, messages: int = 0, size: int = 0, mailboxes: Iterable[str] = (), folders: int = 0
    ) -> None:
        """`OverQuotaError` unless so much more fits; `mailboxes` are addresses that may be new."""
        with self.lock:
            boxes = self._mailboxes
            unknown = {address.lower() for address in mailboxes} - boxes.keys()
            there = [folder for mailbox in boxes.values() for folder in mailbox.folders.values()]
            if len(there) + folders + len(DEFAULT_FOLDERS) * len(unknown) > MAX_FOLDERS:
                raise OverQuotaError(f"there are {len(there)} folders already, of at most {MAX_FOLDERS}")
            kept = sum(len(folder.messages) for folder in there) + len(self._outbox)
            if kept + messages > MAX_MESSAGES:
                raise OverQuotaError(f"there are {kept} messages already, of at most {MAX_MESSAGES}")
            if self._size + size > MAX_BYTES:
                self._forget_unused()
            if self._size + size > MAX_BYTES:
                raise OverQuotaError(f"the messages have {self._size} bytes already, of at most {MAX_BYTES}")

    def raw(self, digest: str) -> bytes:
        """The bytes of a message."""
        with self.lock:
            return self._contents[digest]

    # Delivery --------------------------------------------------------------------------------------

    def submit(self, submission: Submission, received: datetime) -> None:
        """Log a submission and deliver it to the INBOX of each recipient in reach."""
        with self.lock:
            self._outbox.append(submission)
            for address in submission.recipients:
                if address not in submission.returned:
                    folder = self.folder(address, INBOX)
                    self._add(folder, submission.content, received, frozenset(), recent=True)

    # Waiting for changes ---------------------------------------------------------------------------

    @contextmanager
    def watching(self, changed: Callable[[], None]) -> Iterator[None]:
        """Within the block, `changed` is called, on any thread, after each change."""
        with self.lock:
            self._watchers.add(changed)
        try:
            yield
        finally:
            with self.lock:
                self._watchers.discard(changed)

    # Freezing --------------------------------------------------------------------------------------

    def freeze(self) -> dict[str, Json]:
        """`mailboxes` by address, the `outbox` in order, and each message's bytes once in `contents`."""
        with self.lock:
            mailboxes = {address: freeze_mailbox(box) for address, box in self._mailboxes.items()}
            outbox = [freeze_submission(submission) for submission in self._outbox]
            self._forget_unused()
            contents = {digest: freeze_bytes(raw) for digest, raw in self._contents.items()}
        return {"mailboxes": mailboxes, "outbox": outbox, "contents": contents}

    def restore(self, state: Json) -> None:
        """Become what was frozen; open connections see it as a change."""
        with self.lock:
            self._contents = {digest: thaw_bytes(raw) for digest, raw in state["contents"].items()}
            self._size = sum(map(len, self._contents.values()))
            self._outbox = [thaw_submission(submission) for submission in state["outbox"]]
            self._mailboxes = {
                address: thaw_mailbox(box, self._versions)
                for address, box in sorted(state["mailboxes"].items())
            }
            self._announce()

    def _forget_unused(self) -> None:
        used = {submission.content for submission in self._outbox}
        for mailbox in self._mailboxes.values():
            for folder in mailbox.folders.values():
                used.update(message.content for message in folder.messages.values())
        self._contents = {digest: raw for digest, raw in self._contents.items() if digest in used}
        self._size = sum(map(len, self._contents.values()))

    def _add(
        self, folder: Folder, digest: str, received: datetime, flags: frozenset[str], *, recent: bool
    ) -> StoredMessage:
        message = self._place(folder, digest, received, flags, recent=recent)
        self._touch(folder)
        return message

    @staticmethod
    def _place(
        folder: Folder, digest: str, received: datetime, flags: frozenset[str], *, recent: bool
    ) -> StoredMessage:
        message = StoredMessage(
            uid=folder.next_uid, received=received, content=digest, flags=flags, recent=recent
        )
        folder.messages[message.uid] = message
        folder.next_uid += 1
        return message

    def _touch(self, folder: Folder) -> None:
        folder.version = next(self._versions)
        self._announce()

    def _announce(self) -> None:
        for changed in tuple(self._watchers):
            changed()


def _is_called(raw: bytes, message_id: str) -> bool:
    return header_text(Part.parse(raw).fields, "Message-ID") == message_id
