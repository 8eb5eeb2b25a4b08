"""The language of QUERY, read: Google's Visualization API Query Language but for `pivot` and `format`.

https://developers.google.com/chart/interactive/docs/querylanguage
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from clawmark_services.sheets.a1 import column_index
from clawmark_services.sheets.formats import parse_moment
from clawmark_services.sheets.functions import VALUE, FormulaFailed, Value

AGGREGATES = ("sum", "avg", "count", "min", "max")
SCALARS = (
    *("year", "month", "day", "hour", "minute", "second", "quarter", "dayofweek", "lower", "upper"),
    *("todate", "datediff"),
)
COMPARISONS = ("<=", ">=", "<>", "!=", "=", "<", ">")
WORDS = ("contains", "starts", "ends", "matches", "like")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data, counted from 0."""

    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written into the query."""

    value: Value


@dataclass(frozen=True, slots=True)
class Applied:
    """An operator, a function or an aggregate with what it is applied to; conditions are so, too."""

    name: str
    parts: tuple[Expression, ...]


Expression = Column | Constant | Applied


@dataclass(slots=True, kw_only=True)
class Query:
    """What a query asks for; `select` is None for all columns."""

    select: list[Expression] | None = None
    where: Expression | None = None
    group: list[Expression] = field(default_factory=list)
    order: list[tuple[Expression, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    labels: dict[Expression, str] = field(default_factory=dict)


@cache
def _token_form() -> re.Pattern[str]:
    return re.compile(
        r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<quoted>`[^`]*`)|(?P<number>\d+(?:\.\d*)?|\.\d+)
        |(?P<name>[A-Za-z_]\w*)|(?P<sign><=|>=|<>|!=|[-+*/=<>(),]))""",
        re.VERBOSE,
    )


def parse(text: str, left: int | None, width: int) -> Query:
    """The query. `left` is the sheet's column at which the data begins; None for data out of a formula,
    whose columns are called Col1, Col2, ... Raises `FormulaFailed` with #VALUE!."""
    return _Parser(text, left, width).query()


