"""Copies a page with all it holds, through the interface: what a person does with Duplicate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_clawmark.formats.clawmark.adapters.notion import NotionApi

Json = Any

_PER_REQUEST = 100
_KEPT_BY_NOTION = (
    "created_by",
    "created_time",
    "formula",
    "last_edited_by",
    "last_edited_time",
    "rollup",
    "unique_id",
    "verification",
    "button",
)


def copy_page(api: NotionApi, page: str, title: str, parent: str) -> str:
    """The id of a copy of `page` below `parent`. Relations are left out: they would point into the original."""
    made = api.post(
        "pages",
        {"parent": {"page_id": parent}, "properties": {"title": {"title": [{"text": {"content": title}}]}}},
    )
    copy = str(made["id"])
    _fill(api, page, copy)
    return copy


def _fill(api: NotionApi, source: str, target: str) -> None:
    drafts: list[Json] = []
    for child in list(api.children(source)):
        if child["type"] not in ("child_page", "child_database"):
            drafts.append(_draft(api, child))
            continue
        # What stands before it must be there first.
        _append(api, target, drafts)
        drafts = []
        if child["type"] == "child_page":
            copy_page(api, child["id"], child["child_page"]["title"], target)
        else:
            _copy_database(api, child["id"], target)
    _append(api, target, drafts)


def _append(api: NotionApi, target: str, drafts: list[Json]) -> None:
    for start in range(0, len(drafts), _PER_REQUEST):
        api.patch(f"blocks/{target}/children", {"children": drafts[start : start + _PER_REQUEST]})


def _draft(api: NotionApi, block: Json) -> Json:
    kind = block["type"]
    content = {name: value for name, value in block[kind].items() if value is not None}
    if block.get("has_children"):
        content["children"] = [
            _draft(api, child)
            for child in api.children(block["id"])
            if child["type"] not in ("child_page", "child_database")
        ]
    return {"type": kind, kind: content}


def _copy_database(api: NotionApi, source: str, target: str) -> None:
    database = api.read(f"databases/{source}")
    schema = {
        name: {column["type"]: _setting(column)}
        for name, column in database["properties"].items()
        if column["type"] not in ("relation", "rollup", "formula")
    }
    made = api.post(
        "databases",
        {"parent": {"type": "page_id", "page_id": target}, "title": database["title"], "properties": schema},
    )
    for row in reversed(list(api.query(source))):
        values = dict(_values(row["properties"], schema))
        api.post("pages", {"parent": {"database_id": made["id"]}, "properties": values})


def _setting(column: Json) -> Json:
    setting = dict(column[column["type"]])
    if "options" in setting:
        setting["options"] = [{"name": each["name"], "color": each["color"]} for each in setting["options"]]
    setting.pop("groups", None)
    return setting


def _values(properties: Mapping[str, Json], schema: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, value in properties.items():
        kind = value["type"]
        if name in schema and kind not in _KEPT_BY_NOTION and value[kind] not in (None, []):
            yield name, {kind: _option(value[kind])}


def _option(value: Json) -> Json:
    """A value as it may be written: an option by its name, since the copy's options have ids of their own."""
    if isinstance(value, dict) and {"id", "name", "color"} <= value.keys():
        return {"name": value["name"]}
    return [_option(each) for each in value] if isinstance(value, list) else value
