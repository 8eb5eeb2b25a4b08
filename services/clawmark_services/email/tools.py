"""The agent's typed functions: its own mailbox and its own outgoing mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from clawmark_services.context import Exchange
from clawmark_services.contract import Json, Tool, ToolError
from clawmark_services.email.compose import Draft, write
from clawmark_services.email.delivery import PostOffice
from clawmark_services.email.mailbox import INBOX, StoredMessage, canonical
from clawmark_services.email.message import Attachment, Message
from clawmark_services.email.quota import OverQuotaError
from clawmark_services.evidence import EvidenceError

TEXT_LIMIT = 50_000
People = str | Sequence[str]
_ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
_ADDRESSES = {
    "type": ["array", "string"],
    "items": {"type": "string"},
    "description": "Mail addresses: a list, or one text with commas.",
}


class EmailTools:
    """What an agent may call; the mailbox is always the agent's own."""

    def __init__(self, post_office: PostOffice) -> None:
        self._post_office = post_office
        self._context, self._store = post_office.context, post_office.store
        self._own = post_office.context.accounts.agent.address.lower()

    def all(self) -> Sequence[Tool]:
        """Every tool."""
        folder = {"type": "string", "description": "A folder's name; INBOX by default."}
        uid = {"type": "integer", "description": "The message's uid, as email_list and email_search show it."}
        return (
            _tool(
                "email_list",
                "List your mail, newest first: uid, date, sender, subject, unread, attachments.",
                self.list,
                {
                    "folder": folder,
                    "unread_only": {"type": "boolean"},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 200},
                },
            ),
            _tool(
                "email_read",
                "Read one mail: headers, text, text attachments in full, the names of all other files. "
                "Marks it as read. Save other files by IMAP (see the email skill).",
                self.read,
                {"uid": uid, "folder": folder},
                "uid",
            ),
            _tool(
                "email_send",
                "Send a mail from your own account and keep a copy in Sent. To attach files use SMTP.",
                self.send,
                {
                    "to": _ADDRESSES,
                    "subject": {"type": "string"},
                    "body": {"type": "string"},
                    "cc": _ADDRESSES,
                    "bcc": _ADDRESSES,
                    "reply_to_uid": {
                        **uid,
                        "description": "The uid of the INBOX mail that this one answers.",
                    },
                },
                "to",
                "subject",
                "body",
            ),
            _tool(
                "email_search",
                "Search all your folders for words in sender, recipients, subject and text.",
                self.search,
                {"query": {"type": "string", "description": "Words that must all occur."}},
                "query",
            ),
        )

    def list(self, folder: str = INBOX, *, unread_only: bool = False, limit: int = 50) -> Json:
        """Newest first."""
        request = {"folder": folder, "unread_only": unread_only, "limit": limit}
        with self._answering("tool.list", request):
            found = [self._message(folder, stored) for stored in self._folder(folder)]
        chosen = [message for message in reversed(found) if not (unread_only and message.seen)]
        return {"folder": folder, "messages": [_summary(message) for message in chosen[:limit]]}

    def read(self, uid: int, folder: str = INBOX) -> Json:
        """One mail, marked as read."""
        with self._answering("tool.read", {"uid": uid, "folder": folder}), self._store.lock:
            stored = self._find(uid, folder)
            flags = stored.flags | {"\\Seen"}
            stored = self._store.change(self._own, folder, uid, flags=flags, recent=False) or stored
            message = self._message(folder, stored)
        return {
            **_summary(message),
            "to": list(message.to),
            "cc": list(message.cc),
            "reply_to": list(message.reply_to),
            "message_id": message.message_id,
            "body": _cut(message.body),
            "attachments": [_file(attachment) for attachment in message.attachments],
        }

    def send(
        self,
        to: People,
        subject: str,
        body: str,
        *,
        cc: People = (),
        bcc: People = (),
        reply_to_uid: int | None = None,
    ) -> Json:
        """Submit, and keep a copy as a mail program would."""
        recipients = {"to": _addresses(to), "cc": _addresses(cc), "bcc": _addresses(bcc)}
        request = {"sender": self._own, **recipients, "subject": subject[:200], "reply_to_uid": reply_to_uid}
        with self._answering("tool.send", request) as exchange, self._store.lock:
            _check(recipients, subject, body)
            answered = None if reply_to_uid is None else self._answered(reply_to_uid)
            draft = Draft(
                sender=("", self._context.accounts.agent.address),
                to=recipients["to"],
                cc=recipients["cc"],
                # A header is one line, whatever a model makes of it.
                subject=" ".join(subject.split()),
                body=body,
                in_reply_to=answered.message_id if answered else "",
                references=answered.references if answered else (),
            )
            message_id = self._post_office.message_id(self._own)
            raw = write(draft, date=exchange.at, message_id=message_id)
            everybody = [address for addresses in recipients.values() for address in addresses]
            self._post_office.accept(raw, sender=self._own, recipients=everybody, at=exchange.at, via="tool")
            self._store.keep_sent(self._own, raw, exchange.at)
        return {"status": "sent", "message_id": message_id, **recipients}

    def search(self, query: str) -> Json:
        """Words in any order, anywhere in a mail."""
        words = query.casefold().split()
        with self._answering("tool.search", {"query": query[:200]}), self._store.lock:
            everything = [
                self._message(folder, stored)
                for folder in self._store.folder_names(self._own)
                for stored in self._folder(folder)
            ]
        found = [message for message in everything if all(word in _searchable(message) for word in words)]
        return {"query": query, "messages": [{"folder": m.folder, **_summary(m)} for m in found[:100]]}

    @contextmanager
    def _answering(self, operation: str, request: Json) -> Iterator[Exchange]:
        """An exchange in which a refusal is an answer, not a fault."""
        refusal: ToolError | None = None
        with self._context.exchange(operation, request) as exchange:
            try:
                yield exchange
            except ToolError as error:
                exchange.status, refusal = 400, error
            except OverQuotaError as full:
                exchange.status, refusal = 452, ToolError(f"there is no room for more mail: {full}")
        if refusal is not None:
            raise refusal

    def _folder(self, name: str) -> Sequence[StoredMessage]:
        try:
            return tuple(self._store.folder(self._own, name).messages.values())
        except KeyError:
            known = ", ".join(self._store.folder_names(self._own))
            raise ToolError(f"there is no folder {name!r}: there are {known}") from None

    def _find(self, uid: int, folder: str) -> StoredMessage:
        for stored in self._folder(folder):
            if stored.uid == uid:
                return stored
        raise ToolError(f"there is no message with uid {uid} in {folder}: list it with email_list")

    def _answered(self, uid: int) -> Message:
        stored = self._find(uid, INBOX)
        self._store.change(self._own, INBOX, uid, flags=stored.flags | {"\\Answered"})
        return self._message(INBOX, stored)

    def _message(self, folder: str, stored: StoredMessage) -> Message:
        return Message(
            raw=self._store.raw(stored.content),
            received=stored.received,
            account=self._own,
            folder=canonical(folder),
            uid=stored.uid,
            flags=stored.flags,
        )


