"""What a task keeps on `ctx`, as JSON and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import TaskFailure

Json = Any


def kept(attributes: Mapping[str, Any], folder: Path) -> Json:
    """Attributes as JSON; raises `TaskFailure` naming one that cannot be kept. `folder` is the task's own."""
    coder, found = _Coder(folder), []
    for name, value in attributes.items():
        try:
            found.append([name, coder.kept(value)])
        except (TypeError, RecursionError) as error:
            raise TaskFailure(
                f"ctx.{name} cannot be frozen: {error}. Keep only None, booleans, numbers, texts, bytes, dates, "
                "times, paths, and lists, tuples, sets and dicts of them on ctx"
            ) from error
    return found


def recalled(state: Json, folder: Path) -> dict[str, Any]:
    """The attributes that `kept` turned into JSON, made anew."""
    coder = _Coder(folder)
    return {name: coder.recalled(value) for name, value in state}


@dataclass(frozen=True, slots=True)
class _Coder:
    """Whatever is no JSON is an object with one key, which names its type."""

    folder: Path

    def kept(self, value: Any) -> Json:
        # Exactly these types: of a class of the task's own, something would be lost in silence.
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list:
            return [self.kept(each) for each in value]
        if isinstance(value, Path):
            inside = value.is_relative_to(self.folder)
            return {"task": str(value.relative_to(self.folder))} if inside else {"path": str(value)}
        if kind not in self._writers:
            raise TypeError(f"there is something of the type {kind.__qualname__} in it")
        return {kind.__name__: self._writers[kind](value)}

    def recalled(self, state: Json) -> Any:
        if isinstance(state, list):
            return [self.recalled(each) for each in state]
        if not isinstance(state, dict):
            return state
        ((kind, content),) = state.items()
        return self._readers[kind](content)

    @property
    def _writers(self) -> Mapping[type, Callable[[Any], Json]]:
        return {
            tuple: lambda value: [self.kept(each) for each in value],
            set: self._sorted,
            frozenset: self._sorted,
            dict: lambda value: [[self.kept(key), self.kept(each)] for key, each in value.items()],
            bytes: lambda value: base64.b64encode(value).decode("ascii"),
            datetime: datetime.isoformat,
            date: date.isoformat,
            timedelta: lambda value: [value.days, value.seconds, value.microseconds],
        }

    @property
    def _readers(self) -> Mapping[str, Callable[[Json], Any]]:
        return {
            "tuple": lambda content: tuple(self.recalled(each) for each in content),
            "set": lambda content: {self.recalled(each) for each in content},
            "frozenset": lambda content: frozenset(self.recalled(each) for each in content),
            "dict": lambda content: {self.recalled(key): self.recalled(each) for key, each in content},
            "bytes": base64.b64decode,
            "datetime": datetime.fromisoformat,
            "date": date.fromisoformat,
            "timedelta": lambda content: timedelta(*content),
            "task": self.folder.joinpath,
            "path": Path,
        }

    def _sorted(self, members: set[Any] | frozenset[Any]) -> Json:
        return sorted(
            (self.kept(each) for each in members), key=lambda each: json.dumps(each, sort_keys=True)
        )
