"""One request on its way to the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clawmark_services.notion.grammar import as_boolean, as_object, as_uuid, only
from clawmark_services.notion.store import Moment, Store
from clawmark_services.notion.wire import TRASH_VERSION, Paging, Wire

Json = Any

_TRASH_NAMES = ("in_trash", "archived", "is_archived")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not simply 200 with a body and the request's id; bytes are a file."""

    body: Any
    status: int = 200
    content_type: str = "application/json"
    with_request_id: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file in a form."""

    filename: str
    content_type: str
    content: bytes

    @property
    def said(self) -> Json:
        """What the audit shows of it."""
        return {"filename": self.filename, "content_type": self.content_type, "length": len(self.content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose token and version are good: what its URL and body say, and when it came."""

    store: Store
    version: str
    now: datetime
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: Mapping[str, Json]
    authorization: str = ""

    @property
    def moment(self) -> Moment:
        """The stamp of what this request changes."""
        return self.store.moment(self.now)

    @property
    def wire(self) -> Wire:
        """The answers of the workspace as it is now."""
        return Wire(self.store.workspace, self.version)

    def id(self, name: str) -> str:
        """An identifier in the path."""
        return as_uuid(self.path[name], f"path.{name}")

    def one(self, name: str) -> str | None:
        """A parameter of the query string that is given once."""
        return next(iter(self.query.get(name, ())), None)

    def paging(self, root: str = "query") -> Paging:
        """Which part of a list is asked for: in the query string of a GET, in the body of a POST."""
        if root == "body":
            cursor, size = self.body.get("start_cursor"), self.body.get("page_size")
        else:
            cursor, size = self.one("start_cursor"), self.one("page_size")
        return Paging(start_cursor=cursor, page_size=size, root=root)

    def fields(self, *allowed: str) -> Mapping[str, Json]:
        """The body, which may have no other fields than these."""
        known = tuple(name for name in allowed if name in self.trash_names or name not in _TRASH_NAMES)
        return only(self.body, known, "body")

    @property
    def trash_names(self) -> tuple[str, ...]:
        """What this version calls being in the trash: from 2026-03-11 on `in_trash` is its only name."""
        return _TRASH_NAMES[:1] if self.version >= TRASH_VERSION else _TRASH_NAMES

    def trashed(self) -> bool | None:
        """What the body says about the trash."""
        for name in self.trash_names:
            if self.body.get(name) is not None:
                return as_boolean(self.body[name], f"body.{name}")
        return None

    def properties(self) -> Mapping[str, Json]:
        """The body's `properties`; none when it has none."""
        return as_object(self.body.get("properties", {}), "body.properties")


Operation = Callable[[Call], Json]
