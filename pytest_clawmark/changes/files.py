"""Which names of the workspace differ between two snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clawmark_services.change import Cause, Change, differing, kind_of
from pytest_clawmark.snapshots.manifest import Entry

_DEEPEST = 40
_ITEMS = {"file": "file", "symlink": "link", "directory": "folder", "other": "special file"}

# A command need not name what it writes, nor a tool that writes through a link.
_UNNAMED = Cause(operations=("turn function", "command*", "tool.*"))


def file_changes(before: Iterable[Entry], after: Iterable[Entry]) -> list[Change]:
    """One change per name, sorted; a folder counts only where it holds nothing, else what is in it tells.

    When and in what order files were written is no change of theirs.
    """
    old, new = _telling(before), _telling(after)
    paths = sorted(path for path in {*old, *new} if not same(old.get(path), new.get(path)))
    return [_change(path, old.get(path), new.get(path)) for path in paths]


def same(old: Entry | None, new: Entry | None) -> bool:
    """Whether a name is what it was."""
    return old is not None and new is not None and _identity(old) == _identity(new)


def _identity(entry: Entry) -> tuple[object, ...]:
    return (entry.type, entry.mode, entry.digest, entry.size, entry.target)


def _telling(entries: Iterable[Entry]) -> dict[str, Entry]:
    known = {entry.path: entry for entry in entries}
    holding = {path.rpartition("/")[0] for path in known}
    return {path: entry for path, entry in known.items() if entry.type != "directory" or path not in holding}


def _change(path: str, old: Entry | None, new: Entry | None) -> Change:
    known = new or old
    assert known is not None
    return Change(
        kind=kind_of(old, new),
        item=_ITEMS[known.type],
        label=path,
        id=path,
        fields=differing(_told(old), _told(new)),
        causes=(Cause(operations=("*",), keys=(path,)), *_above(path), _UNNAMED),
    )


def _above(path: str) -> Iterator[Cause]:
    """A folder is deleted, and a file in its place written, with all that the folder held."""
    parts = path.split("/")
    for end in range(1, min(len(parts), _DEEPEST)):
        yield Cause(operations=("author.delete", "author.write"), keys=("/".join(parts[:end]),))


def _told(entry: Entry | None) -> Mapping[str, object] | None:
    if entry is None:
        return None
    return {
        "type": entry.type,
        "mode": f"{entry.mode:o}",
        "size": entry.size,
        "content": entry.digest,
        "target": entry.target,
        "note": entry.note,
    }
