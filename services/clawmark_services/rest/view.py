"""Read-only evidence over a frozen business API."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from clawmark_services.contract import Json
from clawmark_services.evidence import EvidenceError
from clawmark_services.rest.declaration import Resource, RestApi


class RestView:
    """Its resources, as attributes or by `resource(name)`."""

    def __init__(self, api: RestApi, state: Json) -> None:
        self._name = api.name
        self._resources = {
            name: ResourceView(api.name, resource, state["resources"][name]["records"])
            for name, resource in api.resources.items()
        }

    def resource(self, name: str) -> ResourceView:
        """One resource. Raises `LookupError` naming those declared: a checker's own mistake."""
        if name not in self._resources:
            raise LookupError(f"{self._name!r} has no resource {name!r}; it has {list(self._resources)}")
        return self._resources[name]

    def __getattr__(self, name: str) -> ResourceView:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.resource(name)
        except LookupError as unknown:
            raise AttributeError(str(unknown)) from None

    def __repr__(self) -> str:
        return f"<{self._name}: {list(self._resources)}>"


class ResourceView:
    """The records of one resource, in the order they were made."""

    def __init__(self, api: str, resource: Resource, records: list[dict[str, Any]]) -> None:
        self._place = f"{api}.{resource.name}"
        self._resource = resource
        self._records = tuple(RecordView(self._place, record) for record in records)

    @property
    def all(self) -> tuple[RecordView, ...]:
        """All records."""
        return self._records

    def get(self, id: object) -> RecordView:  # noqa: A002 - what the record's key is called
        """The record of that key, or `EvidenceError` naming the keys there are."""
        key = self._resource.key
        for record in self._records:
            if str(record[key]) == str(id):
                return record
        keys = [record[key] for record in self._records]
        raise EvidenceError(f"{self._place} has no record {id!r}; its keys are {keys[:50]}")

    def find(self, **equal: Any) -> tuple[RecordView, ...]:
        """The records whose fields have these values. A field never declared raises `LookupError`."""
        declared = self._resource.fields
        unknown = [name for name in equal if name not in declared]
        if unknown and not any(unknown[0] in record for record in self._records):
            raise LookupError(f"{self._place} has no field {unknown[0]!r}; its fields are {list(declared)}")
        return tuple(r for r in self._records if all(r.get(name) == value for name, value in equal.items()))

    def one(self, **equal: Any) -> RecordView:
        """The one record whose fields have these values, or `EvidenceError` for none or several."""
        found = self.find(**equal)
        if len(found) == 1:
            return found[0]
        asked = ", ".join(f"{name}={value!r}" for name, value in equal.items()) or "any values"
        shown = [{name: record.get(name) for name in equal} for record in self._records[:20]]
        raise EvidenceError(
            f"{self._place} has {len(found) or 'no'} records with {asked}; "
            f"its {len(self._records)} records have {shown}"
        )

    def __iter__(self) -> Iterator[RecordView]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"<{self._place}: {len(self._records)} records>"


class RecordView(Mapping[str, Any]):
    """One record; lists and objects in it are given out as copies."""

    def __init__(self, place: str, record: dict[str, Any]) -> None:
        self._place = place
        self._record = record

    def __getitem__(self, field: str) -> Any:
        if field not in self._record:
            raise EvidenceError(f"a record of {self._place} has no {field!r}; it has {list(self._record)}")
        return copy.deepcopy(self._record[field])

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    def __contains__(self, field: object) -> bool:
        return field in self._record

    def get(self, field: str, default: Any = None) -> Any:
        """The field's value, or the default where it was never set."""
        return copy.deepcopy(self._record.get(field, default))

    def __eq__(self, other: object) -> bool:
        return self._record == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal to a dict, so unhashable like one

    def __repr__(self) -> str:
        return f"<record of {self._place}: {self._record}>"
