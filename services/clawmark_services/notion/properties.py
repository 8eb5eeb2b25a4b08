"""The columns of a table: what a schema may ask for, how it changes, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from clawmark_services.notion.errors import MISSING, any_of, invalid, mismatch, undefined
from clawmark_services.notion.grammar import (
    COLORS,
    as_array,
    as_choice,
    as_object,
    as_text,
    as_uuid,
    named_kind,
    only,
)
from clawmark_services.notion.records import Property

Json = Any

_NAME_LIMIT = 2000
_STATUS_GROUPS = (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))
_STATUS_DEFAULTS = (("Not started", "default", 0), ("In progress", "blue", 1), ("Done", "green", 2))


class Configuring(Protocol):
    """What the parsing of a schema needs from the workspace."""

    def new_option_id(self) -> str:
        """A fresh id for an option or a group."""

    def related_source(self, id_: str, kind: str) -> str:
        """The data source that a relation by `database_id` or `data_source_id` leads to."""


def parse_type(raw: Mapping[str, Json], path: str) -> str | None:
    """The type that a column of a request asks for, or None when it says nothing about it."""
    given = named_kind(raw, _CONFIGS, path)
    if given is None:
        unsupported = next((key for key in raw if key not in ("id", "name", "description")), None)
        if unsupported is not None:
            raise mismatch(f"{path}.{unsupported}", "not present", raw[unsupported])
        return None
    if given not in _CONFIGS:
        raise mismatch(f"{path}.{given}", "not present", raw.get(given, MISSING))
    return given


def parse_config(
    kind: str, raw: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None = None
) -> Mapping[str, Json]:
    """The kept form of what a request says about a column of a type; `old` is the column it changes."""
    config = as_object(raw.get(kind, {}), f"{path}.{kind}")
    same = old if old is not None and old.type == kind else None
    return _CONFIGS[kind](config, f"{path}.{kind}", configuring, same)


def required_type(raw: Mapping[str, Json], path: str) -> str:
    """The type that a new column asks for."""
    kind = parse_type(raw, path)
    if kind is None:
        raise any_of("body", [undefined(f"{path}.{name}") for name in _CONFIGS])
    return kind


def parse_name(value: Json, path: str) -> str:
    """A column's name."""
    name = as_text(value, path, _NAME_LIMIT)
    if not name:
        raise mismatch(path, "a non-empty string", value)
    return name


def _plain(
    config: Mapping[str, Json], path: str, _configuring: Configuring, _old: Property | None
) -> Mapping[str, Json]:
    only(config, (), path)
    return {}


def _number(
    config: Mapping[str, Json], path: str, _configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("format",), path)
    default = old.config["format"] if old else "number"
    return {"format": as_text(config.get("format", default), f"{path}.format")}


def _select(
    config: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("options",), path)
    return {"options": _options(config, path, configuring, old)}


def _status(
    config: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("options", "groups"), path)
    if old is not None:
        return _changed_status(_options(config, path, configuring, old), old)
    options = _options(config, path, configuring, None)
    members: list[list[str]] = [[option["id"] for option in options], [], []]
    if not options:
        for name, color, group in _STATUS_DEFAULTS:
            options.append(_new_option(configuring.new_option_id(), name, color))
            members[group].append(options[-1]["id"])
    groups = [
        {"id": configuring.new_option_id(), "name": name, "color": color, "option_ids": ids}
        for (name, color), ids in zip(_STATUS_GROUPS, members, strict=True)
    ]
    return {"options": options, "groups": groups}


def _changed_status(options: list[Json], old: Property) -> Mapping[str, Json]:
    """Groups keep the options that are left; new ones join the first group, whatever was asked for."""
    left = {option["id"] for option in options}
    grouped = {id_ for group in old.config["groups"] for id_ in group["option_ids"]}
    fresh = [option["id"] for option in options if option["id"] not in grouped]
    groups = [
        group
        | {"option_ids": [id_ for id_ in group["option_ids"] if id_ in left] + (fresh if not at else [])}
        for at, group in enumerate(old.config["groups"])
    ]
    return {"options": options, "groups": groups}


