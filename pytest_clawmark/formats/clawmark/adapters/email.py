"""`ctx.email`: mail as the published mail manager shows it."""

from __future__ import annotations

import email as mail
import json
import smtplib
from collections.abc import Mapping, Sequence
from email.header import decode_header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr
from hashlib import sha256
from pathlib import Path
from typing import Any

from clawmark_services.email.author import EmailAuthor
from pytest_clawmark.formats.clawmark.adapters.desk import Desk

Mail = dict[str, str]
INBOX = "INBOX"


class _Envelope(smtplib.SMTP):
    """Python's mail client without a server: what it would hand in is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.does_esmtp, self.esmtp_features, self.ehlo_resp = True, {"smtputf8": ""}, b""
        self.handed: tuple[bytes, str, list[str]] | None = None

    def sendmail(  # type: ignore[override]  # only `send_message` calls it
        self, from_addr: str, to_addrs: Sequence[str], msg: bytes, *_: Any
    ) -> dict[str, tuple[int, bytes]]:
        ended = msg if msg.endswith(b"\r\n") else msg + b"\r\n"
        self.handed = ended, from_addr, list(to_addrs)
        return {}


class EmailAdapter:
    """Mailboxes by the logical names of METADATA; `ValueError` for any other."""

    def __init__(self, desk: Desk, users: Mapping[str, Mapping[str, Any]]) -> None:
        self._desk, self._users = desk, users

    async def send_email(  # noqa: PLR0917 - tasks give them by position too
        self,
        from_user: str,
        to: str,
        subject: str,
        body: str,
        content_type: str = "plain",
        sender_name: str | None = None,
    ) -> bool:
        """Send a mail as a user; whether it was accepted."""
        user = self._user(from_user)
        address = user["email"]
        name = sender_name or user.get("name", address)
        return self._submit(_written((name, address), to, subject, body, content_type), address)

    async def get_emails(self, user: str, folder: str = INBOX) -> list[Mail]:
        """The mails of a folder, oldest first; none of a folder that does not exist."""
        address = self._user(user)["email"]
        return self._list(address, folder)

    async def find_emails(
        self, user: str, *, sender: str | None = None, subject: str | None = None
    ) -> list[Mail]:
        """Those in the inbox with these words in From and in the subject, in whatever case."""
        return [
            found
            for found in await self.get_emails(user)
            if (not sender or sender.lower() in found["from"].lower())
            and (not subject or subject.lower() in found["subject"].lower())
        ]

    async def clear_folder(self, user: str, folder: str = INBOX) -> None:
        """Remove everything from a folder."""
        self._clear(self._user(user)["email"], folder)

    async def clear_all_folders(self, user: str) -> None:
        """Remove everything from all folders of a user."""
        address = self._user(user)["email"]
        for folder in self._author().folders(address):
            self._clear(address, folder)

    async def import_backup(self, user: str, backup_path: Path) -> int:
        """Send every mail of a JSON backup; how many were accepted. `FileNotFoundError` when there is none."""
        own = self._user(user)["email"]
        if not backup_path.exists():
            raise FileNotFoundError(f"Backup file not found: {backup_path}")
        entries = json.loads(backup_path.read_text(encoding="utf-8")).get("emails", [])
        return sum(self._import(entry, own) for entry in entries)

    def _import(self, entry: Mapping[str, Any], own: str) -> bool:
        sender = entry.get("from_addr", own)
        name, address = "", sender
        if "<" in sender and ">" in sender:
            name, _, rest = sender.partition("<")
            name, address = name.strip().strip('"'), rest.partition("<")[0].rstrip(">")
        html = entry.get("body_html", "")
        message = _written(
            (name, address),
            entry.get("to_addr", own),
            entry.get("subject", "(no subject)"),
            html or entry.get("body_text", ""),
            "html" if html else "plain",
        )
        if entry.get("date"):
            message["Date"] = entry["date"]
        return self._submit(message, address)

    def _submit(self, message: MIMEMultipart, sender: str) -> bool:
        envelope = _Envelope()
        try:
            envelope.send_message(message, from_addr=sender)
        except (ValueError, UnicodeError, smtplib.SMTPException):
            return False
        if envelope.handed is None:
            return False
        raw, source, recipients = envelope.handed
        reached = [address for address in recipients if all(address.rpartition("@"))]
        if not reached:
            return False
        self._desk.write()
        self._author().submit(raw, sender=source, recipients=reached)
        return True

    def _list(self, address: str, folder: str) -> list[Mail]:
        def read() -> list[Mail]:
            try:
                found = self._author().messages(address, folder)
            except LookupError:
                return []
            return [_shown(mail.message_from_bytes(message.raw)) for message in found]

        listed: list[Mail] = self._desk.read(f"{address}\n{folder}", read)
        return listed

    def _clear(self, address: str, folder: str) -> None:
        try:
            found = self._author().messages(address, folder)
        except LookupError:
            return
        self._desk.write()
        for message in found:
            self._author().delete(message)

    def _author(self) -> EmailAuthor:
        author: EmailAuthor = self._desk.service.author
        return author

    def _user(self, name: str) -> Mapping[str, Any]:
        if name not in self._users:
            raise ValueError(f"Unknown user: {name}. Available: {list(self._users)}")
        return self._users[name]


def _written(sender: tuple[str, str], to: str, subject: str, body: str, content_type: str) -> MIMEMultipart:
    """A mail with one text in it; what stands between its parts is drawn from its content, not from chance."""
    # Else a line of the text itself could end the part.
    seed = json.dumps([sender, to, subject, body, content_type])
    message = MIMEMultipart(boundary=f"=_{sha256(seed.encode()).hexdigest()[:32]}")
    message["From"] = formataddr(sender) if sender[0] else sender[1]
    message["To"] = to
    message["Subject"] = subject
    message.attach(MIMEText(body, content_type, "utf-8"))
    return message


def _shown(message: Message) -> Mail:
    return {
        "subject": _decoded(message.get("Subject", "")),
        **{name.lower(): str(message.get(name, "")) for name in ("From", "To", "Cc", "Date")},
        "body": _body(message),
    }


def _decoded(value: Any) -> str:
    try:
        return "".join(
            part.decode(charset or "utf-8", "replace") if isinstance(part, bytes) else part
            for part, charset in decode_header(value)
        )
    except (ValueError, LookupError, mail.errors.HeaderParseError):
        return str(value)


def _body(message: Message) -> str:
    """The plain text, or else the HTML as it stands; attachments are passed over."""
    if not message.is_multipart():
        return _text(message) or ""
    texts: dict[str, str] = {}
    for part in message.walk():
        if "attachment" not in str(part.get("Content-Disposition", "")).lower():
            text = _text(part)
            if text is not None:
                texts.setdefault(part.get_content_type(), text)
    return texts.get("text/plain", texts.get("text/html", ""))


def _text(part: Message) -> str | None:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return None
    return content.decode(part.get_content_charset() or "utf-8", "replace")
