"""The state: Drive's files and folders, and the cells of the spreadsheets among them."""

from __future__ import annotations

import copy
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from clawmark_services.clock import ServiceClock
from clawmark_services.ids import Ids
from clawmark_services.sheets.a1 import Area, Box, cell_name, parse_cells
from clawmark_services.sheets.access import role_of, suffices
from clawmark_services.sheets.cells import EMPTY, Cell, Cells, Key
from clawmark_services.sheets.errors import (
    forbidden_file,
    forbidden_spreadsheet,
    invalid,
    no_such_file,
    no_such_spreadsheet,
)
from clawmark_services.sheets.layout import Layout
from clawmark_services.sheets.objects import rehomed
from clawmark_services.sheets.storage import (
    MAX_CONTENT,
    MAX_STORAGE,
    OF_A_FILE,
    full,
    of_spreadsheet,
    used,
)

SPREADSHEET = "application/vnd.google-apps.spreadsheet"
FOLDER = "application/vnd.google-apps.folder"

# Google's own limits, which also keep one agent from filling the host's memory.
MAX_CELLS = 10_000_000
MAX_COLUMNS = 18_278

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(slots=True, kw_only=True)
class Sheet:
    """One tab. `cells` holds only what is set; `traits` and `grid` are the API's optional properties.

    `traits` belong to SheetProperties (hidden, tabColor, ...), `grid` to GridProperties (frozenRowCount,
    ...); `merges` are kept in the order they were made.
    """

    id: int
    title: str
    rows: int = 1000
    columns: int = 26
    cells: Cells = field(default_factory=Cells)
    merges: list[Box] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, Any] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)

    def cell(self, row: int, column: int) -> Cell:
        """What is there, or an empty cell."""
        return self.cells.get((row, column), EMPTY)

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Replace a cell."""
        if cell.nothing:
            self.cells.take((row, column))
        else:
            self.cells[row, column] = cell

    def change(self, row: int, column: int, **parts: Any) -> None:
        """Replace parts of a cell."""
        self.put(row, column, replace(self.cell(row, column), **parts))

    def filled(self, box: Box) -> Iterator[Key]:
        """The keys of stored cells inside, in no particular order."""
        if (box.bottom - box.top) * (box.right - box.left) < len(self.cells):
            for row in range(box.top, box.bottom):
                for column in range(box.left, box.right):
                    if (row, column) in self.cells:
                        yield row, column
        else:
            yield from [key for key in self.cells if box.holds(*key)]

    @property
    def box(self) -> Box:
        """The whole grid."""
        return Box(0, 0, self.rows, self.columns)

    def clone(self, **parts: Any) -> Sheet:
        """A copy that shares nothing changeable."""
        layout = self.layout.clone()
        if parts.get("id", self.id) != self.id:
            layout.objects = rehomed(layout.objects, self.id, parts["id"])
        return replace(
            self,
            cells=self.cells.copy(),
            merges=list(self.merges),
            traits=copy.deepcopy(self.traits),
            grid=dict(self.grid),
            layout=layout,
            **parts,
        )

    def to_json(self) -> dict[str, Any]:
        cells = {cell_name(*key): self.cells[key].to_json() for key in sorted(self.cells)}
        merges = [[box.top, box.left, box.bottom, box.right] for box in self.merges]
        return {
            "id": self.id,
            "title": self.title,
            "rows": self.rows,
            "columns": self.columns,
            "cells": cells,
            "merges": merges,
            "traits": copy.deepcopy(self.traits),
            "grid": dict(self.grid),
            "layout": self.layout.to_json(),
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Sheet:
        cells = Cells({_key(name): Cell(**copy.deepcopy(cell)) for name, cell in state["cells"].items()})
        merges = [Box(*corners) for corners in state["merges"]]
        rest = {
            name: copy.deepcopy(state[name]) for name in ("id", "title", "rows", "columns", "traits", "grid")
        }
        return cls(cells=cells, merges=merges, layout=Layout.from_json(state["layout"]), **rest)


def _key(name: str) -> Key:
    area = parse_cells(name)
    if area is None or not area.single:
        raise ValueError(f"a frozen cell is called {name!r}, which is no cell's name")
    return area.top, area.left


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRange:
    """A name for a rectangle of one sheet."""

    id: str
    name: str
    sheet: int
    area: Area

    def to_json(self) -> dict[str, Any]:
        area = self.area
        corners = [area.top, area.left, area.bottom, area.right]
        return {"id": self.id, "name": self.name, "sheet": self.sheet, "area": corners}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> NamedRange:
        top, left, bottom, right = state["area"]
        area = Area(top=top, left=left, bottom=bottom, right=right)
        return cls(id=state["id"], name=state["name"], sheet=state["sheet"], area=area)


@dataclass(slots=True, kw_only=True)
class Spreadsheet:
    """The inside of a spreadsheet file; its title is the file's name."""

    sheets: list[Sheet]
    locale: str = "en_US"
    time_zone: str = "Etc/GMT"
    recalculation: str = "ON_CHANGE"
    names: list[NamedRange] = field(default_factory=list)
    # What NOW() means: set whenever the spreadsheet is opened.
    now: datetime | None = None

    def titled(self, title: str) -> Sheet | None:
        """The sheet of that title; case does not matter."""
        exact = next((sheet for sheet in self.sheets if sheet.title == title), None)
        folded = title.casefold()
        return exact or next((sheet for sheet in self.sheets if sheet.title.casefold() == folded), None)

    def numbered(self, sheet_id: int) -> Sheet | None:
        """The sheet of that id."""
        return next((sheet for sheet in self.sheets if sheet.id == sheet_id), None)

    def named(self, name: str) -> NamedRange | None:
        """The named range of that name; case does not matter."""
        folded = name.casefold()
        return next((named for named in self.names if named.name.casefold() == folded), None)

    @property
    def first(self) -> Sheet:
        """The first sheet that can be seen."""
        return next((sheet for sheet in self.sheets if not sheet.traits.get("hidden")), self.sheets[0])

    def require_room(self, cells: int) -> None:
        """Refuse to grow by that many cells beyond Google's limit."""
        if cells + sum(sheet.rows * sheet.columns for sheet in self.sheets) > MAX_CELLS:
            raise invalid(
                "This action would increase the number of cells in the workbook above the limit of "
                f"{MAX_CELLS} cells."
            )

    def clone(self) -> Spreadsheet:
        """A copy that shares nothing changeable."""
        return replace(self, sheets=[sheet.clone() for sheet in self.sheets], names=list(self.names))

    @property
    def hangs_on_the_time(self) -> bool:
        """Whether a formula asks for it."""
        formulas = (sheet.cells[key].formula or "" for sheet in self.sheets for key in sheet.cells.formulas)
        return any("NOW(" in formula.upper() or "TODAY(" in formula.upper() for formula in formulas)

    def to_json(self, now: datetime | None = None) -> dict[str, Any]:
        """`now` is kept only where something hangs on it."""
        state = {
            "sheets": [sheet.to_json() for sheet in self.sheets],
            "locale": self.locale,
            "time_zone": self.time_zone,
            "recalculation": self.recalculation,
            "names": [named.to_json() for named in self.names],
        }
        return state | ({"now": now.isoformat()} if now and self.hangs_on_the_time else {})

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Spreadsheet:
        return cls(
            sheets=[Sheet.from_json(sheet) for sheet in state["sheets"]],
            locale=state["locale"],
            time_zone=state["time_zone"],
            recalculation=state["recalculation"],
            names=[NamedRange.from_json(named) for named in state["names"]],
            now=datetime.fromisoformat(state["now"]) if "now" in state else None,
        )


