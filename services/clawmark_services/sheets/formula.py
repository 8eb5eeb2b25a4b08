"""Formulas as text and as trees.

Why no library: `formulas` (the kept one of the evaluators on PyPI) brings numpy and scipy (285 MB), takes
0.6 s to its first answer and is EUPL-licensed; `pycel` brings numpy and networkx, takes 0.2 s to import and
reads workbooks rather than single formulas. Both follow Excel where Google differs. The part of the
language that office sheets use is small, so it is parsed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from clawmark_services.sheets.a1 import Area, column_index, column_name, parse_cells, quote

MAX_DEPTH = 60


class FormulaSyntaxError(Exception):
    """The text is no formula: its cell shows #ERROR!."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text or a truth value."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Failure:
    """An error written into the formula, such as `#REF!`."""

    code: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Cells of the formula's own sheet, or of the one named."""

    sheet: str | None
    area: Area


@dataclass(frozen=True, slots=True)
class Name:
    """A named range, or nothing known."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name in upper case, or an operator, with its arguments; None is an omitted one."""

    function: str
    arguments: tuple[Node | None, ...]


Node = Literal | Failure | Reference | Name | Call


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


_SHEET = r"(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!"
_CELL = r"\$?[A-Za-z]{1,3}\$?[1-9]\d{0,7}"
_RANGE = (
    rf"(?:{_CELL}(?::(?:{_CELL}|\$?[A-Za-z]{{1,3}}|\$?[1-9]\d{{0,7}}))?"
    r"|\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}|\$?[1-9]\d{0,7}:\$?[1-9]\d{0,7})(?![\w(.!])"
)


