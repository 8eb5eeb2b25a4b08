"""The task author's door: `world.sheets`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from clawmark_services.context import Context
from clawmark_services.sheets import operations
from clawmark_services.sheets.a1 import cell_name, quote
from clawmark_services.sheets.calls import shortened
from clawmark_services.sheets.cells import Scalar
from clawmark_services.sheets.errors import GoogleError
from clawmark_services.sheets.oauth import Credentials
from clawmark_services.sheets.operations import Writing
from clawmark_services.sheets.records import Headed, find_one, header
from clawmark_services.sheets.store import DriveFile, Store
from clawmark_services.sheets.values import FORMATTED, as_written

Rows = Sequence[Sequence[Any]]
T = TypeVar("T")
Account = Literal["user", "service"]
Role = Literal["reader", "commenter", "writer"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Does one thing at a time to the store, and writes it into the audit."""

    context: Context
    store: Store

    def do(self, operation: str, request: Mapping[str, Any], act: Callable[[datetime], T]) -> T:
        """Run `act` with the moment of the exchange; Google's refusals become `ValueError`."""
        with self.trusted(), self.context.exchange(operation, shortened(dict(request))) as exchange:
            try:
                return act(exchange.at)
            except GoogleError as error:
                exchange.status, refusal = error.code, error.message
        # Raised out here: an exception that leaves an exchange is written down as a fault.
        raise ValueError(f"{operation} {dict(request)!r}: {refusal}")

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Hold the store, in which nothing is forbidden for so long."""
        with self.store.lock:
            before, self.store.trusting = self.store.trusting, True
            try:
                yield
            finally:
                self.store.trusting = before


class SheetsAuthor:
    """Spreadsheets as the author of a task sets them up; what they write is what is shown.

    Texts that read as a number or a date are one if nothing is lost by it ("0042" stays a text); texts
    that begin with = are formulas; None leaves a cell alone.
    """

    def __init__(self, context: Context, store: Store, credentials: Callable[[], Credentials]) -> None:
        self._desk = Desk(context, store)
        self._credentials = credentials

    @property
    def titles(self) -> list[str]:
        """The titles of all spreadsheets, in the order they were made."""
        return [file.name for file in self._files()]

    def create(
        self,
        title: str,
        tabs: Mapping[str, Rows] | None = None,
        *,
        owner: str | None = None,
        role: Role | None = None,
    ) -> SpreadsheetHandle:
        """A new spreadsheet; `tabs` maps titles to rows of values, the first row being the header.

        It is the agent's, unless it has another `owner`, an account's name or an address; then `role` says
        what the agent may do with it: nothing, or be its "reader", "commenter" or "writer".
        """
        tabs = tabs or {"Sheet1": []}
        sheets = [
            {"properties": {"title": name, "gridProperties": _grid(rows)}} for name, rows in tabs.items()
        ]
        body = {"properties": {"title": title}, "sheets": sheets}
        store = self._desk.store
        made = self._desk.do(
            "spreadsheets.create",
            {"title": title, "tabs": list(tabs)},
            lambda at: operations.create(store, at, body),
        )
        handle = SpreadsheetHandle(self._desk, made["spreadsheetId"])
        for name, rows in tabs.items():
            if rows:
                handle.tab(name).write("A1", rows)
        if owner is not None:
            self._give_away(handle.id, self._desk.context.accounts.address(owner), role)
        return handle

    def _give_away(self, file_id: str, owner: str, role: Role | None) -> None:
        with self._desk.trusted():
            store = self._desk.store
            file = store.file(file_id)
            mine = file.permissions[0]
            file.permissions[0] = {**mine, "id": store.new_permission_id(), "emailAddress": owner}
            if role is not None:
                file.permissions.append({**mine, "role": role})

    def spreadsheet(self, title: str) -> SpreadsheetHandle:
        """The spreadsheet of that title or id. Raises `LookupError` naming those that exist."""
        with self._desk.store.lock:
            found = [file.id for file in self._files() if title in (file.name, file.id)]
        if len(found) != 1:
            problem = "several spreadsheets are" if found else "no spreadsheet is"
            raise LookupError(f"{problem} called {title!r}; there are {self.titles}")
        return SpreadsheetHandle(self._desk, found[0])

    def revoke_access(self, *accounts: Account) -> None:
        """Lock the agent out, as an administrator would: "user", "service", or both if none is named.

        Its tokens stop working, and asking for new ones is refused with `invalid_grant`.
        """
        self._lock("oauth.revoke", accounts, set.update)

    def restore_access(self, *accounts: Account) -> None:
        """Undo `revoke_access`."""
        self._lock("oauth.restore", accounts, set.difference_update)

    def _lock(
        self, operation: str, accounts: Sequence[Account], change: Callable[[set[str], Any], None]
    ) -> None:
        chosen = sorted(set(accounts or ("user", "service")))
        self._desk.do(operation, {"accounts": chosen}, lambda _: change(self._credentials().revoked, chosen))

    def _files(self) -> list[DriveFile]:
        with self._desk.store.lock:
            return [f for f in self._desk.store.files.values() if f.spreadsheet and not f.trashed]


def _body(rows: Rows) -> dict[str, Any]:
    return {"values": [[as_written(value) for value in row] for row in rows]}


def _grid(rows: Rows) -> dict[str, int]:
    width = max((len(row) for row in rows), default=0)
    return {"rowCount": max(1000, len(rows)), "columnCount": max(26, width)}


@dataclass(frozen=True, slots=True)
class SpreadsheetHandle:
    """One spreadsheet; `id` is Google's."""

    _desk: Desk
    id: str

    @property
    def url(self) -> str:
        """Its address as a person would share it."""
        return f"https://docs.google.com/spreadsheets/d/{self.id}/edit"

    @property
    def title(self) -> str:
        """Its title at this moment."""
        with self._desk.trusted():
            return self._desk.store.file(self.id).name

    @property
    def tabs(self) -> list[str]:
        """The titles of its tabs, from left to right."""
        with self._desk.trusted():
            return [sheet.title for sheet in self._desk.store.spreadsheet(self.id)[1].sheets]

    def tab(self, name: str) -> TabHandle:
        """One tab. Raises `LookupError` naming those that exist."""
        if name not in self.tabs:
            raise LookupError(f"{self.title!r} has no tab {name!r}; its tabs are {self.tabs}")
        return TabHandle(self._desk, self.id, name)

    def add_tab(self, name: str, rows: Rows = ()) -> TabHandle:
        """A new tab, to the right of the others."""
        store, properties = self._desk.store, {"title": name, "gridProperties": _grid(rows)}
        body = {"requests": [{"addSheet": {"properties": properties}}]}
        self._desk.do(
            "spreadsheets.batchUpdate",
            {"spreadsheetId": self.id, "body": body},
            lambda at: operations.batch_update(store, at, self.id, body),
        )
        tab = TabHandle(self._desk, self.id, name)
        if rows:
            tab.write("A1", rows)
        return tab