@dataclass(slots=True, kw_only=True)
class DriveFile:
    """A file of Drive; `spreadsheet` is its inside where it has one. Times are RFC 3339, in UTC."""

    id: str
    name: str
    mime_type: str
    parents: list[str]
    created: str
    modified: str
    trashed: bool = False
    starred: bool = False
    description: str | None = None
    permissions: list[dict[str, Any]] = field(default_factory=list)
    spreadsheet: Spreadsheet | None = None
    content: bytes | None = None

    def to_json(self, now: datetime | None = None) -> dict[str, Any]:
        content = {} if self.content is None else {"content": b64encode(self.content).decode()}
        return content | {
            "id": self.id,
            "name": self.name,
            "mime_type": self.mime_type,
            "parents": list(self.parents),
            "created": self.created,
            "modified": self.modified,
            "trashed": self.trashed,
            "starred": self.starred,
            "description": self.description,
            "permissions": copy.deepcopy(self.permissions),
            "spreadsheet": self.spreadsheet.to_json(now) if self.spreadsheet else None,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> DriveFile:
        inside, content = state["spreadsheet"], state.get("content")
        rest = {
            key: copy.deepcopy(part) for key, part in state.items() if key not in ("spreadsheet", "content")
        }
        return cls(
            spreadsheet=Spreadsheet.from_json(inside) if inside else None,
            content=None if content is None else b64decode(content),
            **rest,
        )


def stamp(moment: datetime) -> str:
    """The moment as Drive writes it: `2024-03-19T01:00:01.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Store:
    """All files of one world. Take `lock` around each request; methods do not take it themselves."""

    def __init__(self, ids: Ids, owner: str, clock: ServiceClock) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self.owner = owner
        # Set, under the lock, while the author of the task acts: nothing is forbidden to them.
        self.trusting = False
        self._ids = ids
        self.files: dict[str, DriveFile] = {}
        self.root = "0A" + ids.token(17, _ALPHABET)

    def new_file_id(self) -> str:
        """44 characters, as Google's ids have them."""
        return "1" + self._ids.token(32, _ALPHABET) + self._ids.token(11, _ALPHABET)

    def new_number(self) -> int:
        """An id for a sheet or a named range: positive, below 2**31."""
        return int.from_bytes(self._ids.digest()[:4]) & 0x7FFFFFFF or 1

    def new_permission_id(self) -> str:
        """20 digits, as Google's ids of permissions have them."""
        return self._ids.token(20, "1234567890")

    def may(self, file: DriveFile, role: str, *, by_link: bool = True) -> bool:
        """Whether whoever asks has that role, or a better one."""
        return self.trusting or suffices(role_of(self.owner, file.permissions, by_link=by_link), role)

    def file(self, file_id: str, role: str = "reader") -> DriveFile:
        """The file, or Drive's 404, or its 403 for somebody with less than that role."""
        file = self.files.get(file_id)
        if file is None or not self.may(file, "reader"):
            raise no_such_file(file_id)
        if not self.may(file, role):
            raise forbidden_file()
        if file.spreadsheet is not None:
            file.spreadsheet.now = self._clock.now()
        return file

    def spreadsheet(self, spreadsheet_id: str, role: str = "reader") -> tuple[DriveFile, Spreadsheet]:
        """The file and its inside, or Sheets' 404, or its 403 for somebody with less than that role."""
        file = self.files.get(spreadsheet_id)
        if file is None:
            raise no_such_spreadsheet()
        if not self.may(file, role):
            raise forbidden_spreadsheet()
        if file.spreadsheet is None:
            raise invalid("This operation is not supported for this document")
        file.spreadsheet.now = self._clock.now()
        return file, file.spreadsheet

    def add_file(
        self,
        name: str,
        at: datetime,
        *,
        mime_type: str = SPREADSHEET,
        parents: list[str] | None = None,
        spreadsheet: Spreadsheet | None = None,
        owner: str | None = None,
        content: bytes | None = None,
    ) -> DriveFile:
        """A new file owned by the agent's account, or by another; a spreadsheet gets an empty sheet unless
        given one."""
        if mime_type == SPREADSHEET and spreadsheet is None:
            spreadsheet = Spreadsheet(sheets=[Sheet(id=0, title="Sheet1")])
        size = len(content or b"")
        self.require_storage(OF_A_FILE + size + of_spreadsheet(spreadsheet), size)
        file = DriveFile(
            id=self.new_file_id(),
            name=name,
            mime_type=mime_type,
            parents=parents if parents is not None else [self.root],
            created=stamp(at),
            modified=stamp(at),
            spreadsheet=spreadsheet,
            content=content,
        )
        address = owner or self.owner
        theirs = {"id": self.new_permission_id(), "type": "user", "role": "owner", "emailAddress": address}
        file.permissions.append(theirs)
        self.files[file.id] = file
        return file

    def keep(self, file: DriveFile, inside: Spreadsheet) -> None:
        """Put a changed copy in the place of a file's inside, unless there is no room for it."""
        self.require_room(file, inside)
        file.spreadsheet = inside

    def require_room(self, file: DriveFile, inside: Spreadsheet) -> None:
        """Refuse an inside for which there is no room."""
        self.require_storage(of_spreadsheet(inside) - of_spreadsheet(file.spreadsheet))

    def require_storage(self, more: int, content: int = 0) -> None:
        """Refuse what would need so much more than there is, with so much more `content`; nothing is refused
        to the author of the task, nor what needs less than before."""
        if self.trusting or max(more, content) <= 0:
            return
        files = self.files.values()
        kept = sum(len(file.content or b"") for file in files) if content > 0 else 0
        if used(files) + more > MAX_STORAGE or kept + content > MAX_CONTENT:
            raise full()

    def remove(self, file_id: str) -> None:
        """Delete for good; a folder takes along what lies in it."""
        self.file(file_id, "owner")
        del self.files[file_id]
        orphans = [file.id for file in self.files.values() if file_id in file.parents]
        for orphan in orphans:
            if orphan in self.files and self.may(self.files[orphan], "owner"):
                self.remove(orphan)

    def to_json(self) -> dict[str, Any]:
        """Canonical: files in the order they were made. The time is that of the turn, since reading must
        change nothing."""
        began = self._clock.now() - timedelta(seconds=self._clock.ticks)
        files = [file.to_json(began) for file in self.files.values()]
        return {"ids": self._ids.count, "root": self.root, "owner": self.owner, "files": files}

    def load(self, state: dict[str, Any]) -> None:
        """Become what `to_json` gave."""
        files = [DriveFile.from_json(file) for file in state["files"]]
        self.files = {file.id: file for file in files}
        self.root, self.owner = state["root"], state["owner"]
        self._ids.count = state["ids"]