def _options(
    config: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None
) -> list[Json]:
    """The options that a request lists, those of `old` kept under their ids; unlisted ones are gone."""
    known = list(old.config["options"]) if old else []
    if "options" not in config:
        return known
    options: list[Json] = []
    for index, raw in enumerate(as_array(config["options"], f"{path}.options")):
        option = _parse_option(raw, f"{path}.options[{index}]", configuring, known, len(options))
        if any(option["name"] == other["name"] for other in options):
            raise invalid(f'Cannot create select options with the same name: "{option["name"]}".')
        options.append(option)
    return options


def _parse_option(
    raw: Json, path: str, configuring: Configuring, known: Sequence[Json], position: int
) -> Json:
    raw = only(as_object(raw, path), ("id", "name", "color", "description"), path)
    old = next((option for option in known if "id" in raw and option["id"] == raw["id"]), None)
    if old is None:
        old = next((option for option in known if option["name"] == raw.get("name")), None)
    color = raw.get("color")
    if color is not None:
        as_choice(color, COLORS, f"{path}.color")
    if old is not None and color not in (None, old["color"]):
        raise invalid(f"Cannot update color of select with name: {old['name']}.")
    if old is not None:
        return old | {"name": option_name(raw.get("name", old["name"]), f"{path}.name")}
    name = option_name(raw.get("name", MISSING), f"{path}.name")
    return _new_option(
        configuring.new_option_id(), name, color or option_color(position), raw.get("description")
    )


def option_name(value: Json, path: str) -> str:
    """The name of an option: some text without a comma."""
    name = as_text(value, path, 100)
    if not name:
        raise mismatch(path, "a non-empty string", value)
    if "," in name:
        raise invalid(f"Invalid select option, commas not allowed: {name}")
    return name


def option_color(position: int) -> str:
    """The colour of an option that names none: Notion draws one, here the position decides."""
    return COLORS[position % len(COLORS)]


def _new_option(id_: str, name: str, color: str, description: Json = None) -> Json:
    return {"id": id_, "name": name, "color": color, "description": description}


def with_new_option(column: Property, id_: str, name: str) -> Property:
    """A select column that has learned an option by being written to."""
    options = column.config["options"]
    fresh = _new_option(id_, name, option_color(len(options)))
    return replace(column, config={**column.config, "options": [*options, fresh]})


def _relation(
    config: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("database_id", "data_source_id", "type", "single_property"), path)
    kind = "data_source_id" if "data_source_id" in config else "database_id"
    if kind not in config and old is not None:
        return old.config
    as_choice(config.get("type", "single_property"), ("single_property",), f"{path}.type")
    id_ = as_uuid(config.get(kind, MISSING), f"{path}.{kind}")
    return {"data_source_id": configuring.related_source(id_, kind)}


def _unique_id(
    config: Mapping[str, Json], path: str, _configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("prefix",), path)
    prefix = config.get("prefix", old.config["prefix"] if old else None)
    return {"prefix": None if prefix is None else as_text(prefix, f"{path}.prefix")}


_CONFIGS: Mapping[
    str, Callable[[Mapping[str, Json], str, Configuring, Property | None], Mapping[str, Json]]
] = {
    "title": _plain,
    "rich_text": _plain,
    "number": _number,
    "select": _select,
    "multi_select": _select,
    "status": _status,
    "date": _plain,
    "people": _plain,
    "files": _plain,
    "checkbox": _plain,
    "url": _plain,
    "email": _plain,
    "phone_number": _plain,
    "relation": _relation,
    "created_time": _plain,
    "last_edited_time": _plain,
    "created_by": _plain,
    "last_edited_by": _plain,
    "unique_id": _unique_id,
}


def find(columns: Sequence[Property], name_or_id: str) -> Property | None:
    """The column called `name_or_id`; a name wins over an id."""
    by_name = next((column for column in columns if column.name == name_or_id), None)
    return by_name or next((column for column in columns if column.id == name_or_id), None)


def title_of(columns: Sequence[Property]) -> Property:
    """The one column that holds the rows' titles."""
    return next(column for column in columns if column.type == "title")


def render(column: Property, database_id: Callable[[str], str], *, with_sources: bool) -> Json:
    """A column of the schema. `database_id` finds the database of a data source, for relations."""
    config = dict(column.config)
    if column.type == "relation":
        source = config["data_source_id"]
        config = {"database_id": database_id(source)}
        if with_sources:
            config["data_source_id"] = source
        config |= {"type": "single_property", "single_property": {}}
    return {
        "id": column.id,
        "name": column.name,
        "description": column.description,
        "type": column.type,
        column.type: config,
    }
