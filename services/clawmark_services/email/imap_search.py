"""SEARCH where pymap falls short of RFC 3501, 6.4.4: charsets, BODY apart from TEXT, and NOT NOT."""

from __future__ import annotations

import re
from typing import Any

from pymap.interfaces.message import LoadedMessageInterface, MessageInterface
from pymap.parsing import Params, Space
from pymap.parsing.command.select import SearchCommand, UidSearchCommand
from pymap.parsing.exceptions import NotParseable
from pymap.parsing.primitives import Atom
from pymap.parsing.response import CommandResponse, ResponseCode, ResponseNo
from pymap.parsing.specials import AString, SearchKey
from pymap.search import SearchCriteria, SearchParams

from clawmark_services.email.imap_content import Content

_NOT_TWICE = re.compile(rb" *(?:NOT +NOT +)+", re.I)


class AnyCharset(SearchCommand):
    """SEARCH, which takes down any charset; whoever answers it refuses the unknown ones."""

    @classmethod
    def _parse_charset(cls, buf: memoryview, params: Params) -> tuple[str | None, memoryview]:
        try:
            _, after = Space.parse(buf, params)
            word, after = Atom.parse(after, params)
        except NotParseable:
            return None, buf
        if word.value.upper() != b"CHARSET":
            return None, buf
        _, after = Space.parse(after, params)
        name, after = AString.parse(after, params)
        return name.value.decode("ascii", "replace"), after


class UidAnyCharset(AnyCharset, UidSearchCommand):
    """UID SEARCH, likewise."""

    delegate = AnyCharset


class BodyCriteria(SearchCriteria):
    """BODY: the words are in what the mail says, not only in its header."""

    def __init__(self, words: str, params: SearchParams) -> None:
        super().__init__(params)
        self._words = words

    def matches(self, _number: int, _message: MessageInterface, loaded: LoadedMessageInterface) -> bool:
        """Whether a message has them."""
        return isinstance(loaded, Content) and loaded.says(self._words)


def refused_charset(command: SearchCommand) -> CommandResponse | None:
    """The refusal of a SEARCH in a charset that nobody knows."""
    if command.charset is None or is_charset(command.charset):
        return None
    code = ResponseCode.of(b"BADCHARSET (US-ASCII UTF-8)")
    return ResponseNo(command.tag, b"Unknown charset.", code)


def is_charset(name: str) -> bool:
    """Whether text can be in it: Python also knows encodings that are none of text."""
    try:
        return b"a\xff".decode(name, "replace")[:1] == "a"
    except (LookupError, ValueError):
        return False


def search_fully() -> None:
    """Make pymap read and match search keys so, wherever they stand in one another."""
    parse, of = SearchKey.parse.__func__, SearchCriteria.of.__func__  # type: ignore[attr-defined] # of class methods

    def parse_key(kind: type[SearchKey], buf: memoryview, params: Params) -> tuple[SearchKey, memoryview]:
        twice = _NOT_TWICE.match(buf)
        key: tuple[SearchKey, memoryview] = parse(kind, buf[twice.end() :] if twice else buf, params)
        return key

    def parse_words(_kind: type[SearchKey], buf: memoryview, params: Params) -> tuple[str, memoryview]:
        words, after = AString.parse(buf, params)
        charset = params.charset if params.charset and is_charset(params.charset) else "utf-8"
        return words.value.decode(charset, "replace"), after

    def criteria_of(kind: type[SearchCriteria], key: SearchKey, params: SearchParams) -> SearchCriteria:
        if key.value == b"BODY" and not key.inverse:
            return BodyCriteria(key.filter_str, params)
        criteria: SearchCriteria = of(kind, key, params)
        return criteria

    patched: tuple[tuple[type, str, Any], ...] = (
        (SearchKey, "parse", parse_key),
        (SearchKey, "_parse_astring_filter", parse_words),
        (SearchCriteria, "of", criteria_of),
    )
    for owner, name, function in patched:
        setattr(owner, name, classmethod(function))
