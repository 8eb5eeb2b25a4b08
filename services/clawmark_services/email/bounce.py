"""Writes the report that a mail could not be delivered (RFC 3462 and 3464), as mail servers write it."""

from __future__ import annotations

import email.utils
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clawmark_services.email.compose import boundary
from clawmark_services.email.mime import Part, header_text

REPORTING = "greenmail"
"""The name of the mail server, as its SMTP greeting gives it."""

STATUS = "5.1.2"
"""Bad destination system address (RFC 3463, 3.2)."""

REASON = "the domain of this address does not exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A mail and those of its recipients whom it did not reach."""

    sender: str
    recipients: Sequence[str]
    raw: bytes


def report(mail: Undelivered, *, domain: str, date: datetime, message_id: str) -> bytes:
    """The whole report. `domain` is the mail server's own; only the header of the mail is returned."""
    original = Part.parse(mail.raw)
    about = header_text(original.fields, "Message-ID")
    between = boundary(message_id, 0)
    header = [
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>",
        f"To: {mail.sender}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {email.utils.format_datetime(date)}",
        f"Message-ID: {message_id}",
        *([f"In-Reply-To: {about}", f"References: {about}"] if about else []),
        "Auto-Submitted: auto-replied",
        f"X-Failed-Recipients: {', '.join(mail.recipients)}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{between}"',
    ]
    parts = (
        _part("text/plain; charset=utf-8", _told(mail.recipients, domain)),
        _part(_kind("delivery-status", mail), _status(mail, date)),
        _part(_kind("rfc822-headers", mail), original.header.decode("utf-8", "replace").rstrip("\r\n")),
    )
    lines = [*header, "", *(f"--{between}\r\n{part}" for part in parts), f"--{between}--", ""]
    return "\r\n".join(lines).encode()


def _told(recipients: Sequence[str], domain: str) -> str:
    return "\r\n".join(
        [
            f"This is the mail system at {domain}.",
            "",
            "Your message could not be delivered to one or more recipients. Its header is attached below.",
            "",
            *(f"<{recipient}>: {REASON}" for recipient in recipients),
        ]
    )


def _status(mail: Undelivered, date: datetime) -> str:
    lines = [f"Reporting-MTA: dns; {REPORTING}", f"Arrival-Date: {email.utils.format_datetime(date)}"]
    for recipient in mail.recipients:
        lines += [
            "",
            f"Final-Recipient: {'rfc822' if recipient.isascii() else 'utf-8'}; {recipient}",
            "Action: failed",
            f"Status: {STATUS}",
            f"Diagnostic-Code: smtp; 550 {STATUS} <{recipient}>: {REASON}",
        ]
    return "\r\n".join(lines)


def _kind(name: str, mail: Undelivered) -> str:
    """The media type of a part; reports beyond ASCII have types of their own (RFC 6533, 3)."""
    plain = all(recipient.isascii() for recipient in mail.recipients)
    beyond = {"delivery-status": "message/global-delivery-status", "rfc822-headers": "message/global-headers"}
    return (
        beyond[name] if not plain else {"rfc822-headers": "text/rfc822-headers"}.get(name, f"message/{name}")
    )


def _part(kind: str, text: str) -> str:
    encoding = "7bit" if text.isascii() else "8bit"
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}\r\n"
