"""The frozen workspace, as checkers read it."""

from __future__ import annotations

import csv
import fnmatch
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from clawmark_services import EvidenceError
from pytest_clawmark.snapshots.manifest import Entry
from pytest_clawmark.snapshots.store import BlobStore

_SHOWN = 20


class Files:
    """The files of one snapshot. Paths are relative to the workspace: `report.md`, `out/table.csv`.

    Whatever is asked for and is missing, ambiguous or unreadable raises `EvidenceError`. Every method
    gives a copy: nothing done to it changes the snapshot.
    """

    def __init__(self, entries: Iterable[Entry], store: BlobStore) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._store = store

    @property
    def paths(self) -> tuple[str, ...]:
        """Every regular file, sorted."""
        return tuple(path for path, entry in self._entries.items() if entry.type == "file")

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything, directories and symlinks included."""
        return tuple(self._entries.values())

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def entry(self, path: str) -> Entry:
        """What is known of a name: type, size, digest, mode, rank."""
        if path not in self._entries:
            raise EvidenceError(f"there is no file {path!r}; there are: {self._names()}")
        return self._entries[path]

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The files that match a shell pattern, sorted; `*` also crosses folders."""
        return tuple(path for path in self.paths if fnmatch.fnmatchcase(path, pattern))

    def one(self, pattern: str) -> str:
        """The only file that matches a shell pattern."""
        found = self.glob(pattern)
        if len(found) != 1:
            what = f"{len(found)} files match: {', '.join(found[:_SHOWN])}" if found else "no file matches"
            raise EvidenceError(f"{what} {pattern!r}; there are: {self._names()}")
        return found[0]

    def bytes(self, path: str) -> bytes:
        """A file's content."""
        entry = self.entry(path)
        if entry.digest is None:
            raise EvidenceError(f"{path!r} cannot be read: {entry.note or f'it is a {entry.type}'}")
        return self._store.checked(entry.digest)

    def text(self, path: str) -> str:
        """A file's content as UTF-8, with or without a byte order mark."""
        try:
            return self.bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise EvidenceError(f"{path!r} is no UTF-8 text: {error}") from None

    def json(self, path: str) -> Any:
        """A file parsed as JSON."""
        try:
            return json.loads(self.text(path))
        except (json.JSONDecodeError, RecursionError) as error:
            raise EvidenceError(f"{path!r} is no valid JSON: {error}") from None

    def csv(self, path: str) -> list[dict[str, str]]:
        """A file parsed as CSV with a header line: one dict per row."""
        try:
            reader = csv.DictReader(io.StringIO(self.text(path), newline=""), strict=True)
            rows = [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
        except csv.Error as error:
            raise EvidenceError(f"{path!r} is no valid CSV: {error}") from None
        return rows

    def open(self, path: str) -> io.BytesIO:
        """A file's content as a binary file object, for libraries that want one."""
        return io.BytesIO(self.bytes(path))

    def copy_to(self, folder: Path, *patterns: str) -> Path:
        """Write private copies of the files that match (all by default) below `folder`; returns it.

        Symlinks and names that would lead out of the folder are left out.
        """
        for path in self.paths:
            target = folder / path
            wanted = not patterns or any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
            if wanted and self._entries[path].digest is not None and ".." not in target.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.bytes(path))
        return folder

    def _names(self) -> str:
        more = len(self.paths) - _SHOWN
        shown = (path if path.isprintable() else repr(path) for path in self.paths[:_SHOWN])
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "") or "none"
