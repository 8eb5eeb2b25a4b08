"""What a workspace consists of. Records are values: a change puts a new one in the place of the old.

Rich text and property values are kept in the compact forms of `richtext` and `properties`; times are
UTC, ISO 8601 to the second with a `Z`; `seq` numbers everything in the order of its creation.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Json = Any

ParentKind = Literal["workspace", "page_id", "block_id", "data_source_id", "database_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """Where something hangs: `kind` is Notion's name for it; the workspace itself has no id."""

    kind: ParentKind
    id: str | None = None

    def to_json(self) -> Json:
        return [self.kind, self.id]

    @classmethod
    def from_json(cls, state: Json) -> Self:
        return cls(kind=state[0], id=state[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When something was made and last edited, and by which user."""

    created_at: str
    created_by: str
    edited_at: str
    edited_by: str

    def to_json(self) -> Json:
        return [self.created_at, self.created_by, self.edited_at, self.edited_by]

    @classmethod
    def from_json(cls, state: Json) -> Self:
        return cls(created_at=state[0], created_by=state[1], edited_at=state[2], edited_by=state[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything that has a place in the tree of pages; `children` are in the order shown."""

    id: str
    seq: int
    parent: Parent
    stamp: Stamp
    trashed: bool = False
    children: tuple[str, ...] = ()

    def place(self) -> dict[str, Json]:
        """The frozen form of what all nodes share."""
        return {
            "seq": self.seq,
            "parent": self.parent.to_json(),
            "stamp": self.stamp.to_json(),
            "trashed": self.trashed,
            "children": list(self.children),
        }


def _place(id_: str, state: Json) -> dict[str, Any]:
    return {
        "id": id_,
        "seq": state["seq"],
        "parent": Parent.from_json(state["parent"]),
        "stamp": Stamp.from_json(state["stamp"]),
        "trashed": state["trashed"],
        "children": tuple(state["children"]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Node):
    """A page, or a row when its parent is a data source.

    `values` holds what is set, by property id; a page that is no row has `title` alone.
    """

    values: Mapping[str, Json]
    icon: Json = None
    cover: Json = None
    locked: bool = False

    def to_json(self) -> Json:
        return self.place() | {
            "values": dict(self.values),
            "icon": self.icon,
            "cover": self.cover,
            "locked": self.locked,
        }

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        own = {key: state[key] for key in ("values", "icon", "cover", "locked")}
        return cls(**_place(id_, state), **own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database(Node):
    """A database: a place in the tree that shows one or more data sources."""

    title: Json
    sources: tuple[str, ...]
    description: Json = ()
    icon: Json = None
    cover: Json = None
    inline: bool = False
    locked: bool = False

    def to_json(self) -> Json:
        return self.place() | {
            "title": list(self.title),
            "sources": list(self.sources),
            "description": list(self.description),
            "icon": self.icon,
            "cover": self.cover,
            "inline": self.inline,
            "locked": self.locked,
        }

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        own = {key: state[key] for key in ("title", "description", "icon", "cover", "inline", "locked")}
        return cls(**_place(id_, state), **own, sources=tuple(state["sources"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Node):
    """A piece of a page's content; `content` is in the compact form of `blocks`."""

    type: str
    content: Mapping[str, Json]

    def to_json(self) -> Json:
        return self.place() | {"type": self.type, "content": dict(self.content)}

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(**_place(id_, state), type=state["type"], content=state["content"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A column: `config` is what its type says about it, such as options or a number format."""

    id: str
    name: str
    type: str
    config: Mapping[str, Json]
    description: str | None = None

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "config": dict(self.config),
            "description": self.description,
        }

    @classmethod
    def from_json(cls, state: Json) -> Self:
        return cls(**state)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A table: its columns in the order of their creation, and the last number of its `unique_id`."""

    id: str
    seq: int
    database_id: str
    title: Json
    stamp: Stamp
    properties: tuple[Property, ...]
    description: Json = ()
    icon: Json = None
    trashed: bool = False
    numbered: int = 0

    def to_json(self) -> Json:
        return {
            "seq": self.seq,
            "database_id": self.database_id,
            "title": list(self.title),
            "stamp": self.stamp.to_json(),
            "properties": [column.to_json() for column in self.properties],
            "description": list(self.description),
            "icon": self.icon,
            "trashed": self.trashed,
            "numbered": self.numbered,
        }

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        plain = ("seq", "database_id", "title", "description", "icon", "trashed", "numbered")
        return cls(
            id=id_,
            stamp=Stamp.from_json(state["stamp"]),
            properties=tuple(Property.from_json(column) for column in state["properties"]),
            **{key: state[key] for key in plain},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an address, or the integration itself, which has none."""

    id: str
    name: str
    email: str | None

    def to_json(self) -> Json:
        return {"id": self.id, "name": self.name, "email": self.email}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A remark on a page or a block; those of one discussion share its id.

    `shown_as` is a name that it bears instead of its author's, `attachments` are uploads by id.
    """

    id: str
    seq: int
    parent: Parent
    discussion_id: str
    text: Json
    stamp: Stamp
    shown_as: str | None = None
    attachments: tuple[str, ...] = ()

    def to_json(self) -> Json:
        return {
            "seq": self.seq,
            "parent": self.parent.to_json(),
            "discussion_id": self.discussion_id,
            "text": list(self.text),
            "stamp": self.stamp.to_json(),
            "shown_as": self.shown_as,
            "attachments": list(self.attachments),
        }

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(
            id=id_,
            seq=state["seq"],
            parent=Parent.from_json(state["parent"]),
            discussion_id=state["discussion_id"],
            text=state["text"],
            stamp=Stamp.from_json(state["stamp"]),
            shown_as=state.get("shown_as"),
            attachments=tuple(state.get("attachments", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A way to look at a data source; `filter`, `sorts` and the rest are kept as requests spell them."""

    id: str
    seq: int
    database_id: str
    source_id: str
    name: str
    type: str
    stamp: Stamp
    filter: Json = None
    sorts: Json = None
    quick_filters: Json = None
    configuration: Json = None

    def to_json(self) -> Json:
        plain = ("database_id", "source_id", "name", "type", "filter", "sorts", "quick_filters")
        own = {name: getattr(self, name) for name in (*plain, "configuration", "seq")}
        return own | {"stamp": self.stamp.to_json()}

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(id=id_, **{**state, "stamp": Stamp.from_json(state["stamp"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewQuery:
    """What a view showed at one moment: the ids of its rows, to be paged through until it expires."""

    id: str
    view_id: str
    rows: tuple[str, ...]
    expires_at: str

    def to_json(self) -> Json:
        return {"view_id": self.view_id, "rows": list(self.rows), "expires_at": self.expires_at}

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(id=id_, **{**state, "rows": tuple(state["rows"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file on its way into the workspace, or in it: `parts` are its bytes in Base64, by part number.

    `total` is how many parts were announced: 1 unless `mode` is `multi_part`.
    """

    id: str
    seq: int
    stamp: Stamp
    mode: str
    status: str
    filename: str | None
    content_type: str | None
    total: int = 1
    parts: Mapping[str, str]
    length: int | None = None
    source_url: str | None = None
    attached: bool = False

    def to_json(self) -> Json:
        plain = ("seq", "mode", "status", "filename", "content_type", "total", "length", "source_url")
        own = {name: getattr(self, name) for name in (*plain, "attached")}
        return own | {"stamp": self.stamp.to_json(), "parts": dict(self.parts)}

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(id=id_, **{**state, "stamp": Stamp.from_json(state["stamp"])})

    @property
    def content(self) -> bytes:
        """Its bytes, as far as they were sent."""
        return b"".join(b64decode(self.parts[number]) for number in sorted(self.parts, key=int))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncTask:
    """A request that asked to be answered later: which operation it was, and what came of it."""

    id: str
    created_at: str
    operation: str
    result: Json

    def to_json(self) -> Json:
        return {"created_at": self.created_at, "operation": self.operation, "result": self.result}

    @classmethod
    def from_json(cls, id_: str, state: Json) -> Self:
        return cls(id=id_, **state)
