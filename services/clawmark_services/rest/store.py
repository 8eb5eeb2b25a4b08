"""The records of one API, in SQLite."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from clawmark_services.actor import current_actor
from clawmark_services.ids import Ids
from clawmark_services.rest import query as queries
from clawmark_services.rest.declaration import Resource, RestApi
from clawmark_services.rest.errors import (
    ApiError,
    conflict,
    full,
    invalid_record,
    no_such_record,
    no_such_resource,
)
from clawmark_services.rest.validation import problems

Record = dict[str, Any]

_TABLES = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (resource, key)
);
CREATE TABLE sizes (resource TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TRIGGER made AFTER INSERT ON records BEGIN
    INSERT INTO sizes VALUES (new.resource, 1, length(new.body))
    ON CONFLICT DO UPDATE SET records = records + 1, bytes = bytes + length(new.body);
END;
CREATE TRIGGER changed AFTER UPDATE ON records BEGIN
    UPDATE sizes SET bytes = bytes + length(new.body) - length(old.body) WHERE resource = new.resource;
END;
CREATE TRIGGER gone AFTER DELETE ON records BEGIN
    UPDATE sizes SET records = records - 1, bytes = bytes - length(old.body) WHERE resource = old.resource;
END;
CREATE TABLE counters (resource TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""

# The conditions and the order come from `query`, which puts in declared names only; values are bound.
_COUNT = "SELECT COUNT(*) FROM records WHERE {where}"
_PAGE = "SELECT body FROM records WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"

MAX_RECORDS = 100_000
MAX_BYTES = 64 * 1024 * 1024
"""Of one resource, for clients; the author of the task may add more."""

MAX_DEPTH = 100
"""How deeply a record may nest; SQLite reads no JSON beyond a depth of its own."""


class Store:
    """All records of one world's API. Methods take `lock` themselves; it may be held around them."""

    def __init__(self, api: RestApi, ids: Ids) -> None:
        self.lock = threading.RLock()
        self.api = api
        self._ids = ids
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.create_function("fold", 1, _fold, deterministic=True)
        weakref.finalize(self, self._db.close)

    def resource(self, name: str) -> Resource:
        """The declared resource, or 404."""
        resource = self.api.resources.get(name)
        if resource is None:
            raise no_such_resource(name, list(self.api.resources))
        return resource

    def page(self, name: str, parameters: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
        """A page: `items`, `total`, `limit`, `offset`."""
        resource = self.resource(name)
        asked = queries.parse(resource, parameters)
        where, values = f"resource = ? AND {asked.where}", (resource.name, *asked.values)
        with self.lock:
            total = self._db.execute(_COUNT.format(where=where), values).fetchone()[0]
            page = _PAGE.format(where=where, order=asked.order)
            rows = self._db.execute(page, (*values, asked.limit, asked.offset)).fetchall()
        items = [json.loads(body) for (body,) in rows]
        return {"items": items, "total": total, "limit": asked.limit, "offset": asked.offset}

    def everything(self, name: str) -> list[Record]:
        """All records, in the order they were made."""
        resource = self.resource(name)
        sql = "SELECT body FROM records WHERE resource = ? ORDER BY seq"
        with self.lock:
            return [json.loads(body) for (body,) in self._db.execute(sql, (resource.name,))]

    def get(self, name: str, key: object) -> Record:
        """One record, or 404."""
        resource = self.resource(name)
        sql = "SELECT body FROM records WHERE resource = ? AND key = ?"
        with self.lock:
            row = self._db.execute(sql, (resource.name, str(key))).fetchone()
        if row is None:
            raise no_such_record(name, key)
        record: Record = json.loads(row[0])
        return record

    def create(self, name: str, values: Mapping[str, Any]) -> Record:
        """A new record; a key that is not given is generated. 409 for one that is in use."""
        resource = self.resource(name)
        with self.lock:
            given = values.get(resource.key)
            record = dict(values)
            if given is None:
                # Checked with a stand-in first, so that a refused record uses up no identifier.
                stand_in = {**record, resource.key: 1 if resource.numbered else "?"}
                _check(resource, stand_in, without=resource.key)
                record = {resource.key: self._new_key(resource)} | _without(record, resource.key)
            _check(resource, record)
            record, key = _arranged(resource, record), record[resource.key]
            sql, body = "INSERT INTO records (resource, key, body) VALUES (?, ?, ?)", _encode(record)
            self._require_room(resource, len(body), records=1)
            try:
                self._db.execute(sql, (resource.name, str(key), body))
            except sqlite3.IntegrityError:
                raise conflict(name, resource.key, key) from None
            self._count(resource, key)
            return record

    def _require_room(self, resource: Resource, length: int, *, records: int = 0) -> None:
        """Refuse a client what would make the resource too large."""
        if current_actor().who == "task":
            return
        sql = "SELECT records, bytes FROM sizes WHERE resource = ?"
        count, held = self._db.execute(sql, (resource.name,)).fetchone() or (0, 0)
        if count + records > MAX_RECORDS:
            raise full(resource.name, f"at most {MAX_RECORDS} records")
        if length > 0 and held + length > MAX_BYTES:
            raise full(resource.name, f"records of at most {MAX_BYTES} characters together")

    def _new_key(self, resource: Resource) -> int | str:
        if not resource.numbered:
            return self._ids.uuid()
        return self._last(resource) + 1

    def _last(self, resource: Resource) -> int:
        row = self._db.execute("SELECT last FROM counters WHERE resource = ?", (resource.name,)).fetchone()
        return int(row[0]) if row else 0

    def _count(self, resource: Resource, key: object) -> None:
        """Remember the largest number used, so that a deleted record's number is not given again."""
        if isinstance(key, int) and key > self._last(resource):
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (resource.name, key))

    def replace(self, name: str, key: object, values: Mapping[str, Any]) -> Record:
        """PUT: all fields are those given; the key stays."""
        with self.lock:
            old = self.get(name, key)
            return self._write(self.resource(name), old, dict(values))

    def update(self, name: str, key: object, values: Mapping[str, Any]) -> Record:
        """PATCH: the fields given replace those that were; the others stay."""
        with self.lock:
            old = self.get(name, key)
            return self._write(self.resource(name), old, old | dict(values))

    def _write(self, resource: Resource, old: Record, new: Record) -> Record:
        key = old[resource.key]
        if new.get(resource.key, key) != key:
            problem = {"field": resource.key, "message": f"cannot be changed; it is {key!r}"}
            raise invalid_record(resource.name, [problem])
        record = {resource.key: key} | _without(new, resource.key)
        _check(resource, record)
        record = _arranged(resource, record)
        sql, body = "UPDATE records SET body = ? WHERE resource = ? AND key = ?", _encode(record)
        self._require_room(resource, len(body) - len(_encode(old)))
        self._db.execute(sql, (body, resource.name, str(key)))
        return record

    def delete(self, name: str, key: object) -> None:
        """Delete one record, or 404."""
        with self.lock:
            resource = self.resource(name)
            sql = "DELETE FROM records WHERE resource = ? AND key = ?"
            if self._db.execute(sql, (resource.name, str(key))).rowcount == 0:
                raise no_such_record(name, key)

    def to_json(self) -> dict[str, Any]:
        """Canonical: records in the order they were made."""
        with self.lock:
            resources = {
                name: {"records": self.everything(name), "last": self._last(resource)}
                for name, resource in self.api.resources.items()
            }
            return {"ids": self._ids.count, "resources": resources}

    def load(self, state: Mapping[str, Any]) -> None:
        """Become what `to_json` gave."""
        with self.lock:
            self._db.execute("DELETE FROM records")
            self._db.execute("DELETE FROM counters")
            for name, part in state["resources"].items():
                resource = self.resource(name)
                records = [_arranged(resource, record) for record in part["records"]]
                rows = [(name, str(record[resource.key]), _encode(record)) for record in records]
                self._db.executemany("INSERT INTO records (resource, key, body) VALUES (?, ?, ?)", rows)
                if part["last"]:
                    self._db.execute("INSERT INTO counters VALUES (?, ?)", (name, part["last"]))
            self._ids.count = state["ids"]


