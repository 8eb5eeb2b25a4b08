"""Columns in an author's few words, as a request would spell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clawmark_services.notion import lookup, values
from clawmark_services.notion.workspace import Workspace

Json = Any

_SYNONYMS = {"text": "rich_text", "phone": "phone_number"}
_WITH_OPTIONS = ("select", "multi_select", "status")


def schema_request(columns: Mapping[str, Any], workspace: Workspace) -> dict[str, Json]:
    """`properties` of a request that creates a database.

    Raises `ValueError` or `LookupError` for what cannot be a column.
    """
    request = {name: _column(name, said, workspace) for name, said in columns.items()}
    titles = [name for name, column in request.items() if "title" in column]
    if len(titles) != 1:
        found = f"{len(titles)} of them ({', '.join(titles)})" if titles else "none"
        raise ValueError(f'a database needs exactly one column of type "title", here is {found}')
    return request


def _column(name: str, said: Any, workspace: Workspace) -> Json:
    if isinstance(said, str):
        return {_kind(name, said): {}}
    if not isinstance(said, Mapping) or len(said) != 1:
        raise ValueError(
            f"column {name!r} is {said!r}: give the name of a type, or one type with its setting, such as "
            '{"select": ["a", "b"]}'
        )
    ((kind, setting),) = said.items()
    kind = _kind(name, kind)
    if setting is None or setting == {}:
        return {kind: {}}
    if kind not in _SETTINGS:
        raise ValueError(f"column {name!r}: {kind} has no setting, leave out {setting!r}")
    return {kind: _SETTINGS[kind](name, setting, workspace)}


def _rollup(name: str, setting: Any) -> Json:
    """`("relation", "column", "function")`"""
    listed = isinstance(setting, Sequence) and not isinstance(setting, str)
    if not listed or len(setting) != 3:
        raise ValueError(
            f"column {name!r}: give a rollup as its relation, the column to look into and a function, such as "
            f'["Tasks", "Hours", "sum"], not {setting!r}'
        )
    relation, target, function = setting
    return {
        "relation_property_name": relation,
        "rollup_property_name": target,
        "function": function,
    }


def _kind(name: str, said: Any) -> str:
    kind = _SYNONYMS.get(said, said)
    if kind not in values.KINDS:
        allowed = ", ".join(values.KINDS)
        raise ValueError(f"column {name!r} has no type {said!r}: use one of {allowed}")
    return str(kind)


def _options(name: str, setting: Any) -> list[Json]:
    listed = isinstance(setting, Sequence) and not isinstance(setting, str)
    if not listed:
        raise ValueError(f"column {name!r}: give its options as a list of names, not {setting!r}")
    return [option if isinstance(option, Mapping) else {"name": option} for option in setting]


def _related(setting: Any, workspace: Workspace) -> str:
    return lookup.source(workspace, getattr(setting, "id", setting)).id


_SETTINGS: Mapping[str, Callable[[str, Any, Workspace], Json]] = {
    **dict.fromkeys(_WITH_OPTIONS, lambda name, setting, _workspace: {"options": _options(name, setting)}),
    "number": lambda _name, setting, _workspace: {"format": setting},
    "unique_id": lambda _name, setting, _workspace: {"prefix": setting},
    "formula": lambda _name, setting, _workspace: {"expression": setting},
    "rollup": lambda name, setting, _workspace: _rollup(name, setting),
    "relation": lambda _name, setting, workspace: {"data_source_id": _related(setting, workspace)},
}
"""What an author may say about a column of a type, as a request spells it."""
