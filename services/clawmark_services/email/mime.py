"""Takes mail apart without ever failing: broken MIME is read as far as it can be.

The standard library's modern policies raise on some malformed headers and re-encode what they parse, so
headers are read with the old, forgiving parser and bodies are cut out of the original bytes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import email.errors
import email.header
import email.parser
import email.utils
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Fields
from functools import cached_property
from itertools import islice

MAX_DEPTH = 40
"""Multiparts nested deeper than this are read as plain bytes, as hostile mail nests thousands."""

MAX_PARTS = 10_000
"""A multipart has no more parts than these, as hostile mail has millions."""

_BLANK_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")
_DELIMITER_END = re.compile(rb"(--)?[ \t]*(?=\r?\n|\Z)")
_HEADER_LIMIT = 65_536
_LOOSE_WORD = re.compile(r"[^\s<>,;:\"()]+")
# No pattern here may scan the same text twice: mail is written by those who are measured.
_HIDDEN = re.compile(r"<(?:(script|style|head)\b|!--)", re.I)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>", re.I)
_TAG = re.compile(r"<[^<>]*>")


class UnreadableError(ValueError):
    """A part's transfer encoding cannot be undone."""


@dataclass(frozen=True)
class Part:
    """A message or one of its parts: `header` ends with its blank line, `body` is still encoded."""

    header: bytes
    body: bytes
    depth: int = 0

    @classmethod
    def parse(cls, raw: bytes, depth: int = 0) -> Part:
        """Cut a message, or a part, into header and body."""
        blank = _BLANK_LINE.search(raw)
        end = blank.end() if blank else len(raw)
        return cls(raw[:end], raw[end:], depth)

    @property
    def raw(self) -> bytes:
        """Header and body together."""
        return self.header + self.body

    @cached_property
    def fields(self) -> Fields:
        """The header fields with encoded words left as they are; bytes beyond ASCII are read as UTF-8.

        Only the first 64 kB of a field are read.
        """
        fields = Fields()
        for name, value in email.parser.BytesHeaderParser().parsebytes(self.header).raw_items():
            fields[name] = _plain(value[:_HEADER_LIMIT])
        return fields

    @property
    def type(self) -> str:
        """The media type in lower case, `text/plain` where none is declared."""
        return self.fields.get_content_type()

    @cached_property
    def children(self) -> tuple[Part, ...]:
        """The parts of a multipart, the message inside a `message/rfc822`, or nothing."""
        if self.depth >= MAX_DEPTH:
            return ()
        if self.type == "message/rfc822":
            return (Part.parse(self.body, self.depth + 1),)
        boundary = self._boundary()
        if not self.type.startswith("multipart/") or not boundary:
            return ()
        pieces = islice(_pieces(self.body, boundary), MAX_PARTS)
        return tuple(Part.parse(piece, self.depth + 1) for piece in pieces)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> bytes:
        """The body with its transfer encoding undone; `UnreadableError` when that is impossible."""
        encoding = header_text(self.fields, "Content-Transfer-Encoding").lower()
        if encoding == "base64":
            return _base64(self.body)
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        return self.body

    def text(self) -> str:
        """The body as text, by its declared charset or the one that fits; line ends are newlines."""
        try:
            raw = self.content()
        except UnreadableError:
            raw = self.body
        return _decode(raw, self.fields.get_content_charset()).replace("\r\n", "\n")

    def parameters(self, name: str) -> list[tuple[str, str]]:
        """The parameters of a structured field such as Content-Type, in order."""
        try:
            pairs = self.fields.get_params(header=name) or []
        except (ValueError, LookupError):
            pairs = []
        return [(key, str(email.utils.collapse_rfc2231_value(value))) for key, value in pairs[1:]]

    @property
    def filename(self) -> str:
        """The decoded name of an attachment, or an empty text."""
        try:
            name = self.fields.get_filename("")
        except (ValueError, LookupError):
            # A parameter in RFC 2231 style with a charset nobody knows.
            name = ""
        return decode_words(name)

    @property
    def is_attachment(self) -> bool:
        """Whether a mail program would list it apart from the text."""
        if self.type.startswith("multipart/"):
            return False
        return (
            self.fields.get_content_disposition() == "attachment"
            or bool(self.filename)
            or not self.type.startswith("text/")
        )

    def _boundary(self) -> bytes:
        try:
            return (self.fields.get_boundary() or "").encode("utf-8", "surrogateescape")
        except (ValueError, LookupError):
            return b""


