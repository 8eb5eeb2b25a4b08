"""The submission port: aiosmtpd's protocol over our post office."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from clawmark_services.actor import acting_as
from clawmark_services.allowance import Allowance, Loan
from clawmark_services.email.delivery import PostOffice
from clawmark_services.email.mime import Part, header_text
from clawmark_services.email.quota import MAX_RECIPIENTS, OverQuotaError
from clawmark_services.faults import UNPROCESSED, Fault, noting

SIZE_LIMIT = 40 * 1024 * 1024
"""Of the encoded mail: a file of 25 MB grows to 35 MB."""

IDLE_SECONDS = 600
_LINE_COST = 64
_FAULTS = {
    "429": "451 4.7.1 Error: too many messages, try again later",
    "500": "451 4.3.0 Error: internal error",
}

log = logging.getLogger(__name__)


class SubmissionHandler:
    """Answers what clients hand in. Called on the serving loop."""

    def __init__(self, post_office: PostOffice) -> None:
        self.post_office = post_office

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take down the sender."""
        if not _is_text(address):
            return "553 5.1.7 Error: the sender's address is not valid UTF-8"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take down a recipient; anybody has a mailbox, but an address needs a domain."""
        local, _, domain = address.rpartition("@")
        if not local or not domain or not _is_text(address):
            return f"553 5.1.3 Error: {_shown(address)!r} is not a mail address"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Error: too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Deliver, unless a fault is put in its way on purpose."""
        with acting_as("agent"):
            fault = self.post_office.context.meet()
        if fault is None:
            return self._deliver(envelope)
        if fault.kind in UNPROCESSED:
            return self._unprocessed(envelope, fault, server)
        with noting(fault):
            answer = self._deliver(envelope)
        if fault.kind == "lost":
            _hang_up(server)
        else:
            await asyncio.sleep(fault.seconds)
        return answer

    def _unprocessed(self, envelope: Envelope, fault: Fault, server: SMTP) -> str:
        answer = _FAULTS.get(fault.kind, "")
        status = int(answer[:3]) if answer else fault.kind
        request = {"sender": envelope.mail_from or "", "recipients": list(envelope.rcpt_tos)}
        self.post_office.context.tell_unprocessed("smtp.send", request, status, fault)
        if not answer:
            _hang_up(server)
        return answer

    def _deliver(self, envelope: Envelope) -> str:
        raw = bytes(envelope.original_content or b"")
        request = {
            "sender": envelope.mail_from or "",
            "recipients": list(envelope.rcpt_tos),
            "subject": header_text(Part.parse(raw).fields, "Subject")[:200],
            "size": len(raw),
        }
        # A connection is the agent's, whoever started the serving.
        with acting_as("agent"), self.post_office.context.exchange("smtp.send", request) as exchange:
            try:
                self.post_office.accept(
                    raw,
                    sender=envelope.mail_from or "",
                    recipients=envelope.rcpt_tos,
                    at=exchange.at,
                    via="smtp",
                )
            except OverQuotaError as full:
                exchange.status = 452
                return f"452 4.3.1 Insufficient system storage: {full}"
            exchange.status = 250
        return "250 2.0.0 OK: queued"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours: told to the client and to the log."""
        log.error("SMTP session failed", exc_info=error)
        return f"451 4.3.0 Error: {type(error).__name__}"


class QuietSession(Session):
    """A session without the warning that aiosmtpd logs at each login, for its own use of the field."""

    login_data: Any = None


class SubmissionProtocol(SMTP):
    """One connection."""

    # Programs send HTML on one line, and the mail servers of offices take it.
    line_length_limit = 1024 * 1024

    def __init__(self, handler: SubmissionHandler, allowance: Allowance, **options: Any) -> None:
        self._held = Loan(allowance)
        super().__init__(handler, **options)

    def data_received(self, data: bytes) -> None:
        """Take in what there is room for: every line of a mail is an object of its own until it is complete."""
        if self._held.more(len(data) + _LINE_COST * data.count(b"\n")):
            super().data_received(data)
        elif isinstance(self.transport, asyncio.Transport):
            self._audit_refusal("421")
            self.transport.write(b"421 4.3.2 Too much data is under way\r\n")
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Hold nothing any more."""
        self._held.back()
        super().connection_lost(error)

    def _create_session(self) -> Session:
        return QuietSession(self.loop)

    async def push(self, status: AnyStr) -> None:
        """Answer; a refusal of the data itself is a line in the audit, which no hook would write."""
        if isinstance(status, str) and status.startswith(("500 Line too long", "552 ")):
            self._audit_refusal(status)
        # What came in has been dealt with, but for what a client sends without waiting for its answer.
        self._held.back()
        await super().push(status)

    def _audit_refusal(self, status: str) -> None:
        envelope = self.envelope
        request = {
            "sender": envelope.mail_from or "" if envelope else "",
            "recipients": list(envelope.rcpt_tos) if envelope else [],
        }
        with (
            acting_as("agent"),
            self.event_handler.post_office.context.exchange("smtp.send", request) as exchange,
        ):
            exchange.status = int(status[:3])


def _hang_up(server: SMTP) -> None:
    """Close the connection; what is said after it reaches nobody."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.close()


def _accept_any(*_: Any) -> AuthResult:
    return AuthResult(success=True)


def _is_text(address: str) -> bool:
    return address == _shown(address)


def _shown(address: str) -> str:
    return address.encode("utf-8", "replace").decode()


def connection(post_office: PostOffice, allowance: Allowance) -> asyncio.BaseProtocol:
    """The protocol of a new connection; to be called on the serving loop."""
    protocol: asyncio.BaseProtocol = SubmissionProtocol(
        SubmissionHandler(post_office),
        allowance,
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        hostname="greenmail",
        ident="ESMTP ready",
        auth_require_tls=False,
        authenticator=_accept_any,
        timeout=IDLE_SECONDS,
        loop=asyncio.get_running_loop(),
    )
    return protocol
