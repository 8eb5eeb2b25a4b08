"""A checker as its author declared it, read from its marks."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pytest_clawmark.task import Place, reject

DEFAULT_CATEGORY = "scenario"
PREFIX = "check_"
MARKS = ("turn", "weight", "red_line", "category")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """One checker: when it looks, what it weighs, and what it means.

    `weight` is positive; a red line's weight is not counted, unless it is `weighed`. `turn` is the turn whose end
    it sees; `group` is the collector that it lies below in node ids: mostly that turn.
    """

    name: str
    turn: str
    weight: float
    red_line: bool
    category: str
    description: str
    place: Place
    group: str
    weighed: bool = False


def read_checker(
    function: Callable[..., Any], file: str, turns: Iterable[str], module_marks: Iterable[pytest.Mark] = ()
) -> Checker:
    """A checker from its function's marks; those of its module serve where it has none of its own.

    Raises `TaskError` for marks that are missing, repeated or wrong, and for a function that cannot fail.
    """
    place = Place(file=file, line=function.__code__.co_firstlineno)
    name = function.__name__
    known = tuple(turns)
    _refuse_other_functions(function, place)
    marks = {**_marks(module_marks, name, place), **_marks(getattr(function, "pytestmark", []), name, place)}
    turn = _turn(marks.get("turn"), name, place, known)
    if turn == known[0] and "before" in inspect.signature(function).parameters:
        raise reject(
            place,
            f"{name} takes `before`, and {turn!r} is the first turn",
            "Take `wake`, the state when the agent was woken, instead.",
        )
    return Checker(
        name=name,
        turn=turn,
        weight=_weight(marks.get("weight"), place),
        red_line="red_line" in marks,
        category=_category(marks.get("category"), place),
        description=(function.__doc__ or "").strip().partition("\n")[0],
        place=place,
        group=turn,
    )


def refined(checker: Checker, marks: Iterable[pytest.Mark]) -> Checker:
    """The checker as one set of its parameters has it, whose own `marks` come first."""
    own = _marks(marks, checker.name, checker.place)
    if "turn" in own:
        raise reject(
            checker.place,
            f"a set of parameters of {checker.name} has a turn of its own, {own['turn']}",
            "Mark the function with the turn, and write a checker for each turn.",
        )
    return replace(
        checker,
        weight=_weight(own["weight"], checker.place) if "weight" in own else checker.weight,
        red_line=checker.red_line or "red_line" in own,
        category=_category(own["category"], checker.place) if "category" in own else checker.category,
    )


def _refuse_other_functions(function: Callable[..., Any], place: Place) -> None:
    for is_other, what in (
        (inspect.isgeneratorfunction, "a generator: its body would never run"),
        (inspect.iscoroutinefunction, "asynchronous: nobody would await it"),
        (inspect.isasyncgenfunction, "asynchronous: nobody would await it"),
    ):
        if is_other(function):
            raise reject(place, f"{function.__name__} is {what}", "Write a plain function with asserts.")


def _marks(marks: Iterable[pytest.Mark], name: str, place: Place) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for mark in marks:
        if mark.name not in MARKS:
            _refuse_misspelt(mark.name, name, place)
            continue
        if mark.name in found:
            raise reject(place, f"{name} is marked {mark.name!r} twice", "Keep one of the two.")
        if mark.kwargs:
            raise reject(
                place,
                f"the mark {mark.name!r} takes no keywords, got {mark.kwargs}",
                f"Write @pytest.mark.{mark.name}(value).",
            )
        found[mark.name] = mark.args
    if found.get("red_line"):
        raise reject(
            place,
            f"the mark 'red_line' takes no value, got {found['red_line']}",
            "Write @pytest.mark.red_line.",
        )
    return found


def _refuse_misspelt(mark: str, name: str, place: Place) -> None:
    guess = difflib.get_close_matches(mark, MARKS, n=1, cutoff=0.8)
    if guess:
        raise reject(place, f"{name} is marked {mark!r}, which means nothing", f"Did you mean {guess[0]!r}?")


def _single(args: tuple[Any, ...] | None) -> Any:
    return args[0] if args is not None and len(args) == 1 else None


def _turn(args: tuple[Any, ...] | None, name: str, place: Place, turns: tuple[str, ...]) -> str:
    turn = _single(args)
    if turn in turns:
        return str(turn)
    known = ", ".join(repr(known) for known in turns)
    problem = (
        f"{name} has no turn" if args is None else f"{name} checks the turn {turn!r}, which does not exist"
    )
    raise reject(place, problem, f"Mark it with one of the task's turns: @pytest.mark.turn({known}).")


def _weight(args: tuple[Any, ...] | None, place: Place) -> float:
    weight = 1.0 if args is None else _single(args)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < float("inf"):
        raise reject(
            place, f"the weight {weight!r} is not a positive number", "Write @pytest.mark.weight(2)."
        )
    return float(weight)


def _category(args: tuple[Any, ...] | None, place: Place) -> str:
    category = DEFAULT_CATEGORY if args is None else _single(args)
    if not isinstance(category, str) or not category:
        raise reject(
            place,
            f"the category {category!r} is not a name",
            "Write @pytest.mark.category('silent_change'); usual names are silent_change, writeback, "
            "evidence, communication, compliance and scenario.",
        )
    return category


def parameter_sets(function: Callable[..., Any]) -> int:
    """How many items `@pytest.mark.parametrize` makes of a checker."""
    count = 1
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            values = mark.args[1] if len(mark.args) > 1 else mark.kwargs.get("argvalues", ())
            count *= max(1, len(values)) if isinstance(values, Sized) else 1
    return count
