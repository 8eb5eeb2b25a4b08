"""The calendars of one world: collections of items, each item an iCalendar text."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clawmark_services.contract import Json


@dataclass(slots=True)
class StoredItem:
    """One resource: its text, when it was last written, and the store's `revision` then.

    `derived` is what the server reads from the text, kept because parsing is slow; it is never frozen.
    """

    text: str
    modified: datetime
    revision: int
    derived: Any = field(default=None, compare=False)


@dataclass(slots=True)
class StoredCollection:
    """A calendar, an address book or a user's home, by what its WebDAV properties say.

    `deleted` tells at which revision an item went, for clients that synchronise.
    """

    props: dict[str, str]
    modified: datetime
    created: int
    items: dict[str, StoredItem] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)

    @property
    def is_calendar(self) -> bool:
        """Whether it holds events."""
        return self.props.get("tag") == "VCALENDAR"


class CalendarStore:
    """All state of the calendar service.

    `lock` is held while a request is answered; `moment` is that request's and stamps every change.
    Paths have no slashes at their ends; the home of user `benchmark` is `benchmark`.
    """

    def __init__(self, moment: datetime) -> None:
        self.lock = threading.RLock()
        self.moment = moment
        # Whether the request that is being answered found no room.
        self.full = False
        self._collections: dict[str, StoredCollection] = {}
        self._revision = 0

    @property
    def revision(self) -> int:
        """How many changes there have been."""
        return self._revision

    def collection(self, path: str) -> StoredCollection | None:
        """The collection at a path."""
        return self._collections.get(path)

    def collections(self) -> list[tuple[str, StoredCollection]]:
        """Every collection with its path, by path."""
        return sorted(self._collections.items(), key=lambda pair: pair[0])

    def children(self, path: str) -> list[str]:
        """The paths of the collections directly below, in order."""
        return sorted(child for child in self._collections if _parent(child) == path and child != path)

    def create(self, path: str, props: Mapping[str, str]) -> StoredCollection:
        """A new collection, replacing what was there; missing homes above it are made as well."""
        parent = _parent(path)
        if parent and parent not in self._collections:
            self.create(parent, {})
        made = StoredCollection(dict(props), self.moment, self._next())
        self._collections[path] = made
        return made

    def drop(self, path: str) -> None:
        """Remove a collection and all below it."""
        for gone in [name for name in self._collections if name == path or name.startswith(path + "/")]:
            del self._collections[gone]
        self._next()

    def describe(self, path: str, props: Mapping[str, str]) -> None:
        """Replace a collection's properties."""
        collection = self._collections[path]
        collection.props, collection.modified = dict(props), self.moment
        self._next()

    def room(self) -> tuple[int, int]:
        """How many items and collections there are, and how many characters their texts have."""
        items = [item for collection in self._collections.values() for item in collection.items.values()]
        props = sum(len(str(collection.props)) for collection in self._collections.values())
        return len(items) + len(self._collections), sum(len(item.text) for item in items) + props

    def put(self, path: str, href: str, text: str, derived: Any = None) -> StoredItem:
        """Write an item."""
        collection = self._collections[path]
        item = StoredItem(text, self.moment, self._next(), derived)
        collection.items[href], collection.modified = item, self.moment
        collection.deleted.pop(href, None)
        return item

    def remove(self, path: str, href: str) -> None:
        """Remove an item; `KeyError` when there is none."""
        collection = self._collections[path]
        del collection.items[href]
        collection.deleted[href], collection.modified = self._next(), self.moment

    def freeze(self) -> dict[str, Json]:
        """`collections` by path, each with its `props` and its `items` by name."""
        with self.lock:
            return {
                "revision": self._revision,
                "collections": {path: _freeze(collection) for path, collection in self.collections()},
            }

    def restore(self, state: Json) -> None:
        """Become what was frozen."""
        with self.lock:
            self._revision = state["revision"]
            self._collections = {path: _thaw(entry) for path, entry in state["collections"].items()}

    def _next(self) -> int:
        self._revision += 1
        return self._revision


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _freeze(collection: StoredCollection) -> Json:
    return {
        "props": dict(sorted(collection.props.items())),
        "modified": collection.modified.isoformat(),
        "created": collection.created,
        "deleted": dict(sorted(collection.deleted.items())),
        "items": {
            href: {"text": item.text, "modified": item.modified.isoformat(), "revision": item.revision}
            for href, item in sorted(collection.items.items())
        },
    }


def _thaw(state: Json) -> StoredCollection:
    return StoredCollection(
        props=dict(state["props"]),
        modified=datetime.fromisoformat(state["modified"]),
        created=state["created"],
        deleted=dict(state["deleted"]),
        items={
            href: StoredItem(entry["text"], datetime.fromisoformat(entry["modified"]), entry["revision"])
            for href, entry in state["items"].items()
        },
    )
