"""What a formula's tree is worth for one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clawmark_services.notion.formulas.functions import FUNCTIONS, MANY
from clawmark_services.notion.formulas.syntax import Call, Expression, FormulaError, Items, Literal, Name
from clawmark_services.notion.formulas.values import (
    LIST_LIMIT,
    PageRef,
    Span,
    is_empty,
    order,
    span_of,
)

STEPS_LIMIT = 20_000

COLUMN_KINDS = {
    "number": "number",
    "checkbox": "boolean",
    "date": "date",
    "created_time": "date",
    "last_edited_time": "date",
}
"""The kinds of values that columns give; all others give texts or lists."""


@dataclass(slots=True)
class Scope:
    """What a formula can see: `prop` reads a column of a page (None: its own), `now` is the present."""

    prop: Callable[[str | None, str], Any]
    now: datetime
    kind_of_column: Callable[[str], str | None]
    steps: int = 0
    names: Mapping[str, Any] = field(default_factory=dict)


def evaluate(tree: Expression, scope: Scope) -> Any:
    """The value of a tree; raises `FormulaError` where it has none."""
    scope.steps += 1
    if scope.steps > STEPS_LIMIT:
        raise FormulaError("the formula takes too long")
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Items):
        return [evaluate(item, scope) for item in tree.items]
    if isinstance(tree, Name):
        if tree.name not in scope.names:
            raise FormulaError(f"nothing is called {tree.name!r}")
        return scope.names[tree.name]
    lazy = _LAZY.get(tree.name)
    if lazy is not None:
        return lazy[3](tree, scope)
    function = FUNCTIONS[tree.name][3]
    return function(*(evaluate(argument, scope) for argument in tree.arguments))


def check(tree: Expression, known: Callable[[str], bool]) -> None:
    """Refuse functions that do not exist, wrong numbers of arguments, and columns that are not `known`."""
    if isinstance(tree, Items):
        for item in tree.items:
            check(item, known)
    if not isinstance(tree, Call):
        return
    found = _LAZY.get(tree.name) or FUNCTIONS.get(tree.name)
    if found is None:
        raise FormulaError(f'Undefined function "{tree.name}"')
    if not found[1] <= len(tree.arguments) <= found[2]:
        raise FormulaError(f'Wrong number of arguments for "{tree.name}"')
    own = column_of(tree)
    if own is not None and not known(own):
        raise FormulaError(f'Undefined property "{own}"')
    for argument in tree.arguments:
        check(argument, known)


def column_of(tree: Expression) -> str | None:
    """The column of its own row that `prop("Name")` reads."""
    if isinstance(tree, Call) and tree.name == "prop" and len(tree.arguments) == 1:
        (name,) = tree.arguments
        return name.value if isinstance(name, Literal) and isinstance(name.value, str) else None
    return None


def kind(tree: Expression, scope: Scope) -> str:
    """Which kind of value a tree gives, as far as one sees without computing it: for what is empty."""
    if isinstance(tree, Literal):
        kinds = {bool: "boolean", float: "number"}
        return kinds.get(type(tree.value), "string")
    if not isinstance(tree, Call):
        return "string"
    own = column_of(tree)
    if own is not None:
        return scope.kind_of_column(own) or "string"
    if tree.name in ("if", "ifs", "let", "lets", "add"):
        branches = tree.arguments[-2:] if tree.name in ("if", "ifs") else tree.arguments[-1:]
        return kind(branches[0], scope)
    known = (_LAZY.get(tree.name) or FUNCTIONS[tree.name])[0]
    return known if known in ("number", "boolean", "date") else "string"


def _prop(tree: Call, scope: Scope) -> Any:
    values = [evaluate(argument, scope) for argument in tree.arguments]
    if len(values) == 1:
        return scope.prop(None, str(values[0]))
    page, name = values
    if page is None:
        return None
    if not isinstance(page, PageRef):
        raise FormulaError("only pages have properties")
    return scope.prop(page.id, str(name))


def _if(tree: Call, scope: Scope) -> Any:
    condition, then, *otherwise = tree.arguments
    if not is_empty(evaluate(condition, scope)):
        return evaluate(then, scope)
    return evaluate(otherwise[0], scope) if otherwise else None


def _ifs(tree: Call, scope: Scope) -> Any:
    rest = tree.arguments
    while len(rest) >= 2:
        if not is_empty(evaluate(rest[0], scope)):
            return evaluate(rest[1], scope)
        rest = rest[2:]
    return evaluate(rest[0], scope) if rest else None


def _and(tree: Call, scope: Scope) -> bool:
    return all(not is_empty(evaluate(argument, scope)) for argument in tree.arguments)


def _or(tree: Call, scope: Scope) -> bool:
    return any(not is_empty(evaluate(argument, scope)) for argument in tree.arguments)


def _let(tree: Call, scope: Scope) -> Any:
    *pairs, body = tree.arguments
    if len(pairs) % 2:
        raise FormulaError(f"{tree.name} takes names with their values, and a formula")
    before = scope.names
    try:
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(name, Name):
                raise FormulaError(f"{tree.name} takes names")
            scope.names = {**scope.names, name.name: evaluate(value, scope)}
        return evaluate(body, scope)
    finally:
        scope.names = before


def _each(tree: Call, scope: Scope) -> list[tuple[Any, Any]]:
    """Each element of a list with what the formula says of it, where it is `current`."""
    listed = evaluate(tree.arguments[0], scope)
    items = listed if isinstance(listed, list) else ([] if listed is None else [listed])
    if len(items) > LIST_LIMIT:
        raise FormulaError(f"a list has at most {LIST_LIMIT} elements")
    before = scope.names
    found = []
    try:
        for index, item in enumerate(items):
            scope.names = {**before, "current": item, "index": float(index)}
            found.append((item, evaluate(tree.arguments[1], scope)))
    finally:
        scope.names = before
    return found


def _holding(tree: Call, scope: Scope) -> list[Any]:
    return [item for item, said in _each(tree, scope) if not is_empty(said)]


def _find_index(tree: Call, scope: Scope) -> float:
    places = [place for place, (_, said) in enumerate(_each(tree, scope)) if not is_empty(said)]
    return float(places[0]) if places else -1.0


def _sort(tree: Call, scope: Scope) -> list[Any]:
    if len(tree.arguments) == 1:
        return list(FUNCTIONS["sort"][3](evaluate(tree.arguments[0], scope)))
    return [item for item, _ in sorted(_each(tree, scope), key=lambda pair: order(pair[1]))]


_LAZY: Mapping[str, tuple[str, int, int, Callable[[Call, Scope], Any]]] = {
    "prop": ("any", 1, 2, _prop),
    "if": ("any", 2, 3, _if),
    "ifs": ("any", 2, MANY, _ifs),
    "and": ("boolean", 1, MANY, _and),
    "or": ("boolean", 1, MANY, _or),
    "let": ("any", 3, 3, _let),
    "lets": ("any", 3, MANY, _let),
    "map": ("list", 2, 2, lambda tree, scope: [said for _, said in _each(tree, scope)]),
    "filter": ("list", 2, 2, _holding),
    "find": ("any", 2, 2, lambda tree, scope: next(iter(_holding(tree, scope)), None)),
    "findIndex": ("number", 2, 2, _find_index),
    "some": ("boolean", 2, 2, lambda tree, scope: bool(_holding(tree, scope))),
    "every": (
        "boolean",
        2,
        2,
        lambda tree, scope: all(not is_empty(said) for _, said in _each(tree, scope)),
    ),
    "sort": ("list", 1, 2, _sort),
    "now": ("date", 0, 0, lambda _tree, scope: span_of(scope.now)),
    "today": ("date", 0, 0, lambda _tree, scope: Span(scope.now.date().isoformat())),
}
"""Functions that decide themselves which of their arguments to compute; told as in `FUNCTIONS`."""
