"""From the text of a formula to a tree: operators become calls of the functions that they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LENGTH_LIMIT = 20_000
DEPTH_LIMIT = 60


class FormulaError(Exception):
    """A formula that cannot be read, or has no value here; its text says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true or false."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """Something that stands for a value: `current`, `index`, or what `let` names."""

    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; `a.f(b)` is `f(a, b)`."""

    name: str
    arguments: tuple[Expression, ...]


Expression = Literal | Name | Items | Call

_TOKEN = re.compile(
    r"""(?P<space>\s+|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<name>[^\W\d]\w*)
    |(?P<mark>==|!=|>=|<=|&&|\|\||[-+*/%^<>!?:.,()\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_BINARY: Sequence[dict[str, str]] = (
    {"or": "or", "||": "or"},
    {"and": "and", "&&": "and"},
    {"==": "equal", "!=": "unequal"},
    {">": "larger", ">=": "largerEq", "<": "smaller", "<=": "smallerEq"},
    {"+": "add", "-": "subtract"},
    {"*": "multiply", "/": "divide", "%": "mod"},
)
"""Operators from the weakest to the strongest, and their functions."""

_UNARY = {"not": "not", "!": "not", "-": "unaryMinus", "+": "unaryPlus"}


@lru_cache(maxsize=512)
def parse(text: str) -> Expression:
    """The tree of a formula."""
    if len(text) > LENGTH_LIMIT:
        raise FormulaError(f"a formula has at most {LENGTH_LIMIT} characters")
    reader = _Reader(list(_tokens(text)))
    tree = reader.ternary()
    reader.end()
    return tree


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FormulaError(f"unexpected {text[at]!r} at character {at}")
        at = found.end()
        if found.lastgroup != "space":
            yield str(found.lastgroup), found.group()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *marks: str) -> str | None:
        kind, token = self._peek()
        if kind in ("mark", "name") and token in marks:
            self._at += 1
            return token
        return None

    def _need(self, mark: str) -> None:
        if self._take(mark) is None:
            raise FormulaError(f"expected {mark!r}, found {self._peek()[1] or 'the end'!r}")

    def end(self) -> None:
        """Refuse whatever follows."""
        if self._peek()[0] != "end":
            raise FormulaError(f"unexpected {self._peek()[1]!r}")

    def ternary(self) -> Expression:
        """`condition ? this : that`"""
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise FormulaError("the formula is nested too deep")
        tree = self._binary(0)
        if self._take("?"):
            then = self.ternary()
            self._need(":")
            tree = Call("if", (tree, then, self.ternary()))
        self._depth -= 1
        return tree

    def _binary(self, level: int) -> Expression:
        if level == len(_BINARY):
            return self._unary()
        tree = self._binary(level + 1)
        while operator := self._take(*_BINARY[level]):
            tree = Call(_BINARY[level][operator], (tree, self._binary(level + 1)))
        return tree

    def _unary(self) -> Expression:
        signs = []
        while operator := self._take(*_UNARY):
            signs.append(_UNARY[operator])
        if len(signs) > DEPTH_LIMIT:
            raise FormulaError("the formula is nested too deep")
        tree = self._power()
        for sign in reversed(signs):
            tree = Call(sign, (tree,))
        return tree

    def _power(self) -> Expression:
        parts = [self._postfix()]
        while self._take("^"):
            parts.append(Call("unaryMinus", (self._postfix(),)) if self._take("-") else self._postfix())
        tree = parts.pop()
        while parts:
            tree = Call("pow", (parts.pop(), tree))
        return tree

    def _postfix(self) -> Expression:
        tree = self._primary()
        links = 0
        while self._take("."):
            links += 1
            kind, name = self._peek()
            if kind != "name" or links > DEPTH_LIMIT:
                raise FormulaError(f"expected a function after '.', found {name!r}")
            self._at += 1
            tree = Call(name, (tree, *self._arguments()))
        return tree

    def _arguments(self) -> tuple[Expression, ...]:
        self._need("(")
        return self._list(")")

    def _list(self, closing: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while not self._take(closing):
            if items:
                self._need(",")
            items.append(self.ternary())
        return tuple(items)

    def _primary(self) -> Expression:
        kind, word = self._peek()
        self._at += 1
        if kind == "number":
            return Literal(float(word))
        if kind == "text":
            return Literal(_unquoted(word))
        if kind == "name" and word in ("true", "false"):
            return Literal(word == "true")
        if kind == "name":
            follows = self._peek() == ("mark", "(")
            return Call(word, self._arguments()) if follows else Name(word)
        if word == "(":
            tree = self.ternary()
            self._need(")")
            return tree
        if word == "[":
            return Items(self._list("]"))
        raise FormulaError(f"unexpected {word or 'end'!r}")


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token.replace("\n", "\\n").replace("\t", "\\t")))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
