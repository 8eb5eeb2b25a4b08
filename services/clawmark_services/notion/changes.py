"""Which rows, pages, blocks and other records differ between two frozen workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from clawmark_services.change import Cause, Change, Kind, differing, kind_of
from clawmark_services.notion import blocks, richtext, values
from clawmark_services.notion.changes_causes import NodeCauses, schema_causes
from clawmark_services.notion.records import Block, Database, DataSource, Node, Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any
AnyNode = Page | Database | Block

_LABEL = 80
_IDENTITY = ("token", "workspace_id", "bot_id", "owner_id", "root_id")
_ORNAMENTS = ("icon", "cover", "locked")
_KEPT_ASIDE = ("seq", "stamp")


def changes(before: Json | None, after: Json) -> list[Change]:
    """Tables, then pages, rows, databases and blocks, then comments and the rest, each by age."""
    new = Workspace.from_json(after["workspace"])
    old = _fresh(new) if before is None else Workspace.from_json(before["workspace"])
    return list(_Comparison(old, new).all())


def _fresh(workspace: Workspace) -> Workspace:
    """The same workspace when nobody had done anything in it: people and an empty root page."""
    fresh = Workspace(**{name: getattr(workspace, name) for name in _IDENTITY})
    fresh.users = dict(workspace.users)
    root = workspace.nodes.get(workspace.root_id)
    if root is not None:
        fresh.put(replace(root, children=()))
    return fresh


class _Comparison:
    def __init__(self, old: Workspace, new: Workspace) -> None:
        self.old, self.new = old, new
        self.causes = NodeCauses(old, new)
        self.touched: set[str] = set()

    def all(self) -> Iterator[Change]:
        yield from self._settings()
        yield from self._sources()
        stamped = []
        for id_ in dict.fromkeys((*self.new.nodes, *self.old.nodes)):
            was, now = self.old.nodes.get(id_), self.new.nodes.get(id_)
            if was is now or was == now:
                continue
            change = self._node(was, now)
            if change is None and was is not None and now is not None:
                stamped.append((was, now))
            elif change is not None:
                self._touch(now or was)
                yield change
        yield from self._comments()
        yield from self._others()
        # A time of editing follows from what was edited; alone it is a change of its own.
        for was, now in stamped:
            if was.stamp != now.stamp and self._page_id(now) not in self.touched:
                yield self._change(
                    was, now, {"last edited": (_edited(self.old, was), _edited(self.new, now))}
                )

    # Nodes ------------------------------------------------------------------------------------------

    def _node(self, was: AnyNode | None, now: AnyNode | None) -> Change | None:
        fields = differing(
            None if was is None else self._told(self.old, was),
            None if now is None else self._told(self.new, now),
        )
        fields |= _order(was, now)
        return self._change(was, now, fields) if fields or was is None or now is None else None

    def _change(self, was: AnyNode | None, now: AnyNode | None, fields: Mapping[str, Any]) -> Change:
        known = now or was
        assert known is not None
        workspace = self.new if now is not None else self.old
        kind: Kind = kind_of(was, now)
        if was is not None and now is not None and now.trashed and not was.trashed:
            kind = "deleted"
        return Change(
            kind=kind,
            item=_item(known),
            label=_label(workspace, known),
            id=known.id,
            place=_place(workspace, known),
            fields=fields,
            causes=tuple(self.causes.of(was, now)),
        )

    def _told(self, workspace: Workspace, node: AnyNode) -> dict[str, Json]:
        own = _page(workspace, node) if isinstance(node, Page) else {}
        if isinstance(node, Database):
            own = {
                "title": workspace.title(node.id),
                "description": richtext.plain(node.description, workspace) or None,
                "inline": node.inline or None,
                "data sources": list(node.sources),
            }
        elif isinstance(node, Block):
            own = _block(workspace, node)
        ornaments = (
            {} if isinstance(node, Block) else {name: getattr(node, name) or None for name in _ORNAMENTS}
        )
        return {**own, **ornaments, "parent": node.parent.id, "in trash": node.trashed or None}

    def _touch(self, node: AnyNode | None) -> None:
        """A page is stamped for what happens in it, and a parent for its children."""
        if node is not None:
            self.touched |= {self._page_id(node), str(node.parent.id)}

    def _page_id(self, node: AnyNode) -> str:
        workspace = self.new if node.id in self.new.nodes else self.old
        page = workspace.page_of(node)
        if page is node:
            # What hangs on a page is part of it, so a page under another one touches that as well.
            return node.id
        return page.id if page is not None else node.id

    # Everything else --------------------------------------------------------------------------------

    def _settings(self) -> Iterator[Change]:
        old = {name: getattr(self.old, name) for name in _IDENTITY}
        new = {name: getattr(self.new, name) for name in _IDENTITY}
        people = [{id_: user.to_json() for id_, user in each.users.items()} for each in (self.old, self.new)]
        fields = {**differing(old, new), **differing(*people)}
        if fields:
            # No request changes these.
            yield Change(kind="updated", item="workspace", label="people and keys", fields=fields)

    def _sources(self) -> Iterator[Change]:
        for id_ in dict.fromkeys((*self.new.sources, *self.old.sources)):
            was, now = self.old.sources.get(id_), self.new.sources.get(id_)
            fields = differing(_source(self.old, was), _source(self.new, now))
            if fields:
                known = now or was
                assert known is not None
                workspace = self.new if now is not None else self.old
                self.touched.add(known.database_id)
                yield Change(
                    kind=kind_of(was, now),
                    item="table",
                    label=workspace.title(known.id) or workspace.title(known.database_id),
                    id=id_,
                    place=workspace.title(known.database_id),
                    fields=fields,
                    causes=tuple(schema_causes(self.new, was, now)),
                )

    def _comments(self) -> Iterator[Change]:
        for id_, was, now in _pairs(self.old.comments, self.new.comments):
            fields = differing(
                _record(was, text=None if was is None else richtext.plain(was.text, self.old)),
                _record(now, text=None if now is None else richtext.plain(now.text, self.new)),
            )
            known = now or was
            node = self.new.nodes.get(str(known.parent.id))
            keys = [id_, known.discussion_id, str(known.parent.id), *self.causes.names(node)]
            if node is not None:
                self._touch(node)
            yield Change(
                kind=kind_of(was, now),
                item="comment",
                label=_short(richtext.plain(known.text, self.new)),
                id=id_,
                place="" if node is None else _label(self.new, self.new.page_of(node) or node),
                fields=fields,
                causes=tuple(Cause(operations=("comments.*",), keys=(key,)) for key in keys),
            )

    def _others(self) -> Iterator[Change]:
        kinds = (
            ("view", self.old.views, self.new.views, ("views.*", "databases.create", "data_sources.create")),
            ("view query", self.old.view_queries, self.new.view_queries, ("views.queries.*",)),
            ("upload", self.old.uploads, self.new.uploads, ("file_uploads.*",)),
            ("async task", self.old.async_tasks, self.new.async_tasks, ("*",)),
        )
        for item, old, new, operations in kinds:
            for id_, was, now in _pairs(old, new):
                fields = differing(_record(was), _record(now))
                if not fields:
                    continue
                named = Cause(operations=("*",), keys=(id_,))
                unnamed = Cause(operations=operations)
                known = now or was
                yield Change(
                    kind=kind_of(was, now),
                    item=item,
                    label=str(getattr(known, "name", None) or getattr(known, "filename", None) or id_),
                    id=id_,
                    fields=fields,
                    causes=(named, unnamed)
                    if was is None or item in ("view query", "async task")
                    else (named,),
                )


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for id_ in dict.fromkeys((*new, *old)):
        if old.get(id_) != new.get(id_):
            yield id_, old.get(id_), new.get(id_)


def _record(record: Any, **told: Json) -> dict[str, Json] | None:
    """A record's own form without its number and stamp, and with some fields as people read them."""
    if record is None:
        return None
    return {name: part for name, part in record.to_json().items() if name not in _KEPT_ASIDE} | told


