"""Finding things by what people call them: titles and plain values. What is in the trash is not found.

Every function raises `LookupError` with a text that names what was asked for and what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from clawmark_services.notion import plain, properties, values
from clawmark_services.notion.grammar import dashed
from clawmark_services.notion.records import Database, DataSource, Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any

_SHOWN = 20
Found = TypeVar("Found", Page, Database)


def databases(workspace: Workspace) -> list[Database]:
    """All databases, oldest first."""
    return [database for database in workspace.databases() if not workspace.gone(database)]


def pages(workspace: Workspace) -> list[Page]:
    """All pages that are no rows, oldest first; the root page is the first."""
    free = (page for page in workspace.pages() if page.parent.kind != "data_source_id")
    return [page for page in free if not workspace.gone(page)]


def rows(workspace: Workspace, source: DataSource) -> list[Page]:
    """The rows of a table, oldest first."""
    return [page for page in workspace.rows(source.id) if not page.trashed]


def database(workspace: Workspace, name: str) -> Database:
    """The one database with this title or id (its own, or that of its data source)."""
    known = databases(workspace)
    by_id = [each for each in known if _same_id(name, each.id, *each.sources)]
    return _single("database", name, by_id or _titled(workspace, known, name), known, workspace)


def source(workspace: Workspace, name: str) -> DataSource:
    """The table of the one database with this title or id; its first, unless the id is a table's own."""
    found = database(workspace, name)
    sources = [workspace.sources[id_] for id_ in found.sources]
    named = (each for each in sources if _same_id(name, each.id))
    live = (each for each in sources if not each.trashed)
    return next(named, None) or next(live, sources[0])


def page(workspace: Workspace, name: str) -> Page:
    """The one page with this id or title; a row only when no other page has the title."""
    node = workspace.nodes.get(dashed(name)) if len(name) >= 32 else None
    if isinstance(node, Page) and not workspace.gone(node):
        return node
    free = pages(workspace)
    found = _titled(workspace, free, name)
    if not found:
        everything = [each for each in workspace.pages() if not workspace.gone(each)]
        found = _titled(workspace, everything, name)
    return _single("page", name, found, free, workspace)


def free_page(workspace: Workspace, title: str) -> Page:
    """The one page with this title that is no row."""
    free = pages(workspace)
    return _single("page", title, _titled(workspace, free, title), free, workspace)


def matching(workspace: Workspace, table: DataSource, equal: Mapping[str, Any]) -> list[Page]:
    """The rows whose columns hold all these plain values, oldest first."""
    wanted = [(column(table, name), value) for name, value in equal.items()]
    return [
        row
        for row in rows(workspace, table)
        if all(plain.equal(values.plain(each, row, workspace), value) for each, value in wanted)
    ]


def row(workspace: Workspace, table: DataSource, equal: Mapping[str, Any]) -> Page:
    """The only row that matches."""
    found = matching(workspace, table, equal)
    if len(found) == 1:
        return found[0]
    said = " and ".join(f"{name}={value!r}" for name, value in equal.items()) or "nothing asked for"
    there = [plain.row(each, workspace) for each in (found or rows(workspace, table))]
    columns = [*equal, properties.title_of(table.properties).name]
    shown = [", ".join(f"{name}={each[name]!r}" for name in dict.fromkeys(columns)) for each in there]
    trouble = f"{len(found)} rows have" if found else "no row has"
    title = workspace.title(table.database_id)
    raise LookupError(
        f"database {title!r}: {trouble} {said}; there are: {_some(shown, '; ') or 'no rows at all'}"
    )


def column(table: DataSource, name: str) -> Property:
    """The column of this name."""
    found = next((each for each in table.properties if each.name == name), None)
    if found is None:
        raise LookupError(unknown_column(name, table.properties))
    return found


def unknown_column(name: str, columns: Sequence[Property]) -> str:
    """What to say when there is no such column."""
    known = ", ".join(f"{each.name!r} ({each.type})" for each in columns)
    return f"there is no column {name!r}: the columns are {known}"


def _same_id(name: str, *ids: str) -> bool:
    return name.replace("-", "").lower() in [id_.replace("-", "") for id_ in ids]


def _titled(workspace: Workspace, known: Iterable[Found], title: str) -> list[Found]:
    return [each for each in known if workspace.title(each.id) == title]


def _single(
    kind: str, name: str, found: Sequence[Found], known: Sequence[Found], workspace: Workspace
) -> Found:
    if len(found) == 1:
        return found[0]
    titles = _some(sorted({repr(workspace.title(each.id)) for each in known}), ", ") or "none"
    trouble = f"{len(found)} {kind}s are" if found else f"no {kind} is"
    remedy = "; give its id instead" if found else ""
    raise LookupError(f"{trouble} called {name!r}: there are {titles}{remedy}")


def _some(texts: Sequence[str], between: str) -> str:
    """As many of them as one can read."""
    rest = len(texts) - _SHOWN
    return between.join([*texts[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])])
