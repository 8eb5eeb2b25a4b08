"""Which mails, submissions and folders differ between two frozen states of the mail service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from clawmark_services.change import ANYTHING, Cause, Change, differing, kind_of
from clawmark_services.contract import Json
from clawmark_services.email.mailbox import DEFAULT_FOLDERS, INBOX, thaw_bytes
from clawmark_services.email.message import Message
from clawmark_services.email.store import SENT

_SENDING = {"smtp": ("smtp.send",), "tool": ("tool.send",), "author": ("author.send",)}
_POSTMASTER = "mailer-daemon@"
# What the audit keeps of a subject (the SMTP and the tool's lines).
_SUBJECT = 200

_ADDING = ("imap.append", "imap.copy", "imap.move", "imap.rename")
_MARKING = ("imap.select", "imap.fetch", "imap.store", "imap.idle", "imap.noop", "imap.check", "imap.rename")
_REMOVING = ("imap.expunge", "imap.close", "imap.move", "imap.delete", "imap.rename")
_ARRANGING = ("imap.create", "imap.delete", "imap.rename", "imap.subscribe", "imap.unsubscribe")

_EMPTY: Mapping[str, Json] = {"mailboxes": {}, "outbox": [], "contents": {}}

_Place = tuple[int, int]
"""A folder's validity and a uid: a mail's place, which is never given to another one."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """A mail in a folder."""

    folder: str
    entry: Json

    @property
    def content(self) -> str:
        return str(self.entry["content"])


def changes(before: Json | None, after: Json) -> list[Change]:
    """The mails that were handed in, then each mailbox: its folders, and its messages in order.

    The copies in which a mail was delivered and kept follow from it, and are left out as long as they lie
    there as they came.
    """
    comparison = _Comparison(before or _EMPTY, after)
    addresses = sorted({*comparison.old["mailboxes"], *after["mailboxes"]})
    return [
        *comparison.mails(),
        *(change for address in addresses for change in comparison.mailbox(address)),
    ]


class _Comparison:
    def __init__(self, old: Mapping[str, Json], new: Mapping[str, Json]) -> None:
        self.old, self.new = old, new

    @cached_property
    def handed_in(self) -> list[Json]:
        """The submissions that are new."""
        known = list(self.old["outbox"])
        return [entry for entry in self.new["outbox"] if not _taken(entry, known)]

    def mails(self) -> Iterator[Change]:
        """What was handed in; a submission is never changed or removed by any request."""
        known = list(self.new["outbox"])
        lost = [entry for entry in self.old["outbox"] if not _taken(entry, known)]
        for entry in self.handed_in:
            yield self._submission(entry, self.new, gone=False)
        for entry in lost:
            yield self._submission(entry, self.old, gone=True)

    def _submission(self, entry: Json, state: Mapping[str, Json], *, gone: bool) -> Change:
        message = self._message(entry["content"], state, entry["sender"])
        told = {
            "from": entry["sender"],
            "to": list(entry["recipients"]),
            "subject": message.subject,
            "attachments": [file.name for file in message.attachments] or None,
            "returned": list(entry.get("returned", ())) or None,
            "via": entry["via"],
            "delivered to": self._holders(entry, state),
        }
        return Change(
            kind="deleted" if gone else "created",
            item="mail",
            label=message.subject,
            id=message.message_id,
            place=f"{entry['sender']} to {', '.join(entry['recipients'])}",
            fields=differing(told, None) if gone else differing(None, told),
            causes=() if gone else (self._handing_in(entry),),
        )

    def _holders(self, entry: Json, state: Mapping[str, Json]) -> list[str]:
        """Whose mailbox has it, the sender's among them where a copy was kept."""
        people = dict.fromkeys((*entry["recipients"], entry["sender"]))
        return [
            address
            for address in people
            if any(
                copy.content == entry["content"] for copy in _copies(state["mailboxes"].get(address)).values()
            )
        ]

    def _handing_in(self, entry: Json) -> Cause:
        """The request behind a submission; one by a door that is not ours comes from that service."""
        via = entry["via"]
        if via not in _SENDING:
            return Cause(operations=("*",), service=via)
        subject = " ".join(self._message(entry["content"], self.new, "").subject.split())
        keys = [entry["sender"], *entry["recipients"]]
        if subject.isprintable():
            keys.append(subject[:_SUBJECT].strip())
        return Cause(operations=_SENDING[via], keys=tuple(key for key in keys if key))

    def mailbox(self, address: str) -> Iterator[Change]:
        """What differs in one mailbox."""
        was, now = self.old["mailboxes"].get(address), self.new["mailboxes"].get(address)
        if was == now:
            return
        if was is not None or not self._in_use(address):
            yield from _folders(address, was, now)
        old, new = _copies(was), _copies(now)
        gone = {place: copy for place, copy in old.items() if place not in new}
        for place, copy in new.items():
            source = old.get(place)
            if source is None:
                # The same content that left another folder was moved.
                left = next((key for key, each in gone.items() if each.content == copy.content), None)
                source = gone.pop(left) if left is not None else None
            if source is None and self._just_arrived(address, copy):
                continue
            if source != copy:
                yield self._message_change(address, place, source, copy)
        for place, copy in gone.items():
            yield self._message_change(address, place, copy, None)

    def _in_use(self, address: str) -> bool:
        """Whether it was made because somebody sends or gets mail, and holds the default folders."""
        folders = {
            folder["name"] for folder in self.new["mailboxes"].get(address, {"folders": ()})["folders"]
        }
        used = any(address in (entry["sender"], *entry["recipients"]) for entry in self.handed_in)
        return used and folders == set(DEFAULT_FOLDERS)

    def _just_arrived(self, address: str, copy: _Copy) -> bool:
        """Whether it lies where delivery or sending puts it, unread."""
        known = [entry for entry in self.handed_in if entry["content"] == copy.content]
        if copy.folder == INBOX and not copy.entry["flags"]:
            return any(address in entry["recipients"] for entry in known)
        return (
            copy.folder == SENT
            and copy.entry["flags"] == ["\\Seen"]
            and any(address == entry["sender"] for entry in known)
        )

    def _message_change(self, address: str, place: _Place, was: _Copy | None, now: _Copy | None) -> Change:
        known = now or was
        assert known is not None
        message = self._message(known.content, self.new if now else self.old, address)
        before, after = (self._told(was, self.old, address), self._told(now, self.new, address))
        return Change(
            kind=kind_of(was, now),
            item="message",
            label=message.subject,
            id=f"{address}/{known.folder}/{place[1]}",
            place=f"{address} {known.folder}",
            fields=_without_recent(differing(before, after)),
            causes=tuple(self._causes(address, message, was, now)),
        )

    def _told(self, copy: _Copy | None, state: Mapping[str, Json], address: str) -> dict[str, Json] | None:
        if copy is None:
            return None
        message = self._message(copy.content, state, address)
        return {
            "folder": copy.folder,
            "from": message.sender,
            "to": list(message.to),
            "cc": list(message.cc) or None,
            "subject": message.subject,
            "attachments": [file.name for file in message.attachments] or None,
            "flags": sorted(copy.entry["flags"]) or None,
            "recent": copy.entry["recent"] or None,
            "received": copy.entry["received"],
            "content": copy.content,
        }

    def _causes(
        self, address: str, message: Message, was: _Copy | None, now: _Copy | None
    ) -> Iterator[Cause]:
        if now is None and was is not None:
            yield Cause(operations=_REMOVING, keys=(address,))
            yield Cause(operations=("author.delete", "author.move"), keys=(address, str(was.entry["uid"])))
            if message.message_id:
                yield Cause(operations=("author.recall",), keys=(message.message_id,))
        elif now is not None and was is None:
            yield from self._arrival(address, message, now)
            yield Cause(operations=_ADDING, keys=(address,))
        elif now is not None and was is not None:
            yield from self._alteration(address, was, now)

    def _alteration(self, address: str, was: _Copy, now: _Copy) -> Iterator[Cause]:
        if was.content != now.content or was.entry["received"] != now.entry["received"]:
            # Nobody can rewrite a mail that has arrived.
            return
        uid = str(was.entry["uid"])
        if was.folder != now.folder:
            yield Cause(operations=("imap.move", "imap.copy", "imap.rename"), keys=(address,))
            yield Cause(operations=("author.move",), keys=(address, uid))
        else:
            yield Cause(operations=_MARKING, keys=(address,))
            yield Cause(operations=("author.mark",), keys=(address, uid))
            if address == self.agent:
                yield Cause(operations=("tool.read", "tool.send"), keys=(uid,))

    def _arrival(self, address: str, message: Message, copy: _Copy) -> Iterator[Cause]:
        """The submissions of which this is a delivered or kept copy, or whose return it reports."""
        for entry in self.handed_in:
            reached = address in entry["recipients"] and address not in entry.get("returned", ())
            kept = address == entry["sender"]
            if entry["content"] == copy.content and (reached or kept):
                yield self._handing_in(entry)
            elif kept and entry.get("returned") and message.sender.startswith(_POSTMASTER):
                original = self._message(entry["content"], self.new, address)
                if original.message_id == message.in_reply_to:
                    yield self._handing_in(entry)

    @property
    def agent(self) -> str:
        """The address of the agent's own mailbox."""
        return next(
            (address.lower() for name, address in self.new["accounts"] if name == self.new["agent"]), ""
        )

    def _message(self, digest: str, state: Mapping[str, Json], address: str) -> Message:
        raw = state["contents"].get(digest)
        return Message(
            raw=b"" if raw is None else thaw_bytes(raw),
            received=datetime.min.replace(tzinfo=UTC),
            account=address,
        )


