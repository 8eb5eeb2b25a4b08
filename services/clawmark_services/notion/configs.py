"""What a request may say about the columns of a table, and the form in which that is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from clawmark_services.notion import formulas
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
_FORMATS = (
    *("number", "number_with_commas", "percent", "dollar", "australian_dollar", "canadian_dollar"),
    *("singapore_dollar", "euro", "pound", "yen", "ruble", "rupee", "won", "yuan", "real", "lira"),
    *("rupiah", "franc", "hong_kong_dollar", "new_zealand_dollar", "krona", "norwegian_krone"),
    *("mexican_peso", "rand", "new_taiwan_dollar", "danish_krone", "zloty", "baht", "forint", "koruna"),
    *("shekel", "chilean_peso", "philippine_peso", "dirham", "colombian_peso", "riyal", "ringgit"),
    *("leu", "argentine_peso", "uruguayan_peso", "peruvian_sol"),
)
"""How numbers can be shown (the API reference on number properties)."""

_STATUS_GROUPS = (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))
_STATUS_DEFAULTS = (("Not started", "default", 0), ("In progress", "blue", 1), ("Done", "green", 2))


ROLLUPS = (
    *("count", "count_values", "empty", "not_empty", "unique", "show_unique", "percent_empty"),
    *("percent_not_empty", "sum", "average", "median", "min", "max", "range", "earliest_date"),
    *("latest_date", "date_range", "checked", "unchecked", "percent_checked", "percent_unchecked"),
    *("count_per_group", "percent_per_group", "show_original"),
)
"""What a rollup can do with the values of its target (the API reference on rollups)."""


class Configuring(Protocol):
    """What the parsing of a schema needs from the workspace."""

    def new_option_id(self) -> str:
        """A fresh id for an option or a group."""

    def related_source(self, id_: str, kind: str) -> str:
        """The data source that a relation by `database_id` or `data_source_id` leads to."""

    def rolled_up(self, relation: str, target: str) -> tuple[str, str]:
        """The ids of a relation of the table and of a column of the related one, by names or ids."""


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
    return {"format": as_choice(config.get("format", default), _FORMATS, f"{path}.format")}


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
    """Where a relation leads; `synced` is the column there that shows it from the other side, or its name.

    A name stands there until the column is made: see `tables`.
    """
    kinds = ("single_property", "dual_property")
    only(config, ("database_id", "data_source_id", "type", *kinds), path)
    kind = "data_source_id" if "data_source_id" in config else "database_id"
    asked = named_kind(config, kinds, path)
    if kind not in config and old is not None and asked is None:
        return old.config
    as_choice(asked or kinds[0], kinds, f"{path}.type")
    if kind not in config and old is not None:
        source = old.config["data_source_id"]
    else:
        source = configuring.related_source(as_uuid(config.get(kind, MISSING), f"{path}.{kind}"), kind)
    if asked != "dual_property":
        return {"data_source_id": source}
    if old is not None and "synced" in old.config and source == old.config["data_source_id"]:
        return old.config
    dual = as_object(config.get("dual_property", {}), f"{path}.dual_property")
    only(dual, ("synced_property_id", "synced_property_name"), f"{path}.dual_property")
    name = dual.get("synced_property_name")
    wanted = None if name is None else parse_name(name, f"{path}.dual_property.synced_property_name")
    return {"data_source_id": source, "synced": None, "synced_name": wanted}


def _formula(
    config: Mapping[str, Json], path: str, _configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    only(config, ("expression",), path)
    if "expression" not in config and old is not None:
        return old.config
    expression = as_text(config.get("expression", ""), f"{path}.expression", formulas.LENGTH_LIMIT)
    if expression:
        check_formula(expression, lambda _name: True)
    return {"expression": expression}


def check_formula(expression: str, known: Callable[[str], bool]) -> None:
    """Raise Notion's complaint about a formula that it cannot read, or that names what is not `known`."""
    try:
        formulas.check(formulas.parse(expression), known)
    except (formulas.FormulaError, RecursionError) as error:
        raise invalid(f"Type error with formula: {error}.") from error


def _rollup(
    config: Mapping[str, Json], path: str, configuring: Configuring, old: Property | None
) -> Mapping[str, Json]:
    names = ("relation_property_name", "relation_property_id", "rollup_property_name", "rollup_property_id")
    only(config, ("function", *names), path)
    kept = {} if old is None else old.config
    function = as_choice(config.get("function", kept.get("function", MISSING)), ROLLUPS, f"{path}.function")
    if old is not None and not any(name in config for name in names):
        return {**kept, "function": function}
    relation, target = (
        _named(config, part, path, kept.get(known))
        for part, known in (("relation", "relation"), ("rollup", "target"))
    )
    through, into = configuring.rolled_up(relation, target)
    return {"relation": through, "target": into, "function": function}


def _named(config: Mapping[str, Json], part: str, path: str, old: str | None) -> str:
    for name in (f"{part}_property_id", f"{part}_property_name"):
        if config.get(name) is not None:
            return as_text(config[name], f"{path}.{name}")
    if old is not None:
        return old
    raise any_of("body", [undefined(f"{path}.{part}_property_{each}") for each in ("name", "id")])


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
    "formula": _formula,
    "rollup": _rollup,
    "verification": _plain,
    "button": _plain,
    "place": _plain,
}
