"""The number format that a formula takes from what it reads, where its cell has none of its own.

So a date plus a number shows as a date, and a sum of prices as a price.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clawmark_services.sheets.a1 import Box
from clawmark_services.sheets.formula import BINARY, Call, Literal, Node
from clawmark_services.sheets.functions import FormulaFailed
from clawmark_services.sheets.query_language import source_columns
from clawmark_services.sheets.store import Sheet

Style = dict[str, Any] | None
"""A NumberFormat, or None for a plain number."""

_PASSING = frozenset({"UMINUS", "SUM", "SUMIF", "SUMIFS", "MIN", "MAX", "AVERAGE", "ABS", "IF", "IFERROR"})
_ROWS_OF = frozenset({"SORT", "SORTN", "FILTER", "UNIQUE", "ARRAY_CONSTRAIN", "CHOOSEROWS"})
_PROBED = 20
_ROUNDING = frozenset({"ROUND", "ROUNDUP", "ROUNDDOWN"})
_DATE = {"type": "DATE", "pattern": "m/d/yyyy"}
_MOMENT_FUNCTIONS = {
    **dict.fromkeys(("DATE", "DATEVALUE", "EDATE", "EOMONTH", "TODAY"), _DATE),
    "NOW": {"type": "DATE_TIME", "pattern": "m/d/yyyy h:mm:ss"},
}
_MOMENTS = ("DATE", "TIME", "DATE_TIME")


def inherited(node: Node | None, style_at: Callable[[Node | None], Style]) -> Style:
    """The format of a formula's tree; `style_at` tells that of a reference's first cell."""
    if not isinstance(node, Call):
        return style_at(node)
    if node.function in BINARY:
        return _chained(node, style_at)
    if node.function in _MOMENT_FUNCTIONS:
        return dict(_MOMENT_FUNCTIONS[node.function])
    if node.function in _ROUNDING:
        return inherited(node.arguments[0], style_at) if node.arguments else None
    if node.function not in _PASSING:
        return None
    arguments = node.arguments[1:] if node.function == "IF" else node.arguments
    return next((style for part in arguments if (style := inherited(part, style_at))), None)


def _chained(call: Call, style_at: Callable[[Node | None], Style]) -> Style:
    """`a+b-c...` from the left, without recursion: see `Calculation`."""
    links: list[Call] = []
    first: Node | None = call
    while isinstance(first, Call) and first.function in BINARY:
        links.append(first)
        first = first.arguments[0]
    style = inherited(first, style_at)
    for link in reversed(links):
        style = _combined(link.function, style, inherited(link.arguments[1], style_at))
    return style


def _combined(operator: str, left: Style, right: Style) -> Style:
    if operator not in ("+", "-"):
        return None
    if operator == "-" and left and right and left.get("type") in _MOMENTS:
        return None  # the time between two moments is a plain number
    return left or right


def of_columns(
    node: Node | None,
    width: int,
    target: Callable[[Node | None], tuple[Sheet, Box] | None],
    style_at: Callable[[Sheet, int, int], Style],
) -> list[Style] | None:
    """The formats of an array's columns where they are those of a range's, as after SORT; otherwise None."""
    while isinstance(node, Call) and node.function in ("ARRAYFORMULA", "IFERROR", "IFNA") and node.arguments:
        node = node.arguments[0]
    if not isinstance(node, Call) or not node.arguments or (found := target(node.arguments[0])) is None:
        return None
    sheet, box = found
    columns = _sources(node, box)
    if columns is None or len(columns) != width:
        return None
    rows = range(box.top, min(box.bottom, box.top + _PROBED))

    def style(column: int | None) -> Style:
        if column is None:
            return None
        return next((style for row in rows if (style := style_at(sheet, row, box.left + column))), None)

    return [style(column) for column in columns]


def _sources(call: Call, box: Box) -> list[int | None] | None:
    if call.function in _ROWS_OF:
        return list(range(box.right - box.left))
    if call.function != "QUERY" or len(call.arguments) < 2 or not isinstance(call.arguments[1], Literal):
        return None
    try:
        return source_columns(str(call.arguments[1].value), box.left, box.right - box.left)
    except FormulaFailed:
        return None
