"""Which records of a business API differ between two frozen states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clawmark_services.change import Cause, Change, differing, kind_of
from clawmark_services.contract import Json
from clawmark_services.rest.declaration import RestApi

_LONGEST_KEY = 200


def changes(api: RestApi, before: Json | None, after: Json) -> list[Change]:
    """One change per record that was made, changed or removed, resource by resource."""
    return [
        change
        for name, resource in api.resources.items()
        for change in _of_resource(name, resource.key, _records(before, name), _records(after, name))
    ]


def _records(state: Json | None, name: str) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = state["resources"].get(name, {"records": []})["records"] if state else []
    return found


def _of_resource(
    name: str, key: str, before: list[dict[str, Json]], after: list[dict[str, Json]]
) -> Iterator[Change]:
    old = {str(record[key]): record for record in before}
    new = {str(record[key]): record for record in after}
    for id_ in dict.fromkeys((*new, *old)):
        was, now = old.get(id_), new.get(id_)
        if was != now:
            yield Change(
                kind=kind_of(was, now),
                item="record",
                label=_label(id_, key, now or was or {}),
                id=id_,
                place=name,
                fields=differing(was, now),
                causes=_causes(name, id_, was, now),
            )


def _label(id_: str, key: str, record: Mapping[str, Json]) -> str:
    """Its key, and the first text in it, which is often its name."""
    texts = (value for field, value in record.items() if field != key and isinstance(value, str) and value)
    said = next(texts, "")
    return f"{id_} ({said[:60]})" if said else id_


def _causes(
    name: str, id_: str, was: Mapping[str, Json] | None, now: Mapping[str, Json] | None
) -> tuple[Cause, ...]:
    writing = Cause(operations=(f"{name}.update", f"{name}.replace"), keys=(id_,))
    if now is None:
        return (Cause(operations=(f"{name}.delete",), keys=(id_,)),)
    if was is not None:
        # Deleted and made again under its old key, too.
        return writing, Cause(operations=(f"{name}.create",), keys=(id_,))
    # A record whose key the API chose is named by what it says.
    said = tuple(_said(now, id_))
    made = Cause(operations=(f"{name}.create",), keys=said)
    return Cause(operations=(f"{name}.create",), keys=(id_,)), made, writing


def _said(record: Mapping[str, Any], id_: str) -> Iterator[str]:
    for value in record.values():
        if isinstance(value, str | int | float) and str(value) not in (id_, ""):
            text = str(value)
            if len(text) <= _LONGEST_KEY:
                yield text
