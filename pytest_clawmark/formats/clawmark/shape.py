"""What the syntax tree of a task tells: where things stand, and when each stage happens."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pytest_clawmark.clock import parse_turn_time
from pytest_clawmark.formats.contract import Source
from pytest_clawmark.task import Place, reject

EXAMPLE = 'Return {"notification": "...", "time": "2024-03-19T09:00:00+08:00"}.'


@dataclass(frozen=True, slots=True)
class Shape:
    """A task's file as text. Names are those of its top level."""

    source: Source

    def place(self, name: str) -> Place:
        """Where a name is bound first; the first line for one that is not."""
        lines = [node.lineno for node in self.source.tree.body if name in _bound(node)]
        return Place(file=str(self.source.path), line=min(lines, default=1))

    def key(self, name: str, *keys: str) -> Place:
        """Where a key of the dict `name` stands, through dicts in dicts; the last that is found."""
        node, place = self._value(name), self.place(name)
        for key in keys:
            for written, value in (
                zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
            ):
                if isinstance(written, ast.Constant) and written.value == key:
                    node, place = value, Place(file=place.file, line=written.lineno)
                    break
            else:
                break
        return place

    def entry(self, group: str, number: int) -> Place:
        """Where an entry of RUBRIC stands."""
        place, value = self.key("RUBRIC", group), self._value("RUBRIC")
        if isinstance(value, ast.Dict):
            for written, entries in zip(value.keys, value.values, strict=True):
                named = isinstance(written, ast.Constant) and written.value == group
                if named and isinstance(entries, ast.List) and number < len(entries.elts):
                    return Place(file=place.file, line=entries.elts[number].lineno)
        return place

    def repeated(self) -> tuple[str, Place] | None:
        """A stage that is defined twice, of which Python would forget the first."""
        seen: set[str] = set()
        for node in self.source.tree.body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name.startswith("stage"):
                if node.name in seen:
                    return node.name, Place(file=str(self.source.path), line=node.lineno)
                seen.add(node.name)
        return None

    def times(self, stages: int) -> list[datetime]:
        """When each stage happens; raises `TaskError` for a time that is missing, unreadable or not later."""
        times: list[datetime] = []
        for number in range(stages):
            place, text = self._time(f"stage{number}")
            try:
                moment = parse_turn_time(text)
            except ValueError as error:
                raise reject(
                    place, f"the time {text!r} of stage{number} cannot be used: {error}", EXAMPLE
                ) from None
            if times and moment <= times[-1]:
                raise reject(
                    place,
                    f"the time {text!r} of stage{number} is not later than that of stage{number - 1}, "
                    f"{times[-1].isoformat()}",
                    "Let the stages happen one after the other.",
                )
            times.append(moment)
        return times

    def _time(self, stage: str) -> tuple[Place, str]:
        function = next(
            node
            for node in reversed(self.source.tree.body)
            if isinstance(node, ast.AsyncFunctionDef) and node.name == stage
        )
        found = dict(_times(function, self._texts()))
        place = Place(file=str(self.source.path), line=min(found.values(), default=function.lineno))
        if len(found) != 1:
            what = (
                f"several times: {', '.join(map(repr, found))}"
                if found
                else "no time that can be read before it runs"
            )
            raise reject(
                place,
                f"{stage} returns {what}",
                f"The clock is set before a stage runs, so its time must stand there as a text, once. {EXAMPLE}",
            )
        return place, next(iter(found))

    def _texts(self) -> Mapping[str, str]:
        return {
            target.id: node.value.value
            for node in self.source.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def _value(self, name: str) -> ast.expr | None:
        values = [
            node.value
            for node in self.source.tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and name in _bound(node)
        ]
        return values[-1] if values else None


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _times(function: ast.AsyncFunctionDef, texts: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The texts under the key `time` in dicts that also have a notification, or that are returned."""
    returned = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Return)}
    for node in ast.walk(function):
        if not isinstance(node, ast.Dict):
            continue
        written = {
            key.value: value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        if "time" not in written or ("notification" not in written and id(node) not in returned):
            continue
        value = written["time"]
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value, value.lineno
        elif isinstance(value, ast.Name) and value.id in texts:
            yield texts[value.id], value.lineno