def header_text(fields: Fields, name: str) -> str:
    """One header field, decoded (RFC 2047) and unfolded; an empty text where it is missing."""
    value = fields.get(name)
    return "" if value is None else decode_words(unfold(value))


def unfold(value: str) -> str:
    """A header field on one line."""
    return re.sub(r"[\r\n]+[ \t]*", " ", value).strip()


def decode_words(text: str) -> str:
    """A header text with its encoded words (RFC 2047) decoded."""
    if "=?" not in text:
        return text
    try:
        words = email.header.decode_header(text)
    except (email.errors.HeaderParseError, ValueError, binascii.Error):
        return text
    return "".join(word if isinstance(word, str) else _decode(word, charset) for word, charset in words)


def addresses(fields: Fields, name: str, *, decoded: bool = True) -> tuple[tuple[str, str], ...]:
    """(display name, address) of everybody in the address fields called `name`, as far as readable."""
    values = [unfold(value) for value in fields.get_all(name, [])]
    try:
        pairs = email.utils.getaddresses(values)
    except RecursionError:
        # Thousands of nested brackets: nobody's address is in there.
        return ()
    if decoded:
        pairs = [(decode_words(person), address) for person, address in pairs]
    if all("@" in address for _, address in pairs):
        return tuple(pairs)
    found = [word for value in values for word in _LOOSE_WORD.findall(value) if "@" in word.strip("@")]
    return tuple(("", address) for address in found) or tuple(pair for pair in pairs if pair[1])


def html_to_text(markup: str) -> str:
    """What a reader sees of an HTML body, roughly: tags gone, blocks on lines of their own."""
    text = _TAG.sub("", _BREAK.sub("\n", _shown(markup)))
    lines = (" ".join(line.split()) for line in html.unescape(text).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _shown(markup: str) -> str:
    """The markup without comments and elements that no reader sees; what is never closed is shown."""
    lowered, shown, start, unclosed = markup.lower(), [], 0, set()
    for opening in _HIDDEN.finditer(markup):
        closing = f"</{opening[1].lower()}" if opening[1] else "--"
        if opening.start() < start or closing in unclosed:
            continue
        closed = lowered.find(closing, opening.end())
        end = lowered.find(">", closed) if closed >= 0 else -1
        if end < 0:
            unclosed.add(closing)
            continue
        shown.append(markup[start : opening.start()])
        start = end + 1
    return "".join(shown) + markup[start:]


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    start: int | None = None
    for before, after in _delimiters(body, b"\n--" + boundary):
        ending = _DELIMITER_END.match(body, after)
        if ending is None:
            continue
        if start is not None:
            # The line end before it is the delimiter's.
            yield body[start : before - body.endswith(b"\r\n", 0, before + 1)]
        if ending[1]:
            return
        start = ending.end() + (2 if body.startswith(b"\r\n", ending.end()) else 1)
    if start is not None:
        yield body[start:]


def _delimiters(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where the line end before a delimiter stands, and where the delimiter ends.

    A search for bytes: a pattern that begins with a line end takes a second over a file of 25 MB.
    """
    if body.startswith(delimiter[1:]):
        yield -1, len(delimiter) - 1
    after = 0
    while (before := body.find(delimiter, after)) >= 0:
        after = before + len(delimiter)
        yield before, after


def _base64(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=False)
    except binascii.Error as error:
        raise UnreadableError(f"its base64 is damaged: {error}") from error


def _decode(raw: bytes, charset: str | None) -> str:
    for candidate in (charset or "ascii", "utf-8"):
        with contextlib.suppress(ValueError, LookupError):
            return raw.decode(candidate)
    return raw.decode("latin-1")


def _plain(text: str) -> str:
    return _decode(text.encode("utf-8", "surrogateescape"), None)