def _fold(value: object) -> str | None:
    return None if value is None else str(value).casefold()


def _without(record: Mapping[str, Any], field: str) -> Record:
    return {name: value for name, value in record.items() if name != field}


def _encode(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def _arranged(resource: Resource, record: Mapping[str, Any]) -> Record:
    """The record with its fields in the order of the schema, others and all that is nested by name.

    So the order in which a client sent them leaves no trace, and none can get lost on the way through a
    frozen state.
    """
    names = [name for name in resource.fields if name in record]
    names += sorted(name for name in record if name not in resource.fields)
    return {name: _sorted(record[name]) for name in names}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


def _check(resource: Resource, record: Record, without: str | None = None) -> None:
    key = record[resource.key]
    found = problems(resource.schema, record)
    if key == "" or (isinstance(key, int) and abs(key) > queries.MAX_INTEGER):
        found.append({"field": resource.key, "message": f"{key!r} cannot identify a record"})
    found = [problem for problem in found if problem["field"] != without]
    if _depth(record) > MAX_DEPTH:
        found.append({"field": "(the whole)", "message": f"is nested more than {MAX_DEPTH} levels deep"})
    if found:
        raise invalid_record(resource.name, found)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [part for outer in level if isinstance(outer, dict | list) for part in _parts(outer)]:
        depth += 1
    return depth


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def as_record(value: Any) -> Mapping[str, Any]:
    """A request's body, which must be an object."""
    if not isinstance(value, dict):
        raise ApiError(400, "invalid_json", "The body must be a JSON object.")
    return value
