"""Answers FETCH and SEARCH from a message's original bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from pymap.bytes import Writeable
from pymap.interfaces.message import LoadedMessageInterface
from pymap.parsing.specials import FetchRequirement

from clawmark_services.email.imap_structure import Envelope, Structure
from clawmark_services.email.mime import (
    Part,
    UnreadableError,
    decode_words,
    unfold,
)

_EMPTY = Writeable.wrap(b"")


class Content(LoadedMessageInterface):
    """One message, taken apart only as far as a command asks."""

    def __init__(self, raw: bytes, requirement: FetchRequirement) -> None:
        self._raw = raw
        self._requirement = requirement

    @cached_property
    def root(self) -> Part:
        """The MIME tree."""
        return Part.parse(self._raw)

    @property
    def requirement(self) -> FetchRequirement:
        """What the command needs."""
        return self._requirement

    def __bytes__(self) -> bytes:
        return self._raw

    def get_header(self, name: bytes) -> Sequence[str]:
        """The decoded values of a header field."""
        return [
            decode_words(unfold(value))
            for value in self.root.fields.get_all(name.decode("ascii", "replace"), [])
        ]

    def get_headers(self, section: Sequence[int]) -> Writeable:
        """BODY[1.MIME]: the header of a part."""
        part = self._part(section)
        return _EMPTY if part is None else Writeable.wrap(part.header)

    def get_message_headers(
        self,
        section: Sequence[int] | None = None,
        subset: Collection[bytes] | None = None,
        inverse: bool = False,  # noqa: FBT001, FBT002 - pymap's interface
    ) -> Writeable:
        """BODY[HEADER], BODY[HEADER.FIELDS (...)], of the message or of one attached to it."""
        message = self._message(section)
        if message is None:
            return _EMPTY
        if subset is None:
            return Writeable.wrap(message.header)
        wanted = {name.upper() for name in subset}
        lines = [raw for name, raw in _header_lines(message.header) if (name in wanted) != inverse]
        return Writeable.wrap(b"".join(lines) + b"\r\n")

    def get_message_text(self, section: Sequence[int] | None = None) -> Writeable:
        """BODY[TEXT], of the message or of one attached to it."""
        message = self._message(section)
        return _EMPTY if message is None else Writeable.wrap(message.body)

    def get_body(
        self,
        section: Sequence[int] | None = None,
        binary: bool = False,  # noqa: FBT001, FBT002 - pymap's interface
    ) -> Writeable:
        """BODY[], BODY[1], or BINARY[1] with the transfer encoding undone."""
        if not section:
            return Writeable.wrap(self._raw)
        part = self._part(section)
        if part is None:
            return _EMPTY
        return Writeable.wrap(_undone(part) if binary else part.body)

    def get_size(self, section: Sequence[int] | None = None) -> int:
        """RFC822.SIZE, or a part's size."""
        part = self._part(section) if section else None
        return len(self._raw) if part is None else len(part.body)

    def get_envelope_structure(self) -> Envelope:  # type: ignore[override] # ours is shaped like pymap's, and quotes headers as they are
        """ENVELOPE."""
        return Envelope(self.root)

    def get_body_structure(self) -> Structure:  # type: ignore[override] # as above
        """BODYSTRUCTURE."""
        return Structure(self.root)

    def contains(self, value: bytes) -> bool:
        """SEARCH TEXT: in any header or any decoded text."""
        words = value.decode("utf-8", "replace").casefold()
        return any(words in text.casefold() for text in _header_texts(self.root)) or self.says(words)

    def says(self, words: str) -> bool:
        """SEARCH BODY: in any decoded text, or in the header of a part."""
        wanted = words.casefold()
        return any(
            wanted in text.casefold()
            for part in self.root.walk()
            for text in (*(_header_texts(part) if part is not self.root else ()), *_body_texts(part))
        )

    def _part(self, section: Sequence[int] | None) -> Part | None:
        part = self.root
        for number in section or ():
            inner = part.children[0] if part.type == "message/rfc822" and part.children else part
            if inner.type.startswith("multipart/") and inner.children:
                if not 1 <= number <= len(inner.children):
                    return None
                part = inner.children[number - 1]
            elif number == 1:
                part = inner
            else:
                return None
        return part

    def _message(self, section: Sequence[int] | None) -> Part | None:
        if not section:
            return self.root
        part = self._part(section)
        return part.children[0] if part and part.type == "message/rfc822" and part.children else None


def _header_lines(header: bytes) -> list[tuple[bytes, bytes]]:
    """(upper-case name, the field with its continuation lines) of each field, in order."""
    fields: list[tuple[bytes, bytes]] = []
    for line in header.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + line)
        elif b":" in line:
            fields.append((line.partition(b":")[0].strip().upper(), line))
    return fields


def _header_texts(part: Part) -> list[str]:
    return [decode_words(unfold(value)) for value in part.fields.values()]


def _body_texts(part: Part) -> list[str]:
    return [part.text()] if part.type.startswith("text/") else []


def _undone(part: Part) -> bytes:
    try:
        return part.content()
    except UnreadableError:
        return part.body