def _without_recent(fields: dict[str, tuple[Json, Json]]) -> dict[str, tuple[Json, Json]]:
    """Whether a client has looked into the folder since counts only where nothing else changed."""
    return fields if set(fields) == {"recent"} else {k: pair for k, pair in fields.items() if k != "recent"}


def _taken(entry: Json, known: list[Json]) -> bool:
    """Whether it is among the known ones, each of which counts once."""
    if entry in known:
        known.remove(entry)
        return True
    return False


def _copies(mailbox: Json | None) -> dict[_Place, _Copy]:
    return {
        (folder["validity"], entry["uid"]): _Copy(folder["name"], entry)
        for folder in (mailbox["folders"] if mailbox else ())
        for entry in folder["messages"]
    }


def _folders(address: str, was: Json | None, now: Json | None) -> Iterator[Change]:
    if was is None or now is None:
        mailbox: Json = was if now is None else now
        names = [folder["name"] for folder in mailbox["folders"]]
        fields = {"folders": (None, names) if was is None else (names, None)}
        causes = (ANYTHING,) if was is None else ()
        yield Change(
            kind=kind_of(was, now), item="mailbox", label=address, id=address, fields=fields, causes=causes
        )
        return
    yield from _renamed(address, _names(was), _names(now))
    subscribed = differing({"subscribed": was["subscribed"]}, {"subscribed": now["subscribed"]})
    if subscribed:
        arranging = (Cause(operations=_ARRANGING, keys=(address,)),)
        yield Change(
            kind="updated", item="mailbox", label=address, id=address, fields=subscribed, causes=arranging
        )


def _names(mailbox: Json) -> dict[int, str]:
    return {folder["validity"]: folder["name"] for folder in mailbox["folders"]}


def _renamed(address: str, was: Mapping[int, str], now: Mapping[int, str]) -> Iterator[Change]:
    for validity in dict.fromkeys((*now, *was)):
        before, after = was.get(validity), now.get(validity)
        if before != after:
            yield Change(
                kind=kind_of(before, after),
                item="folder",
                label=after or before or "",
                id=f"{address}/{validity}",
                place=address,
                fields={"name": (before, after)},
                causes=_arranged(address, after or before or ""),
            )


def _arranged(address: str, name: str) -> tuple[Cause, ...]:
    sending: Sequence[str] = [operation for operations in _SENDING.values() for operation in operations]
    return (
        Cause(operations=_ARRANGING, keys=(address,)),
        Cause(operations=("author.move",), keys=(address, name)),
        # A Sent folder that was deleted is made again for the next mail.
        Cause(operations=tuple(sending), keys=(address,)),
    )
