"""Which requests can have made a page, a block or a table what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clawmark_services.change import Cause
from clawmark_services.notion.records import Block, Database, DataSource, Node, Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any

_WRITING = ("pages.update", "pages.move", "pages.markdown.update", "blocks.update", "blocks.delete")
_CONTENT = ("blocks.children.append", "pages.create", "pages.markdown.update", "pages.update")
_SCHEMA = ("databases.create", "databases.update", "data_sources.create", "data_sources.update")
_VALUES = ("pages.create", "pages.update", "pages.move")
# What the audit keeps of a text.
_CUT = 1000


class NodeCauses:
    """The causes of one comparison's nodes."""

    def __init__(self, old: Workspace, new: Workspace) -> None:
        self._old, self._new = old, new

    def of(self, was: Node | None, now: Node | None) -> Iterator[Cause]:
        """For a node that differs; one that is gone altogether, which no request can bring about, has none."""
        if now is None:
            return
        if isinstance(now, Block):
            yield from self._block(was, now)
        elif isinstance(now, Database):
            yield from self._database(was, now)
        elif isinstance(now, Page):
            yield from self._page(was if isinstance(was, Page) else None, now)

    def names(self, node: Node | None) -> list[str]:
        """How requests call a page or database: by id or, through the tools, by its title then or now."""
        if node is None:
            return []
        titles = [
            workspace.title(node.id)
            for workspace in (self._old, self._new)
            if node.id in workspace.nodes and not isinstance(node, Block)
        ]
        return [node.id, *(title for title in dict.fromkeys(titles) if title)]

    def _page(self, was: Page | None, now: Page) -> Iterator[Cause]:
        for key in self.names(now):
            yield Cause(operations=(*_WRITING, "blocks.children.append"), keys=(key,))
        if was is None:
            yield from self._birth(now)
        if now.parent.kind == "data_source_id":
            yield from self._columns(was, now)

    def _birth(self, page: Page) -> Iterator[Cause]:
        """The request names where a page goes, and what it is called."""
        title = _said(page.values.get("title"))
        said = (title,) if title else ()
        for key in self._above(page):
            yield Cause(operations=("pages.create", "databases.create"), keys=(key, *said))
            yield Cause(operations=("pages.markdown.update",), keys=(key,))
        if str(page.parent.id) == self._new.root_id:
            # The root page is where pages go that nobody places.
            yield Cause(operations=("pages.create",), keys=said)

    def _above(self, node: Node) -> list[str]:
        """How a request names the place that something is put in."""
        parent = str(node.parent.id)
        source = self._new.sources.get(parent)
        if source is not None:
            database = self._new.nodes.get(source.database_id)
            return [source.id, *(self.names(database) or [source.database_id])]
        return self.names(self._new.nodes.get(parent)) or [parent]

    def _columns(self, was: Page | None, now: Page) -> Iterator[Cause]:
        """A row also changes with its table's columns, and with the other side of a relation."""
        source = self._new.sources.get(str(now.parent.id))
        if source is None:
            return
        yield from _of_schema(source)
        for column in source.properties:
            if column.type == "relation":
                before = set((was.values.get(column.id) if was else None) or ())
                after = set(now.values.get(column.id) or ())
                if before != after:
                    yield from self._relation(column, sorted(before ^ after))

    def _relation(self, column: Property, others: list[str]) -> Iterator[Cause]:
        for other in others:
            for key in self.names(self._new.nodes.get(other)) or [other]:
                yield Cause(operations=_VALUES, keys=(key,))
            node = self._new.nodes.get(other)
            if node is not None and other not in self._old.nodes:
                for key in self._above(node):
                    yield Cause(operations=("pages.create", "databases.create"), keys=(key,))
        related = self._new.sources.get(str(column.config.get("data_source_id")))
        if related is not None:
            yield from _of_schema(related)

    def _block(self, was: Node | None, now: Block) -> Iterator[Cause]:
        page = self._new.page_of(now)
        if was is not None:
            yield Cause(
                operations=("blocks.update", "blocks.delete", "blocks.children.append"), keys=(now.id,)
            )
            for key in self.names(page):
                yield Cause(operations=("pages.markdown.update", "pages.update"), keys=(key,))
            return
        for above in self._new.ancestors(now):
            for key in self.names(above) if isinstance(above, Node) else []:
                yield Cause(operations=_CONTENT, keys=(key,))
            if above is page:
                break
        yield Cause(operations=("blocks.update",), keys=(now.id,))
        if page is not None and page.id not in self._old.nodes:
            yield from self._birth(page)

    def _database(self, was: Node | None, now: Database) -> Iterator[Cause]:
        keys = self.names(now)
        for key in keys:
            operations = ("databases.update", "blocks.update", "blocks.delete", "pages.move")
            yield Cause(operations=operations, keys=(key,))
        for source in now.sources:
            yield Cause(operations=("data_sources.update",), keys=(source,))
        # A further table in it.
        for key in keys:
            yield Cause(operations=("data_sources.create",), keys=(key,))
        if was is None:
            title = _said(now.title)
            for key in [title] if title else self._above(now):
                yield Cause(operations=("databases.create",), keys=(key,))
            for key in self._above(now):
                yield Cause(operations=("pages.markdown.update",), keys=(key,))
            if not title:
                yield Cause(operations=("databases.create",))


def schema_causes(workspace: Workspace, was: DataSource | None, now: DataSource | None) -> Iterator[Cause]:
    """For a table whose columns differ; one that is gone altogether has none."""
    if now is None:
        return
    yield from _of_schema(now)
    title = _said(now.title) or workspace.title(now.database_id)
    yield Cause(operations=("databases.create", "databases.update"), keys=(title,) if title else ())
    for column in now.properties:
        if column.type == "relation":
            related = workspace.sources.get(str(column.config.get("data_source_id")))
            if related is not None:
                yield from _of_schema(related)
    old = {column.id: column for column in was.properties} if was else {}
    if was is not None:
        yield from _relations_that_went(workspace, was, now)
    for column in now.properties:
        # Writing a value makes the option that it names.
        for name in _options(column) - _options(old.get(column.id)):
            yield Cause(operations=_VALUES, keys=(name,))


def _relations_that_went(workspace: Workspace, was: DataSource, now: DataSource) -> Iterator[Cause]:
    kept = {column.id for column in now.properties}
    for column in was.properties:
        related = workspace.sources.get(str(column.config.get("data_source_id")))
        if column.id not in kept and related is not None:
            yield from _of_schema(related)


def _options(column: Property | None) -> set[str]:
    return {option["name"] for option in column.config.get("options", ())} if column else set()


def _of_schema(source: DataSource) -> Iterator[Cause]:
    for key in (source.id, source.database_id):
        yield Cause(operations=_SCHEMA, keys=(key,))


def _said(runs: Json) -> str:
    """A title as a request spells it: one that has several runs stands in pieces there."""
    if not runs or len(runs) != 1:
        return ""
    text = runs[0].get("text") if isinstance(runs[0], dict) else None
    return text if isinstance(text, str) and len(text) <= _CUT else ""