def _page(workspace: Workspace, page: Page) -> dict[str, Json]:
    """What is set in it, by column; results that Notion computes are kept nowhere."""
    columns = {column.id: column for column in workspace.columns(page)}
    found: dict[str, Json] = {}
    for id_, kept in page.values.items():
        column = columns.get(id_)
        found[column.name if column else id_] = _value(workspace, page, column, kept)
    return found


def _value(workspace: Workspace, page: Page, column: Property | None, kept: Json) -> Json:
    if column is None:
        return kept
    if column.type == "relation":
        titles = [workspace.title(id_) if id_ in workspace.nodes else id_ for id_ in kept or ()]
        return [
            f"{title or 'Untitled'} ({id_})" for title, id_ in zip(titles, kept or (), strict=True)
        ] or None
    if column.type in ("title", "rich_text"):
        told = values.plain(column, page, workspace)
        return told if told or not kept else kept
    return values.plain(column, page, workspace)


def _block(workspace: Workspace, block: Block) -> dict[str, Json]:
    text = blocks.plain(block.type, block.content, workspace)
    rest = {name: part for name, part in block.content.items() if part not in (None, [], {}, "", False)}
    return {"type": block.type, "text": text or None, "content": rest or None}


def _source(workspace: Workspace, source: DataSource | None) -> dict[str, Json] | None:
    if source is None:
        return None
    return {
        "title": richtext.plain(source.title, workspace) or None,
        "description": richtext.plain(source.description, workspace) or None,
        "icon": source.icon,
        "in trash": source.trashed or None,
        "columns": {column.name: _column(column) for column in source.properties},
    }


def _column(column: Property) -> Json:
    options = column.config.get("options")
    if options is not None:
        return {column.type: [option["name"] for option in options]}
    return {column.type: dict(column.config)} if column.config else column.type


def _order(was: Node | None, now: Node | None) -> dict[str, tuple[Json, Json]]:
    """Where children that stayed changed places."""
    if was is None or now is None:
        return {}
    stayed = set(was.children) & set(now.children)
    old, new = ([id_ for id_ in each.children if id_ in stayed] for each in (was, now))
    return {"order": (old, new)} if old != new else {}


def _item(node: AnyNode) -> str:
    if isinstance(node, Page):
        return "row" if node.parent.kind == "data_source_id" else "page"
    return "database" if isinstance(node, Database) else "block"


def _label(workspace: Workspace, node: Node) -> str:
    if isinstance(node, Block):
        return _short(blocks.plain(node.type, node.content, workspace)) or node.type
    return workspace.title(node.id) or "Untitled"


def _place(workspace: Workspace, node: AnyNode) -> str:
    if isinstance(node, Block):
        page = workspace.page_of(node)
        return workspace.title(page.id) if page is not None else ""
    parent = str(node.parent.id)
    if parent in workspace.sources:
        return workspace.title(workspace.sources[parent].database_id)
    return workspace.title(parent) if parent in workspace.nodes else ""


def _edited(workspace: Workspace, node: Node) -> str:
    return f"{node.stamp.edited_at} by {workspace.who(node.stamp.edited_by)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LABEL else f"{line[:_LABEL]}..."
