"""Evidence: a frozen workspace as checkers read it. Nothing here can be changed or changes anything.

What lies in the trash is left out. Whatever is missing or ambiguous raises `EvidenceError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawmark_services.evidence import EvidenceError
from clawmark_services.notion import blocks, dates, lookup, outline, plain, richtext, values
from clawmark_services.notion.records import Block, DataSource, Node, Page
from clawmark_services.notion.workspace import Workspace

Json = Any


class MissingColumn(EvidenceError, KeyError):
    """A row was asked for a column that its database does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentView:
    """A comment; `by` is "agent", "task", or the name of whoever else wrote it."""

    text: str
    by: str
    created_time: str
    discussion_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockView:
    """A block: its `type`, its plain `text`, whether a to-do is `checked`, and what it contains."""

    id: str
    type: str
    text: str
    checked: bool
    last_edited_by: str
    children: tuple[BlockView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file that was uploaded and put somewhere; `by` is "agent", "task", or a name."""

    name: str
    content_type: str
    content: bytes
    by: str


class PageView:
    """A page, or what rows and pages have in common."""

    __slots__ = ("_node", "_workspace")

    def __init__(self, workspace: Workspace, node: Page) -> None:
        self._workspace = workspace
        self._node = node

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title!r}>"

    @property
    def id(self) -> str:
        """Its id, dashed."""
        return self._node.id

    @property
    def title(self) -> str:
        """Its title."""
        return self._workspace.title(self._node.id)

    @property
    def text(self) -> str:
        """All that it contains, as plain text: one line a block, nested blocks indented by two spaces."""
        return outline.text(self._workspace, self._node)

    @property
    def blocks(self) -> tuple[BlockView, ...]:
        """Its blocks in order; child pages and databases are not among them."""
        return _blocks(self._workspace, self._node)

    @property
    def comments(self) -> tuple[CommentView, ...]:
        """The comments on it and on its blocks, oldest first."""
        return tuple(
            CommentView(
                text=richtext.plain(comment.text, self._workspace),
                by=self._workspace.who(comment.stamp.created_by),
                created_time=dates.to_the_minute(comment.stamp.created_at),
                discussion_id=comment.discussion_id,
            )
            for comment in self._workspace.comments_about(self._node)
        )

    @property
    def created_time(self) -> str:
        """When it was made, as Notion prints it: UTC, cut to the minute."""
        return dates.to_the_minute(self._node.stamp.created_at)

    @property
    def last_edited_time(self) -> str:
        """When it was last edited, as Notion prints it: UTC, cut to the minute."""
        return dates.to_the_minute(self._node.stamp.edited_at)

    @property
    def created_by(self) -> str:
        """ "agent" or "task"."""
        return self._workspace.who(self._node.stamp.created_by)

    @property
    def last_edited_by(self) -> str:
        """ "agent" or "task": whoever touched it or its content last."""
        return self._workspace.who(self._node.stamp.edited_by)

    @property
    def archived(self) -> bool:
        """Whether it lies in the trash."""
        return self._workspace.gone(self._node)


class RowView(PageView, Mapping[str, Any]):
    """A row: a mapping of column names to plain values.

    Texts, select and status are `str` (an unset text is "", an unset option None), numbers `int` or `float`,
    checkboxes `bool`, multi_select, people, files and relations `list[str]`, dates ISO 8601 (a period is
    `start/end`); anything else that is unset is None.
    """

    __slots__ = ()

    def __getitem__(self, column: str) -> Any:
        columns = self._workspace.columns(self._node)
        found = next((each for each in columns if each.name == column), None)
        if found is None:
            raise MissingColumn(lookup.unknown_column(column, columns))
        return values.plain(found, self._node, self._workspace)

    def __iter__(self) -> Iterator[str]:
        return iter([column.name for column in self._workspace.columns(self._node)])

    def __len__(self) -> int:
        return len(self._workspace.columns(self._node))

    def __repr__(self) -> str:
        return f"<row {plain.row(self._node, self._workspace)!r}>"


class DatabaseView:
    """A database; of several data sources, the first."""

    __slots__ = ("_source", "_workspace")

    def __init__(self, workspace: Workspace, source: DataSource) -> None:
        self._workspace = workspace
        self._source = source

    def __repr__(self) -> str:
        return f"<database {self.title!r}>"

    @property
    def id(self) -> str:
        """Its id, dashed."""
        return self._source.database_id

    @property
    def title(self) -> str:
        """Its title."""
        return self._workspace.title(self._source.database_id)

    @property
    def columns(self) -> dict[str, str]:
        """The types of its columns, by name."""
        return {column.name: column.type for column in self._source.properties}

    @property
    def rows(self) -> tuple[RowView, ...]:
        """Its rows, oldest first."""
        return self.find()

    @property
    def archived_rows(self) -> tuple[RowView, ...]:
        """The rows that were moved to the trash, oldest first."""
        trashed = (row for row in self._workspace.rows(self._source.id) if row.trashed)
        return tuple(RowView(self._workspace, row) for row in trashed)

    def find(self, equal: Mapping[str, Any] | None = None, /, **more: Any) -> tuple[RowView, ...]:
        """The rows that hold all these plain values, oldest first; perhaps none.

        Names that are no identifiers go into the mapping. A list is also matched by one of its elements.
        """
        wanted = {**(equal or {}), **more}
        try:
            found = lookup.matching(self._workspace, self._source, wanted)
        except LookupError as missing:
            raise EvidenceError(f"database {self.title!r}: {missing}") from missing
        return tuple(RowView(self._workspace, row) for row in found)

    def row(self, equal: Mapping[str, Any] | None = None, /, **more: Any) -> RowView:
        """The only row that holds all these plain values."""
        try:
            found = lookup.row(self._workspace, self._source, {**(equal or {}), **more})
        except LookupError as missing:
            raise EvidenceError(str(missing)) from missing
        return RowView(self._workspace, found)


class NotionView:
    """`snapshot.notion`."""

    __slots__ = ("_workspace",)

    def __init__(self, state: Json) -> None:
        self._workspace = Workspace.from_json(state)

    @property
    def databases(self) -> tuple[str, ...]:
        """The titles of all databases, oldest first."""
        return tuple(self._workspace.title(each.id) for each in lookup.databases(self._workspace))

    @property
    def pages(self) -> tuple[str, ...]:
        """The titles of all pages that are no rows, oldest first; the root page is the first."""
        return tuple(self._workspace.title(each.id) for each in lookup.pages(self._workspace))

    @property
    def files(self) -> tuple[FileView, ...]:
        """All files that were uploaded and are shown somewhere, oldest first."""
        return tuple(
            FileView(
                name=self._workspace.file_name(upload.id),
                content_type=upload.content_type or "",
                content=upload.content,
                by=self._workspace.who(upload.stamp.created_by),
            )
            for upload in self._workspace.uploads.values()
            if upload.attached
        )

    def database(self, title: str) -> DatabaseView:
        """The only database with this title."""
        try:
            return DatabaseView(self._workspace, lookup.source(self._workspace, title))
        except LookupError as missing:
            raise EvidenceError(str(missing)) from missing

    def page(self, title: str) -> PageView:
        """The only page with this title that is no row."""
        try:
            return PageView(self._workspace, lookup.free_page(self._workspace, title))
        except LookupError as missing:
            raise EvidenceError(str(missing)) from missing


def _blocks(workspace: Workspace, node: Node) -> tuple[BlockView, ...]:
    return tuple(
        BlockView(
            id=child.id,
            type=child.type,
            text=blocks.plain(child.type, child.content, workspace),
            checked=bool(child.content.get("checked")),
            last_edited_by=workspace.who(child.stamp.edited_by),
            children=_blocks(workspace, child),
        )
        for child in workspace.shown(node)
        if isinstance(child, Block)
    )
