"""What happens to a mail that is handed in, by whatever door: completed, logged, delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clawmark_services.actor import current_actor
from clawmark_services.context import Context
from clawmark_services.email.compose import complete
from clawmark_services.email.mailbox import Submission
from clawmark_services.email.store import MailStore


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Accepts mail from SMTP, from the agent's tools and from the task's author."""

    context: Context
    store: MailStore

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
        """Log and deliver a mail; `received` backdates its arrival. The lock makes it one step."""
        with self.store.lock:
            raw = complete(raw, date=at, new_id=lambda: self.message_id(sender))
            submission = Submission(
                at=at,
                turn=self.context.clock.turn,
                actor=current_actor().who,
                via=via,
                sender=sender.lower(),
                recipients=tuple(dict.fromkeys(address.lower() for address in recipients)),
                content=self.store.keep(raw),
            )
            self.store.submit(submission, received or at)
            return submission