@cache
def _tokens_form() -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<space>\s+)
        |(?P<text>"(?:[^"]|"")*")
        |(?P<error>\#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|ERROR!))
        |(?P<reference>(?:{_SHEET})?{_RANGE})
        |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
        |(?P<name>[^\W\d][\w.]*)
        |(?P<operator><=|>=|<>|[-+*/^&=<>%(),;{{}}])""",
        re.VERBOSE,
    )


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        match = _tokens_form().match(text, at)
        if match is None or match.lastgroup is None:
            raise FormulaSyntaxError(f"unexpected {text[at]!r} at {at} of {text!r}")
        if match.lastgroup != "space":
            tokens.append(_Token(match.lastgroup, match[0], at))
        at = match.end()
    return tokens


BINARY = {
    **dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), 1),
    "&": 2,
    **dict.fromkeys(("+", "-"), 3),
    **dict.fromkeys(("*", "/"), 4),
    "^": 5,
}
_SIGN_POWER = 6


_REMEMBERED = 500


def parse(formula: str) -> Node:
    """The tree of a formula, which starts with `=`.

    Raises `FormulaSyntaxError`, also for more than 60 levels of nesting.
    """
    # Trees take a hundred times the room of their text: long formulas are not kept.
    return _parse_once(formula) if len(formula) <= _REMEMBERED else _parse(formula)


@lru_cache(maxsize=4096)
def _parse_once(formula: str) -> Node:
    return _parse(formula)


def _parse(formula: str) -> Node:
    parser = _Parser(_tokens(formula[1:]))
    node = parser.expression(0, 0)
    parser.expect_end()
    return node


class _Parser:
    """Precedence climbing; a sign binds tighter than `^`, as in Sheets: `=-2^2` is 4."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return token.text if token and token.kind == "operator" else ""

    def _take(self) -> _Token:
        if self._at >= len(self._tokens):
            raise FormulaSyntaxError("the formula ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, operator: str) -> None:
        if self._take().text != operator:
            raise FormulaSyntaxError(f"expected {operator!r}")

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            raise FormulaSyntaxError(f"unexpected {self._tokens[self._at].text!r}")

    def expression(self, least: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FormulaSyntaxError("the formula is nested too deeply")
        left = self._operand(depth)
        while BINARY.get(self._peek(), 0) > least:
            operator = self._take().text
            right = self.expression(BINARY[operator], depth + 1)
            left = Call(operator, (left, right))
        return left

    def _operand(self, depth: int) -> Node:
        if self._peek() in ("-", "+"):
            operator = self._take().text
            inner = self.expression(_SIGN_POWER, depth + 1)
            return Call("UMINUS", (inner,)) if operator == "-" else inner
        node = self._atom(depth)
        while self._peek() == "%":
            self._take()
            node = Call("UNARY_PERCENT", (node,))
        return node

    def _atom(self, depth: int) -> Node:
        token = self._take()
        if token.kind == "operator" and token.text == "(":
            node = self.expression(0, depth + 1)
            self._expect(")")
            return node
        if token.kind == "operator" and token.text == "{":
            return self._array(depth)
        if token.kind == "name":
            return self._named(token.text, depth)
        return _leaf(token)

    def _array(self, depth: int) -> Node:
        """`{1, 2; 3, 4}`: a call of "{}" with calls of ";", one for each row."""
        rows: list[Node] = []
        parts: list[Node] = []
        while True:
            parts.append(self.expression(0, depth + 1))
            closing = self._take().text
            if closing != ",":
                rows.append(Call(";", tuple(parts)))
                parts = []
            if closing == "}":
                return Call("{}", tuple(rows))
            if closing not in (",", ";"):
                raise FormulaSyntaxError(f"expected ',', ';' or '}}', found {closing!r}")

    def _named(self, name: str, depth: int) -> Node:
        if self._peek() == "(":
            return Call(name.upper(), self._arguments(depth))
        if name.upper() in ("TRUE", "FALSE"):
            return Literal(name.upper() == "TRUE")
        return Name(name)

    def _arguments(self, depth: int) -> tuple[Node | None, ...]:
        self._expect("(")
        if self._peek() == ")":
            self._take()
            return ()
        arguments: list[Node | None] = []
        while True:
            omitted = self._peek() in (",", ";", ")")
            arguments.append(None if omitted else self.expression(0, depth + 1))
            closing = self._take().text
            if closing == ")":
                return tuple(arguments)
            if closing not in (",", ";"):
                raise FormulaSyntaxError(f"expected ',' or ')', found {closing!r}")


def _leaf(token: _Token) -> Node:
    if token.kind == "number":
        amount = float(token.text)
        return Literal(amount) if math.isfinite(amount) else Failure("#NUM!")
    if token.kind == "text":
        return Literal(token.text[1:-1].replace('""', '"'))
    if token.kind == "error":
        return Failure(token.text)
    if token.kind == "reference":
        return _reference(token.text)
    raise FormulaSyntaxError(f"unexpected {token.text!r}")


def _reference(text: str) -> Node:
    sheet, cells = split_reference(text)
    area = parse_cells(cells)
    if area is None:
        raise FormulaSyntaxError(f"{text!r} names no cells")
    return Reference(sheet, area)


def split_reference(text: str) -> tuple[str | None, str]:
    """The sheet's title, or None, and the cells."""
    title, mark, cells = text.rpartition("!")
    if not mark:
        return None, cells
    return (title[1:-1].replace("''", "'") if title.startswith("'") else title), cells


Move = Callable[[str | None, Area], Area | None]


def _respell(formula: str, spelling: Callable[[str], str]) -> str:
    """The formula with each reference spelt anew; everything else is kept to the letter."""
    try:
        tokens = _tokens(formula[1:])
    except FormulaSyntaxError:
        return formula
    parts, at = ["="], 0
    for token in tokens:
        if token.kind == "reference":
            parts += [formula[1 + at : 1 + token.start], spelling(token.text)]
            at = token.start + len(token.text)
    return "".join([*parts, formula[1 + at :]])


def rewrite(formula: str, move: Move) -> str:
    """The formula with each reference moved; one that `move` answers with None becomes #REF!."""

    def spelling(text: str) -> str:
        sheet, cells = split_reference(text)
        area = parse_cells(cells)
        moved = move(sheet, area) if area else None
        if moved is None:
            return "#REF!"
        return text if moved == area else text[: len(text) - len(cells)] + spell(cells, moved)

    return _respell(formula, spelling)


def renamed(formula: str, old: str, new: str) -> str:
    """The formula after a sheet got another title."""

    def spelling(text: str) -> str:
        sheet, cells = split_reference(text)
        same = sheet is not None and sheet.casefold() == old.casefold()
        return f"{quote(new)}!{cells}" if same else text

    return _respell(formula, spelling)


@cache
def _corner_form() -> re.Pattern[str]:
    return re.compile(r"(\$?)([A-Za-z]*)(\$?)(\d*)")


def spell(cells: str, area: Area) -> str:
    """The area written like `cells`: the same parts present, the same `$` signs."""
    corners = cells.split(":")
    ends = (
        (area.top, area.left),
        ((area.bottom or area.top + 1) - 1, (area.right or area.left + 1) - 1),
    )
    return ":".join(_spell_corner(corner, *end) for corner, end in zip(corners, ends, strict=False))


def _spell_corner(corner: str, row: int, column: int) -> str:
    match = _corner_form().fullmatch(corner)
    if match is None:
        raise ValueError(f"{corner!r} is no corner of a range")
    fixed_column, letters, fixed_row, digits = match.groups()
    if not letters:  # `$2`: the sign belongs to the row
        return f"{fixed_column}{row + 1}"
    shown = fixed_column + column_name(column)
    return f"{shown}{fixed_row}{row + 1}" if digits else shown


def shifted(cells: str, down: int, right: int) -> str | None:
    """The cells of a reference copied elsewhere: parts without `$` move along; None beyond the edge."""
    corners = []
    for corner in cells.split(":"):
        match = _corner_form().fullmatch(corner)
        if match is None:
            return None
        first, letters, second, digits = match.groups()
        fixed_row = bool(second) if letters else bool(first)
        column = column_index(letters) + (0 if first else right) if letters else 0
        row = int(digits) - 1 + (0 if fixed_row else down) if digits else 0
        if row < 0 or column < 0:
            return None
        corners.append(_spell_corner(corner, row, column))
    return ":".join(corners)


def translate(formula: str, down: int, right: int) -> str:
    """The formula as a copy of it reads `down` rows below and `right` columns beside."""

    def spelling(text: str) -> str:
        cells = split_reference(text)[1]
        moved = shifted(cells, down, right)
        return "#REF!" if moved is None else text[: len(text) - len(cells)] + moved

    return _respell(formula, spelling)
