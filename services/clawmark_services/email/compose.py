"""Writes mail as a mail program would, with nothing drawn from chance or the machine's clock."""

from __future__ import annotations

import email
import email.utils
import hashlib
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

from clawmark_services.email.mime import Part

Attachable = str | Path | tuple[str, bytes]
"""A file on the host, or a name with its content."""

# Python's own table only: the machine's /etc/mime.types would make mail differ from host to host.
_TYPES = mimetypes.MimeTypes(filenames=())
_OFFICE = "application/vnd.openxmlformats-officedocument"
for _suffix, _type in {
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".md": "text/markdown",
    ".ics": "text/calendar",
    ".webp": "image/webp",
    ".m4a": "audio/mp4",
    ".yaml": "application/yaml",
}.items():
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail to be written. `sender` is (display name, address); `references` are Message-IDs."""

    sender: tuple[str, str]
    to: Sequence[str]
    cc: Sequence[str] = ()
    subject: str
    body: str
    html: str | None = None
    attachments: Sequence[Attachable] = ()
    reply_to: str | None = None
    in_reply_to: str = ""
    references: Sequence[str] = ()


def write(draft: Draft, *, date: datetime, message_id: str) -> bytes:
    """The mail as it goes over the wire."""
    plain = "".join((draft.sender[1], *draft.to, *draft.cc)).isascii()
    mail = EmailMessage(policy=SMTP if plain else SMTPUTF8)
    mail["From"] = _mailbox(*draft.sender)
    mail["To"] = ", ".join(draft.to)
    if draft.cc:
        mail["Cc"] = ", ".join(draft.cc)
    if draft.reply_to:
        mail["Reply-To"] = draft.reply_to
    mail["Subject"] = draft.subject
    mail["Date"] = email.utils.format_datetime(date)
    mail["Message-ID"] = message_id
    if draft.in_reply_to:
        mail["In-Reply-To"] = draft.in_reply_to
        mail["References"] = " ".join(dict.fromkeys((*draft.references, draft.in_reply_to)))
    _fill(mail, draft)
    _fix_boundaries(mail, message_id)
    return mail.as_bytes()


def complete(raw: bytes, *, date: datetime, new_id: Callable[[], str]) -> bytes:
    """A submitted mail with the Date and Message-ID that a submission server adds (RFC 6409, 8).

    `new_id` is called only when the mail has no Message-ID.
    """
    fields = Part.parse(raw).fields
    missing = b""
    if "Message-ID" not in fields:
        missing += f"Message-ID: {new_id()}\r\n".encode()
    if "Date" not in fields:
        missing += f"Date: {email.utils.format_datetime(date)}\r\n".encode()
    return missing + raw


def media_type(name: str) -> str:
    """The media type of a file by its name."""
    guessed, encoding = _TYPES.guess_type(name)
    if encoding or not guessed:
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    return guessed


def boundary(seed: str, number: int) -> str:
    """What stands between the parts of a multipart, which no text holds by chance."""
    return "=_" + hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]


def _mailbox(name: str, address: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>' if name else address


def _fill(mail: EmailMessage, draft: Draft) -> None:
    mail.set_content(draft.body)
    if draft.html is not None:
        mail.add_alternative(draft.html, subtype="html")
    for attachment in draft.attachments:
        name, content = _load(attachment)
        main, sub = media_type(name).split("/")
        if (main, sub) == ("message", "rfc822"):
            # A mail inside a mail may not be base64 (RFC 2046, 5.2.1).
            mail.add_attachment(email.message_from_bytes(content, policy=SMTP), filename=name)
        else:
            # Byte for byte and with no charset claimed: a text file may be in any.
            mail.add_attachment(content, main, sub, filename=name)


def _load(attachment: Attachable) -> tuple[str, bytes]:
    if isinstance(attachment, tuple):
        return attachment
    path = Path(attachment)
    return path.name, path.read_bytes()


def _fix_boundaries(mail: EmailMessage, seed: str) -> None:
    multiparts = [part for part in mail.walk() if part.get_content_maintype() == "multipart"]
    for number, part in enumerate(multiparts):
        part.set_boundary(boundary(seed, number))
