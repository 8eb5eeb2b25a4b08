"""The task author's door, `world.notion`: pages, databases and rows by plain Python values.

Mistakes are Python exceptions that name the value, what is allowed and what to do: `LookupError` for
something that does not exist, `ValueError` for a value that a column cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from clawmark_services.context import Context
from clawmark_services.notion import lookup, outline, plain, richtext, tables
from clawmark_services.notion.desk import Desk, working
from clawmark_services.notion.errors import NotionError
from clawmark_services.notion.records import DataSource, Page, Parent
from clawmark_services.notion.schema import schema_request
from clawmark_services.notion.store import Store

Values = Mapping[str, Any]


class PageHandle:
    """A page, or what rows and pages have in common."""

    def __init__(self, door: NotionAuthor, id_: str) -> None:
        self._door = door
        self.id = id_

    def __str__(self) -> str:
        return self._door.workspace_title(self.id)

    @property
    def title(self) -> str:
        """Its title."""
        return str(self)

    @property
    def text(self) -> str:
        """All that it contains, as plain text: one line a block, nested blocks indented."""
        return self._door.text_of(self.id)

    def append(self, text: str) -> None:
        """Add text at its end; each line is a block, and `# `, `- `, `[ ] ` and so on are understood."""
        with self._door.working("blocks.children.append", page=self.id, text=text) as desk:
            desk.write(desk.store.page(self.id), text)

    def comment(self, text: str, *, by: str | None = None) -> None:
        """Add a comment, by the workspace's admin or by somebody named or addressed in `by`."""
        with self._door.working("comments.create", page=self.id, text=text, by=by) as desk:
            desk.comment(desk.store.page(self.id), text, None if by is None else _user(desk, by))

    def delete(self) -> None:
        """Move it to the trash."""
        with self._door.working("pages.update", page=self.id, in_trash=True) as desk:
            desk.store.set_trashed(self.id, desk.moment, trashed=True)


class RowHandle(PageHandle):
    """A row. `row["Score"]` is what it holds now, as a plain value."""

    def __getitem__(self, column: str) -> Any:
        return self._door.value_of(self.id, column)

    @property
    def values(self) -> dict[str, Any]:
        """What it holds now, by column."""
        return self._door.values_of(self.id)

    def update(self, values: Values | None = None, /, **more: Any) -> RowHandle:
        """Change some columns; names that are no identifiers go into the mapping. None clears one."""
        given = {**(values or {}), **more}
        with self._door.working("pages.update", page=self.id, properties=given) as desk:
            desk.update(desk.store.page(self.id), given)
        return self


class DatabaseHandle:
    """A database."""

    def __init__(self, door: NotionAuthor, id_: str, source_id: str) -> None:
        self._door = door
        self.id = id_
        self._source_id = source_id

    def __str__(self) -> str:
        return self._door.workspace_title(self.id)

    @property
    def title(self) -> str:
        """Its title."""
        return str(self)

    def add(self, values: Values | None = None, /, *, body: str | None = None, **more: Any) -> RowHandle:
        """Add a row with plain values by column, and perhaps text in it."""
        given = {**(values or {}), **more}
        with self._door.working("pages.create", database=self.id, properties=given, text=body) as desk:
            return RowHandle(self._door, desk.add_row(self._source(desk), given, body).id)

    def rows(self, values: Values | None = None, /, **more: Any) -> list[RowHandle]:
        """The rows that hold all these values, oldest first; all rows when none are given."""
        given = {**(values or {}), **more}
        with self._door.working("databases.query", database=self.id, equal=given) as desk:
            found = lookup.matching(desk.workspace, self._source(desk), given)
            return [RowHandle(self._door, page.id) for page in found]

    def row(self, values: Values | None = None, /, **more: Any) -> RowHandle:
        """The only row that holds all these values; `LookupError` lists what there is otherwise."""
        given = {**(values or {}), **more}
        with self._door.working("databases.query", database=self.id, equal=given) as desk:
            return RowHandle(self._door, lookup.row(desk.workspace, self._source(desk), given).id)

    def delete(self) -> None:
        """Move it to the trash with all its rows."""
        with self._door.working("databases.update", database=self.id, in_trash=True) as desk:
            desk.store.set_trashed(self.id, desk.moment, trashed=True)

    def _source(self, desk: Desk) -> DataSource:
        return desk.store.source(self._source_id)


