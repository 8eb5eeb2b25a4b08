"""Everything that changes the tree of pages. An operation happens whole or, when it raises, not at all.

Operations take the `Moment` they happen at and raise `NotionError` for what Notion would refuse. Callers
hold `Store.lock` around each; reading goes through `Store.workspace`. Tables and rows are in `tables`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from clawmark_services.accounts import AccountBook
from clawmark_services.actor import current_actor
from clawmark_services.ids import Ids
from clawmark_services.notion import blocks, dates, files, quota
from clawmark_services.notion.blocks import Draft
from clawmark_services.notion.errors import NotionError, archived, archived_ancestor, invalid, not_found
from clawmark_services.notion.grammar import ALPHANUMERIC
from clawmark_services.notion.records import (
    Block,
    Comment,
    Database,
    DataSource,
    Node,
    Page,
    Parent,
    Stamp,
    User,
)
from clawmark_services.notion.workspace import INTEGRATION, Workspace

Json = Any

_REFERENCE = "https://developers.notion.com/reference"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a change happens (UTC, as records keep it) and which user makes it."""

    at: str
    by: str

    def stamp(self) -> Stamp:
        """The stamp of something new."""
        return Stamp(created_at=self.at, created_by=self.by, edited_at=self.at, edited_by=self.by)

    def edit(self, stamp: Stamp) -> Stamp:
        """The stamp of something changed."""
        return replace(stamp, edited_at=self.at, edited_by=self.by)


@dataclass(frozen=True, slots=True)
class Position:
    """Where new blocks go among those that are there: at the start, at the end, or after one of them."""

    where: Literal["start", "end", "after"] = "end"
    after: str | None = None


AT_END = Position()
AnyNode = Page | Database | Block


def found(ids: Ids, accounts: AccountBook, at: datetime) -> Store:
    """A fresh workspace: its users, the integration's token and an empty root page.

    Everything is drawn from `ids` in a fixed order, so that one seed gives one workspace.
    """
    token = f"ntn_{ids.token(32, ALPHANUMERIC)}{ids.token(14, ALPHANUMERIC)}"
    workspace_id, bot_id, owner_id, root_id = (ids.uuid() for _ in range(4))
    workspace = Workspace(
        token=token, workspace_id=workspace_id, bot_id=bot_id, owner_id=owner_id, root_id=root_id
    )
    domain = accounts.agent.address.rpartition("@")[2]
    people = [User(id=ids.uuid(), name=account.name, email=account.address) for account in accounts]
    admin = User(id=workspace.owner_id, name="Workspace Admin", email=f"workspace-admin@{domain}")
    bot = User(id=workspace.bot_id, name=INTEGRATION, email=None)
    workspace.users = {user.id: user for user in (*people, admin, bot)}
    store = Store(ids, workspace)
    moment = Moment(dates.stored(at), workspace.owner_id)
    store.add_page(Parent(kind="workspace"), {"title": [{"text": "Office"}]}, moment, id_=workspace.root_id)
    return store


