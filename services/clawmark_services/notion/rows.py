"""Rows and their values. Functions take the `Store` first and happen whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clawmark_services.notion import properties, relations, values
from clawmark_services.notion.blocks import Draft
from clawmark_services.notion.columns import Columns
from clawmark_services.notion.errors import archived_ancestor, invalid
from clawmark_services.notion.records import Page, Parent
from clawmark_services.notion.store import Moment, Store
from clawmark_services.notion.workspace import TITLE

Json = Any


def create_row(
    store: Store,
    source_id: str,
    raw: Mapping[str, Json],
    moment: Moment,
    *,
    path: str = "body.properties",
    icon: Json = None,
    cover: Json = None,
    children: Sequence[Draft] = (),
) -> Page:
    """A row; `raw` are property values as requests spell them, by column name or id."""
    with store.whole():
        source = store.source(source_id)
        store.editable(store.database(source.database_id))
        if source.trashed:
            raise archived_ancestor()
        kept = _with_computed(store, source_id, parse_values(store, source_id, raw, path))
        present = {key: value for key, value in kept.items() if value is not None}
        parent = Parent(kind="data_source_id", id=source_id)
        made = store.add_page(parent, present, moment, icon=icon, cover=cover, children=children)
        relations.mirror_all(store, made, {}, present)
        return store.page(made.id)


def _with_computed(store: Store, source_id: str, kept: dict[str, Json]) -> dict[str, Json]:
    """A new row's values with what Notion adds to them: a status that was not given, and a number."""
    source, filled = store.source(source_id), dict(kept)
    for column in source.properties:
        if column.type == "status" and column.id not in kept:
            filled[column.id] = Columns(store, source_id).default_option(column)
        if column.type == "unique_id":
            filled[column.id] = source.numbered + 1
    if any(column.type == "unique_id" for column in source.properties):
        store.workspace.put_source(replace(source, numbered=source.numbered + 1))
    return filled


def update_values(store: Store, page: Page, raw: Mapping[str, Json], moment: Moment, **parts: Any) -> Page:
    """Change some of a page's values, as requests spell them, and other `parts` of it."""
    with store.whole():
        if page.parent.kind == "data_source_id":
            new = parse_values(store, str(page.parent.id), raw, "body.properties")
        else:
            new = parse_title(store, raw, "body.properties")
        merged = {key: value for key, value in {**page.values, **new}.items() if value is not None}
        changed = store.change(page, moment, values=merged, **parts)
        relations.mirror_all(store, page, page.values, merged)
        return store.page(changed.id)


def parse_values(store: Store, source_id: str, raw: Mapping[str, Json], path: str) -> dict[str, Json]:
    """Values of a request in kept form by column id; None where one is cleared."""
    columns = store.source(source_id).properties
    writing = Columns(store, source_id)
    kept: dict[str, Json] = {}
    for key, value in raw.items():
        column = properties.find(columns, key)
        if column is None:
            raise invalid(f"{key} is not a property that exists.")
        kept[column.id] = values.parse(column, value, f"{path}.{key}", writing)
    return kept


def parse_title(store: Store, raw: Mapping[str, Json], path: str) -> dict[str, Json]:
    """The same for a page that is no row: it has a title and nothing else."""
    kept: dict[str, Json] = {}
    for key, value in raw.items():
        if key != TITLE.id:
            raise invalid(f"{key} is not a property that exists.")
        kept[key] = values.parse(TITLE, value, f"{path}.{key}", Columns(store, ""))
    return kept


def move(store: Store, page: Page, parent: Parent, moment: Moment) -> Page:
    """Hang a page or row on another page or table; of its values only the title goes with it.

    What a page contains moves with it. A row gets the new table's defaults.
    """
    if page.parent == parent:
        return page
    with store.whole():
        store.editable(page)
        if page.parent.kind == "workspace":
            raise invalid("Moving workspace level pages via API not supported.")
        into = store.node(_holder(store, parent))
        store.editable(into)
        if page.id in (into.id, *(each.id for each in store.workspace.ancestors(into))):
            raise invalid("A page cannot be moved into itself or into a page that it contains.")
        relations.mirror_all(store, page, page.values, {})
        page = store.page(page.id)
        store.detach(page)
        kept = {"title": page.values["title"]} if "title" in page.values else {}
        if parent.kind == "data_source_id":
            kept = _with_computed(store, str(parent.id), kept)
        kept = {key: value for key, value in kept.items() if value is not None}
        store.workspace.put(replace(page, parent=parent, values=kept, stamp=moment.edit(page.stamp)))
        if parent.kind == "page_id":
            store.attach(str(parent.id), [page.id], moment)
        return store.page(page.id)


def _holder(store: Store, parent: Parent) -> str:
    if parent.kind == "data_source_id":
        return store.source(str(parent.id)).database_id
    return str(parent.id)
