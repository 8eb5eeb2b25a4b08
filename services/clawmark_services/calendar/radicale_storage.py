"""Radicale's storage over our store: nothing on disk, nothing drawn from chance or the machine's clock."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import vobject
from radicale import item as radicale_item
from radicale import pathutils
from radicale.config import Configuration
from radicale.rights.authenticated import Rights
from radicale.storage import BaseCollection, BaseStorage, ComponentNotFoundError

from clawmark_services.calendar.store import CalendarStore, StoredCollection, StoredItem

MAX_OCCURRENCES = 10_000

MAX_ITEMS = 50_000
MAX_TEXT = 64 * 1024 * 1024
"""Items and collections of one world, and characters of all their texts; the task's author may add more."""

_SYNC = "http://radicale.org/ns/sync/"
_ChildContext = Callable[[str, str | None], AbstractContextManager[None]]
_installing = threading.Lock()

_known_zones: ContextVar[dict[str, Any] | None] = ContextVar("clawmark_time_zones", default=None)


class _ZoneTable(dict[str, Any]):
    """What vobject keeps every time zone in that it ever read, one table for the whole process.

    Without this, what one world's client calls Europe/Berlin would be what another world's events mean by
    it. vobject only ever sets and gets.
    """

    def __setitem__(self, name: str, zone: Any) -> None:
        known = _known_zones.get()
        if known is None:
            super().__setitem__(name, zone)
        else:
            known[name] = zone

    def get(self, name: str, default: Any = None) -> Any:
        known = _known_zones.get()
        return super().get(name, default) if known is None else known.get(name, default)


@contextmanager
def own_time_zones() -> Iterator[None]:
    """Within the block, vobject knows only the world's standard time zones and those it reads itself."""
    names = vars(vobject.icalendar)
    with _installing:
        if not isinstance(names["__tzidMap"], _ZoneTable):
            names["__tzidMap"] = _ZoneTable(names["__tzidMap"])
    token = _known_zones.set({"UTC": vobject.icalendar.utc})
    try:
        yield
    finally:
        _known_zones.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What Radicale reads from an item's text."""

    etag: str
    uid: str
    name: str
    component: str
    time_range: tuple[int, int]


def normalised(text: str) -> tuple[str, Derived]:
    """An event's text as Radicale would store it, had a client sent it; `ValueError` when it refuses.

    To be called within `own_time_zones`.
    """
    components = radicale_item.read_components(text)
    radicale_item.check_and_sanitize_items(components, MAX_OCCURRENCES, tag="VCALENDAR")
    item = radicale_item.Item(collection_path="", vobject_item=components[0])
    return item.serialize(), _derive(item)


class MemoryCollection(BaseCollection):
    """One collection as Radicale sees it."""

    def __init__(self, store: CalendarStore, path: str) -> None:
        self._store, self._path = store, path

    @property
    def path(self) -> str:
        """Without slashes at its ends."""
        return self._path

    @property
    def _stored(self) -> StoredCollection:
        # The root always exists, and nobody ever writes to it.
        return self._store.collection(self._path) or StoredCollection({}, self._store.moment, 0)

    @property
    def last_modified(self) -> str:
        """When anything in it last changed."""
        return _http_date(self._stored.modified)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """What changed since a token; `ValueError` for one of another collection or another time."""
        stored = self._stored
        token = f"{_SYNC}{self._store.revision}"
        if not old_token:
            return token, sorted(stored.items)
        since = old_token.removeprefix(_SYNC)
        if not since.isdecimal() or not stored.created <= int(since) <= self._store.revision:
            raise ValueError(f"unknown sync token {old_token!r}")
        written = {href for href, item in stored.items.items() if item.revision > int(since)}
        gone = {href for href, revision in stored.deleted.items() if revision > int(since)}
        return token, sorted(written | gone)

    def get(self, href: str) -> radicale_item.Item | None:
        """One item."""
        stored = self._stored.items.get(href)
        return None if stored is None else self._item(href, stored)

    def get_multi(self, hrefs: Iterable[str]) -> Iterable[tuple[str, radicale_item.Item | None]]:
        """Several items, None for those that do not exist."""
        return [(href, self.get(href)) for href in hrefs]

    def get_all(self) -> Iterable[radicale_item.Item]:
        """Every item, by name."""
        return [self._item(href, stored) for href, stored in sorted(self._stored.items.items())]

    def upload(
        self, href: str, item: radicale_item.Item
    ) -> tuple[radicale_item.Item, radicale_item.Item | None]:
        """Write an item; the item as written, and the one it replaces."""
        if not pathutils.is_safe_path_component(href):
            raise pathutils.UnsafePathError(href)
        before, text = self.get(href), item.serialize()
        _require_room(self._store, [text], replaced=before is not None)
        stored = self._store.put(self._path, href, text, _derive(item))
        return self._item(href, stored), before

    def delete(self, href: str | None = None) -> None:
        """Remove an item, or the collection."""
        if href is None:
            self._store.drop(self._path)
        elif href in self._stored.items:
            self._store.remove(self._path, href)
        else:
            raise ComponentNotFoundError(href)

    def get_meta(self, key: str | None = None) -> Any:
        """One property or all of them."""
        props = self._stored.props
        return dict(props) if key is None else props.get(key)

    def set_meta(self, props: Mapping[str, str]) -> None:
        """Replace all properties."""
        _require_room(self._store, [str(props)], replaced=True)
        self._store.describe(self._path, props)

    def _item(self, href: str, stored: StoredItem) -> radicale_item.Item:
        if stored.derived is None:
            stored.derived = _derive(radicale_item.Item(collection_path="", text=stored.text))
        derived: Derived = stored.derived
        return radicale_item.Item(
            collection=self,
            href=href,
            last_modified=_http_date(stored.modified),
            text=stored.text,
            etag=derived.etag,
            uid=derived.uid,
            name=derived.name,
            component_name=derived.component,
            time_range=derived.time_range,
        )


