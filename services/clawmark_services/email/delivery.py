"""What happens to a mail that is handed in, by whatever door: completed, logged, delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clawmark_services.actor import current_actor
from clawmark_services.context import Context
from clawmark_services.email.bounce import Undelivered, report
from clawmark_services.email.compose import complete
from clawmark_services.email.mailbox import INBOX, Submission
from clawmark_services.email.reach import Reach
from clawmark_services.email.store import MailStore


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Accepts mail from SMTP, from the agent's tools and from the task's author."""

    context: Context
    store: MailStore
    reach: Reach

    def message_id(self, sender: str) -> str:
        """A fresh Message-ID in the sender's domain."""
        return f"<{self.context.ids.uuid()}@{sender.rpartition('@')[2] or 'localhost'}>"

    def accept(
        self,
        raw: bytes,
        *,
        sender: str,
        recipients: Sequence[str],
        at: datetime,
        via: str,
        received: datetime | None = None,
    ) -> Submission:
        """Log and deliver a mail, or return it; `received` backdates its arrival. The lock makes it one step.

        `OverQuotaError` when there is no room; the author's mail always has room.
        """
        with self.store.lock:
            reached = tuple(dict.fromkeys(address.lower() for address in recipients))
            if via != "author":
                # One more for a report of what cannot be delivered, and one for a copy kept in Sent.
                self.store.require_room(
                    messages=len(reached) + 3, size=len(raw), mailboxes=(*reached, sender)
                )
            raw = complete(raw, date=at, new_id=lambda: self.message_id(sender))
            submission = Submission(
                at=at,
                turn=self.context.clock.turn,
                actor=current_actor().who,
                via=via,
                sender=sender.lower(),
                recipients=reached,
                returned=tuple(address for address in reached if address not in self.reach),
                content=self.store.keep(raw),
            )
            self.store.submit(submission, received or at)
            self._return(submission, raw, received or at)
            return submission

    def _return(self, submission: Submission, raw: bytes, at: datetime) -> None:
        """Tell the sender whom a mail did not reach; nobody is told whose own address is out of reach.

        Nor is it told of a mail without a sender: reports are such mails (RFC 5321, 6.1).
        """
        if submission.returned and submission.sender in self.reach:
            undelivered = Undelivered(sender=submission.sender, recipients=submission.returned, raw=raw)
            domain = self.reach.home or submission.sender.rpartition("@")[2]
            told = report(undelivered, domain=domain, date=at, message_id=self.message_id(f"@{domain}"))
            self.store.append(submission.sender, INBOX, told, at)
