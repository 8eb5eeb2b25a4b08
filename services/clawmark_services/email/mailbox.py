"""Mailboxes, folders, messages and submissions, and how they are frozen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from clawmark_services.contract import Json

INBOX = "INBOX"
DEFAULT_FOLDERS = (INBOX, "Sent", "Drafts", "Trash")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message in a folder. `content` is the digest of its bytes, `flags` are as IMAP spells them."""

    uid: int
    received: datetime
    content: str
    flags: frozenset[str] = frozenset()
    recent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What somebody handed in to be delivered: the envelope, the moment and who was behind it.

    `via` is "smtp", "tool" or "author"; `actor` is "agent" or "task". Those of the `recipients` that are
    `returned` were out of reach.
    """

    at: datetime
    turn: str
    actor: str
    via: str
    sender: str
    recipients: tuple[str, ...]
    returned: tuple[str, ...] = ()
    content: str


@dataclass(slots=True)
class Folder:
    """Messages by uid, in the order of their uids. `version` changes whenever anything in it does."""

    validity: int
    version: int
    next_uid: int = 1
    messages: dict[int, StoredMessage] = field(default_factory=dict)


@dataclass(slots=True)
class Mailbox:
    """One account's folders. `next_validity` is never reused, so a folder made anew is a new one."""

    folders: dict[str, Folder] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    next_validity: int = 1


def canonical(name: str) -> str:
    """A folder's name as it is kept: INBOX is spelt in any case (RFC 3501, 5.1)."""
    return INBOX if name.upper() == INBOX else name


def freeze_mailbox(mailbox: Mailbox) -> Json:
    """A mailbox as JSON."""
    return {
        "next_validity": mailbox.next_validity,
        "subscribed": sorted(mailbox.subscribed),
        # A list: clients are shown folders in the order of their making.
        "folders": [
            {
                "name": name,
                "validity": folder.validity,
                "next_uid": folder.next_uid,
                "messages": [_freeze_message(message) for message in folder.messages.values()],
            }
            for name, folder in mailbox.folders.items()
        ],
    }


def thaw_mailbox(state: Json, versions: Iterator[int]) -> Mailbox:
    """A mailbox from JSON, each folder with a fresh version."""
    folders = {
        entry["name"]: Folder(
            validity=entry["validity"],
            version=next(versions),
            next_uid=entry["next_uid"],
            messages={message["uid"]: _thaw_message(message) for message in entry["messages"]},
        )
        for entry in state["folders"]
    }
    return Mailbox(folders, set(state["subscribed"]), state["next_validity"])


def _freeze_message(message: StoredMessage) -> Json:
    return {
        "uid": message.uid,
        "received": message.received.isoformat(),
        "flags": sorted(message.flags),
        "recent": message.recent,
        "content": message.content,
    }


def _thaw_message(state: Json) -> StoredMessage:
    return StoredMessage(
        uid=state["uid"],
        received=datetime.fromisoformat(state["received"]),
        flags=frozenset(state["flags"]),
        recent=state["recent"],
        content=state["content"],
    )


def freeze_submission(submission: Submission) -> Json:
    """A submission as JSON."""
    return {
        "at": submission.at.isoformat(),
        "turn": submission.turn,
        "actor": submission.actor,
        "via": submission.via,
        "sender": submission.sender,
        "recipients": list(submission.recipients),
        **({"returned": list(submission.returned)} if submission.returned else {}),
        "content": submission.content,
    }


def thaw_submission(state: Json) -> Submission:
    """A submission from JSON."""
    return Submission(
        at=datetime.fromisoformat(state["at"]),
        turn=state["turn"],
        actor=state["actor"],
        via=state["via"],
        sender=state["sender"],
        recipients=tuple(state["recipients"]),
        returned=tuple(state.get("returned", ())),
        content=state["content"],
    )


def freeze_bytes(raw: bytes) -> Json:
    """Text where it is UTF-8, which most mail is, and base64 where it is not."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}


def thaw_bytes(state: Json) -> bytes:
    """The bytes of one frozen entry of `contents`."""
    return state.encode() if isinstance(state, str) else base64.b64decode(state["base64"])
