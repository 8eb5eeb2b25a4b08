"""Whether a request of the audit names an item, or may have been cut where it did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

# A key of this length without blanks is an identifier: it also counts as a part of an address.
_IDENTIFIER = 20
# The audit cuts texts at several hundred characters: a longer key counts when it begins what was said.
_CUT_TEXT = 150
_CUT = re.compile(r"(\.\.\.|…) \(\d+ (characters|elements|items)\)$|^…$|^not recorded: ")
UNKNOWN = "…"
"""Stands for what is not known of a request."""
_DEEPEST = 40


class Named:
    """The texts and numbers among one request's parameters, read on first use."""

    __slots__ = ("_cut", "_long", "_request", "_texts")

    def __init__(self, request: Any) -> None:
        self._request = request
        self._texts: frozenset[str] | None = None
        self._long: tuple[str, ...] = ()
        self._cut = False

    @property
    def cut(self) -> bool:
        """Whether the audit kept less than the whole request."""
        self._read()
        return self._cut

    def all_of(self, keys: Iterable[str]) -> bool:
        """Whether each of the keys is named; upper and lower case, blanks and the dashes of ids are one."""
        texts = self._read()
        return all(form in texts or self._within(form) for form in map(normal, keys))

    def _within(self, key: str) -> bool:
        if len(key) >= _CUT_TEXT:
            return any(text.startswith(key[:_CUT_TEXT]) for text in self._long)
        if len(key) >= _IDENTIFIER and " " not in key:
            return any(key in text for text in self._long)
        return False

    def _read(self) -> frozenset[str]:
        if self._texts is None:
            leaves = list(_leaves(self._request, _DEEPEST))
            self._cut = any(_CUT.search(leaf) for leaf in leaves)
            self._texts = frozenset(form for leaf in leaves for form in _forms(leaf))
            self._long = tuple(text for text in self._texts if len(text) > _IDENTIFIER)
        return self._texts


def _leaves(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        yield UNKNOWN
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name in (UNKNOWN, "..."):
                yield UNKNOWN
            yield from _leaves(part, depth - 1)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part, depth - 1)
    elif value is not None:
        yield str(value)


def _forms(leaf: str) -> Iterator[str]:
    """The text, and the sheet that a range begins with."""
    yield normal(leaf)
    sheet, mark, _ = leaf.rpartition("!")
    if mark:
        yield normal(sheet.strip("'").replace("''", "'"))


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """The form in which keys and what requests say are compared."""
    joined = " ".join(text.split()).casefold().strip("/'")
    return joined.replace("-", "") if " " not in joined else joined
