"""A task's RUBRIC: who checks what, after which stage, and what it weighs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pytest_clawmark.checker import DEFAULT_CATEGORY, Checker
from pytest_clawmark.formats.clawmark.shape import Shape
from pytest_clawmark.task import Place, reject

FINAL = "final"
RED_LINES = ("redline", "red_line")

Check = Callable[[Any], Awaitable[Any]]
_KEYS = ("id", "checker", "weight", "description")
_EXAMPLE = 'Write {"id": "S0_report_exists", "checker": _report_exists, "weight": 1.0}.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: what the plugin knows of the checker, and its function."""

    checker: Checker
    check: Check


def read_rubric(module: ModuleType, shape: Shape, stages: Sequence[str]) -> list[Entry]:
    """The entries in the order in which they are checked; raises `TaskError` for what is wrong."""
    rubric = getattr(module, "RUBRIC", None)
    if not isinstance(rubric, dict) or not rubric:
        raise reject(
            shape.place("RUBRIC"),
            f"RUBRIC is {rubric!r}, not a dict with entries"
            if rubric is not None
            else "the task has no RUBRIC",
            f'Write RUBRIC = {{"stage0": [...], "{FINAL}": [...]}}.',
        )
    groups = (*stages, FINAL)
    for group in rubric:
        if group not in groups:
            raise reject(
                shape.key("RUBRIC", str(group)),
                f"RUBRIC has {group!r}, which is no stage of the task",
                f"Use one of {', '.join(map(repr, groups))}.",
            )
    entries: dict[str, Entry] = {}
    for group in (group for group in groups if group in rubric):
        for entry in _group(rubric[group], group, shape, stages):
            known = entries.setdefault(entry.checker.name, entry)
            if known is not entry:
                raise reject(
                    entry.checker.place,
                    f"the id {entry.checker.name!r} is used twice, first at line {known.checker.place.line}",
                    "Give each entry an id of its own.",
                )
    if not entries:
        raise reject(shape.place("RUBRIC"), "RUBRIC has no entry", _EXAMPLE)
    return list(entries.values())


def _group(found: Any, group: str, shape: Shape, stages: Sequence[str]) -> Iterator[Entry]:
    if not isinstance(found, list | tuple):
        raise reject(shape.key("RUBRIC", group), f"RUBRIC[{group!r}] is {found!r}, not a list", _EXAMPLE)
    for number, entry in enumerate(found):
        place = shape.entry(group, number)
        if not isinstance(entry, dict):
            raise reject(place, f"entry {number} of RUBRIC[{group!r}] is {entry!r}, not a dict", _EXAMPLE)
        _check_keys(entry, place, f"entry {number} of RUBRIC[{group!r}]")
        name, check = _id(entry["id"], place), _function(entry, place)
        yield Entry(
            checker=Checker(
                name=name,
                turn=stages[-1] if group == FINAL else group,
                weight=_weight(entry.get("weight", 1.0), name, place),
                red_line=any(mark in name.lower() for mark in RED_LINES),
                category=DEFAULT_CATEGORY,
                description=_description(entry, check, place),
                place=place,
                group=group,
                weighed=True,
            ),
            check=check,
        )


def _check_keys(entry: Mapping[Any, Any], place: Place, called: str) -> None:
    for key in ("id", "checker"):
        if key not in entry:
            raise reject(place, f"{called} has no {key!r}", _EXAMPLE)
    for key in entry:
        if key not in _KEYS:
            guess = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"Did you mean {guess[0]!r}? " if guess else ""
            raise reject(
                place, f"{called} has {key!r}, which means nothing", f"{hint}Keys are {', '.join(_KEYS)}."
            )


def _id(name: Any, place: Place) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or "[" in name or "::" in name:
        raise reject(
            place,
            f"the id {name!r} cannot name a checker",
            "Write a text without '[' and '::', which ends the checker's node id.",
        )
    return name


def _function(entry: Mapping[str, Any], place: Place) -> Check:
    check, name = entry["checker"], entry["id"]
    if not inspect.iscoroutinefunction(check):
        raise reject(
            place,
            f"the checker of {name!r} is {_shown(check)}, not an asynchronous function",
            "Write async def check(ctx): ... and name it there.",
        )
    try:
        inspect.signature(check).bind(None)
    except TypeError:
        raise reject(
            place,
            f"the checker of {name!r}, {check.__name__}, cannot be called with ctx alone",
            "Write async def check(ctx): ...",
        ) from None
    function: Check = check
    return function


def _shown(value: Any) -> str:
    return f"the function {value.__name__}" if inspect.isfunction(value) else repr(value)


def _weight(weight: Any, name: str, place: Place) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
        raise reject(place, f"the weight of {name!r} is {weight!r}, not a positive number", _EXAMPLE)
    return float(weight)


def _description(entry: Mapping[str, Any], check: Check, place: Place) -> str:
    text = entry.get("description", "")
    if not isinstance(text, str):
        raise reject(place, f"the description of {entry['id']!r} is {text!r}, not a text", "Write a text.")
    return " ".join((text or inspect.getdoc(check) or "").split())
