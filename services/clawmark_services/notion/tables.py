"""Databases, their data sources, and rows: the part of the store that knows about columns.

Functions take the `Store` first; like its methods they happen whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clawmark_services.notion import plain, properties, values
from clawmark_services.notion.blocks import Draft
from clawmark_services.notion.errors import MISSING, NotionError, any_of, invalid
from clawmark_services.notion.grammar import ALPHANUMERIC, as_object, as_text
from clawmark_services.notion.records import Database, DataSource, Page, Parent, Property
from clawmark_services.notion.store import AT_END, Moment, Position, Store
from clawmark_services.notion.workspace import TITLE

Json = Any

DEFAULT_SCHEMA: Mapping[str, Json] = {"Name": {"title": {}}}
"""The columns of a data source that was asked for without any."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The bridge from schemas and values to one workspace; see `Configuring` and `Writing`."""

    store: Store
    source_id: str

    def new_option_id(self) -> str:
        return self.store.ids.uuid()

    def related_source(self, id_: str, kind: str) -> str:
        if kind == "data_source_id":
            return self.store.source(id_).id
        return only_source(self.store, self.store.database(id_)).id

    def option(self, column: Property, wanted: Mapping[str, Json], path: str) -> str:
        source = self.store.source(self.source_id)
        current = next(each for each in source.properties if each.id == column.id)
        options = current.config["options"]
        if "id" in wanted and wanted["id"] is not None:
            if all(option["id"] != wanted["id"] for option in options):
                raise invalid(f'{column.name} is an invalid select option "{wanted["id"]}".')
            return str(wanted["id"])
        name = properties.option_name(wanted.get("name", MISSING), f"{path}.name")
        known = next((option["id"] for option in options if option["name"] == name), None)
        if known is not None:
            return str(known)
        if column.type == "status":
            # The stray quotation mark is Notion's own.
            raise invalid(f'Invalid status option. Status option "{name}" does not exist".')
        fresh = self.new_option_id()
        _put_columns(self.store, source, _swapped(source, properties.with_new_option(current, fresh, name)))
        return fresh

    def default_option(self, column: Property) -> str | None:
        return next((ids[0] for group in column.config["groups"] if (ids := group["option_ids"])), None)

    def person(self, id_: str) -> str:
        return self.store.user(id_).id

    def page(self, id_: str) -> str:
        return self.store.page(id_).id


def only_source(store: Store, database: Database) -> DataSource:
    """The data source of a database that has one; several are refused as the old API version does."""
    if len(database.sources) > 1:
        raise invalid(
            "Databases with multiple data sources are not supported in this API version.",
            {
                "error_type": "multiple_data_sources_for_database",
                "database_id": database.id,
                "child_data_source_ids": list(database.sources),
                "minimum_api_version": "2025-09-03",
            },
        )
    return store.source(database.sources[0])


def create_database(
    store: Store,
    parent: Parent,
    schema: Mapping[str, Json],
    moment: Moment,
    *,
    path: str = "body.properties",
    **parts: Any,
) -> Database:
    """A database with one data source; `parts` are `title`, `description`, `icon`, `cover`, `inline`."""
    with store.whole():
        database = Database(
            id=store.ids.uuid(),
            seq=store.next_number(),
            parent=parent,
            stamp=moment.stamp(),
            sources=(),
            **{"title": (), **parts},
        )
        store.workspace.put(database)
        store.attach(str(parent.id), [database.id], moment)
        icon = parts.get("icon")
        create_source(store, database.id, schema, moment, path=path, title=parts.get("title", ()), icon=icon)
        return store.database(database.id)


def create_source(
    store: Store,
    database_id: str,
    schema: Mapping[str, Json],
    moment: Moment,
    *,
    path: str = "body.properties",
    **parts: Any,
) -> DataSource:
    """Another data source in a database; `parts` are `title`, `description`, `icon`."""
    with store.whole():
        database = store.database(database_id)
        store.editable(database)
        source = DataSource(
            id=store.ids.uuid(),
            seq=store.next_number(),
            database_id=database_id,
            stamp=moment.stamp(),
            properties=(),
            **{"title": (), **parts},
        )
        store.workspace.sources[source.id] = source
        store.workspace.put(replace(database, sources=(*database.sources, source.id)))
        for name, raw in schema.items():
            _add_column(store, source.id, name, as_object(raw, f"{path}.{name}"), f"{path}.{name}")
        if all(column.type != "title" for column in store.source(source.id).properties):
            raise invalid("Title is not provided.")
        return store.source(source.id)


def update_source(
    store: Store,
    source: DataSource,
    schema: Mapping[str, Json],
    moment: Moment,
    *,
    path: str = "body.properties",
    **parts: Any,
) -> DataSource:
    """Change columns (by name or id; None removes one) and other `parts`, `trashed` among them."""
    with store.whole():
        for key, raw in schema.items():
            _change_column(store, source.id, key, raw, f"{path}.{key}")
        changed = store.source(source.id)
        changed = replace(changed, stamp=moment.edit(changed.stamp), **parts)
        store.workspace.sources[source.id] = changed
        return changed


def _add_column(store: Store, source_id: str, name: str, raw: Mapping[str, Json], path: str) -> None:
    source = store.source(source_id)
    kind = properties.required_type(raw, path)
    if kind == "title" and any(column.type == "title" for column in source.properties):
        raise invalid("Cannot create more than one title property.")
    config = properties.parse_config(kind, raw, path, _Columns(store, source_id))
    column = Property(
        id="title" if kind == "title" else _column_id(store, source),
        name=properties.parse_name(name, path),
        type=kind,
        config=config,
        description=_description(raw, path, None),
    )
    _put_columns(store, source, (*source.properties, column))
    if kind == "unique_id":
        _number_rows(store, source_id, column)
    if kind == "status":
        _fill_rows(store, source_id, column)


