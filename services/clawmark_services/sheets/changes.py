"""Which files, tabs and cells differ between two frozen states of Drive and its spreadsheets."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import groupby
from operator import itemgetter

from clawmark_services.change import Cause, Change, Kind, differing, kind_of
from clawmark_services.contract import Json
from clawmark_services.sheets.a1 import Box, cell_name, column_index, show
from clawmark_services.sheets.store import FOLDER, SPREADSHEET

_CELL = re.compile(r"([A-Z]+)(\d+)")
# Told by changes of their own, or merely following from others.
_APART = ("id", "created", "modified", "permissions", "spreadsheet")
_PARTS = ("format", "note", "validation")

_TOLD = 500
"""Characters of a file's content that are told."""

_CREATING = ("files.create", "files.copy", "spreadsheets.create")
_RENAMING = ("files.update", "spreadsheets.batchUpdate", "files.upload", "spreadsheets.create")
_SHARING = ("permissions.create", "permissions.update", "permissions.delete", "files.update", *_CREATING)
_SHAPING = ("spreadsheets.batchUpdate", "sheets.copyTo", "files.upload")
_ENTERING = (
    "values.update",
    "values.append",
    "values.clear",
    "values.batchUpdate",
    "values.batchClear",
    "values.batchUpdateByDataFilter",
    "values.batchClearByDataFilter",
)


def changes(before: Json | None, after: Json) -> list[Change]:
    """File by file in the order of their making: itself, who may open it, its tabs, their cells."""
    old = _files(before)
    new = _files(after)
    found = [
        change
        for id_ in dict.fromkeys((*new, *old))
        if old.get(id_) != new.get(id_)
        for change in _file(old.get(id_), new.get(id_))
    ]
    if before is not None:
        found += _access(before["credentials"], after["credentials"])
    else:
        found += _access({"revoked": []}, {"revoked": after["credentials"]["revoked"]})
    return found


def _files(state: Json | None) -> dict[str, Json]:
    return {file["id"]: file for file in state["drive"]["files"]} if state else {}


def _access(was: Json, now: Json) -> Iterator[Change]:
    fields = differing(was, now)
    if fields:
        revoking = Cause(operations=("oauth.*",))
        yield Change(
            kind="updated",
            item="access",
            label="the agent's access to Google",
            fields=fields,
            causes=(revoking,) if set(fields) == {"revoked"} else (),
        )


def _file(was: Json | None, now: Json | None) -> Iterator[Change]:
    known: Json = was if now is None else now
    names = tuple(dict.fromkeys(file["name"] for file in (was, now) if file))
    fields = differing(_told(was), _told(now))
    kind = kind_of(was, now)
    if was and now and now["trashed"] and not was["trashed"]:
        kind = "deleted"
    if fields:
        yield Change(
            kind=kind,
            item={SPREADSHEET: "spreadsheet", FOLDER: "folder"}.get(known["mime_type"], "file"),
            label=known["name"],
            id=known["id"],
            place="Drive",
            fields=fields,
            causes=_file_causes(known, was is None, now is None, names),
        )
    yield from _permissions(known, was, now)
    if known["spreadsheet"] is not None:
        yield from _inside(known, names, was, now)


def _told(file: Json | None) -> dict[str, Json] | None:
    if file is None:
        return None
    told = {name: part or None for name, part in file.items() if name not in _APART}
    if file.get("content") is not None:
        told["content"] = _content(b64decode(file["content"]))
    inside = file["spreadsheet"] or {}
    settings = {name: inside.get(name) for name in ("locale", "time_zone", "recalculation")}
    return {
        **told,
        **settings,
        "named ranges": inside.get("names") or None,
    }