class NotionAuthor:
    """`world.notion`."""

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    @property
    def root(self) -> PageHandle:
        """The page that everything else hangs below."""
        return PageHandle(self, self._store.workspace.root_id)

    def create_page(
        self, title: str, *, parent: PageHandle | str | None = None, body: str | None = None
    ) -> PageHandle:
        """A page below another one (given by handle, title or id), or below the root page.

        `body` is text, one block a line; `# `, `- `, `1. `, `[ ] ` and `> ` are understood.
        """
        with self.working("pages.create", title=title, parent=parent, text=body) as desk:
            return PageHandle(self, desk.add_page(_parent(desk, parent), title, body).id)

    def create_database(
        self,
        title: str,
        columns: Mapping[str, Any] | None = None,
        rows: Iterable[Values] = (),
        *,
        parent: PageHandle | str | None = None,
    ) -> DatabaseHandle:
        """A database with its columns and rows, below a page or the root page.

        A column is a type's name ("title", "rich_text" or "text", "number", "select", "multi_select",
        "status", "date", "people", "files", "checkbox", "url", "email", "phone_number", "unique_id",
        "created_time", ...), or one type with its setting: `{"select": ["a", "b"]}`, likewise multi_select
        and status; `{"number": "percent"}`; `{"relation": "title of a database"}`; `{"unique_id": "HR"}`.
        """
        rows = list(rows)
        with self.working("databases.create", title=title, columns=columns, rows=rows, parent=parent) as desk:
            schema = schema_request(columns or {"Name": "title"}, desk.workspace)
            with desk.store.whole():
                place = Parent(kind="page_id", id=_parent(desk, parent).id)
                named = richtext.parse(richtext.from_text(title), "body.title")
                made = tables.create_database(desk.store, place, schema, desk.moment, title=named)
                source = desk.store.source(made.sources[0])
                for row in rows:
                    desk.add_row(source, row)
            return DatabaseHandle(self, made.id, source.id)

    def database(self, title: str) -> DatabaseHandle:
        """The only database with this title (or id)."""
        with self.working("search", query=title, object="database") as desk:
            source = lookup.source(desk.workspace, title)
            return DatabaseHandle(self, source.database_id, source.id)

    def page(self, title: str) -> PageHandle:
        """The only page with this title (or id)."""
        with self.working("search", query=title, object="page") as desk:
            return PageHandle(self, lookup.page(desk.workspace, title).id)

    # What handles read; reading what a handle holds is no request of its own.

    @contextmanager
    def working(self, operation: str, **request: Any) -> Iterator[Desk]:
        """One audited request of the task; what Notion itself would refuse becomes a `ValueError`."""
        try:
            with working(self._context, self._store, operation, request) as desk:
                yield desk
        except NotionError as refusal:
            raise ValueError(f"Notion refuses {operation}: {refusal}") from refusal

    def workspace_title(self, id_: str) -> str:
        """The title of a page or database."""
        with self._store.lock:
            return self._store.workspace.title(id_)

    def text_of(self, id_: str) -> str:
        """What a page contains."""
        with self._store.lock:
            return outline.text(self._store.workspace, self._page(id_))

    def values_of(self, id_: str) -> dict[str, Any]:
        """What a row holds."""
        with self._store.lock:
            return plain.row(self._page(id_), self._store.workspace)

    def value_of(self, id_: str, column: str) -> Any:
        """What a row holds in a column."""
        with self._store.lock:
            page = self._page(id_)
            held = plain.row(page, self._store.workspace)
            if column not in held:
                raise LookupError(lookup.unknown_column(column, self._store.workspace.columns(page)))
            return held[column]

    def _page(self, id_: str) -> Page:
        return self._store.page(id_)


def _parent(desk: Desk, parent: PageHandle | str | None) -> Page:
    if parent is None:
        return desk.store.page(desk.workspace.root_id)
    if isinstance(parent, PageHandle):
        return desk.store.page(parent.id)
    return lookup.page(desk.workspace, parent)


def _user(desk: Desk, who: str) -> str:
    for user in desk.workspace.users.values():
        if who in (user.id, user.name, user.email):
            return user.id
    known = ", ".join(repr(user.name) for user in desk.workspace.users.values())
    raise LookupError(f"nobody in the workspace is called {who!r}: use one of {known}")
