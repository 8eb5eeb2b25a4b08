"""The functions of formulas that take values: arithmetic, comparison, text and lists."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from clawmark_services.notion.formulas import days
from clawmark_services.notion.formulas.syntax import FormulaError
from clawmark_services.notion.formulas.values import (
    LIST_LIMIT,
    Span,
    UserRef,
    as_number,
    as_text,
    bounded,
    is_empty,
    joined,
    order,
)

Function = tuple[str, int, int, Callable[..., Any]]
MANY = 1000

_QUANTIFIER = re.compile(r"[*+?]\??|\{\d+,\d*\}\??")
_REPEATED_GROUP = re.compile(r"\)(?:[*+?]|\{)")
_QUANTIFIERS_LIMIT = 2
_SEARCHED_LIMITS = (5000, 5000, 200)
"""Characters that can be searched with a pattern of no, one or two quantifiers: more could take for ever."""


def _plus(one: Any, other: Any) -> Any:
    """Numbers are added; as soon as one side is text, both are put together."""
    if isinstance(one, str) or isinstance(other, str):
        return bounded(as_text(one) + as_text(other))
    if isinstance(one, list) or isinstance(other, list):
        return as_text(one) + as_text(other)
    return as_number(one) + as_number(other)


def _number(compute: Callable[..., float]) -> Callable[..., float]:
    def computed(*values: Any) -> float:
        try:
            result = compute(*(as_number(value) for value in values))
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan
        return math.nan if isinstance(result, complex) else float(result)

    return computed


def _round(value: Any, places: Any = 0) -> float:
    """Halves go up, as JavaScript's Math.round has it."""
    number, factor = as_number(value), 10.0 ** max(-20, min(20, _whole(places)))
    scaled = number * factor
    return math.floor(scaled + 0.5) / factor if math.isfinite(scaled) else number


def _flat(values: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat.extend(_flat(value) if isinstance(value, list) else [value])
    return flat


def _numbers(values: Iterable[Any]) -> list[float]:
    return [as_number(value) for value in _flat(values) if value is not None]


def _over(compute: Callable[[Sequence[float]], float]) -> Callable[..., float | None]:
    def computed(*values: Any) -> float | None:
        numbers = _numbers(values)
        return float(compute(numbers)) if numbers else None

    return computed


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Span) and isinstance(other, Span):
        return one.moment == other.moment
    if is_empty(one) and is_empty(other):
        return type(one) is type(other) or one is None or other is None
    return type(one) is type(other) and bool(one == other)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(one: Any, other: Any) -> bool:
        left, right = order(one), order(other)
        return left[0] == right[0] and test(left[1], right[1])

    return compared


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(each, wanted) or as_text(each) == wanted for each in value)
    return as_text(wanted) in as_text(value)


def _pattern(pattern: Any, value: Any) -> tuple[re.Pattern[str], str]:
    """A regular expression and the text to search; only the literal text where trying it is risky."""
    text, searched = as_text(pattern), as_text(value)
    count = len(_QUANTIFIER.findall(text))
    risky = count > _QUANTIFIERS_LIMIT or _REPEATED_GROUP.search(text) or len(text) > _SEARCHED_LIMITS[2]
    if len(searched) > _SEARCHED_LIMITS[0 if risky else count]:
        raise FormulaError(f"{len(searched)} characters are too many to search")
    try:
        return re.compile(re.escape(text) if risky else text), searched
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(text)), searched


def _test(value: Any, pattern: Any) -> bool:
    compiled, text = _pattern(pattern, value)
    return bool(compiled.search(text))


def _replace(count: int) -> Callable[[Any, Any, Any], str]:
    def replaced(value: Any, pattern: Any, new: Any) -> str:
        compiled, text = _pattern(pattern, value)
        replacement = as_text(new)
        return bounded(compiled.sub(lambda _match: replacement, text, count=count))

    return replaced


def _matches(value: Any, pattern: Any) -> list[Any]:
    compiled, text = _pattern(pattern, value)
    return [found.group() for found in compiled.finditer(text)]


