"""Why a checker did not pass, in words that are the same whenever and wherever it is graded.

A reason is part of a verdict, and grading a run again must give it again, to the byte. So it holds nothing
that comes from the process, the machine or pytest's options: no addresses, no places of temporary files, no
order of sets, and of an assertion only what does not depend on `-v`, on colours or on `CI`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping

# There is no public way to say how an assertion is to be told.
from _pytest._io.saferepr import saferepr
from _pytest.assertion import util

from pytest_clawmark.grading.copies import as_in_the_world

REASON = 600

_SIDE, _WHOLE = 80, 4_000
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_TEMPORARY = (
    (re.compile(r"[^\s'\"`=:,;(<]*/pytest-of-[^/\s]+/pytest-\d+/"), "<tmp>/"),
    (re.compile(r"/tmp[a-z0-9_]{8}(?=[/'\"\s,;:)]|$)"), "/<tmp>"),  # noqa: S108 - only read
)
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_KEY = re.compile(r"['\"\d)]\s*:")
_MARK = "\x00"
_TOLD = re.compile(rf"{_MARK}(\d+){_MARK}")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def stable_reason(text: str, places: Mapping[str, str] | None = None) -> str:
    """The text without what changes from one grading to the next, at most `REASON` characters.

    `places` are paths of this machine, each with the name that it has for everybody.
    """
    text = as_in_the_world(_assertion_head(text.strip()))
    for place, name in sorted((places or {}).items(), key=lambda pair: -len(pair[0])):
        text = text.replace(place, name)
    for pattern, name in _TEMPORARY:
        text = pattern.sub(name, text)
    text = _sets_in_order(_ADDRESS.sub("0x...", text))
    return text if len(text) <= REASON else f"{text[: REASON - 4]} ..."


def _assertion_head(text: str) -> str:
    """Up to the line that says what was asserted: how much follows depends on options and on `CI`."""
    lines = text.split("\n")
    last = next((number for number, line in enumerate(lines) if line.startswith("assert ")), len(lines) - 1)
    return "\n".join(lines[: last + 1])


def _sets_in_order(text: str) -> str:
    """Sort the parts of everything in braces that has no keys: a set is told in the order of its hashes."""
    told: list[str] = []

    def full(part: str) -> str:
        return _TOLD.sub(lambda found: full(told[int(found[1])]), part)

    def sort(found: re.Match[str]) -> str:
        inside = found[1]
        if _KEY.search(inside) is None:
            inside = ", ".join(sorted(inside.split(", "), key=full))
        told.append(f"{{{inside}}}")
        return f"{_MARK}{len(told) - 1}{_MARK}"

    text, again = text.replace(_MARK, "?"), ""
    while again != text:
        again, text = text, _INNERMOST.sub(sort, text)
    return full(text)


@contextlib.contextmanager
def stable_assertions() -> Iterator[None]:
    """While this lasts, the first line of a failed assertion is the same for every verbosity; details follow it."""
    compare, config = util._reprcompare, util._config  # noqa: SLF001 - see the import

    def told(op: str, left: object, right: object) -> str | None:
        details = compare(op, left, right) if compare is not None else None
        if details is None:
            return None
        head = f"{_side(left)} {op} {_side(right)}"
        head = head.replace("\n", "\\n").replace("%", "%%")
        # Whatever is left of escapes then was written by an agent.
        first, *rest = _COLOUR.sub("", details).split("\n~")
        return "\n~".join([head, *([first] if _adds(first, head) else []), *rest])

    util._reprcompare, util._config = told, None  # noqa: SLF001
    try:
        yield
    finally:
        util._reprcompare, util._config = compare, config  # noqa: SLF001


def _side(value: object) -> str:
    """One side of a comparison: its middle is cut only after all names in it are those that everybody knows."""
    text = as_in_the_world(saferepr(value, maxsize=_WHOLE))
    half = (_SIDE - 3) // 2
    return text if len(text) <= _SIDE else f"{text[:half]}...{text[-half:]}"


def _adds(first: str, head: str) -> bool:
    """Whether the line that pytest begins with says more than ours."""
    return len(first) > len(head)
