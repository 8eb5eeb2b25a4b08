"""Working on a workspace without going over the wire: what the author's door and the tools share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from clawmark_services.context import Context
from clawmark_services.notion import blocks, lookup, plain, properties, richtext, rows
from clawmark_services.notion.abridge import abridged
from clawmark_services.notion.errors import NotionError
from clawmark_services.notion.grammar import LIST_LIMIT
from clawmark_services.notion.records import Comment, DataSource, Page, Parent
from clawmark_services.notion.store import Moment, Store
from clawmark_services.notion.workspace import Workspace

Json = Any


@dataclass(frozen=True, slots=True)
class Desk:
    """One request's worth of work, by plain values. Methods raise `NotionError`, `LookupError` (something
    is not there) or `ValueError` (a value that a column cannot hold)."""

    store: Store
    now: datetime

    @property
    def moment(self) -> Moment:
        """The stamp of what is changed now."""
        return self.store.moment(self.now)

    @property
    def workspace(self) -> Workspace:
        """The workspace as it is now."""
        return self.store.workspace

    def request(self, source: DataSource, given: Mapping[str, Any]) -> dict[str, Json]:
        """Plain values as a request spells them."""
        columns = ((lookup.column(source, name), value) for name, value in given.items())
        return {column.name: plain.to_request(column, value, self.workspace) for column, value in columns}

    def add_row(self, source: DataSource, given: Mapping[str, Any], text: str | None = None) -> Page:
        """A new row with plain values, and perhaps text in it."""
        with self.store.whole():
            made = rows.create_row(self.store, source.id, self.request(source, given), self.moment)
            self.write(made, text)
            return made

    def add_page(self, parent: Page, title: str, text: str | None = None) -> Page:
        """A new page in a page."""
        with self.store.whole():
            self.store.editable(parent)
            named = rows.parse_title(self.store, {"title": richtext.from_text(title)}, "body.properties")
            kept = {name: value for name, value in named.items() if value is not None}
            made = self.store.add_page(Parent(kind="page_id", id=parent.id), kept, self.moment)
            self.write(made, text)
            return made

    def update(self, page: Page, given: Mapping[str, Any]) -> Page:
        """Change plain values of a row, or the title of a page under the name `title`."""
        self.store.editable(page)
        if page.parent.kind == "data_source_id":
            raw = self.request(self.store.source(str(page.parent.id)), given)
        else:
            columns = self.workspace.columns(page)
            for name in given:
                if properties.find(columns, name) is None:
                    raise LookupError(lookup.unknown_column(name, columns))
            raw = {name: plain.to_request(columns[0], value, self.workspace) for name, value in given.items()}
        return rows.update_values(self.store, page, raw, self.moment)

    def write(self, page: Page, text: str | None) -> None:
        """Add text at the end of a page: one block a line, however many."""
        drafts = _drafts(blocks.paragraphs(text or ""))
        if drafts:
            self.store.append(page.id, drafts, self.moment)

    def comment(self, page: Page, text: str, by: str | None = None) -> Comment:
        """A remark on a page, of whoever acts now or of a user given by id."""
        runs = richtext.parse(richtext.from_text(text), "body.rich_text")
        moment = self.moment if by is None else replace(self.moment, by=by)
        return self.store.comment(Parent(kind="page_id", id=page.id), runs, moment)


def _drafts(items: Sequence[Json]) -> list[blocks.Draft]:
    """Any number of blocks, as if they had come in several requests."""
    parts = (items[start : start + LIST_LIMIT] for start in range(0, len(items), LIST_LIMIT))
    return [draft for part in parts for draft in blocks.parse_children(list(part), "body.children")]


@contextmanager
def working(context: Context, store: Store, operation: str, request: Mapping[str, Any]) -> Iterator[Desk]:
    """One audited request. Refusals pass on to the caller; the audit tells them from faults."""
    said = abridged(_sayable(request))
    with store.lock, context.exchange(operation, said) as exchange:
        trouble: Exception | None = None
        try:
            yield Desk(store, exchange.at)
        except NotionError as refusal:
            exchange.status, trouble = refusal.status, refusal
        except LookupError as refusal:
            exchange.status, trouble = 404, refusal
        except ValueError as refusal:
            exchange.status, trouble = 400, refusal
    if trouble is not None:
        raise trouble


def _sayable(value: Any) -> Json:
    """Arguments as JSON: whatever JSON does not know is shown as text."""
    if isinstance(value, Mapping):
        return {str(key): _sayable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