def _to_number(value: Any) -> float | None:
    if isinstance(value, Span):
        return value.moment.timestamp() * 1000
    if not isinstance(value, str):
        return as_number(value)
    found = re.match(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", value)
    return float(found.group()) if found else None


def _split(value: Any, by: Any) -> list[Any]:
    text, separator = as_text(value), as_text(by)
    return list(text.split(separator)) if separator else list(text)


def _length(value: Any) -> float:
    return float(len(value) if isinstance(value, list) else len(as_text(value)))


def _whole(value: Any) -> int:
    number = as_number(value)
    return int(number) if math.isfinite(number) else 0


def _substring(value: Any, start: Any, end: Any = None) -> str:
    text = as_text(value)
    last = len(text) if end is None else max(0, _whole(end))
    return text[max(0, _whole(start)) : last]


def _slice(value: Any, start: Any, end: Any = None) -> list[Any]:
    return _list(value)[_whole(start) : None if end is None else _whole(end)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _at(value: Any, place: Any) -> Any:
    items, index = _list(value), _whole(place)
    return items[index] if -len(items) <= index < len(items) else None


def _concat(*values: Any) -> Any:
    if any(isinstance(value, list) for value in values):
        together = [each for value in values for each in _list(value)]
        if len(together) > LIST_LIMIT:
            raise FormulaError(f"a list has at most {LIST_LIMIT} elements")
        return together
    return joined(values, "")


def _unique(value: Any) -> list[Any]:
    found: dict[tuple[int, Any, str], Any] = {}
    for each in _list(value):
        found.setdefault((*order(each), as_text(each)), each)
    return list(found.values())


def _repeat(value: Any, count: Any) -> str:
    text, times = as_text(value), max(0, _whole(count))
    bounded("" if times * len(text) <= LIST_LIMIT * 10 else "x" * (LIST_LIMIT * 10 + 1))
    return text * times


def _pad(left: bool) -> Callable[..., str]:  # noqa: FBT001 - which of the two functions it makes
    def padded(value: Any, width: Any, fill: Any = " ") -> str:
        text, filler = as_text(value), as_text(fill) or " "
        missing = min(_whole(width), LIST_LIMIT) - len(text)
        padding = (filler * max(0, missing))[: max(0, missing)]
        return padding + text if left else text + padding

    return padded


def _person(read: Callable[[UserRef], str]) -> Callable[[Any], str]:
    def said(value: Any) -> str:
        if isinstance(value, UserRef):
            return read(value)
        return as_text(value)

    return said


FUNCTIONS: Mapping[str, Function] = {
    **days.FUNCTIONS,
    "add": ("any", 2, 2, _plus),
    "subtract": ("number", 2, 2, _number(lambda a, b: a - b)),
    "multiply": ("number", 2, 2, _number(lambda a, b: a * b)),
    "divide": ("number", 2, 2, _number(lambda a, b: a / b)),
    "mod": ("number", 2, 2, _number(math.fmod)),
    "pow": ("number", 2, 2, _number(lambda a, b: a**b)),
    "unaryMinus": ("number", 1, 1, _number(lambda a: -a)),
    "unaryPlus": ("number", 1, 1, _to_number),
    "abs": ("number", 1, 1, _number(abs)),
    "ceil": ("number", 1, 1, _number(math.ceil)),
    "floor": ("number", 1, 1, _number(math.floor)),
    "round": ("number", 1, 2, _round),
    "sqrt": ("number", 1, 1, _number(math.sqrt)),
    "cbrt": ("number", 1, 1, _number(math.cbrt)),
    "exp": ("number", 1, 1, _number(math.exp)),
    "ln": ("number", 1, 1, _number(math.log)),
    "log10": ("number", 1, 1, _number(math.log10)),
    "log2": ("number", 1, 1, _number(math.log2)),
    "sign": ("number", 1, 1, _number(lambda a: (a > 0) - (a < 0))),
    "pi": ("number", 0, 0, lambda: math.pi),
    "e": ("number", 0, 0, lambda: math.e),
    "min": ("number", 1, MANY, _over(min)),
    "max": ("number", 1, MANY, _over(max)),
    "sum": ("number", 1, MANY, _over(math.fsum)),
    "mean": ("number", 1, MANY, _over(statistics.fmean)),
    "median": ("number", 1, MANY, _over(statistics.median)),
    "toNumber": ("number", 1, 1, _to_number),
    "equal": ("boolean", 2, 2, _equal),
    "unequal": ("boolean", 2, 2, lambda a, b: not _equal(a, b)),
    "larger": ("boolean", 2, 2, _compare(lambda a, b: a > b)),
    "largerEq": ("boolean", 2, 2, _compare(lambda a, b: a >= b)),
    "smaller": ("boolean", 2, 2, _compare(lambda a, b: a < b)),
    "smallerEq": ("boolean", 2, 2, _compare(lambda a, b: a <= b)),
    "not": ("boolean", 1, 1, is_empty),
    "empty": ("boolean", 1, 1, is_empty),
    "format": ("string", 1, 1, as_text),
    "concat": ("any", 1, MANY, _concat),
    "join": ("string", 2, 2, lambda value, between: joined(_list(value), as_text(between))),
    "length": ("number", 1, 1, _length),
    "substring": ("string", 2, 3, _substring),
    "contains": ("boolean", 2, 2, _contains),
    "includes": ("boolean", 2, 2, _contains),
    "test": ("boolean", 2, 2, _test),
    "match": ("list", 2, 2, _matches),
    "replace": ("string", 3, 3, _replace(1)),
    "replaceAll": ("string", 3, 3, _replace(0)),
    "upper": ("string", 1, 1, lambda value: as_text(value).upper()),
    "lower": ("string", 1, 1, lambda value: as_text(value).lower()),
    "trim": ("string", 1, 1, lambda value: as_text(value).strip()),
    "repeat": ("string", 2, 2, _repeat),
    "padStart": ("string", 2, 3, _pad(left=True)),
    "padEnd": ("string", 2, 3, _pad(left=False)),
    "split": ("list", 2, 2, _split),
    "link": ("string", 2, 2, lambda label, _url: as_text(label)),
    "style": ("string", 1, MANY, lambda value, *_styles: as_text(value)),
    "unstyle": ("string", 1, MANY, lambda value, *_styles: as_text(value)),
    "at": ("any", 2, 2, _at),
    "first": ("any", 1, 1, lambda value: _at(value, 0)),
    "last": ("any", 1, 1, lambda value: _at(value, -1)),
    "slice": ("list", 2, 3, _slice),
    "sort": ("list", 1, 1, lambda value: sorted(_list(value), key=order)),
    "reverse": ("list", 1, 1, lambda value: _list(value)[::-1]),
    "unique": ("list", 1, 1, _unique),
    "flat": ("list", 1, 1, lambda value: _flat(_list(value))),
    "name": ("string", 1, 1, _person(lambda user: user.name)),
    "email": ("string", 1, 1, _person(lambda user: user.email)),
    "toText": ("string", 1, 1, as_text),
}
"""By name: the kind of what it gives, its fewest and most arguments, and what it does."""
