"""The task author's door to a business API: `world.<name>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from clawmark_services.context import Context
from clawmark_services.rest.errors import ApiError
from clawmark_services.rest.store import Record, Store

T = TypeVar("T")


class RestAuthor:
    """Its resources, as attributes or by `resource(name)`."""

    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    def resource(self, name: str) -> ResourceAuthor:
        """One resource. Raises `LookupError` naming those declared."""
        known = list(self._store.api.resources)
        if name not in known:
            raise LookupError(f"{self._store.api.name!r} has no resource {name!r}; it has {known}")
        return ResourceAuthor(self._context, self._store, name)

    def __getattr__(self, name: str) -> ResourceAuthor:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.resource(name)
        except LookupError as unknown:
            raise AttributeError(str(unknown)) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._store.api.resources]


class ResourceAuthor:
    """The records of one resource.

    Values that the schema refuses raise `ValueError`, records that are not there `LookupError`.
    """

    def __init__(self, context: Context, store: Store, name: str) -> None:
        self._context = context
        self._store = store
        self._name = name

    def add(self, **values: Any) -> Record:
        """A new record; gives it back, with its key."""
        return self._do("create", {"body": values}, lambda: self._store.create(self._name, values))

    def all(self) -> list[Record]:
        """All records, in the order they were made."""
        return self._do("list", {}, lambda: self._store.everything(self._name))

    def get(self, id: object) -> Record:  # noqa: A002 - what the record's key is called
        """The record of that key."""
        return self._do("get", {"id": id}, lambda: self._store.get(self._name, id))

    def find(self, **equal: Any) -> list[Record]:
        """The records whose fields have these values, in the order they were made."""
        records = self._do("list", {"query": equal}, lambda: self._store.everything(self._name))
        return [record for record in records if matches(record, equal)]

    def update(self, id: object, **values: Any) -> Record:  # noqa: A002 - as above
        """Change some fields."""
        asked = {"id": id, "body": values}
        return self._do("update", asked, lambda: self._store.update(self._name, id, values))

    def delete(self, id: object) -> None:  # noqa: A002 - as above
        """Remove the record."""
        self._do("delete", {"id": id}, lambda: self._store.delete(self._name, id))

    def _do(self, verb: str, asked: Mapping[str, Any], act: Callable[[], T]) -> T:
        operation = f"{self._name}.{verb}"
        with self._store.lock, self._context.exchange(operation, dict(asked)) as exchange:
            try:
                result = act()
            except ApiError as error:
                exchange.status = error.status
                kind = LookupError if error.status == 404 else ValueError
                refusal = kind(f"{self._store.api.name}: {error.message}")
            else:
                exchange.status = {"create": 201, "delete": 204}.get(verb, 200)
                return result
        # Raised out here: an exception that leaves an exchange is written down as a fault.
        raise refusal


def matches(record: Mapping[str, Any], equal: Mapping[str, Any]) -> bool:
    """Whether the named fields have these values; a field that is not there is None."""
    return all(record.get(name) == value for name, value in equal.items())
