"""The task author's door: `world.email`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clawmark_services.email.compose import Attachable, Draft, write
from clawmark_services.email.delivery import PostOffice
from clawmark_services.email.mailbox import INBOX, StoredMessage, canonical
from clawmark_services.email.message import Message
from clawmark_services.email.mime import Part, header_text

People = str | Iterable[str]
"""A logical name or mail address, or several."""


@dataclass(frozen=True, slots=True)
class SentMail:
    """What `send` returns: enough to answer it later, or to take it back."""

    message_id: str
    references: tuple[str, ...]
    subject: str


class EmailAuthor:
    """Sends mail as anybody and changes mailboxes without going over the wire.

    People are logical names or mail addresses.
    """

    def __init__(self, post_office: PostOffice) -> None:
        self._post_office = post_office
        self._context = post_office.context
        self._store = post_office.store

    def send(
        self,
        sender: str,
        *,
        to: People,
        subject: str,
        body: str,
        html: str | None = None,
        cc: People = (),
        bcc: People = (),
        attachments: Sequence[Attachable] = (),
        sender_name: str | None = None,
        reply_to: str | None = None,
        in_reply_to: SentMail | Message | str | None = None,
        date: datetime | str | None = None,
    ) -> SentMail:
        """Deliver a mail to everybody it names; a declared sender finds a copy in their Sent folder.

        `attachments` are paths of files, or pairs of a name and bytes. `in_reply_to` is what an earlier
        `send` or `messages` returned, or a Message-ID. `date` (with a time zone) backdates the mail and
        its arrival; the default is the service's time. Returns a handle for answers and for `recall`.
        """
        address = self._context.accounts.address
        draft = Draft(
            sender=(sender_name or "", address(sender)),
            to=[address(who) for who in _several(to)],
            cc=[address(who) for who in _several(cc)],
            subject=subject,
            body=body,
            html=html,
            attachments=[_checked(attachment) for attachment in attachments],
            reply_to=address(reply_to) if reply_to else None,
            in_reply_to=in_reply_to if isinstance(in_reply_to, str) else _id_of(in_reply_to),
            references=() if in_reply_to is None or isinstance(in_reply_to, str) else in_reply_to.references,
        )
        hidden = [address(who) for who in _several(bcc)]
        backdated = _moment(date) if date is not None else None
        request = {
            "sender": draft.sender[1],
            "to": draft.to,
            "cc": draft.cc,
            "bcc": hidden,
            "subject": subject,
        }
        with self._context.exchange("author.send", request) as exchange, self._store.lock:
            sent_at = backdated or exchange.at
            message_id = self._post_office.message_id(draft.sender[1])
            raw = write(draft, date=sent_at, message_id=message_id)
            self._post_office.accept(
                raw,
                sender=draft.sender[1],
                recipients=[*draft.to, *draft.cc, *hidden],
                at=exchange.at,
                via="author",
                received=sent_at,
            )
            if any(account.address.lower() == draft.sender[1].lower() for account in self._context.accounts):
                self._store.keep_sent(draft.sender[1], raw, sent_at)
        references = (*draft.references, draft.in_reply_to) if draft.in_reply_to else ()
        return SentMail(message_id, tuple(dict.fromkeys(references)), subject)

    def submit(self, raw: bytes, *, sender: str, recipients: Sequence[str]) -> None:
        """Deliver a mail that is written already, as a mail program hands it in, to its envelope's addresses.

        A Date or Message-ID that it lacks is added. Nobody finds a copy in their Sent folder.
        """
        request = {
            "sender": sender,
            "to": list(recipients),
            "subject": header_text(Part.parse(raw).fields, "Subject")[:200],
        }
        with self._context.exchange("author.send", request) as exchange:
            self._post_office.accept(raw, sender=sender, recipients=recipients, at=exchange.at, via="author")

    def messages(self, who: str, folder: str = INBOX) -> tuple[Message, ...]:
        """What lies in somebody's folder, oldest first; `LookupError` when there is no such folder."""
        owner = self._context.accounts.address(who).lower()
        request = {"account": owner, "folder": folder}
        with self._context.exchange("author.messages", request), self._store.lock:
            if not self._store.has_mailbox(owner) and canonical(folder) == INBOX:
                return ()
            stored = self._folder(owner, folder)
            return tuple(self._seen_as(owner, folder, message) for message in stored)

    def folders(self, who: str) -> tuple[str, ...]:
        """The folders of somebody's mailbox; nobody's mailbox is empty of folders."""
        owner = self._context.accounts.address(who).lower()
        with self._context.exchange("author.folders", {"account": owner}), self._store.lock:
            return tuple(self._store.folder_names(owner))

    def move(self, message: Message, folder: str) -> None:
        """Move a message, as `messages` returned it, to another folder of its mailbox; made if missing."""
        request = {**_place(message), "to": folder}
        with self._context.exchange("author.move", request), self._store.lock:
            if canonical(folder) not in self._store.folder_names(message.account):
                self._store.create_folder(message.account, folder)
            if self._store.move(message.account, message.folder, message.uid, folder) is None:
                raise LookupError(f"{message!r} is not there any more")

    def delete(self, message: Message) -> None:
        """Remove a message, as `messages` returned it, without a trace."""
        with self._context.exchange("author.delete", _place(message)), self._store.lock:
            if message.uid not in self._store.folder(message.account, message.folder).messages:
                raise LookupError(f"{message!r} is not there any more")
            self._store.remove(message.account, message.folder, [message.uid])

    def mark(self, message: Message, *, seen: bool) -> None:
        """Mark a message, as `messages` returned it, as read or unread."""
        request = {**_place(message), "seen": seen}
        with self._context.exchange("author.mark", request), self._store.lock:
            stored = self._store.folder(message.account, message.folder).messages.get(message.uid)
            if stored is None:
                raise LookupError(f"{message!r} is not there any more")
            flags = stored.flags | {"\\Seen"} if seen else stored.flags - {"\\Seen"}
            self._store.change(message.account, message.folder, message.uid, flags=flags)

    def recall(self, mail: SentMail | Message) -> int:
        """Remove a mail from every mailbox it reached; how many copies were found."""
        with self._context.exchange("author.recall", {"message_id": mail.message_id}), self._store.lock:
            return self._store.remove_everywhere(mail.message_id)

    def _folder(self, owner: str, folder: str) -> list[StoredMessage]:
        try:
            return list(self._store.folder(owner, folder).messages.values())
        except KeyError:
            known = ", ".join(self._store.folder_names(owner))
            raise LookupError(f"{owner} has no folder {folder!r}: there are {known}") from None

    def _seen_as(self, owner: str, folder: str, stored: StoredMessage) -> Message:
        return Message(
            raw=self._store.raw(stored.content),
            received=stored.received,
            account=owner,
            folder=canonical(folder),
            uid=stored.uid,
            flags=stored.flags,
        )


def _several(people: People) -> list[str]:
    return [people] if isinstance(people, str) else list(people)


def _checked(attachment: Attachable) -> Attachable:
    if not isinstance(attachment, tuple) and not Path(attachment).is_file():
        raise FileNotFoundError(f"attachment {str(attachment)!r} is no file: give a path or (name, bytes)")
    return attachment


def _id_of(mail: SentMail | Message | None) -> str:
    return "" if mail is None else mail.message_id


def _moment(date: datetime | str) -> datetime:
    moment = datetime.fromisoformat(date) if isinstance(date, str) else date
    if moment.tzinfo is None:
        raise ValueError(f"a mail's date needs a time zone, got the naive {moment.isoformat()}")
    return moment.replace(microsecond=0)


def _place(message: Message) -> dict[str, str | int]:
    if not message.folder:
        raise ValueError(f"{message!r} lies in no folder: take it from `messages`")
    return {"account": message.account, "folder": message.folder, "uid": message.uid}