class MemoryStorage(BaseStorage):
    """All collections as Radicale sees them."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def __init__(self, configuration: Configuration, store: CalendarStore) -> None:
        super().__init__(configuration)
        self._store = store

    def discover(
        self,
        path: str,
        depth: str = "0",
        child_context_manager: _ChildContext | None = None,
        user_groups: Iterable[str] = (),  # noqa: ARG002 - nobody is in a group
    ) -> Iterator[BaseCollection | radicale_item.Item]:
        """What is at a path, and with any other depth what is directly in it."""
        within: _ChildContext = child_context_manager or (lambda _path, _href: nullcontext())
        sane = pathutils.strip_path(path)
        if sane and self._store.collection(sane) is None:
            parent, _, href = sane.rpartition("/")
            item = MemoryCollection(self._store, parent).get(href)
            if item is not None:
                yield item
            return
        collection = MemoryCollection(self._store, sane)
        yield collection
        if depth == "0":
            return
        for item in collection.get_all():
            with within(sane, item.href):
                yield item
        for child in self._store.children(sane):
            with within(child, None):
                yield MemoryCollection(self._store, child)

    def move(self, item: radicale_item.Item, to_collection: BaseCollection, to_href: str) -> None:
        """Move an item, replacing one that has its new name."""
        source = item.collection
        if not pathutils.is_safe_path_component(to_href):
            raise pathutils.UnsafePathError(to_href)
        # Whatever room it takes, it takes no more than before.
        self._store.put(to_collection.path, to_href, item.serialize(), _derive(item))
        if source is not None and (source.path, item.href) != (to_collection.path, to_href):
            source.delete(item.href)

    def create_collection(
        self,
        href: str,
        items: Iterable[radicale_item.Item] | None = None,
        props: Mapping[str, str] | None = None,
    ) -> tuple[BaseCollection, dict[str, radicale_item.Item], list[str]]:
        """A collection, with `props` in place of what was there."""
        path = pathutils.strip_path(href)
        collection = MemoryCollection(self._store, path)
        if not props:
            if self._store.collection(path) is None:
                _require_room(self._store, [""])
                self._store.create(path, {})
            return collection, {}, []
        suffix = {"VCALENDAR": ".ics", "VADDRESSBOOK": ".vcf"}.get(props.get("tag", ""), "")
        # Everything is read before anything is replaced: an item that is refused must cost no other.
        read = [_read(item, suffix) for item in items or () if suffix]
        _require_room(self._store, [str(props), *(text for _, text, _ in read)])
        self._store.create(path, props)
        for name, text, derived in read:
            self._store.put(path, name, text, derived)
        return collection, {}, [name for name, _, _ in read]

    @contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: Any, **kwargs: Any) -> Iterator[None]:  # noqa: ARG002 - Radicale's interface
        """Our store has one lock, which the whole request holds already."""
        with self._store.lock:
            yield

    def verify(self) -> bool:
        """There is nothing that could be damaged."""
        return True


class SharedRights(Rights):
    """Everybody may do everything in everybody's home; nobody changes the root (as in Radicale's default)."""

    def authorization(self, user: str, user_groups: set[str], path: str) -> str:
        """What a user may do at a path."""
        allowed: str = super().authorization(user, user_groups, path)
        return allowed if pathutils.strip_path(path) else "R"


def _require_room(store: CalendarStore, texts: Sequence[str], *, replaced: bool = False) -> None:
    """Refuse more than a world may hold, as a file system without room would: Radicale makes 507 of it."""
    items, length = store.room()
    more = 0 if replaced else len(texts)
    if items + more > MAX_ITEMS or length + sum(len(text) for text in texts) > MAX_TEXT:
        store.full = True
        raise ValueError(f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}")


def _read(item: radicale_item.Item, suffix: str) -> tuple[str, str, Derived]:
    name = item.uid + suffix
    if not pathutils.is_safe_path_component(name):
        name = radicale_item.get_etag(item.uid).strip('"') + suffix
    return name, item.serialize(), _derive(item)


def _derive(item: radicale_item.Item) -> Derived:
    return Derived(
        etag=radicale_item.get_etag(item.serialize()),
        uid=item.uid,
        name=item.name,
        component=item.component_name,
        time_range=item.time_range,
    )


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
