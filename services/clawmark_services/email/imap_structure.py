"""ENVELOPE and BODYSTRUCTURE (RFC 3501, 7.4.2), with header fields quoted as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import SupportsBytes

from pymap.bytes import Writeable
from pymap.parsing.primitives import List, LiteralString, Nil, Number, String

from clawmark_services.email.mime import Part, addresses, decode_words, header_text, unfold


class Envelope(Writeable):
    """RFC 3501, 7.4.2: header fields as they stand; its attributes serve SEARCH and are decoded."""

    def __init__(self, part: Part) -> None:
        self._part = part

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return header_text(self._part.fields, "Subject")

    @property
    def date(self) -> SentDate | None:
        """The Date header, where it can be read."""
        try:
            return SentDate(parsedate_to_datetime(header_text(self._part.fields, "Date")))
        except (TypeError, ValueError, IndexError, OverflowError):
            return None

    @property
    def from_(self) -> Sequence[str]:
        """The decoded From fields."""
        return self._decoded("From")

    @property
    def to(self) -> Sequence[str]:
        """The decoded To fields."""
        return self._decoded("To")

    @property
    def cc(self) -> Sequence[str]:
        """The decoded Cc fields."""
        return self._decoded("Cc")

    @property
    def bcc(self) -> Sequence[str]:
        """The decoded Bcc fields."""
        return self._decoded("Bcc")

    def __bytes__(self) -> bytes:
        sender = self._people("From")
        return bytes(
            List(
                [
                    self._field("Date"),
                    self._field("Subject"),
                    sender,
                    _first_set(self._people("Sender"), sender),
                    _first_set(self._people("Reply-To"), sender),
                    self._people("To"),
                    self._people("Cc"),
                    self._people("Bcc"),
                    self._field("In-Reply-To"),
                    self._field("Message-ID"),
                ]
            )
        )

    def _decoded(self, name: str) -> Sequence[str]:
        return [decode_words(unfold(value)) for value in self._part.fields.get_all(name, [])]

    def _field(self, name: str) -> Nil | String:
        value = self._part.fields.get(name)
        return Nil() if value is None else string(unfold(value))

    def _people(self, name: str) -> Nil | _Together:
        people = addresses(self._part.fields, name, decoded=False)
        return _Together([_person(*person) for person in people]) if people else Nil()


class SentDate:
    """What SEARCH SENTSINCE compares with."""

    def __init__(self, moment: datetime) -> None:
        self.datetime = moment


class Structure(Writeable):
    """RFC 3501, 7.4.2: BODYSTRUCTURE in its `extended` form, BODY without."""

    def __init__(self, part: Part, *, extensions: bool = False) -> None:
        self._part = part
        self._extensions = extensions

    @property
    def extended(self) -> Structure:
        """With the extension data."""
        return Structure(self._part, extensions=True)

    def __bytes__(self) -> bytes:
        return bytes(_structure(self._part, extensions=self._extensions))


class _Together(Writeable):
    """A list whose members stand side by side, without spaces, as in `((...)(...))`."""

    def __init__(self, members: Sequence[Writeable | List], *, bare: bool = False) -> None:
        self._members = members
        self._bare = bare

    def __bytes__(self) -> bytes:
        joined = b"".join(bytes(member) for member in self._members)
        return joined if self._bare else b"(" + joined + b")"


def string(text: str) -> String:
    """An IMAP string: quoted where that can carry it, a literal otherwise."""
    raw = text.encode("utf-8", "replace")
    if raw.isascii():
        built = String.build(raw)
        if isinstance(built, String):
            return built
    return LiteralString(raw)


def _structure(part: Part, *, extensions: bool) -> List:
    main, _, sub = part.type.partition("/")
    if main == "multipart" and part.children:
        members = [_structure(child, extensions=extensions) for child in part.children]
        entries: list[SupportsBytes] = [_Together(members, bare=True), string(sub)]
        return List([*entries, _parameters(part), *_extension(part)] if extensions else entries)
    if main == "multipart":
        # No part could be found in it: what is there can only be read as text.
        main, sub = "text", "plain"
    entries = [string(main), string(sub), _parameters(part), *_description(part), Number(len(part.body))]
    if part.children:
        inner = part.children[0]
        entries += [Envelope(inner), _structure(inner, extensions=extensions), Number(part.body.count(b"\n"))]
    elif part.type == "message/rfc822":
        # Nested too deep to be read: plain bytes.
        entries[:2] = [string("application"), string("octet-stream")]
    elif main == "text":
        entries.append(Number(part.body.count(b"\n")))
    return List([*entries, _optional(part, "Content-MD5"), *_extension(part)] if extensions else entries)


def _description(part: Part) -> list[SupportsBytes]:
    encoding = header_text(part.fields, "Content-Transfer-Encoding") or "7bit"
    return [_optional(part, "Content-ID"), _optional(part, "Content-Description"), string(encoding)]


def _extension(part: Part) -> list[SupportsBytes]:
    return [_disposition(part), _optional(part, "Content-Language"), _optional(part, "Content-Location")]


def _optional(part: Part, name: str) -> Nil | String:
    value = part.fields.get(name)
    return Nil() if value is None else string(unfold(value))


def _parameters(part: Part) -> Nil | List:
    declared = part.parameters("Content-Type")
    if not declared and part.type.startswith("text/"):
        declared = [("charset", "us-ascii")]
    return _pairs(declared)


def _disposition(part: Part) -> Nil | List:
    kind = part.fields.get_content_disposition()
    return List([string(kind), _pairs(part.parameters("Content-Disposition"))]) if kind else Nil()


def _pairs(pairs: Sequence[tuple[str, str]]) -> Nil | List:
    return List([string(text) for pair in pairs for text in pair]) if pairs else Nil()


def _person(name: str, address: str) -> List:
    local, _, domain = address.rpartition("@")
    return List(
        [string(name) if name else Nil(), Nil(), string(local or domain), string(domain if local else "")]
    )


def _first_set(first: Nil | _Together, otherwise: Nil | _Together) -> Nil | _Together:
    return otherwise if isinstance(first, Nil) else first
