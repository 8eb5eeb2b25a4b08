"""What a row holds in its columns: parsed from requests, kept compactly, rendered whole, read plainly.

Kept, by the column's id and only where something is set: runs (title, rich_text), a number, an option's
id (select, status) or a list of them (multi_select), a date object, lists of ids (people, relation), file
objects, `true`, a string (url, email, phone_number), a number (unique_id).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clawmark_services.notion import computed, dates, files, richtext
from clawmark_services.notion.errors import MISSING, any_of, invalid, mismatch, undefined
from clawmark_services.notion.grammar import (
    as_array,
    as_boolean,
    as_choice,
    as_number,
    as_object,
    as_text,
    as_uuid,
    named_kind,
    only,
)
from clawmark_services.notion.records import Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any


class Writing(Protocol):
    """What the parsing of values needs from the table that is being written to."""

    def option(self, column: Property, wanted: Mapping[str, Json], path: str) -> str:
        """The id of an option given by `id` or `name`; where the type allows it, a new one is made."""

    def default_option(self, column: Property) -> str | None:
        """The option that a status falls back to."""

    def person(self, id_: str) -> str:
        """The id of a user that exists."""

    def page(self, id_: str) -> str:
        """The id of a page that exists."""

    def author(self) -> str:
        """The id of whoever is writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one type of column treats its values.

    `parse` is None where Notion computes the value; `read` finds a computed value on the page itself.
    """

    parse: Callable[[Json, str, Property, Writing], Json] | None
    render: Callable[[Json, Property, Workspace], Json]
    plain: Callable[[Json, Property, Workspace], Json]
    read: Callable[[Property, Page, Workspace], Json] | None = None
    listed: bool = False


def parse(column: Property, raw: Json, path: str, writing: Writing) -> Json:
    """A value of a request in its kept form; None when it clears the column."""
    if column.type == "title" and isinstance(raw, list):
        raw = {"title": raw}
    raw = as_object(raw, path)
    given = named_kind(raw, KINDS, path)
    if given is None or given not in KINDS:
        raise any_of("body", [undefined(f"{path}.{kind}") for kind in KINDS if KINDS[kind].parse])
    if given != column.type:
        raise invalid(f"{column.name} is expected to be {column.type}.")
    only(raw, ("id", "name", "type", "has_more", given), path)
    reader = KINDS[given].parse
    value = raw.get(given, MISSING)
    if reader is None:
        raise mismatch(f"{path}.{given}", "not present", value)
    return reader(value, f"{path}.{given}", column, writing)


def kept(column: Property, page: Page, workspace: Workspace) -> Json:
    """The kept form of what a page holds in a column; None when nothing is set."""
    read = KINDS[column.type].read
    return read(column, page, workspace) if read else page.values.get(column.id)


def render(column: Property, page: Page, workspace: Workspace) -> Json:
    """A property value as pages carry it."""
    value = KINDS[column.type].render(kept(column, page, workspace), column, workspace)
    body = {"id": column.id, "type": column.type, column.type: value}
    return body | {"has_more": False} if column.type == "relation" else body


def plain(column: Property, page: Page, workspace: Workspace) -> Json:
    """A plain Python value: text, number, bool, list of texts, ISO date, or None where nothing is set."""
    return KINDS[column.type].plain(kept(column, page, workspace), column, workspace)


def _runs(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    return richtext.parse(value, path) or None


def _number(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    return None if value is None else as_number(value, path)


def _option(value: Json, path: str, column: Property, writing: Writing) -> Json:
    if value is None:
        return None
    return writing.option(column, as_object(value, path), path)


def _status(value: Json, path: str, column: Property, writing: Writing) -> Json:
    return _option(value, path, column, writing) or writing.default_option(column)


def _options(value: Json, path: str, column: Property, writing: Writing) -> Json:
    chosen = [
        writing.option(column, as_object(item, f"{path}[{index}]"), f"{path}[{index}]")
        for index, item in enumerate(as_array(value, path))
    ]
    return list(dict.fromkeys(chosen)) or None


def _date(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    return None if value is None else dates.parse(value, path)


def _checkbox(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    return as_boolean(value, path) or None


def _text(limit: int) -> Callable[[Json, str, Property, Writing], Json]:
    def parse_text(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
        return None if value is None else as_text(value, path, limit) or None

    return parse_text


def _ids(value: Json, path: str, find: Callable[[str], str]) -> Json:
    found = []
    for index, item in enumerate(as_array(value, path)):
        place = f"{path}[{index}]"
        found.append(find(as_uuid(as_object(item, place).get("id", MISSING), f"{place}.id")))
    return list(dict.fromkeys(found)) or None


def _people(value: Json, path: str, _column: Property, writing: Writing) -> Json:
    return _ids(value, path, writing.person)


def _relation(value: Json, path: str, _column: Property, writing: Writing) -> Json:
    return _ids(value, path, writing.page)


def _files(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    return [_file(item, f"{path}[{index}]") for index, item in enumerate(as_array(value, path))] or None


def _file(item: Json, path: str) -> Json:
    item = only(as_object(item, path), ("type", "name", *files.KINDS), path)
    source = files.parse(item, path)
    if "name" in item:
        return {**source, "name": as_text(item["name"], f"{path}.name", 100)}
    return {**source, "name": source["external"][:100]} if "external" in source else source


def chosen(column: Property, id_: str) -> Json:
    """The option of a column that has this id, or None when it was removed."""
    return next((option for option in column.config["options"] if option["id"] == id_), None)


def _show_option(value: Json, column: Property, _workspace: Workspace) -> Json:
    option = chosen(column, value) if value else None
    return None if option is None else {key: option[key] for key in ("id", "name", "color")}


def _show_options(value: Json, column: Property, workspace: Workspace) -> Json:
    return [_show_option(id_, column, workspace) for id_ in value or ()]


def _show_runs(value: Json, _column: Property, workspace: Workspace) -> Json:
    return richtext.render(value or (), workspace)


def _show_as_is(value: Json, _column: Property, _workspace: Workspace) -> Json:
    return value


def file_name(file: Json, workspace: Workspace) -> str:
    """What a file of a row is called: by whoever put it there, or else by whoever uploaded it."""
    return str(file["name"] if "name" in file else workspace.file_name(file["upload"]))


def _show_files(value: Json, _column: Property, workspace: Workspace) -> Json:
    return [{"name": file_name(file, workspace), **files.show(file, workspace)} for file in value or ()]


def _plain_files(value: Json, _column: Property, workspace: Workspace) -> Json:
    return [file.get("external") or file_name(file, workspace) for file in value or ()]


def _show_unique_id(value: Json, column: Property, _workspace: Workspace) -> Json:
    return {"prefix": column.config["prefix"], "number": value}


def _plain_runs(value: Json, _column: Property, workspace: Workspace) -> Json:
    return richtext.plain(value or (), workspace)


def _plain_option(value: Json, column: Property, _workspace: Workspace) -> Json:
    option = chosen(column, value) if value else None
    return option and option["name"]


def _plain_options(value: Json, column: Property, workspace: Workspace) -> Json:
    return [_plain_option(id_, column, workspace) for id_ in value or ()]


def _plain_date(value: Json, _column: Property, _workspace: Workspace) -> Json:
    return value and (f"{value['start']}/{value['end']}" if value["end"] else value["start"])


def _plain_unique_id(value: Json, column: Property, _workspace: Workspace) -> Json:
    prefix = column.config["prefix"]
    return f"{prefix}-{value}" if prefix and value else value


def _edit_time(name: str) -> Kind:
    return Kind(
        parse=None,
        render=_show_as_is,
        plain=_show_as_is,
        read=lambda _column, page, _workspace: dates.to_the_minute(getattr(page.stamp, name)),
    )


def _edit_user(name: str) -> Kind:
    return Kind(
        parse=None,
        render=lambda value, _column, workspace: workspace.user(value),
        plain=lambda value, _column, workspace: workspace.user(value).get("name", value),
        read=lambda _column, page, _workspace: getattr(page.stamp, name),
    )


def _string(limit: int) -> Kind:
    return Kind(parse=_text(limit), render=_show_as_is, plain=_show_as_is)


def _user_names(value: Json, _column: Property, workspace: Workspace) -> Json:
    return [workspace.user(id_).get("name", id_) for id_ in value or ()]


def _plain_formula(value: Json, _column: Property, _workspace: Workspace) -> Json:
    result = value[value["type"]]
    return _plain_date(result, _column, _workspace) if value["type"] == "date" else result


def _keep_rollup(column: Property, page: Page, workspace: Workspace) -> Json:
    """A rollup's result; of an array, each row with its target's column."""
    result = computed.rollup(column, page, workspace)
    if result["type"] != "array":
        return result
    _, target = computed.related(column, page, workspace)
    rows = [workspace.nodes[id_] for id_ in result["array"]]
    return {"type": "array", "array": [(target, row) for row in rows]}


def _show_rollup(value: Json, column: Property, workspace: Workspace) -> Json:
    shown = {
        "type": value["type"],
        value["type"]: value[value["type"]],
        "function": column.config["function"],
    }
    if value["type"] == "array":
        shown["array"] = [_rolled_up(target, row, workspace) for target, row in value["array"]]
    return shown


def _rolled_up(target: Property, row: Page, workspace: Workspace) -> Json:
    body = render(target, row, workspace)
    return {"type": target.type, target.type: body[target.type]}


def _plain_rollup(value: Json, column: Property, workspace: Workspace) -> Json:
    if value["type"] == "array":
        return [plain(target, row, workspace) for target, row in value["array"]]
    if value["type"] == "date":
        return _plain_date(value["date"], column, workspace)
    return value.get("number")


def _verification(value: Json, path: str, _column: Property, writing: Writing) -> Json:
    if value is None:
        return None
    only(as_object(value, path), ("state", "date", "verified_by"), path)
    if as_choice(value.get("state", MISSING), ("verified", "unverified"), f"{path}.state") == "unverified":
        return None
    date = value.get("date")
    parsed = None if date is None else dates.parse(date, f"{path}.date")
    return {"state": "verified", "date": parsed, "by": writing.author()}


def _show_verification(value: Json, _column: Property, workspace: Workspace) -> Json:
    if value is None:
        return {"state": "unverified", "verified_by": None, "date": None}
    return {
        "state": verified_state(value, workspace),
        "verified_by": workspace.user(value["by"]),
        "date": value["date"],
    }


def verified_state(value: Json, workspace: Workspace) -> str:
    """ "verified" until the end of its date, if it has one, then "expired"; "none" where there is none."""
    if value is None:
        return "none"
    end = value["date"] and value["date"]["end"]
    return "expired" if end and dates.moment(end) < workspace.now else "verified"


def _plain_verification(value: Json, _column: Property, workspace: Workspace) -> Json:
    return None if value is None else verified_state(value, workspace)


_PLACE_TEXTS = ("name", "address", "aws_place_id", "google_place_id")


def _place(value: Json, path: str, _column: Property, _writing: Writing) -> Json:
    if value is None:
        return None
    only(as_object(value, path), ("lat", "lon", *_PLACE_TEXTS), path)
    place = {name: as_number(value.get(name, MISSING), f"{path}.{name}") for name in ("lat", "lon")}
    texts = {name: value.get(name) for name in _PLACE_TEXTS}
    return place | {
        name: None if text is None else as_text(text, f"{path}.{name}", 2000) for name, text in texts.items()
    }


KINDS: Mapping[str, Kind] = {
    "title": Kind(parse=_runs, render=_show_runs, plain=_plain_runs, listed=True),
    "rich_text": Kind(parse=_runs, render=_show_runs, plain=_plain_runs, listed=True),
    "number": Kind(parse=_number, render=_show_as_is, plain=_show_as_is),
    "select": Kind(parse=_option, render=_show_option, plain=_plain_option),
    "multi_select": Kind(parse=_options, render=_show_options, plain=_plain_options),
    "status": Kind(parse=_status, render=_show_option, plain=_plain_option),
    "date": Kind(parse=_date, render=_show_as_is, plain=_plain_date),
    "people": Kind(
        parse=_people,
        render=lambda value, _column, workspace: [workspace.user(id_) for id_ in value or ()],
        plain=_user_names,
        listed=True,
    ),
    "files": Kind(parse=_files, render=_show_files, plain=_plain_files),
    "checkbox": Kind(
        parse=_checkbox,
        render=lambda value, _column, _workspace: bool(value),
        plain=lambda value, _column, _workspace: bool(value),
    ),
    "url": _string(2000),
    "email": _string(200),
    "phone_number": _string(200),
    "relation": Kind(
        parse=_relation,
        render=lambda value, _column, _workspace: [{"id": id_} for id_ in value or ()],
        plain=lambda value, _column, workspace: [workspace.title(id_) for id_ in value or ()],
        listed=True,
    ),
    "created_time": _edit_time("created_at"),
    "last_edited_time": _edit_time("edited_at"),
    "created_by": _edit_user("created_by"),
    "last_edited_by": _edit_user("edited_by"),
    "unique_id": Kind(parse=None, render=_show_unique_id, plain=_plain_unique_id),
    "formula": Kind(parse=None, render=_show_as_is, plain=_plain_formula, read=computed.formula),
    "rollup": Kind(parse=None, render=_show_rollup, plain=_plain_rollup, read=_keep_rollup),
    "verification": Kind(parse=_verification, render=_show_verification, plain=_plain_verification),
    "button": Kind(parse=None, render=lambda _value, _column, _workspace: {}, plain=lambda *_: None),
    "place": Kind(
        parse=_place, render=_show_as_is, plain=lambda value, _column, _workspace: (value or {}).get("name")
    ),
}
"""Every type of column, by Notion's name for it."""


def elements(column: Property, page: Page, workspace: Workspace) -> Sequence[Json] | None:
    """The single elements of a value that the property-item endpoint pages through, else None.

    Each is `{type, <type>: value}`; those of a rollup are of its target's type.
    """
    if column.type == "rollup":
        return list(render(column, page, workspace)["rollup"].get("array") or ())
    if not KINDS[column.type].listed:
        return None
    shown = KINDS[column.type].render(kept(column, page, workspace), column, workspace)
    return [{"type": column.type, column.type: each} for each in shown]