def _content(content: bytes) -> str:
    """A short text as it is, of anything else how much it is and which."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and len(text) <= _TOLD:
        return text
    return f"{len(content)} bytes, SHA-256 {sha256(content).hexdigest()[:16]}"


def _file_causes(file: Json, made: bool, removed: bool, names: tuple[str, ...]) -> tuple[Cause, ...]:  # noqa: FBT001 - two facts
    id_ = file["id"]
    if removed:
        # Removing a folder removes what is in it.
        above = tuple(Cause(operations=("files.delete",), keys=(parent,)) for parent in file["parents"])
        return (
            Cause(operations=("files.delete",), keys=(id_,)),
            Cause(operations=("files.emptyTrash",)),
            *above,
        )
    renaming = (
        Cause(operations=_RENAMING, keys=(id_,)),
        # Who may open a folder may open what lies in it.
        *(Cause(operations=("files.update",), keys=(parent,)) for parent in file["parents"]),
    )
    if not made:
        return renaming
    named = tuple(Cause(operations=_CREATING, keys=(name,)) for name in names)
    # A copy may be named after its original, a file after nothing.
    unnamed = Cause(operations=("files.copy",))
    untitled = (Cause(operations=_CREATING),) if file["name"].startswith("Untitled") else ()
    return *named, unnamed, *untitled, *renaming


def _permissions(file: Json, was: Json | None, now: Json | None) -> Iterator[Change]:
    old = {each["id"]: each for each in (was["permissions"] if was else ())}
    new = {each["id"]: each for each in (now["permissions"] if now else ())}
    if was is None or now is None:
        # Whoever makes a file may open it, and nobody opens one that is gone.
        return
    for id_ in dict.fromkeys((*new, *old)):
        before, after = old.get(id_), new.get(id_)
        if before != after:
            known = after or before or {}
            keys = dict.fromkeys((file["id"], *file["parents"]))
            yield Change(
                kind=kind_of(before, after),
                item="permission",
                label=f"{known.get('emailAddress') or known.get('type')} ({known.get('role')})",
                id=str(id_),
                place=file["name"],
                fields=differing(before, after),
                causes=tuple(Cause(operations=_SHARING, keys=(key,)) for key in keys),
            )


def _inside(file: Json, names: tuple[str, ...], was: Json | None, now: Json | None) -> Iterator[Change]:
    """Tabs and cells; those of a file that is gone are gone with it."""
    if now is None:
        return
    old = {sheet["id"]: sheet for sheet in was["spreadsheet"]["sheets"]} if was else {}
    new = {sheet["id"]: sheet for sheet in now["spreadsheet"]["sheets"]}
    birth = _file_causes(file, True, False, names) if was is None else ()  # noqa: FBT003 - as above
    # Tools name a spreadsheet by its title, too.
    keys = (file["id"], *names)
    shown = [sheet["id"] for sheet in now["spreadsheet"]["sheets"] if not sheet["traits"].get("hidden")]
    first = next(iter(shown or new), None)
    for id_ in dict.fromkeys((*new, *old)):
        before, after = old.get(id_), new.get(id_)
        if before == after:
            continue
        shaping = (*birth, *(Cause(operations=_SHAPING, keys=(key,)) for key in keys))
        fields = differing(_shape(before), _shape(after))
        # Entering below or beside a grid makes it larger.
        entering = tuple(Cause(operations=_ENTERING, keys=(key,)) for key in keys)
        if fields:
            yield Change(
                kind=kind_of(before, after),
                item="tab",
                label=str(_known(before, after)["title"]),
                id=str(id_),
                place=file["name"],
                fields=fields,
                causes=(*shaping, *(entering if set(fields) <= {"rows", "columns"} else ())),
            )
        if after is not None:
            causes = (*shaping, *_entering(now, before, after, keys, id_ == first))
            yield from _cells(file["name"], before, after, causes)


def _entering(
    file: Json,
    before: Json | None,
    after: Json,
    keys: Iterable[str],
    first: bool,  # noqa: FBT001 - a fact
) -> Iterator[Cause]:
    """Entering names the file and the tab, but for the first tab and for ranges that have names."""
    titles = tuple(dict.fromkeys(sheet["title"] for sheet in (before, after) if sheet))
    for key in keys:
        # Filters name a tab by its number, or by what was attached to it.
        yield Cause(operations=("values.*ByDataFilter",), keys=(key,))
        if first or file["spreadsheet"]["names"]:
            yield Cause(operations=_ENTERING, keys=(key,))
        else:
            for title in titles:
                yield Cause(operations=_ENTERING, keys=(key, title))


def _known(before: Json | None, after: Json | None) -> Json:
    return before if after is None else after


def _shape(sheet: Json | None) -> dict[str, Json] | None:
    if sheet is None:
        return None
    shape = {name: sheet[name] for name in ("title", "rows", "columns")}
    more = {name: sheet[name] or None for name in ("merges", "traits", "grid")}
    layout = {name: part or None for name, part in sheet["layout"].items()}
    return {**shape, **more, **layout}


def _cells(place: str, before: Json | None, after: Json, causes: tuple[Cause, ...]) -> Iterator[Change]:
    old, new = (before["cells"] if before else {}), after["cells"]
    differ = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    for box in rectangles(map(_position, differ)):
        fields: dict[str, tuple[Json, Json]] = {}
        for row in range(box.top, box.bottom):
            for column in range(box.left, box.right):
                name = cell_name(row, column)
                fields |= _cell(name, old.get(name) or {}, new.get(name) or {})
        yield Change(
            kind=_kind(fields),
            item="cells",
            label=show(after["title"], box),
            id=f"{after['id']}!{cell_name(box.top, box.left)}",
            place=place,
            fields=fields,
            causes=causes,
        )


def _kind(fields: Mapping[str, tuple[Json, Json]]) -> Kind:
    """Of a range: made where all was empty, emptied where all is."""
    if all(was is None for was, _ in fields.values()):
        return "created"
    return "deleted" if all(now is None for _, now in fields.values()) else "updated"


def _cell(name: str, was: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, tuple[Json, Json]]:
    """What was entered, and the rest under names of its own."""
    fields = differing({name: _entered(was)}, {name: _entered(now)})
    for part in _PARTS:
        fields |= differing({f"{name} {part}": was.get(part)}, {f"{name} {part}": now.get(part)})
    return fields


def _entered(cell: Mapping[str, Json]) -> Json:
    formula = cell.get("formula")
    return formula if formula is not None else cell.get("value")


def _position(name: str) -> tuple[int, int]:
    found = _CELL.fullmatch(name)
    if found is None:
        raise ValueError(f"a frozen cell is called {name!r}, which is no cell's name")
    return int(found[2]) - 1, column_index(found[1])


def rectangles(cells: Iterable[tuple[int, int]]) -> list[Box]:
    """Cells as (row, column) put together: runs of neighbours in a row, and equal runs below each other."""
    runs: list[Box] = []
    for row, group in groupby(sorted(cells), key=itemgetter(0)):
        for column in (column for _, column in group):
            last = runs[-1] if runs else None
            if last is not None and last.top == row and last.right == column:
                runs[-1] = Box(row, last.left, row + 1, column + 1)
            else:
                runs.append(Box(row, column, row + 1, column + 1))
    open_below: dict[tuple[int, int], int] = {}
    found: list[Box] = []
    for run in runs:
        place = open_below.get((run.left, run.right))
        if place is not None and found[place].bottom == run.top:
            found[place] = Box(found[place].top, run.left, run.bottom, run.right)
        else:
            open_below[run.left, run.right] = len(found)
            found.append(run)
    return sorted(found, key=lambda box: (box.top, box.left))
