"""Which files of the workspace differ between two snapshots, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import unified_diff
from typing import Literal, TypedDict

from pytest_clawmark.changes.files import same
from pytest_clawmark.snapshots.manifest import Entry

MAX_FILES = 100
MAX_BYTES = 64 * 1024
# The comparison of two files is quadratic in their lines at worst, and an agent may choose the worst.
MAX_LINES = 1_000


class Change(TypedDict):
    """One file: `diff` is unified and empty where there is none to show; `note` says why, or what else."""

    path: str
    change: Literal["added", "removed", "modified"]
    diff: str
    note: str


def changed_files(
    before: Iterable[Entry], after: Iterable[Entry], read: Callable[[str], bytes]
) -> list[Change]:
    """What changed, sorted by path; folders show by what is in them.

    `read` gives a blob by its digest. Beyond 100 files only names are compared; large and binary files
    have no diff.
    """
    old = {entry.path: entry for entry in before if entry.type != "directory"}
    new = {entry.path: entry for entry in after if entry.type != "directory"}
    paths = [path for path in sorted({*old, *new}) if not same(old.get(path), new.get(path))]
    return [
        _change(path, old.get(path), new.get(path), read if place < MAX_FILES else None)
        for place, path in enumerate(paths)
    ]


def _change(path: str, old: Entry | None, new: Entry | None, read: Callable[[str], bytes] | None) -> Change:
    change: Literal["added", "removed", "modified"] = (
        "modified" if old and new else "added" if new else "removed"
    )
    notes = [_nature(old, new)]
    diff = ""
    if read is None:
        notes.append("not compared: too many changes")
    elif (old.digest if old else None) != (new.digest if new else None):
        lines = [_lines(entry, read) for entry in (old, new)]
        if lines[0] is None or lines[1] is None:
            sizes = " -> ".join(_size(entry) for entry in (old, new) if entry)
            notes.append(f"{sizes}, not text or too large to show")
        else:
            diff = _diff(path, lines[0], lines[1])
    return Change(path=path, change=change, diff=diff, note="; ".join(filter(None, notes)))


def _nature(old: Entry | None, new: Entry | None) -> str:
    """What is special about it: a link, a change of type or of permissions."""
    if old and new and old.type != new.type:
        return f"{_kind(old)} -> {_kind(new)}"
    entry = new or old
    if entry and entry.type != "file":
        return _kind(entry)
    if old and new and old.mode != new.mode:
        return f"mode {old.mode:o} -> {new.mode:o}"
    return ""


def _kind(entry: Entry) -> str:
    return f"link to {entry.target}" if entry.type == "symlink" else entry.type


def _size(entry: Entry) -> str:
    return entry.type if entry.size is None else f"{entry.size:,} bytes"


def _lines(entry: Entry | None, read: Callable[[str], bytes]) -> list[str] | None:
    """The lines of a text; none of what is no file; None for what cannot be compared."""
    if entry is None or entry.type != "file":
        return []
    if entry.digest is None or (entry.size or 0) > MAX_BYTES:
        return None
    try:
        text = read(entry.digest).decode("utf-8")
    except UnicodeDecodeError:
        return None
    lines = text.splitlines()
    return None if "\0" in text or len(lines) > MAX_LINES else lines


def _diff(path: str, old: Sequence[str], new: Sequence[str]) -> str:
    return "\n".join(unified_diff(old, new, fromfile=path, tofile=path, lineterm=""))
