"""Patterns that agents write, matched by RE2: it never backtracks, and it is what Sheets itself uses.

What Java's expressions have beyond RE2 (look-around, back references) is refused as invalid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clawmark_services.sheets.meter import pay

MAX_WORK = 300_000_000
"""Characters times the size of the compiled pattern: a few seconds of searching."""

_MEMORY = 512 * 1024
_WORK_OF_A_STEP = 60
"""RE2 takes up to 4 ns for each, where its automaton outgrows its memory: a whole reading then takes 3 seconds."""

_REFERENCE = re.compile(r"\$(\d)|\\(.)", re.DOTALL)


class BadPattern(ValueError):
    """The text is no pattern, or too large a one; its own text says which."""


class TooMuch(Exception):
    """The search costs more than one request may, or its result is longer than a cell holds."""


@lru_cache(maxsize=256)
def _compiled(text: str, *, ignore_case: bool, dot_all: bool) -> Any:
    import re2

    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    options.case_sensitive, options.dot_nl = not ignore_case, dot_all
    try:
        return re2.compile(text.encode("utf-8", "replace").decode(), options)
    except re2.error as wrong:
        reason = wrong.args[0] if wrong.args else b""
        raise BadPattern(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason) from None


@dataclass(slots=True)
class Pattern:
    """A compiled pattern and what may still be spent on searching with it."""

    _form: Any
    left: int = MAX_WORK

    @classmethod
    def of(cls, text: str, *, ignore_case: bool = False, dot_all: bool = False) -> Pattern:
        """The pattern; `BadPattern` when RE2 does not know it."""
        return cls(_compiled(text, ignore_case=ignore_case, dot_all=dot_all))

    def fits(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._form.fullmatch(self._paid(text)) is not None

    def groups(self, text: str) -> tuple[str, ...] | None:
        """The first match and its groups, as far as they took part; None where nothing matches."""
        match = self._form.search(self._paid(text))
        return None if match is None else (match.group(), *match.groups(default=""))

    def occurs(self, text: str) -> bool:
        """Whether something in the text matches."""
        return self._form.search(self._paid(text)) is not None

    def replaced(self, text: str, replacement: str, *, most: int, literal: bool = False) -> tuple[str, int]:
        """The text with every match replaced, and how many there were.

        `$1` stands for a group unless pattern and replacement are `literal`. `TooMuch` for a result of more than
        `most` characters, `BadPattern` for a group that the pattern does not have.
        """
        pieces, length, end, count = [], 0, 0, 0
        for match in self._form.finditer(self._paid(text)):
            if not literal:
                # After it, the search may read on to the end of the text before it finds the next.
                self._pay(len(text) - match.start())
            new = replacement if literal else _expanded(replacement, match)
            pieces += [text[end : match.start()], new]
            length += match.start() - end + len(new)
            end, count = match.end(), count + 1
            if length > most:
                raise TooMuch
        pieces.append(text[end:])
        if length + len(text) - end > most and count:
            raise TooMuch
        return "".join(pieces), count

    def _paid(self, text: str) -> str:
        self._pay(len(text) * self._form.programsize)
        return text.encode("utf-8", "replace").decode() if not text.isascii() else text

    def _pay(self, steps: int) -> None:
        pay(steps // _WORK_OF_A_STEP)
        self.left -= steps
        if self.left < 0:
            raise TooMuch


def escaped(text: str) -> str:
    """The pattern that matches the text itself."""
    import re2

    form: str = re2.escape(text.encode("utf-8", "replace").decode())
    return form


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A criterion with `*` for anything and `?` for any sign, cut at its stars; case does not matter."""

    pieces: tuple[str, ...]
    form: Pattern | None
    minds_case: bool = False

    @classmethod
    def of(cls, criterion: str) -> Wildcard:
        """Read it; `~` before a sign of these means the sign itself."""
        parts = re.findall(r"~[*?~]|[*?]|[^*?~]+|~", criterion.lower())
        if "?" in parts:
            special = {"*": ".*", "?": "."}
            form = "".join(special.get(part) or escaped(_meant(part)) for part in parts)
            return cls((), Pattern.of(form, ignore_case=True, dot_all=True))
        pieces = [""]
        for part in parts:
            if part == "*":
                pieces.append("")
            else:
                pieces[-1] += _meant(part)
        return cls(tuple(pieces), None)

    @classmethod
    def like(cls, pattern: str) -> Wildcard:
        """The same of QUERY's LIKE, which minds the case: `%` for anything and `_` for any sign."""
        if "_" not in pattern:
            return cls(tuple(pattern.split("%")), None, minds_case=True)
        parts = re.split(r"([%_])", pattern)
        form = "".join({"%": ".*", "_": "."}.get(part) or escaped(part) for part in parts)
        return cls((), Pattern.of(form, dot_all=True), minds_case=True)

    def fits(self, text: str) -> bool:
        """Whether a whole text is of that form."""
        if self.form is not None:
            return self.form.fits(text)
        lowered = text if self.minds_case else text.lower()
        pay((len(text) + len(self.pieces)) // 100)
        first, *others = self.pieces
        if not others:
            return lowered == first
        *middle, last = others
        at = len(first)
        for piece in middle:
            found = lowered.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return lowered.startswith(first) and lowered.endswith(last) and len(lowered) - len(last) >= at


def _meant(part: str) -> str:
    return part[1:] if part[0] == "~" and len(part) > 1 else part


def _expanded(replacement: str, match: Any) -> str:
    """`$1` and `\\$` in a replacement, as Java writes them."""

    def part(reference: re.Match[str]) -> str:
        if reference[2] is not None:
            return reference[2]
        try:
            return match.group(int(reference[1])) or ""
        except IndexError:
            raise BadPattern(f"no group {reference[1]}") from None

    return _REFERENCE.sub(part, replacement)