def _change_column(store: Store, source_id: str, key: str, raw: Json, path: str) -> None:
    source = store.source(source_id)
    column = properties.find(source.properties, key)
    if raw is None:
        _remove_column(store, source, column, key)
        return
    raw = as_object(raw, path)
    kind = properties.parse_type(raw, path)
    if column is None:
        if kind is None:
            raise invalid(f"{key} is not a property that exists.")
        _add_column(store, source_id, as_text(raw.get("name", key), f"{path}.name"), raw, path)
        return
    kind = kind or column.type
    if (kind == "title") != (column.type == "title"):
        raise invalid("Cannot change the type of, or add another, title property.")
    name = properties.parse_name(raw.get("name", column.name), f"{path}.name")
    if any(other.name == name for other in source.properties if other.id != column.id):
        raise invalid(f"Cannot rename property to {name}: a property with that name already exists.")
    config = properties.parse_config(kind, raw, path, _Columns(store, source_id), column)
    description = _description(raw, path, column.description)
    changed = replace(column, name=name, type=kind, config=config, description=description)
    _put_columns(store, source, _swapped(source, changed))
    _follow(store, source_id, column, changed)


def _remove_column(store: Store, source: DataSource, column: Property | None, key: str) -> None:
    if column is None:
        raise invalid(f"{key} is not a property that exists.")
    if column.type == "title":
        raise invalid("Cannot delete title property.")
    _put_columns(store, source, [each for each in source.properties if each.id != column.id])
    _rewrite(store, source.id, column.id, lambda _page: None)


def _follow(store: Store, source_id: str, old: Property, new: Property) -> None:
    """Bring the rows' values in line with a column that has changed."""
    if old.type != new.type:
        texts = {
            page.id: values.plain(old, page, store.workspace) for page in store.workspace.rows(source_id)
        }
        _rewrite(store, source_id, new.id, lambda page: _converted(store, source_id, new, texts[page.id]))
        if new.type == "unique_id":
            _number_rows(store, source_id, new)
    elif "options" in new.config:
        left = {option["id"] for option in new.config["options"]}
        _rewrite(store, source_id, new.id, lambda page: _surviving(page.values.get(new.id), left))
    if new.type == "status":
        _fill_rows(store, source_id, new)


def _surviving(value: Json, left: set[str]) -> Json:
    if isinstance(value, list):
        return [id_ for id_ in value if id_ in left] or None
    return value if value in left else None


def _converted(store: Store, source_id: str, column: Property, value: Json) -> Json:
    """What a value becomes in a column of another type; Notion keeps what it can and drops the rest."""
    if values.KINDS[column.type].parse is None or value in (None, [], ""):
        return None
    text = ", ".join(value) if isinstance(value, list) and column.type != "multi_select" else value
    try:
        raw = plain.to_request(column, text, store.workspace)
        return values.parse(column, raw, column.name, _Columns(store, source_id))
    except (ValueError, LookupError, NotionError):
        return None


def _rewrite(store: Store, source_id: str, column_id: str, value: Callable[[Page], Json]) -> None:
    for page in store.workspace.rows(source_id):
        others = {key: kept for key, kept in page.values.items() if key != column_id}
        new = value(page)
        store.workspace.put(replace(page, values=others if new is None else {**others, column_id: new}))


def _number_rows(store: Store, source_id: str, column: Property) -> None:
    """Give every row a number, in the order of creation."""
    rows = store.workspace.rows(source_id)
    numbers = {page.id: number for number, page in enumerate(rows, start=1)}
    _rewrite(store, source_id, column.id, lambda page: numbers[page.id])
    store.workspace.sources[source_id] = replace(store.source(source_id), numbered=len(rows))


def _fill_rows(store: Store, source_id: str, column: Property) -> None:
    """A status is never empty: rows without one get the default."""
    default = _Columns(store, source_id).default_option(column)
    _rewrite(store, source_id, column.id, lambda page: page.values.get(column.id, default))


def _description(raw: Mapping[str, Json], path: str, old: str | None) -> str | None:
    description = raw.get("description", old)
    return None if description is None else as_text(description, f"{path}.description", 280)


def _column_id(store: Store, source: DataSource) -> str:
    taken = {column.id for column in source.properties}
    id_ = store.ids.token(4, ALPHANUMERIC)
    while id_ in taken:
        id_ = store.ids.token(4, ALPHANUMERIC)
    return id_


def _swapped(source: DataSource, changed: Property) -> list[Property]:
    return [changed if column.id == changed.id else column for column in source.properties]


def _put_columns(store: Store, source: DataSource, columns: Sequence[Property]) -> None:
    current = store.source(source.id)
    store.workspace.sources[source.id] = replace(current, properties=tuple(columns))


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
            raise invalid("Can't edit page on block with an archived ancestor.")
        kept = parse_values(store, source_id, raw, path)
        for column in source.properties:
            if column.type == "status" and column.id not in kept:
                kept[column.id] = _Columns(store, source_id).default_option(column)
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
    writing = _Columns(store, source_id)
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
        kept[key] = values.parse(TITLE, value, f"{path}.{key}", _Columns(store, ""))
    return kept


def required_parent(root: str, kinds: Sequence[str]) -> NotionError:
    """The refusal of a parent that names none of the kinds that could be."""
    return any_of("body", [f"{root}.{kind} should be defined, instead was `undefined`." for kind in kinds])


__all__ = [
    "AT_END",
    "DEFAULT_SCHEMA",
    "Position",
    "create_database",
    "create_row",
    "create_source",
    "only_source",
    "parse_title",
    "parse_values",
    "update_source",
    "update_values",
]