def _tool(name: str, description: str, call: Callable[..., Json], properties: Json, *required: str) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=schema, call=call)


def _summary(message: Message) -> dict[str, Json]:
    return {
        "uid": message.uid,
        "received": message.received.isoformat(),
        "from": f"{message.sender_name} <{message.sender}>" if message.sender_name else message.sender,
        "subject": message.subject,
        "unread": not message.seen,
        "files": [attachment.name for attachment in message.attachments],
    }


def _file(attachment: Attachment) -> dict[str, Json]:
    told: dict[str, Json] = {"name": attachment.name, "type": attachment.type}
    try:
        told["size"] = len(attachment.content)
        if attachment.type.startswith("text/"):
            told["text"] = _cut(attachment.text)
    except EvidenceError as error:
        told["damaged"] = str(error)
    return told


def _cut(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    return f"{text[:TEXT_LIMIT]}\n[{len(text) - TEXT_LIMIT} more characters: read them by IMAP]"


def _addresses(people: People) -> list[str]:
    several = people.split(",") if isinstance(people, str) else people
    return [person.strip() for person in several if person.strip()]


def _check(recipients: dict[str, list[str]], *texts: str) -> None:
    for people in recipients.values():
        for person in people:
            if not _ADDRESS.fullmatch(person):
                raise ToolError(f"{person!r} is not a mail address: give it as name@domain")
    if not any(recipients.values()):
        raise ToolError("a mail needs a recipient")
    for text in texts:
        if text != text.encode("utf-8", "replace").decode():
            raise ToolError("the text holds half a character (a lone surrogate): write it again")


def _searchable(message: Message) -> str:
    people = (message.sender_name, message.sender, *message.to, *message.cc)
    return " ".join((*people, message.subject, message.body)).casefold()
