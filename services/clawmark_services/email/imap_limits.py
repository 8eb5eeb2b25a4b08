"""Keeps pymap within bounds: what one client holds, and what its commands cost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymap.exceptions import ResponseError
from pymap.listtree import ListTree
from pymap.parsing.response import ResponseCode, ResponseNo
from pymap.parsing.specials import SequenceSet

from clawmark_services.allowance import Allowance, Loan
from clawmark_services.email.quota import LimitError, OverQuotaError

MAX_PATTERN = 1000
"""Signs of a LIST pattern that are looked at: four times a folder's longest name."""

_SHORT = 65_536
_PATTERN_MEMORY = 1024 * 1024
_FULL = b"* BYE [UNAVAILABLE] Too much data is under way.\r\n"


class Refusal(ResponseError):
    """A tagged NO with a code of RFC 5530."""

    def __init__(self, code: bytes, text: str) -> None:
        super().__init__(text)
        self._code, self._text = code, text

    def get_response(self, tag: bytes) -> ResponseNo:
        """`NO [code] text`."""
        return ResponseNo(tag, self._text.encode(), ResponseCode.of(self._code))


@contextmanager
def refusing() -> Iterator[None]:
    """Within the block, what is beyond a quota or a limit becomes a refusal."""
    try:
        yield
    except OverQuotaError as full:
        raise Refusal(b"OVERQUOTA", str(full)) from None
    except LimitError as beyond:
        raise Refusal(b"LIMIT", str(beyond)) from None


class MeteredProtocol(asyncio.StreamReaderProtocol):
    """A connection that is cut when it makes the host hold too much; `received` is given back by whoever has
    dealt with what came in."""

    _own: asyncio.Transport | None = None

    def __init__(self, allowance: Allowance, reader: asyncio.StreamReader, converse: Any, loop: Any) -> None:
        super().__init__(reader, converse, loop=loop)
        self.received = Loan(allowance)

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._own = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take in what there is room for."""
        if self.received.more(len(data)):
            super().data_received(data)
        elif self._own is not None:
            self._own.write(_FULL)
            self._own.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self.received.back()
        super().connection_lost(error)


class Outgoing:
    """A writer that sends an answer's pieces together, as clients that poll expect whole lines, and that
    remembers how much it holds for a client who does not read."""

    def __init__(self, writer: asyncio.StreamWriter, allowance: Allowance) -> None:
        self._writer, self._loan = writer, Loan(allowance)
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        """Keep a piece, or cut the connection."""
        piece = bytes(data)
        self._size += len(piece)
        # Short answers are always given, so that a client is told what is the matter.
        if self._size > _SHORT and not self._loan.more(len(piece)):
            self._writer.transport.abort()
            raise ConnectionResetError("too much is being sent")
        self._pieces.append(piece)

    async def flush(self) -> None:
        """Send what was written, and wait until the client has taken most of it."""
        self._writer.write(b"".join(self._pieces))
        self._pieces.clear()
        self._size = 0
        await self._writer.drain()
        self._loan.back()

    def close(self) -> None:
        """Hold nothing any more."""
        self._loan.back()


def count_sequences_once() -> None:
    """Make pymap merge the ranges of a set before it counts through them: `1:*,1:*,...` would cost its length
    times the folder's."""

    def counted(self: Any, max_value: int) -> Iterator[int]:
        ranges = sorted(
            (found[0], found[-1] + 1)
            for element in self.sequences
            if (found := self._get_range(element, max_value))
        )
        done = 0
        for start, stop in ranges:
            yield from range(max(start, done), stop)
            done = max(done, stop)

    vars_of: Any = SequenceSet
    vars_of.iter = counted


def match_folders_linearly() -> None:
    """Make pymap match LIST patterns with RE2: its own expressions backtrack, and `*a*a*a*b` has no end."""

    def patterns(_self: ListTree, query: str) -> tuple[Any, Any]:
        import re2

        parts = re.split(r"([*%])", query[:MAX_PATTERN])
        wild = {"*": ".*", "%": "[^/]*"}
        form = "".join(wild.get(part) or re2.escape(part) for part in parts)
        return _compiled(form, ignore_case=False), _compiled(form, ignore_case=True)

    setattr(ListTree, "_get_pattern", patterns)  # noqa: B010 - of a class that is mended


class _Whole:
    """A pattern that matches whole names."""

    def __init__(self, form: Any) -> None:
        self._form = form

    def match(self, name: str) -> bool:
        """Whether it matches."""
        return self._form is not None and self._form.fullmatch(name) is not None


def _compiled(form: str, *, ignore_case: bool) -> _Whole:
    import re2

    options = re2.Options()
    options.case_sensitive, options.dot_nl, options.log_errors = not ignore_case, True, False
    options.max_mem = _PATTERN_MEMORY
    try:
        return _Whole(re2.compile(form, options))
    except re2.error:
        # Too large a pattern for any folder's name.
        return _Whole(None)
