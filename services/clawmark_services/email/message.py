"""A mail as people see it: who, what about, what it says and what is attached."""

from __future__ import annotations

import email.utils
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from clawmark_services.email.mime import (
    Part,
    UnreadableError,
    addresses,
    header_text,
    html_to_text,
)
from clawmark_services.evidence import EvidenceError

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail. `name` is empty where the mail gives none, `type` is its media type."""

    name: str
    type: str
    part: Part

    @property
    def content(self) -> bytes:
        """Its bytes; `EvidenceError` when they cannot be decoded."""
        try:
            return self.part.content()
        except UnreadableError as error:
            raise EvidenceError(f"attachment {self.name!r} is unreadable: {error}") from error

    @property
    def text(self) -> str:
        """Its bytes as text."""
        _ = self.content
        return self.part.text()


@dataclass(frozen=True, kw_only=True)
class Message:
    """A mail, read-only.

    `account`, `folder`, `uid` and `flags` tell where it lies; a submitted mail lies in no folder: its
    `folder` is empty, and `recipients` are those of its envelope; `returned` are those of them that it did
    not reach. `received` is when the server got it.
    """

    raw: bytes
    received: datetime
    account: str
    folder: str = ""
    uid: int = 0
    flags: frozenset[str] = frozenset()
    recipients: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    turn: str = ""
    actor: str = ""

    def __repr__(self) -> str:
        where = f"{self.account}/{self.folder}" if self.folder else f"sent by {self.account}"
        return f"<Message {self.subject!r} from {self.sender} to {', '.join(self.to)} ({where})>"

    @cached_property
    def root(self) -> Part:
        """The MIME tree."""
        return Part.parse(self.raw)

    @property
    def sender(self) -> str:
        """The address it claims to be from, in lower case."""
        return next((address.lower() for _, address in addresses(self.root.fields, "From")), "")

    @property
    def sender_name(self) -> str:
        """The display name beside the sender's address."""
        return next((name for name, _ in addresses(self.root.fields, "From")), "")

    @property
    def to(self) -> tuple[str, ...]:
        """The addresses it is to, in lower case."""
        return self._addresses("To")

    @property
    def cc(self) -> tuple[str, ...]:
        """The addresses it is copied to, in lower case."""
        return self._addresses("Cc")

    @property
    def bcc(self) -> tuple[str, ...]:
        """Hidden recipients: those of the envelope that no header names, and those of a Bcc header."""
        shown = {*self.to, *self.cc}
        hidden = (*self._addresses("Bcc"), *(address.lower() for address in self.recipients))
        return tuple(dict.fromkeys(address for address in hidden if address not in shown))

    @property
    def reply_to(self) -> tuple[str, ...]:
        """Where answers are to go; the sender where it says nothing."""
        return self._addresses("Reply-To") or (self.sender,)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return header_text(self.root.fields, "Subject")

    @property
    def date(self) -> datetime:
        """The moment in its Date header, with a time zone; `EvidenceError` when there is no such thing."""
        text = self.header("Date")
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise EvidenceError(f"mail {self.subject!r} has no readable date: {text!r}") from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def message_id(self) -> str:
        """Its Message-ID with its angle brackets, or an empty text."""
        return self.header("Message-ID")

    @property
    def in_reply_to(self) -> str:
        """The Message-ID it answers, or an empty text."""
        return self.header("In-Reply-To")

    @property
    def references(self) -> tuple[str, ...]:
        """The Message-IDs of its thread, oldest first."""
        return tuple(_MESSAGE_ID.findall(self.header("References")))

    @cached_property
    def body(self) -> str:
        """What it says: its plain text, or its HTML without the markup."""
        text = "\n".join(part.text() for part in self._texts("text/plain"))
        return text if text.strip() else html_to_text(self.html)

    @cached_property
    def html(self) -> str:
        """Its HTML text, or an empty one."""
        return "\n".join(part.text() for part in self._texts("text/html"))

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """Its files, in order; a mail attached to it counts as one file."""
        return tuple(
            Attachment(part.filename, part.type, part) for part in _leaves(self.root) if part.is_attachment
        )

    def attachment(self, name: str) -> Attachment:
        """The one file called `name`; `EvidenceError` when there is none or several."""
        found = [attachment for attachment in self.attachments if attachment.name == name]
        if len(found) != 1:
            names = ", ".join(repr(attachment.name) for attachment in self.attachments) or "no files"
            raise EvidenceError(f"mail {self.subject!r} has {len(found)} files called {name!r}: {names}")
        return found[0]

    def header(self, name: str) -> str:
        """Any header field, decoded and unfolded, or an empty text."""
        return header_text(self.root.fields, name)

    def contains(self, *words: str) -> bool:
        """Whether each of `words` occurs in its subject or body, in whatever case."""
        text = f"{self.subject}\n{self.body}".casefold()
        return all(word.casefold() in text for word in words)

    @property
    def seen(self) -> bool:
        """Whether it is marked as read."""
        return "\\Seen" in self.flags

    def _addresses(self, header: str) -> tuple[str, ...]:
        return tuple(address.lower() for _, address in addresses(self.root.fields, header))

    def _texts(self, media_type: str) -> list[Part]:
        return [part for part in _leaves(self.root) if part.type == media_type and not part.is_attachment]


def _leaves(part: Part) -> list[Part]:
    # A mail attached to a mail is one file: its own text is not what this mail says.
    if part.type == "message/rfc822" or not part.children:
        return [part]
    return [leaf for child in part.children for leaf in _leaves(child)]
