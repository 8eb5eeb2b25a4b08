"""Frozen tables as tables: Notion's databases and pages, spreadsheets, records of business APIs, calendars."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import groupby
from typing import Any

from clawmark_services import EvidenceError
from clawmark_services.calendar.event import Event
from clawmark_services.calendar.view import CalendarView
from clawmark_services.notion import lookup
from clawmark_services.notion.view import CommentView, DatabaseView, NotionView, PageView
from clawmark_services.notion.workspace import Workspace
from clawmark_services.sheets.view import SheetsView, SpreadsheetView, TabView
from pytest_clawmark.viewer.kinds import key_of

MAX_ROWS = 400
MAX_COLUMNS = 60
MAX_CELL = 2_000
MAX_TEXT = 60_000
MAX_EVENTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a cell shows; `number` is set right, `formula` and `note` are told beside it."""

    text: str
    number: bool = False
    formula: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`name` heads it, where rows have names; `more` is what it holds beside its cells, such as a page's text."""

    cells: tuple[Cell, ...]
    name: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with everything above and below it that people see."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int = 0
    numbered: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page of text."""

    title: str
    text: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the things to look at; `group` is what it belongs to."""

    id: str
    name: str
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What there is to look at, and what was chosen: a table, a page of text, or nothing."""

    choices: tuple[Choice, ...]
    chosen: str = ""
    table: Table | None = None
    leaf: Leaf | None = None


def notion(state: Mapping[str, Any], wanted: str) -> Sight:
    """Databases first, then pages; each is chosen by its id."""
    view, workspace = NotionView(state["workspace"]), Workspace.from_json(state["workspace"])
    databases = [(each.id, workspace.title(each.id)) for each in lookup.databases(workspace)]
    pages = [(each.id, workspace.title(each.id)) for each in lookup.pages(workspace)]
    choices = (
        *(Choice(id=id_, name=title or "untitled", group="databases") for id_, title in databases),
        *(Choice(id=id_, name=title or "untitled", group="pages") for id_, title in pages),
    )
    chosen = _chosen(choices, wanted)
    if chosen in dict(databases):
        return Sight(choices=choices, chosen=chosen, table=_database(view.database(chosen)))
    if chosen:
        page = next(each for each in lookup.pages(workspace) if each.id == chosen)
        return Sight(choices=choices, chosen=chosen, leaf=_leaf(PageView(workspace, page)))
    return Sight(choices=choices)


def _database(database: DatabaseView) -> Table:
    columns = tuple(database.columns)[:MAX_COLUMNS]
    rows = database.rows
    trashed = len(database.archived_rows)
    return Table(
        title=database.title,
        columns=columns,
        rows=tuple(
            Row(cells=tuple(_cell(_held(row, column)) for column in columns), more=_more(row))
            for row in rows[:MAX_ROWS]
        ),
        left_out=max(len(rows) - MAX_ROWS, 0),
        remark=f"{trashed} more in the trash" if trashed else "",
    )


def _held(row: Any, column: str) -> Any:
    try:
        return row[column]
    except (EvidenceError, ValueError, LookupError) as error:
        return f"(unreadable: {error})"


def _more(page: PageView) -> str:
    told = [page.text, *(_remark(comment) for comment in page.comments)]
    return "\n".join(filter(None, told))[:MAX_TEXT]


def _remark(comment: CommentView) -> str:
    return f"[{comment.by}, {comment.created_time}] {comment.text}"


def _leaf(page: PageView) -> Leaf:
    return Leaf(title=page.title, text=page.text[:MAX_TEXT], remarks=tuple(map(_remark, page.comments)))


def sheets(state: Mapping[str, Any], wanted: str) -> Sight:
    """Every tab of every spreadsheet; chosen as `<spreadsheet>/<tab>`, both counted from 0."""
    view = SheetsView(state)
    books = _books(view, state)
    choices = tuple(
        Choice(id=f"{number}/{place}", name=tab, group=book.title)
        for number, book in enumerate(books)
        for place, tab in enumerate(book.tabs)
    )
    chosen = _chosen(choices, wanted)
    if not chosen:
        return Sight(choices=choices)
    number, place = map(int, chosen.split("/"))
    book = books[number]
    return Sight(
        choices=choices, chosen=chosen, table=_grid(book, book.tab(book.tabs[place]), book.tabs[place])
    )


def _books(view: SheetsView, state: Mapping[str, Any]) -> Sequence[SpreadsheetView]:
    ids = [
        file["id"] for file in state["drive"]["files"] if file.get("spreadsheet") and not file.get("trashed")
    ]
    return [view.spreadsheet(id_) for id_ in ids]


def _grid(book: SpreadsheetView, tab: TabView, title: str) -> Table:
    values = tab.values
    width = min(max(map(len, values), default=0), MAX_COLUMNS)
    rows = tuple(
        Row(
            name=str(number),
            cells=tuple(
                _sheet_cell(tab, row[place] if place < len(row) else "", f"{_letters(place)}{number}")
                for place in range(width)
            ),
        )
        for number, row in enumerate(values[:MAX_ROWS], start=1)
    )
    return Table(
        title=f"{book.title} · {title}",
        columns=tuple(map(_letters, range(width))),
        rows=rows,
        left_out=max(len(values) - MAX_ROWS, 0),
        numbered=True,
        remark=f"changed last {book.modified}",
    )


def _sheet_cell(tab: TabView, text: str, name: str) -> Cell:
    value = tab.value(name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(
        text=text[:MAX_CELL],
        number=number,
        formula=(tab.formula(name) or "")[:MAX_CELL],
        note=(tab.note(name) or "")[:MAX_CELL],
    )


def _letters(column: int) -> str:
    """A, B, ... Z, AA, ..."""
    found = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        found = chr(65 + letter) + found
    return found


def records(state: Mapping[str, Any], wanted: str) -> Sight:
    """The resources of a business API, each chosen by its name."""
    resources: Mapping[str, Any] = state["resources"]
    choices = tuple(
        Choice(id=name, name=f"{name} ({len(known['records'])})") for name, known in resources.items()
    )
    chosen = _chosen(choices, wanted)
    if not chosen:
        return Sight(choices=choices)
    found = resources[chosen]["records"]
    key = key_of(found)
    names = tuple(dict.fromkeys([key, *(name for record in found for name in record)]))
    columns = tuple(name for name in names if any(name in record for record in found))[:MAX_COLUMNS]
    return Sight(
        choices=choices,
        chosen=chosen,
        table=Table(
            title=chosen,
            columns=columns,
            rows=tuple(
                Row(cells=tuple(_cell(record.get(name)) for name in columns)) for record in found[:MAX_ROWS]
            ),
            left_out=max(len(found) - MAX_ROWS, 0),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One event as people see it."""

    time: str
    summary: str
    location: str
    calendar: str
    people: str
    description: str
    repeats: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Events by the day they begin on; `left_out` counts those not shown."""

    calendars: tuple[str, ...]
    days: tuple[tuple[str, tuple[Appointment, ...]], ...]
    left_out: int = 0


def agenda(state: Mapping[str, Any], zone: tzinfo | None) -> Agenda:
    """Everything in all calendars, by its own first occurrence, in the time of the office."""
    view = CalendarView(state)
    events = [_there(event, zone) for event in view.events()]
    shown = events[:MAX_EVENTS]
    return Agenda(
        calendars=view.calendars,
        days=tuple(
            (f"{day:%A, %-d %B %Y}", tuple(map(_appointment, found)))
            for day, found in groupby(shown, key=lambda event: event.start.date())
        ),
        left_out=len(events) - len(shown),
    )


def _there(event: Event, zone: tzinfo | None) -> Event:
    if event.all_day or zone is None:
        return event
    return replace(event, start=event.start.astimezone(zone), end=event.end.astimezone(zone))


def _appointment(event: Event) -> Appointment:
    times = "all day" if event.all_day else f"{event.start:%H:%M} to {event.end:%H:%M}"
    return Appointment(
        time=times,
        summary=event.summary,
        location=event.location,
        calendar=event.calendar,
        people=", ".join(
            f"{one.address} ({one.partstat.lower()})" if one.partstat else one.address
            for one in event.attendees
        ),
        description=event.description[:MAX_CELL],
        repeats=event.rrule if event.repeats else "",
        status=event.status,
    )


def _cell(value: Any) -> Cell:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(text=_said(value)[:MAX_CELL], number=number)


def _said(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _chosen(choices: Iterable[Choice], wanted: str) -> str:
    ids = [choice.id for choice in choices]
    return wanted if wanted in ids else next(iter(ids), "")