@dataclass(frozen=True, slots=True)
class TabHandle:
    """One tab. Cells are named in A1 notation; values read are formatted, as on the screen."""

    _desk: Desk
    _spreadsheet: str
    title: str

    def values(self, cells: str | None = None) -> list[list[Scalar]]:
        """The values of a range such as `"A1:C9"`, or of the whole tab."""
        store, text = self._desk.store, self._range(cells)
        found = self._desk.do(
            "values.get",
            {"spreadsheetId": self._spreadsheet, "range": text},
            lambda _: operations.get_values(store, self._spreadsheet, [text], FORMATTED),
        )
        values: list[list[Scalar]] = found[0].get("values", [])
        return values

    def _range(self, cells: str | None) -> str:
        return f"{quote(self.title)}!{cells}" if cells else quote(self.title)

    def cell(self, name: str) -> str:
        """What a cell such as `"B2"` shows; "" where it is empty."""
        values = self.values(name)
        return str(values[0][0]) if values and values[0] else ""

    def rows(self) -> list[dict[str, str]]:
        """The rows below the header, as dicts by header."""
        return [row.named for row in header(self.values())]

    def row(self, **equal: Any) -> RowHandle:
        """The one row whose named columns show these values; pass headers with spaces as `**{...}`.

        Raises `LookupError` if there is none or several.
        """
        return RowHandle(self, find_one(header(self.values()), equal, self.title, LookupError))

    def write(self, cells: str, values: Any) -> None:
        """Enter a value, a row of values or rows of values, from a cell such as `"B2"` on."""
        row = list(values) if _is_row(values) else [values]
        rows = row if row and all(_is_row(inner) for inner in row) else [row]
        store, text, body = self._desk.store, self._range(cells), _body(rows)
        self._desk.do(
            "values.update",
            {"spreadsheetId": self._spreadsheet, "range": text, "body": body},
            lambda at: operations.update_values(
                store, at, self._spreadsheet, [(text, body, "data")], Writing(option="USER_ENTERED")
            ),
        )

    def append(self, *values: Any, **by_header: Any) -> None:
        """A row below the last one: values from left to right, or by header.

        Raises `LookupError` for a header that is not there.
        """
        if any(_is_row(value) for value in values):
            raise TypeError(f"append{values!r}: write append('Fri', 'Ivo'), one row at a time")
        row = list(values) if values and not by_header else self._by_header(values, by_header)
        store, text, body = self._desk.store, self._range(None), _body([row])
        self._desk.do(
            "values.append",
            {"spreadsheetId": self._spreadsheet, "range": text, "body": body},
            lambda at: operations.append_values(
                store, at, self._spreadsheet, (text, body), Writing(option="USER_ENTERED")
            ),
        )

    def _by_header(self, values: Sequence[Any], by_header: Mapping[str, Any]) -> list[Any]:
        if values:
            raise ValueError("append takes values from left to right or by header, not both")
        names = [str(name) for name in (self.values("1:1") or [[]])[0]]
        _check_headers(by_header, names, self.title)
        return [by_header.get(name) for name in names]


def _check_headers(given: Mapping[str, Any], names: Sequence[str], title: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise LookupError(f"{title!r} has no column {unknown[0]!r}; its columns are {list(names)}")


@dataclass(frozen=True, slots=True)
class RowHandle:
    """One row, as it was when it was looked up."""

    _tab: TabHandle
    _row: Headed

    def __getitem__(self, column: str) -> str:
        _check_headers({column: None}, list(self._row.named), self._tab.title)
        return self._row.named[column]

    def update(self, **values: Any) -> None:
        """Enter values into its columns."""
        names = list(self._row.named)
        _check_headers(values, names, self._tab.title)
        for name, value in values.items():
            self._tab.write(cell_name(self._row.index, names.index(name)), value)


def _is_row(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
