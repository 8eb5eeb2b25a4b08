"""Read-only evidence over frozen spreadsheets: `snapshot.sheets`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawmark_services.contract import Json
from clawmark_services.evidence import EvidenceError
from clawmark_services.sheets.a1 import parse_cells
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.formats import parse_number
from clawmark_services.sheets.records import find_one, header, matches
from clawmark_services.sheets.store import DriveFile, Sheet, Spreadsheet
from clawmark_services.sheets.values import FORMATTED, Reading, read, render


class SheetsView:
    """The spreadsheets of a snapshot. Trashed ones are left out, as a person would not find them."""

    def __init__(self, state: Json) -> None:
        files = [DriveFile.from_json(file) for file in state["drive"]["files"]]
        self._files = tuple(file for file in files if file.spreadsheet is not None and not file.trashed)

    @property
    def titles(self) -> tuple[str, ...]:
        """In the order they were made."""
        return tuple(file.name for file in self._files)

    def spreadsheet(self, title: str) -> SpreadsheetView:
        """The one spreadsheet of that title or id, or `EvidenceError` naming those that exist."""
        found = [file for file in self._files if title in (file.name, file.id)]
        if len(found) != 1:
            problem = f"{len(found)} spreadsheets are" if found else "no spreadsheet is"
            raise EvidenceError(f"{problem} called {title!r}; there are {list(self.titles)}")
        return SpreadsheetView(found[0])

    def __repr__(self) -> str:
        return f"<sheets: {list(self.titles)}>"


class SpreadsheetView:
    """One spreadsheet of a snapshot."""

    def __init__(self, file: DriveFile) -> None:
        if file.spreadsheet is None:
            raise EvidenceError(f"{file.name!r} is no spreadsheet")
        self._file = file
        self._inside: Spreadsheet = file.spreadsheet
        self._calculation = Calculation(file.spreadsheet)

    @property
    def id(self) -> str:
        return self._file.id

    @property
    def title(self) -> str:
        return self._file.name

    @property
    def modified(self) -> str:
        """When it was changed last, RFC 3339 in UTC."""
        return self._file.modified

    @property
    def tabs(self) -> tuple[str, ...]:
        """Titles, from left to right."""
        return tuple(sheet.title for sheet in self._inside.sheets)

    def tab(self, name: str) -> TabView:
        """One tab, or `EvidenceError` naming those that exist."""
        for sheet in self._inside.sheets:
            if sheet.title == name:
                return TabView(self._calculation, sheet)
        raise EvidenceError(f"{self.title!r} has no tab {name!r}; its tabs are {list(self.tabs)}")

    def __repr__(self) -> str:
        return f"<spreadsheet {self.title!r}: {list(self.tabs)}>"


class TabView:
    """One tab of a snapshot: what its cells show."""

    def __init__(self, calculation: Calculation, sheet: Sheet) -> None:
        self._calculation = calculation
        self._sheet = sheet

    @property
    def title(self) -> str:
        return self._sheet.title

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """All rows of shown texts; trailing empty rows and cells are left out."""
        found = read(self._calculation, self._sheet, self._sheet.box, FORMATTED)
        return tuple(tuple(str(value) for value in row) for row in found)

    @property
    def rows(self) -> tuple[RowView, ...]:
        """The rows below the header; wholly empty ones are passed over."""
        return tuple(RowView(self.title, row.index + 1, row.named) for row in header(self.values))

    def row(self, **equal: Any) -> RowView:
        """The one row whose named columns show these values; pass headers with spaces as `**{...}`.

        Raises `EvidenceError`, naming what there is, if there is none or several.
        """
        found = find_one(header(self.values), equal, self.title, EvidenceError)
        return RowView(self.title, found.index + 1, found.named)

    def find(self, **equal: Any) -> tuple[RowView, ...]:
        """All rows whose named columns show these values."""
        return tuple(row for row in self.rows if matches(row, equal))

    def cell(self, name: str) -> str:
        """What a cell such as `"B2"` shows; "" where it is empty."""
        row, column = self._place(name)
        value = self._calculation.value(self._sheet, row, column)
        return str(render(self._calculation.styled(self._sheet, row, column), value, FORMATTED))

    def value(self, name: str) -> Any:
        """What a cell comes to, unformatted: a number, a text, a truth value, or "" where it is empty."""
        row, column = self._place(name)
        value = self._calculation.value(self._sheet, row, column)
        return render(self._sheet.cell(row, column), value, Reading(how="UNFORMATTED_VALUE"))

    def formula(self, name: str) -> str | None:
        """The formula in a cell, with its `=`; None where there is none."""
        return self._sheet.cell(*self._place(name)).formula

    def note(self, name: str) -> str | None:
        """The note on a cell; None where there is none."""
        return self._sheet.cell(*self._place(name)).note

    def _place(self, name: str) -> tuple[int, int]:
        area = parse_cells(name)
        if area is None or not area.single:
            raise ValueError(f"{name!r} names no single cell; write it like 'B2'")
        return area.top, area.left

    def __repr__(self) -> str:
        return f"<tab {self.title!r}: {len(self.values)} rows>"


@dataclass(frozen=True, slots=True, eq=False)
class RowView(Mapping[str, str]):
    """A row as a read-only mapping from header to shown text; `line` is its number in the sheet."""

    _tab: str
    line: int
    _named: dict[str, str]

    def __getitem__(self, column: str) -> str:
        if column not in self._named:
            raise EvidenceError(f"tab {self._tab!r} has no column {column!r}; its columns are {list(self)}")
        return self._named[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __contains__(self, column: object) -> bool:
        return column in self._named

    def get(self, column: str, default: Any = None) -> Any:
        """The shown text, or the default where there is no such column."""
        return self._named.get(column, default)

    def number(self, column: str) -> float:
        """The shown text as a number ("1,234.50", "$5", "12%"), or `EvidenceError`."""
        typed = parse_number(self[column].strip())
        if typed is None:
            raise EvidenceError(
                f"{column!r} in row {self.line} of tab {self._tab!r} shows {self[column]!r}, which is no number"
            )
        return float(typed.value)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash((self._tab, self.line, tuple(self._named.items())))

    def __repr__(self) -> str:
        return f"<row {self.line}: {self._named}>"
