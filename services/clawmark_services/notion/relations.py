"""Relations with two sides: a column in each table, each showing what the other says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clawmark_services.notion.columns import put_columns, swapped
from clawmark_services.notion.grammar import ALPHANUMERIC
from clawmark_services.notion.records import Page, Property
from clawmark_services.notion.store import Store

Json = Any


def pair(store: Store, source_id: str, column: Property) -> None:
    """Make the other side of a relation that asks for one and has none yet."""
    if column.type != "relation" or "synced_name" not in column.config:
        return
    related_id = column.config["data_source_id"]
    related, own = store.source(related_id), store.source(source_id)
    title = store.workspace.title(own.database_id)
    name = column.config["synced_name"] or f"Related to {title} ({column.name})"
    other = Property(
        id=store.ids.token(4, ALPHANUMERIC),
        name=_free(name, {each.name for each in related.properties}),
        type="relation",
        config={"data_source_id": source_id, "synced": column.id},
    )
    put_columns(store, related, (*related.properties, other))
    linked = replace(column, config={"data_source_id": related_id, "synced": other.id})
    put_columns(store, store.source(source_id), swapped(store.source(source_id), linked))
    for row in store.workspace.rows(source_id):
        mirror(store, store.page(row.id), linked, [], row.values.get(column.id) or [])


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found


def part(store: Store, column: Property, changed: Property | None = None) -> None:
    """Remove the other side of a relation that was removed, or that has become one-sided."""
    synced = column.config.get("synced") if column.type == "relation" else None
    still = changed is not None and changed.type == "relation" and changed.config.get("synced") == synced
    if synced is None or still:
        return
    source = store.source(column.config["data_source_id"])
    put_columns(store, source, [each for each in source.properties if each.id != synced])
    for row in store.workspace.rows(source.id):
        others = {key: value for key, value in row.values.items() if key != synced}
        store.workspace.put(replace(row, values=others))


def mirror_all(store: Store, page: Page, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
    """Show on the other sides what has changed in a row."""
    if page.parent.kind != "data_source_id":
        return
    for column in store.source(str(page.parent.id)).properties:
        if column.type == "relation" and column.config.get("synced"):
            mirror(store, page, column, before.get(column.id) or [], after.get(column.id) or [])


def mirror(store: Store, page: Page, column: Property, before: list[str], after: list[str]) -> None:
    """Show on the other side of one relation what has changed in a row."""
    synced = column.config["synced"]
    for id_ in dict.fromkeys([*before, *after]):
        row = store.workspace.nodes.get(id_)
        if not isinstance(row, Page) or (id_ in before) == (id_ in after):
            continue
        held = [each for each in row.values.get(synced) or [] if each != page.id]
        held += [page.id] if id_ in after else []
        others = {key: value for key, value in row.values.items() if key != synced}
        store.workspace.put(replace(row, values={**others, synced: held} if held else others))
