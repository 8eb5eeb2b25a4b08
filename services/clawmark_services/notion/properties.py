"""The columns of a table: finding them, showing them, and following a column's new name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from clawmark_services.notion.records import DataSource, Property

Json = Any


def renamed_in_formula(column: Property, old: str, new: str) -> Property:
    """A formula column that follows the new name of a column that it reads."""
    spelled = json.dumps(old, ensure_ascii=False)
    pattern = rf"prop\(\s*{re.escape(spelled)}\s*\)"
    following = f"prop({json.dumps(new, ensure_ascii=False)})"
    expression = re.sub(pattern, lambda _match: following, column.config["expression"])
    return replace(column, config={"expression": expression})


def find(columns: Sequence[Property], name_or_id: str) -> Property | None:
    """The column called `name_or_id`; a name wins over an id."""
    by_name = next((column for column in columns if column.name == name_or_id), None)
    return by_name or next((column for column in columns if column.id == name_or_id), None)


def title_of(columns: Sequence[Property]) -> Property:
    """The one column that holds the rows' titles."""
    return next(column for column in columns if column.type == "title")


class Tables(Protocol):
    """What showing a column needs to know about other tables."""

    sources: dict[str, DataSource]


def render(column: Property, source: DataSource, tables: Tables, *, with_sources: bool) -> Json:
    """A column of a table's schema."""
    config = dict(column.config)
    if column.type == "relation":
        config = _shown_relation(config, tables, with_sources=with_sources)
    if column.type == "rollup":
        config = _shown_rollup(config, source, tables)
    return {
        "id": column.id,
        "name": column.name,
        "description": column.description,
        "type": column.type,
        column.type: config,
    }


def _shown_relation(config: Mapping[str, Json], tables: Tables, *, with_sources: bool) -> dict[str, Json]:
    related = tables.sources[config["data_source_id"]]
    shown: dict[str, Json] = {"database_id": related.database_id}
    if with_sources:
        shown["data_source_id"] = related.id
    synced = find(related.properties, config["synced"]) if config.get("synced") else None
    if synced is None:
        return shown | {"type": "single_property", "single_property": {}}
    dual = {"synced_property_name": synced.name, "synced_property_id": synced.id}
    return shown | {"type": "dual_property", "dual_property": dual}


def _shown_rollup(config: Mapping[str, Json], source: DataSource, tables: Tables) -> dict[str, Json]:
    relation = find(source.properties, config["relation"])
    related = relation and tables.sources.get(relation.config.get("data_source_id", ""))
    target = find(related.properties, config["target"]) if related else None
    return {
        "rollup_property_name": target.name if target else "",
        "relation_property_name": relation.name if relation else "",
        "rollup_property_id": config["target"],
        "relation_property_id": config["relation"],
        "function": config["function"],
    }
