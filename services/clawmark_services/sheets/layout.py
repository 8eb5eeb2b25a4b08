"""How a sheet is laid out and guarded beyond its cells: sizes, groups, a filter, protections."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from clawmark_services.sheets.a1 import Area
from clawmark_services.sheets.objects import moved_objects

Dimension = Literal["ROWS", "COLUMNS"]

Move = Callable[[Area], Area | None]
"""Where an area goes when rows or columns are inserted or deleted; None when it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows or columns that fold away together; `depth` counts the groups around, itself included."""

    which: Dimension
    start: int
    end: int
    depth: int
    collapsed: bool = False

    def meets(self, start: int, end: int) -> bool:
        """Whether it shares a line with the span."""
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """A range that asks before it is changed. Its owner, who is the agent, may always change it."""

    id: int
    area: Area
    description: str = ""
    warning_only: bool = False
    editors: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Layout:
    """All of it; `lines` holds the changed sizes and visibilities by dimension and index, `objects` what is
    kept as the API sends it, by the field of Sheet that lists it."""

    lines: dict[Dimension, dict[int, dict[str, Any]]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    filter: Area | None = None
    filter_rules: dict[str, Any] = field(default_factory=dict)
    protections: list[Protection] = field(default_factory=list)
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def line(self, which: Dimension, index: int) -> dict[str, Any]:
        """The properties of a row or column, as the API writes them."""
        plain = {"pixelSize": 21 if which == "ROWS" else 100}
        return plain | self.lines.get(which, {}).get(index, {})

    def set_line(self, which: Dimension, index: int, properties: dict[str, Any]) -> None:
        """Change some properties; None, false and 0 mean the default."""
        lines = self.lines.setdefault(which, {})
        merged = {**lines.pop(index, {}), **properties}
        kept = {name: merged[name] for name in sorted(merged) if merged[name]}
        if kept:
            lines[index] = kept
        if not lines:
            del self.lines[which]

    def rearrange(self, which: Dimension, place: Callable[[int], int | None], move: Move, home: int) -> None:
        """Follow inserted or deleted lines; `home` is the sheet's id."""
        self.objects = moved_objects(self.objects, home, move)
        moved = {}
        for index, properties in self.lines.pop(which, {}).items():
            at = place(index)
            if at is not None:
                moved[at] = properties
        if moved:
            self.lines[which] = moved
        self.groups = [new for group in self.groups if (new := _moved_group(group, which, move))]
        self.filter = move(self.filter) if self.filter else None
        kept = [(protection, move(protection.area)) for protection in self.protections]
        self.protections = [replace(protection, area=area) for protection, area in kept if area]

    def clone(self) -> Layout:
        """A copy that shares nothing changeable."""
        return replace(
            self,
            lines=copy.deepcopy(self.lines),
            groups=list(self.groups),
            filter_rules=copy.deepcopy(self.filter_rules),
            protections=list(self.protections),
            objects=copy.deepcopy(self.objects),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "lines": {
                which: [[index, dict(lines[index])] for index in sorted(lines)]
                for which, lines in sorted(self.lines.items())
            },
            "groups": [[g.which, g.start, g.end, g.depth, g.collapsed] for g in self.groups],
            "filter": _corners(self.filter) if self.filter else None,
            "filter_rules": copy.deepcopy(self.filter_rules),
            "objects": {name: copy.deepcopy(self.objects[name]) for name in sorted(self.objects)},
            "protections": [
                {
                    "id": protection.id,
                    "area": _corners(protection.area),
                    "description": protection.description,
                    "warning_only": protection.warning_only,
                    "editors": list(protection.editors),
                }
                for protection in self.protections
            ],
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Layout:
        return cls(
            lines={w: {index: dict(p) for index, p in lines} for w, lines in _lines(state).items()},
            groups=[
                Group(which=w, start=start, end=end, depth=d, collapsed=bool(rest and rest[0]))
                for w, start, end, d, *rest in state["groups"]
            ],
            filter=_area(state["filter"]) if state["filter"] else None,
            filter_rules=copy.deepcopy(state["filter_rules"]),
            objects=copy.deepcopy(state.get("objects", {})),
            protections=[
                Protection(**{**p, "area": _area(p["area"]), "editors": tuple(p["editors"])})
                for p in state["protections"]
            ],
        )


def _lines(state: dict[str, Any]) -> dict[Dimension, Any]:
    lines: dict[Dimension, Any] = state["lines"]
    return lines


def _corners(area: Area) -> list[int | None]:
    return [area.top, area.left, area.bottom, area.right]


def _area(corners: list[Any]) -> Area:
    top, left, bottom, right = corners
    return Area(top=top, left=left, bottom=bottom, right=right)


def _moved_group(group: Group, which: Dimension, move: Move) -> Group | None:
    if group.which != which:
        return group
    rows = which == "ROWS"
    area = Area(top=group.start, bottom=group.end) if rows else Area(left=group.start, right=group.end)
    moved = move(area)
    if moved is None:
        return None
    start, end = (moved.top, moved.bottom) if rows else (moved.left, moved.right)
    return replace(group, start=start, end=end or start + 1)
