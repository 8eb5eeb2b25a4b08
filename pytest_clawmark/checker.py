"""A checker as its author declared it, read from its marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.task import Place, reject

DEFAULT_CATEGORY = "scenario"
PREFIX = "check_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """One `check_*` function: when it looks, what it weighs, and what it means.

    `weight` is positive; a red line's weight is not counted.
    """

    name: str
    turn: str
    weight: float
    red_line: bool
    category: str
    description: str
    place: Place


def read_checker(function: Callable[..., Any], file: str, turns: Iterable[str]) -> Checker:
    """Raises `TaskError` for marks that are missing, repeated or wrong."""
    place = Place(file=file, line=function.__code__.co_firstlineno)
    name = function.__name__
    marks = _marks(function, place)
    return Checker(
        name=name,
        turn=_turn(marks.get("turn"), name, place, tuple(turns)),
        weight=_weight(marks.get("weight"), place),
        red_line="red_line" in marks,
        category=_category(marks.get("category"), place),
        description=(function.__doc__ or "").strip().partition("\n")[0],
        place=place,
    )


def _marks(function: Callable[..., Any], place: Place) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for mark in getattr(function, "pytestmark", []):
        if mark.name not in ("turn", "weight", "red_line", "category"):
            continue
        if mark.name in found:
            raise reject(place, f"{function.__name__} is marked {mark.name!r} twice", "Keep one of the two.")
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
