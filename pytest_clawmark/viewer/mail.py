"""Frozen mail as mail: somebody's folders, the messages in one of them, and the files that they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawmark_services import EvidenceError
from clawmark_services.email.message import Message
from clawmark_services.email.view import EmailView

SENT = "sent by the agent"
"""What stands for a folder that holds what the agent submitted, whatever became of it."""
MAX_MESSAGES = 300
MAX_BODY = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder of somebody, by address, with how many messages it has and how many are unread."""

    owner: str
    name: str
    messages: int
    unread: int
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a message carries."""

    name: str
    type: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message.

    `name` is how its sender is called, `html` is its source, to be shown as text, and `trouble` says what of it
    cannot be read.
    """

    sender: str
    name: str
    to: str
    cc: str
    bcc: str
    subject: str
    received: str
    unread: bool
    body: str
    html: str
    files: tuple[File, ...]
    returned: str
    turn: str
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailboxes:
    """All folders, and the letters of the chosen one, the newest first; `left_out` counts those not shown."""

    agent: str
    folders: tuple[Folder, ...]
    chosen: Folder | None
    letters: tuple[Letter, ...]
    left_out: int


def mailboxes(state: Mapping[str, Any], box: str, name: str) -> Mailboxes:
    """The folder `name` of `box`, or else the agent's first."""
    view = EmailView(state)
    accounts = dict(state["accounts"])
    agent = str(accounts[state["agent"]]).lower()
    folders = list(_folders(state, agent, len(view.sent), (box, name)))
    chosen = next((folder for folder in folders if folder.chosen), folders[0] if folders else None)
    if chosen is None:
        messages: tuple[Message, ...] = ()
    elif chosen.name == SENT:
        messages = tuple(view.sent)
    else:
        messages = view.folder(chosen.owner, chosen.name)
    newest = sorted(messages, key=lambda message: message.received, reverse=True)
    return Mailboxes(
        agent=agent,
        folders=tuple(folders),
        chosen=chosen,
        letters=tuple(map(_letter, newest[:MAX_MESSAGES])),
        left_out=max(len(newest) - MAX_MESSAGES, 0),
    )


def _folders(state: Mapping[str, Any], agent: str, sent: int, wanted: tuple[str, str]) -> Iterator[Folder]:
    """The agent's first, then everybody's by address."""
    owners = sorted(state["mailboxes"], key=lambda owner: (owner != agent, owner))
    for owner in owners:
        for folder in state["mailboxes"][owner]["folders"]:
            unread = sum("\\Seen" not in message["flags"] for message in folder["messages"])
            yield Folder(
                owner=owner,
                name=folder["name"],
                messages=len(folder["messages"]),
                unread=unread,
                chosen=(owner, folder["name"]) == wanted,
            )
        if owner == agent:
            yield Folder(owner=agent, name=SENT, messages=sent, unread=0, chosen=(agent, SENT) == wanted)
    if agent not in owners and sent:
        yield Folder(owner=agent, name=SENT, messages=sent, unread=0, chosen=(agent, SENT) == wanted)


def _letter(message: Message) -> Letter:
    """A message as far as it can be read: an agent may have sent anything."""
    trouble = ""
    try:
        body, html, files = message.body, message.html, tuple(map(_file, message.attachments))
    except (EvidenceError, ValueError, LookupError, RecursionError) as error:
        body, html, files = message.raw.decode("utf-8", "replace"), "", ()
        trouble = f"shown as it was sent: {type(error).__name__}: {error}"
    return Letter(
        sender=f"{message.sender_name} <{message.sender}>" if message.sender_name else message.sender,
        name=message.sender_name or message.sender,
        to=", ".join(message.to),
        cc=", ".join(message.cc),
        bcc=", ".join(message.bcc) if not message.folder else "",
        subject=message.subject,
        received=message.received.strftime("%a %d %b %Y, %H:%M"),
        unread=bool(message.folder) and not message.seen,
        body=_cut(body),
        html=_cut(html),
        files=files,
        returned=", ".join(message.returned),
        turn=message.turn,
        trouble=trouble,
    )


def _file(attachment: Any) -> File:
    try:
        size = len(attachment.content)
    except EvidenceError:
        size = None
    return File(name=attachment.name, type=attachment.type, size=size)


def _cut(text: str) -> str:
    more = len(text) - MAX_BODY
    return text if more <= 0 else f"{text[:MAX_BODY]}\n... {more:,} characters more"
