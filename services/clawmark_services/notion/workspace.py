"""The state of one workspace, and the questions that can be asked of it without changing it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote

from clawmark_services.notion import richtext
from clawmark_services.notion.records import (
    AsyncTask,
    Block,
    Comment,
    Database,
    DataSource,
    Node,
    Page,
    Property,
    Upload,
    User,
    View,
    ViewQuery,
)

Json = Any

INTEGRATION = "Office Assistant"
"""The name that the agent's integration bears in the workspace."""

WORKSPACE_NAME = "Office"


SITE = "https://api.notion.com"
"""Where files are read from unless the client has come in by another address."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is true of one request and never kept: its moment, and the address that it came in by."""

    now: datetime
    site: str


_IDENTITY = ("token", "workspace_id", "bot_id", "owner_id", "root_id")


class Workspace:
    """Everything that exists, by id.

    `bot_id` is the integration (the agent), `owner_id` the person that the task acts as, `root_id` the
    page that everything else hangs below. `sequence` is the number of the latest creation. `computed`
    remembers formulas and rollups until anything changes.
    """

    def __init__(self, *, token: str, workspace_id: str, bot_id: str, owner_id: str, root_id: str) -> None:
        self.token = token
        self.workspace_id = workspace_id
        self.bot_id = bot_id
        self.owner_id = owner_id
        self.root_id = root_id
        self.sequence = 0
        self.nodes: dict[str, Page | Database | Block] = {}
        self.sources: dict[str, DataSource] = {}
        self.users: dict[str, User] = {}
        self.comments: dict[str, Comment] = {}
        self.views: dict[str, View] = {}
        self.view_queries: dict[str, ViewQuery] = {}
        self.uploads: dict[str, Upload] = {}
        self.async_tasks: dict[str, AsyncTask] = {}
        self.row_ids: dict[str, list[str]] = {}
        self.present: Present | None = None
        self.computed: dict[tuple[str, str], Json] = {}

    def copy(self) -> Self:
        """A workspace that can be changed without changing this one; the records are shared."""
        twin = type(self)(**{name: getattr(self, name) for name in _IDENTITY})
        twin.sequence = self.sequence
        twin.nodes, twin.sources = dict(self.nodes), dict(self.sources)
        twin.users, twin.comments = dict(self.users), dict(self.comments)
        twin.views, twin.view_queries = dict(self.views), dict(self.view_queries)
        twin.uploads, twin.async_tasks = dict(self.uploads), dict(self.async_tasks)
        twin.present = self.present
        twin.row_ids = {source_id: list(rows) for source_id, rows in self.row_ids.items()}
        return twin

    def put(self, node: Page | Database | Block) -> None:
        """Add a node, or put a new version in the place of the old."""
        known = self.nodes.get(node.id)
        self.nodes[node.id] = node
        if node.parent.kind == "data_source_id" and (known is None or known.parent != node.parent):
            rows = self.row_ids.setdefault(str(node.parent.id), [])
            rows.append(node.id)
            if known is not None:
                # One that was moved here takes its place in the order of creation.
                rows.sort(key=lambda id_: self.nodes[id_].seq)
        self.computed.clear()

    def put_source(self, source: DataSource) -> None:
        """Add a data source, or put a new version in the place of the old."""
        self.sources[source.id] = source
        self.computed.clear()

    def meet(self, present: Present) -> None:
        """Begin a request at a moment and an address."""
        self.present = present
        self.computed.clear()

    @property
    def now(self) -> datetime:
        """The moment of the request in progress; without one, the latest change."""
        if self.present is not None:
            return self.present.now
        latest = max(node.stamp.edited_at for node in self.nodes.values())
        return datetime.fromisoformat(latest)

    def file(self, upload_id: str) -> Json:
        """A file object of the wire: a signed address that anybody may read for an hour."""
        site = SITE if self.present is None else self.present.site
        signature = self.signature(upload_id)
        name = quote(self.file_name(upload_id), safe="")
        url = f"{site}/files/{self.workspace_id}/{upload_id}/{name}?signature={signature}"
        expiry = self.now.astimezone(UTC) + timedelta(hours=1)
        return {"url": url, "expiry_time": expiry.strftime("%Y-%m-%dT%H:%M:%S.000Z")}

    def file_name(self, upload_id: str) -> str:
        """The name of an upload."""
        return self.uploads[upload_id].filename or "untitled"

    def signature(self, upload_id: str) -> str:
        """What makes the address of a file secret."""
        return hashlib.sha256(f"{self.token} {upload_id}".encode()).hexdigest()

    def rows(self, source_id: str) -> list[Page]:
        """The rows of a table in the order of their creation, those in the trash included."""
        found = (self.nodes[id_] for id_ in self.row_ids.get(source_id, ()))
        return [page for page in found if isinstance(page, Page)]

    def pages(self) -> Iterator[Page]:
        """All pages and rows, in the order of their creation."""
        return (node for node in self.nodes.values() if isinstance(node, Page))

    def databases(self) -> Iterator[Database]:
        """All databases, in the order of their creation."""
        return (node for node in self.nodes.values() if isinstance(node, Database))

    def shown(self, node: Node) -> Sequence[Page | Database | Block]:
        """What a node contains, in order, without what lies in the trash."""
        return [child for child in (self.nodes[id_] for id_ in node.children) if not child.trashed]

    def comments_on(self, id_: str) -> list[Comment]:
        """The remarks on one page or block, oldest first."""
        return [comment for comment in self.comments.values() if comment.parent.id == id_]

    def comments_about(self, page: Page) -> list[Comment]:
        """The remarks on a page and on its blocks, oldest first."""
        placed = ((comment, self.nodes[str(comment.parent.id)]) for comment in self.comments.values())
        return [comment for comment, node in placed if self.page_of(node) is page]

    def above(self, node: Node) -> Node | DataSource | None:
        """What a node hangs on, or None for what hangs on the workspace."""
        parent = node.parent
        if parent.kind == "data_source_id":
            return self.sources[str(parent.id)]
        return None if parent.id is None else self.nodes[parent.id]

    def ancestors(self, node: Node) -> Iterator[Node | DataSource]:
        """Everything above a node, nearest first."""
        above: Node | DataSource | None = self.above(node)
        while above is not None:
            yield above
            above = self.nodes[above.database_id] if isinstance(above, DataSource) else self.above(above)

    def gone(self, node: Node) -> bool:
        """Whether a node, or anything above it, lies in the trash."""
        return node.trashed or any(above.trashed for above in self.ancestors(node))

    def page_of(self, node: Node) -> Page | None:
        """The page that a node is or is part of."""
        candidates = [node, *self.ancestors(node)]
        return next((each for each in candidates if isinstance(each, Page)), None)

    def columns(self, page: Page) -> tuple[Property, ...]:
        """The columns that a page has values in: its table's, or the title alone."""
        if page.parent.kind == "data_source_id":
            return self.sources[str(page.parent.id)].properties
        return (TITLE,)

    def title(self, id_: str) -> str:
        """The title of a page, a database or a data source; "Untitled" for anything else."""
        named = self.nodes.get(id_) or self.sources.get(id_)
        if isinstance(named, Page):
            return richtext.plain(named.values.get("title", ()), self)
        if isinstance(named, Database | DataSource):
            return richtext.plain(named.title, self)
        return "Untitled"

    def user(self, id_: str) -> Json:
        """A user object of the wire; an unknown one has its id alone."""
        user = self.users.get(id_)
        if user is None:
            return {"object": "user", "id": id_}
        body = {"object": "user", "id": id_, "name": user.name, "avatar_url": None}
        if user.email is not None:
            return body | {"type": "person", "person": {"email": user.email, "email_verified": True}}
        return body | {"type": "bot", "bot": self._bot()}

    def _bot(self) -> Json:
        return {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_name": WORKSPACE_NAME,
            "workspace_id": self.workspace_id,
            # What a paid plan allows: only there are files of several parts accepted.
            "workspace_limits": {"max_file_upload_size_in_bytes": 5 * 1024**3},
        }

    def who(self, user_id: str) -> str:
        """ "agent" or "task", or the name of somebody else."""
        if user_id == self.bot_id:
            return "agent"
        return "task" if user_id == self.owner_id else str(self.user(user_id).get("name", user_id))

    def to_json(self) -> Json:
        """The whole state; lists keep their order because it means something."""
        kinds: dict[str, dict[str, Json]] = {"pages": {}, "databases": {}, "blocks": {}}
        names = {Page: "pages", Database: "databases", Block: "blocks"}
        for id_, node in self.nodes.items():
            kinds[names[type(node)]][id_] = node.to_json()
        return kinds | {
            "token": self.token,
            "workspace_id": self.workspace_id,
            "bot_id": self.bot_id,
            "owner_id": self.owner_id,
            "root_id": self.root_id,
            "sequence": self.sequence,
            "data_sources": {id_: source.to_json() for id_, source in self.sources.items()},
            "users": [user.to_json() for user in self.users.values()],
            "comments": {id_: comment.to_json() for id_, comment in self.comments.items()},
            "views": {id_: view.to_json() for id_, view in self.views.items()},
            "view_queries": {id_: query.to_json() for id_, query in self.view_queries.items()},
            "uploads": {id_: upload.to_json() for id_, upload in self.uploads.items()},
            "async_tasks": {id_: task.to_json() for id_, task in self.async_tasks.items()},
        }

    @classmethod
    def from_json(cls, state: Json) -> Self:
        """The workspace that `to_json` described. Records share parts of `state` and never change them."""
        workspace = cls(**{key: state[key] for key in _IDENTITY})
        workspace.sequence = state["sequence"]
        sources = (DataSource.from_json(id_, source) for id_, source in state["data_sources"].items())
        workspace.sources = {source.id: source for source in sorted(sources, key=_seq)}
        workspace.users = {user["id"]: User(**user) for user in state["users"]}
        comments = (Comment.from_json(id_, comment) for id_, comment in state["comments"].items())
        workspace.comments = {comment.id: comment for comment in sorted(comments, key=_seq)}
        views = (View.from_json(id_, view) for id_, view in state.get("views", {}).items())
        workspace.views = {view.id: view for view in sorted(views, key=_seq)}
        uploads = (Upload.from_json(id_, upload) for id_, upload in state.get("uploads", {}).items())
        workspace.uploads = {upload.id: upload for upload in sorted(uploads, key=_seq)}
        for id_, query in state.get("view_queries", {}).items():
            workspace.view_queries[id_] = ViewQuery.from_json(id_, query)
        for id_, task in state.get("async_tasks", {}).items():
            workspace.async_tasks[id_] = AsyncTask.from_json(id_, task)
        nodes: list[Page | Database | Block] = [
            *(Page.from_json(id_, page) for id_, page in state["pages"].items()),
            *(Database.from_json(id_, database) for id_, database in state["databases"].items()),
            *(Block.from_json(id_, block) for id_, block in state["blocks"].items()),
        ]
        for node in sorted(nodes, key=_seq):
            workspace.put(node)
        return workspace


TITLE = Property(id="title", name="title", type="title", config={})
"""The only column of a page that is no row."""


def _seq(record: Node | DataSource | Comment | View | Upload) -> int:
    return record.seq
