"""FETCH, whose answers name header fields in the order of the question.

pymap sorts them. RFC 3501 leaves the order open, but every server in use repeats what was asked, and programs look
for `BODY[HEADER.FIELDS (SUBJECT FROM)]` among the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pymap.parsing import Params
from pymap.parsing.command.select import FetchCommand, UidFetchCommand
from pymap.parsing.specials import FetchAttribute


class _Placed(bytes):
    """A field's name that sorts by its place in the question; otherwise as any other."""

    place: int

    @classmethod
    def at(cls, place: int, name: bytes) -> _Placed:
        found = cls(name)
        found.place = place
        return found

    def __lt__(self, other: bytes) -> bool:
        return self.place < other.place if isinstance(other, _Placed) else bytes(self) < other


@cache
def _lists() -> re.Pattern[bytes]:
    return re.compile(rb"HEADER\.FIELDS(?:\.NOT)? *\(([^()]*)\)", re.IGNORECASE)


def in_order(attributes: Iterable[FetchAttribute], asked: bytes) -> None:
    """Give the fields of each attribute the order in which the command's text has them.

    Quotes, which pymap takes for a part of a name, go. Where names come as literals, or have brackets in them,
    all stays as it was.
    """
    sections = [part.section for part in attributes if part.section and part.section.headers]
    lists = _lists().findall(asked)
    if b"{" in asked or len(lists) != len(sections):
        return
    for section, listed in zip(sections, lists, strict=True):
        names = dict.fromkeys(name.strip(b'"').upper() for name in listed.split())
        section.headers = frozenset(_Placed.at(place, name) for place, name in enumerate(names))


class FetchInOrder(FetchCommand):
    """FETCH."""

    @classmethod
    def parse(cls, buf: memoryview, params: Params) -> tuple[FetchCommand, memoryview]:
        found, after = super().parse(buf, params)
        in_order(found.attributes, bytes(buf[: len(buf) - len(after)]))
        return found, after


class UidFetchInOrder(UidFetchCommand):
    """UID FETCH."""

    delegate = FetchInOrder

    @classmethod
    def parse(cls, buf: memoryview, params: Params) -> tuple[UidFetchCommand, memoryview]:
        found, after = super().parse(buf, params)
        in_order(found.attributes, bytes(buf[: len(buf) - len(after)]))
        return found, after
