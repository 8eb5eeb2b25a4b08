"""Databases and their data sources: making them, and changing their columns under the rows they hold.

Functions take the `Store` first; like its methods they happen whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from clawmark_services.notion import configs, plain, properties, relations, values
from clawmark_services.notion.columns import Columns, put_columns, swapped
from clawmark_services.notion.errors import NotionError, invalid
from clawmark_services.notion.grammar import ALPHANUMERIC, as_object, as_text
from clawmark_services.notion.records import Database, DataSource, Page, Parent, Property, View
from clawmark_services.notion.store import Moment, Store

Json = Any

DEFAULT_SCHEMA: Mapping[str, Json] = {"Name": {"title": {}}}
"""The columns of a data source that was asked for without any."""


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
        store.workspace.put_source(source)
        store.workspace.put(replace(database, sources=(*database.sources, source.id)))
        for name, raw in _in_order(schema):
            _add_column(store, source.id, name, as_object(raw, f"{path}.{name}"), f"{path}.{name}")
        _check_formulas(store, source.id, schema)
        if all(column.type != "title" for column in store.source(source.id).properties):
            raise invalid("Title is not provided.")
        _add_default_view(store, source, moment)
        return store.source(source.id)


def _add_default_view(store: Store, source: DataSource, moment: Moment) -> None:
    """Every data source begins with a table that shows all of it."""
    view = View(
        id=store.ids.uuid(),
        seq=store.next_number(),
        database_id=source.database_id,
        source_id=source.id,
        name="Default view",
        type="table",
        stamp=moment.stamp(),
        configuration={"type": "table"},
    )
    store.workspace.views[view.id] = view


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
        for key, raw in _in_order(schema):
            _change_column(store, source.id, key, raw, f"{path}.{key}")
        _check_formulas(store, source.id, schema)
        changed = store.source(source.id)
        changed = replace(changed, stamp=moment.edit(changed.stamp), **parts)
        store.workspace.put_source(changed)
        return changed


def _in_order(schema: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Rollups last: the relations that they follow may be new as well."""
    return sorted(schema.items(), key=lambda named: isinstance(named[1], dict) and "rollup" in named[1])


def _check_formulas(store: Store, source_id: str, schema: Mapping[str, Json]) -> None:
    """Refuse formulas of a request that read columns which do not exist."""
    columns = store.source(source_id).properties
    for key, raw in schema.items():
        column = properties.find(columns, key)
        said = raw.get("formula") if isinstance(raw, dict) else None
        if (
            column is not None
            and column.type == "formula"
            and isinstance(said, dict)
            and said.get("expression")
        ):
            configs.check_formula(
                column.config["expression"], lambda name: properties.find(columns, name) is not None
            )


def _add_column(store: Store, source_id: str, name: str, raw: Mapping[str, Json], path: str) -> None:
    source = store.source(source_id)
    kind = configs.required_type(raw, path)
    if kind == "title" and any(column.type == "title" for column in source.properties):
        raise invalid("Cannot create more than one title property.")
    config = configs.parse_config(kind, raw, path, Columns(store, source_id))
    column = Property(
        id="title" if kind == "title" else _column_id(store, source),
        name=configs.parse_name(name, path),
        type=kind,
        config=config,
        description=_description(raw, path, None),
    )
    put_columns(store, source, (*store.source(source_id).properties, column))
    relations.pair(store, source_id, column)
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
    kind = configs.parse_type(raw, path)
    if column is None:
        if kind is None:
            raise invalid(f"{key} is not a property that exists.")
        _add_column(store, source_id, as_text(raw.get("name", key), f"{path}.name"), raw, path)
        return
    kind = kind or column.type
    if (kind == "title") != (column.type == "title"):
        raise invalid("Cannot change the type of, or add another, title property.")
    name = configs.parse_name(raw.get("name", column.name), f"{path}.name")
    if any(other.name == name for other in source.properties if other.id != column.id):
        raise invalid(f"Cannot rename property to {name}: a property with that name already exists.")
    config = configs.parse_config(kind, raw, path, Columns(store, source_id), column)
    description = _description(raw, path, column.description)
    changed = replace(column, name=name, type=kind, config=config, description=description)
    put_columns(store, source, swapped(source, changed))
    _follow(store, source_id, column, changed)
    if name != column.name:
        _rename_in_formulas(store, source_id, column.name, name)
    if changed.config != column.config or changed.type != column.type:
        relations.part(store, column, changed)
        relations.pair(store, source_id, changed)


def _rename_in_formulas(store: Store, source_id: str, old: str, new: str) -> None:
    source = store.source(source_id)
    renamed = [
        properties.renamed_in_formula(each, old, new) if each.type == "formula" else each
        for each in source.properties
    ]
    put_columns(store, source, renamed)


def _remove_column(store: Store, source: DataSource, column: Property | None, key: str) -> None:
    if column is None:
        raise invalid(f"{key} is not a property that exists.")
    if column.type == "title":
        raise invalid("Cannot delete title property.")
    put_columns(store, source, [each for each in source.properties if each.id != column.id])
    _rewrite(store, source.id, column.id, lambda _page: None)
    relations.part(store, column)


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
    text = ", ".join(map(str, value)) if isinstance(value, list) and column.type != "multi_select" else value
    try:
        raw = plain.to_request(column, text, store.workspace)
        return values.parse(column, raw, column.name, Columns(store, source_id))
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
    store.workspace.put_source(replace(store.source(source_id), numbered=len(rows)))


def _fill_rows(store: Store, source_id: str, column: Property) -> None:
    """A status is never empty: rows without one get the default."""
    default = Columns(store, source_id).default_option(column)
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
