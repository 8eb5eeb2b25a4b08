"""What stands in the cells of a sheet, and where its formulas are."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clawmark_services.sheets.spreading import may_spill

Scalar = str | int | float | bool
Key = tuple[int, int]
"""Row and column, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What was entered: a literal `value` or a `formula` (with its `=`); what shows is derived.

    `format` is the API's userEnteredFormat; its numberFormat decides how a number shows.
    """

    value: Scalar | None = None
    formula: str | None = None
    format: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    validation: dict[str, Any] | None = None

    @property
    def blank(self) -> bool:
        """Whether it holds neither a value nor a formula."""
        return self.value is None and self.formula is None

    @property
    def nothing(self) -> bool:
        """Whether it need not be stored at all."""
        return self.blank and not (self.format or self.note or self.validation)

    @property
    def length(self) -> int:
        """How many characters were entered, those of its note and of what it may hold among them."""
        value, formula, note = self.value, self.formula, self.note
        length = (len(value) if isinstance(value, str) else 0) + (len(formula) if formula else 0)
        return length + (len(note) if note else 0) + (len(str(self.validation)) if self.validation else 0)

    def to_json(self) -> dict[str, Any]:
        """Only what is set."""
        state = {
            "value": self.value,
            "formula": self.formula,
            "format": copy.deepcopy(self.format),
            "note": self.note,
            "validation": copy.deepcopy(self.validation),
        }
        return {key: part for key, part in state.items() if part is not None and part != {}}


EMPTY = Cell()


class Cells(dict[Key, Cell]):
    """The stored cells of a sheet by their keys.

    Knows at any time which hold formulas, which of these may fill other cells, and how long all texts are
    together: looking for them after each write would cost more than the write.
    """

    __slots__ = ("formulas", "length", "spilling")

    def __init__(self, cells: Mapping[Key, Cell] | Iterable[tuple[Key, Cell]] = ()) -> None:
        super().__init__(cells)
        self.formulas = {key for key, cell in self.items() if cell.formula}
        self.spilling = {key for key in self.formulas if may_spill(self[key].formula or "")}
        self.length = sum(cell.length for cell in self.values())

    def __setitem__(self, key: Key, cell: Cell) -> None:
        self._forget(key)
        super().__setitem__(key, cell)
        self.length += cell.length
        if cell.formula:
            self.formulas.add(key)
            if may_spill(cell.formula):
                self.spilling.add(key)

    def __delitem__(self, key: Key) -> None:
        self._forget(key)
        super().__delitem__(key)

    def take(self, key: Key) -> Cell | None:
        """Remove a cell, if it is there."""
        self._forget(key)
        return super().pop(key, None)

    def copy(self) -> Cells:
        """Another of the same cells."""
        made = Cells()
        # Not one by one: a large sheet is copied for each write.
        dict.update(made, self)
        made.formulas, made.spilling, made.length = set(self.formulas), set(self.spilling), self.length
        return made

    def _forget(self, key: Key) -> None:
        known = self.get(key)
        self.length -= known.length if known is not None else 0
        self.formulas.discard(key)
        self.spilling.discard(key)

    def _unsupported(self, *_: object, **__: object) -> Any:
        raise TypeError("cells change one by one: assign, delete or take them")

    pop = popitem = update = setdefault = clear = __ior__ = _unsupported
