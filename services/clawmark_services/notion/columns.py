"""The bridge from schemas and values to the store: options, people and pages that they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clawmark_services.notion import configs, properties
from clawmark_services.notion.errors import MISSING, invalid
from clawmark_services.notion.records import Database, DataSource, Property
from clawmark_services.notion.store import Store

Json = Any


@dataclass(frozen=True, slots=True)
class Columns:
    """One table of a workspace, as `Configuring` and `Writing` want to see it."""

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
        name = configs.option_name(wanted.get("name", MISSING), f"{path}.name")
        known = next((option["id"] for option in options if option["name"] == name), None)
        if known is not None:
            return str(known)
        if column.type == "status":
            # The stray quotation mark is Notion's own.
            raise invalid(f'Invalid status option. Status option "{name}" does not exist".')
        fresh = self.new_option_id()
        put_columns(self.store, source, swapped(source, configs.with_new_option(current, fresh, name)))
        return fresh

    def default_option(self, column: Property) -> str | None:
        return next((ids[0] for group in column.config["groups"] if (ids := group["option_ids"])), None)

    def person(self, id_: str) -> str:
        return self.store.user(id_).id

    def page(self, id_: str) -> str:
        return self.store.page(id_).id

    def author(self) -> str:
        return self.store.moment(self.store.workspace.now).by

    def rolled_up(self, relation: str, target: str) -> tuple[str, str]:
        through = properties.find(self.store.source(self.source_id).properties, relation)
        if through is None or through.type != "relation":
            raise invalid(f"Relation property {relation} of the rollup does not exist.")
        into = properties.find(self.store.source(through.config["data_source_id"]).properties, target)
        if into is None:
            raise invalid(f"Rollup property {target} does not exist in the related data source.")
        return through.id, into.id


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


def swapped(source: DataSource, changed: Property) -> list[Property]:
    """The columns of a table with one in its new version."""
    return [changed if column.id == changed.id else column for column in source.properties]


def put_columns(store: Store, source: DataSource, columns: Sequence[Property]) -> None:
    """Give a table its columns."""
    current = store.source(source.id)
    store.workspace.put_source(replace(current, properties=tuple(columns)))