class Store:
    """One workspace, and the identifiers that new things in it get."""

    def __init__(self, ids: Ids, workspace: Workspace) -> None:
        self.lock = threading.RLock()
        self.ids = ids
        self.workspace = workspace
        self._changing = False
        # Bytes of requests that changed something; of this process, not of the world: it is not frozen.
        self.sent = 0

    def moment(self, at: datetime) -> Moment:
        """A change at `at` by whoever acts now: the integration for the agent, a person for the task."""
        agent = current_actor().who == "agent"
        return Moment(dates.stored(at), self.workspace.bot_id if agent else self.workspace.owner_id)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Undo everything that the block changed when it raises."""
        if self._changing:
            yield
            return
        workspace, count = self.workspace, self.ids.count
        self.workspace, self._changing = workspace.copy(), True
        try:
            yield
            if current_actor().who != "task":
                quota.check(self.workspace, workspace)
        except BaseException:
            self.workspace, self.ids.count = workspace, count
            raise
        finally:
            self._changing = False

    # Finding things, or refusing in Notion's words.

    def missing(self, kind: str, id_: str) -> NotionError:
        """The refusal for something that is not there."""
        return not_found(kind, id_, INTEGRATION, self.workspace.bot_id)

    def node(self, id_: str) -> AnyNode:
        """Anything in the tree, as a block."""
        node = self.workspace.nodes.get(id_)
        if node is None:
            raise self.missing("block", id_)
        return node

    def page(self, id_: str) -> Page:
        """A page or row."""
        node = self.workspace.nodes.get(id_)
        if isinstance(node, Database):
            raise invalid(
                f"Provided ID {id_} is a database, not a page. Use the retrieve database API instead: "
                f"{_REFERENCE}/retrieve-a-database"
            )
        if not isinstance(node, Page):
            raise self.missing("page", id_)
        return node

    def database(self, id_: str) -> Database:
        """A database."""
        node = self.workspace.nodes.get(id_)
        if isinstance(node, Page):
            raise invalid(
                f"Provided ID {id_} is a page, not a database. Use the retrieve page API instead: "
                f"{_REFERENCE}/retrieve-a-page"
            )
        if not isinstance(node, Database):
            raise self.missing("database", id_)
        return node

    def source(self, id_: str) -> DataSource:
        """A data source."""
        if id_ not in self.workspace.sources:
            raise self.missing("data_source", id_)
        return self.workspace.sources[id_]

    def user(self, id_: str) -> User:
        """A user of the workspace."""
        if id_ not in self.workspace.users:
            raise self.missing("user", id_)
        return self.workspace.users[id_]

    def editable(self, node: Node) -> None:
        """Refuse to change what lies in the trash."""
        if node.trashed:
            raise archived()
        if self.workspace.gone(node):
            raise archived_ancestor()

    # Changing things.

    def claim(self, *kept: Json) -> None:
        """Take uploads that something new speaks of for good; refuse those whose bytes are not there."""
        for id_ in files.uploads_in(kept):
            upload = self.workspace.uploads.get(id_)
            if upload is None:
                raise self.missing("file_upload", id_)
            if upload.status != "uploaded":
                raise invalid(
                    f"File upload with ID {id_} is not ready: its status is {upload.status}, not uploaded."
                )
            if not upload.attached:
                self.workspace.uploads[id_] = replace(upload, attached=True)

    def next_number(self) -> int:
        """The next place in the order of creation."""
        self.workspace.sequence += 1
        return self.workspace.sequence

    def add_page(
        self,
        parent: Parent,
        values: Mapping[str, Json],
        moment: Moment,
        *,
        icon: Json = None,
        cover: Json = None,
        children: Sequence[Draft] = (),
        position: Position = AT_END,
        id_: str | None = None,
    ) -> Page:
        """A new page or row; `values` are in kept form."""
        with self.whole():
            self.claim(icon, cover, values)
            page = Page(
                id=id_ or self.ids.uuid(),
                seq=self.next_number(),
                parent=parent,
                stamp=moment.stamp(),
                values=values,
                icon=icon,
                cover=cover,
            )
            self.workspace.put(page)
            if parent.kind in ("page_id", "block_id"):
                self.attach(str(parent.id), [page.id], moment, position)
            if children:
                self.append(page.id, children, moment)
            return self.page(page.id)

    def change(self, node: AnyNode, moment: Moment, **changes: Any) -> AnyNode:
        """Put a new version of something in the tree in its place, and stamp it and its page as edited."""
        with self.whole():
            self.claim(changes)
            changed = replace(node, stamp=moment.edit(node.stamp), **changes)
            self.workspace.put(changed)
            if isinstance(changed, Block):
                self._touch_page(changed, moment)
            return changed

    def _touch_page(self, node: Node, moment: Moment) -> None:
        page = self.workspace.page_of(node)
        if page is not None:
            self.workspace.put(replace(page, stamp=moment.edit(page.stamp)))

    def attach(self, parent_id: str, ids: Sequence[str], moment: Moment, position: Position = AT_END) -> None:
        """Make nodes children of a page or block."""
        parent = self.node(parent_id)
        self.editable(parent)
        if isinstance(parent, Database) or (
            isinstance(parent, Block) and not blocks.holds_children(parent.type, parent.content)
        ):
            raise invalid("Block does not support children.")
        self.workspace.put(replace(parent, children=_placed(parent.children, ids, position)))
        self._touch_page(self.node(parent_id), moment)

    def detach(self, node: Node) -> None:
        """Take a node from where it hangs; whoever calls hangs it elsewhere."""
        parent = node.parent
        if parent.kind == "data_source_id":
            self.workspace.row_ids[str(parent.id)].remove(node.id)
        elif parent.id is not None:
            above = self.node(parent.id)
            children = tuple(id_ for id_ in above.children if id_ != node.id)
            self.workspace.put(replace(above, children=children))

    def append(
        self, parent_id: str, drafts: Sequence[Draft], moment: Moment, position: Position = AT_END
    ) -> list[Block]:
        """New blocks in a page or block; those of the first level come back."""
        with self.whole():
            parent = self.node(parent_id)
            kind, content = (parent.type, parent.content) if isinstance(parent, Block) else ("page", {})
            blocks.check_children(kind, content, drafts)
            made = [self._add_block(parent, draft, moment) for draft in drafts]
            self.attach(parent_id, [block.id for block in made], moment, position)
            return made

    def _add_block(self, parent: Node, draft: Draft, moment: Moment) -> Block:
        self.claim(draft.content)
        block = Block(
            id=self.ids.uuid(),
            seq=self.next_number(),
            parent=Parent(kind="block_id" if isinstance(parent, Block) else "page_id", id=parent.id),
            stamp=moment.stamp(),
            type=draft.type,
            content=draft.content,
        )
        self.workspace.put(block)
        inner = [self._add_block(block, child, moment) for child in draft.children]
        block = replace(block, children=tuple(child.id for child in inner))
        self.workspace.put(block)
        return block

    def set_trashed(self, id_: str, moment: Moment, *, trashed: bool) -> AnyNode:
        """Move something to the trash with all it contains, or back to where it was."""
        node = self.node(id_)
        if trashed:
            self.editable(node)
        elif any(above.trashed for above in self.workspace.ancestors(node)):
            raise archived_ancestor()
        if node.parent.kind == "workspace":
            raise invalid("Archiving workspace level pages via API not supported.")
        return node if node.trashed == trashed else self.change(node, moment, trashed=trashed)

    def comment(
        self,
        parent: Parent,
        text: Json,
        moment: Moment,
        discussion_id: str | None = None,
        *,
        shown_as: str | None = None,
        attachments: Sequence[str] = (),
    ) -> Comment:
        """A remark on a page or block; without a discussion it begins one."""
        with self.whole():
            node = self.node(str(parent.id))
            self.editable(node)
            self.claim([{"upload": id_} for id_ in attachments])
            comment = Comment(
                id=self.ids.uuid(),
                seq=self.next_number(),
                parent=parent,
                discussion_id=discussion_id or self.ids.uuid(),
                text=text,
                stamp=moment.stamp(),
                shown_as=shown_as,
                attachments=tuple(attachments),
            )
            self.workspace.comments[comment.id] = comment
            return comment


def _placed(children: tuple[str, ...], ids: Sequence[str], position: Position) -> tuple[str, ...]:
    at = {"start": 0, "end": len(children)}.get(position.where)
    if at is None:
        if position.after not in children:
            raise invalid(f"Block to append children after is not a child of the parent: {position.after}")
        at = children.index(str(position.after)) + 1
    return (*children[:at], *ids, *children[at:])