class _Parser:
    def __init__(self, text: str, left: int | None, width: int) -> None:
        self._left, self._width = left, width
        self._tokens: list[tuple[str, str]] = []
        self._at, at = 0, 0
        text = text.rstrip()
        while at < len(text):
            match = _token_form().match(text, at)
            if match is None or match.lastgroup is None:
                raise FormulaFailed(VALUE)
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()

    def _word(self, ahead: int = 0) -> str:
        """The next token where it is a word or a sign, in lower case."""
        at = self._at + ahead
        kind, text = self._tokens[at] if at < len(self._tokens) else ("", "")
        return text.lower() if kind in ("name", "sign") else ""

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise FormulaFailed(VALUE)
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, *words: str) -> bool:
        if all(self._word(ahead) == word for ahead, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def _expect(self, *words: str) -> None:
        if not self._accept(*words):
            raise FormulaFailed(VALUE)

    def query(self) -> Query:
        query = Query()
        if self._accept("select") and not self._accept("*"):
            query.select = self._list()
        if self._accept("where"):
            query.where = self._either(0)
        if self._accept("group", "by"):
            query.group = self._list()
        if self._accept("order", "by"):
            query.order = self._directions()
        if self._accept("limit"):
            query.limit = self._count()
        if self._accept("offset"):
            query.offset = self._count()
        if self._accept("label"):
            query.labels = self._labels()
        if self._at != len(self._tokens):
            raise FormulaFailed(VALUE)
        return query

    def _count(self) -> int:
        kind, text = self._take()
        if kind != "number" or not text.isdigit():
            raise FormulaFailed(VALUE)
        return int(text)

    def _list(self) -> list[Expression]:
        found = [self._sum(0)]
        while self._accept(","):
            found.append(self._sum(0))
        return found

    def _directions(self) -> list[tuple[Expression, bool]]:
        found: list[tuple[Expression, bool]] = []
        while True:
            wanted = self._sum(0)
            descending = self._accept("desc")
            if not descending:
                self._accept("asc")
            found.append((wanted, not descending))
            if not self._accept(","):
                return found

    def _labels(self) -> dict[Expression, str]:
        found: dict[Expression, str] = {}
        while True:
            wanted = self._sum(0)
            kind, text = self._take()
            if kind != "text":
                raise FormulaFailed(VALUE)
            found[wanted] = text[1:-1]
            if not self._accept(","):
                return found

    def _either(self, depth: int) -> Expression:
        found = self._both(depth)
        while self._accept("or"):
            found = Applied("or", (found, self._both(depth)))
        return found

    def _both(self, depth: int) -> Expression:
        found = self._condition(depth)
        while self._accept("and"):
            found = Applied("and", (found, self._condition(depth)))
        return found

    def _condition(self, depth: int) -> Expression:
        if depth > 50:
            raise FormulaFailed(VALUE)
        if self._accept("not"):
            return Applied("not", (self._condition(depth + 1),))
        start = self._at
        if self._accept("("):
            # Either a condition in brackets or the beginning of a sum, which only its end tells.
            found = self._either(depth + 1)
            self._expect(")")
            if self._word() not in (*COMPARISONS, *WORDS, "is", "+", "-", "*", "/"):
                return found
            self._at = start
        return self._comparison(self._sum(depth), depth)

    def _comparison(self, left: Expression, depth: int) -> Expression:
        if self._accept("is", "not", "null"):
            return Applied("not", (Applied("null", (left,)),))
        if self._accept("is", "null"):
            return Applied("null", (left,))
        for word in WORDS:
            if self._accept(word):
                if word in ("starts", "ends"):
                    self._expect("with")
                return Applied(word, (left, self._sum(depth)))
        sign = self._word()
        if sign not in COMPARISONS:
            return left
        self._take()
        return Applied("<>" if sign == "!=" else sign, (left, self._sum(depth)))

    def _sum(self, depth: int) -> Expression:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), lambda: self._atom(depth + 1)))

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        found = part()
        while self._word() in signs:
            sign = self._take()[1]
            found = Applied(sign, (found, part()))
        return found

    def _atom(self, depth: int) -> Expression:
        if depth > 50:
            raise FormulaFailed(VALUE)
        kind, text = self._take()
        if kind == "number":
            return Constant(float(text))
        if kind == "text":
            return Constant(text[1:-1])
        if kind == "quoted":
            return self._column(text[1:-1])
        if text == "-":
            return Applied("-", (Constant(0.0), self._atom(depth + 1)))
        if text == "(":
            found = self._either(depth + 1)
            self._expect(")")
            return found
        if kind != "name":
            raise FormulaFailed(VALUE)
        return self._named(text)

    def _named(self, text: str) -> Expression:
        word = text.lower()
        if word in ("true", "false"):
            return Constant(word == "true")
        if word in ("date", "datetime", "timestamp", "timeofday") and self._next_is_text():
            moment = parse_moment(self._take()[1][1:-1])
            if moment is None:
                raise FormulaFailed(VALUE)
            return Constant(moment.value)
        if word in (*AGGREGATES, *SCALARS) and self._accept("("):
            parts = self._list()
            self._expect(")")
            return Applied(word, tuple(parts))
        return self._column(text)

    def _next_is_text(self) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][0] == "text"

    def _column(self, name: str) -> Column:
        if self._left is None:
            match = re.fullmatch(r"[Cc]ol([1-9]\d{0,6})", name)
            at = int(match[1]) - 1 if match else -1
        else:
            at = column_index(name) - self._left if re.fullmatch(r"[A-Z]{1,3}", name) else -1
        if not 0 <= at < self._width:
            raise FormulaFailed(VALUE)
        return Column(at)
