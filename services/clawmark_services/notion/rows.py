"""Rows and their values. Functions take the `Store` first and happen whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clawmark_services.notion import properties, values
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
        kept = parse_values(store, source_id, raw, path)
        for column in source.properties:
            if column.type == "status" and column.id not in kept:
                kept[column.id] = Columns(store, source_id).default_option(column)
            if column.type == "unique_id":
                kept[column.id] = source.numbered + 1
        numbered = any(column.type == "unique_id" for column in source.properties)
        if numbered:
            latest = store.source(source_id)
            store.workspace.sources[source_id] = replace(latest, numbered=source.numbered + 1)
        present = {key: value for key, value in kept.items() if value is not None}
        parent = Parent(kind="data_source_id", id=source_id)
        return store.add_page(parent, present, moment, icon=icon, cover=cover, children=children)


def update_values(store: Store, page: Page, raw: Mapping[str, Json], moment: Moment, **parts: Any) -> Page:
    """Change some of a page's values, as requests spell them, and other `parts` of it."""
    with store.whole():
        if page.parent.kind == "data_source_id":
            new = parse_values(store, str(page.parent.id), raw, "body.properties")
        else:
            new = parse_title(store, raw, "body.properties")
        merged = {key: value for key, value in {**page.values, **new}.items() if value is not None}
        changed = store.change(page, moment, values=merged, **parts)
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
