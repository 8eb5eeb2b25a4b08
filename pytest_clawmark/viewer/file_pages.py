"""Files of a frozen workspace: listed with what changed, shown where that is safe, and sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, request, send_file

from pytest_clawmark.reports.text import visible
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.viewer import media
from pytest_clawmark.viewer.days import Day, Episode
from pytest_clawmark.viewer.places import Damaged, Listing, Missing
from pytest_clawmark.viewer.stored import Shelf

MAX_FILES = 500
MAX_TEXT = 64 * 1024
MAX_SHOWN = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One name in the workspace. `number` is its place in the manifest, by which it is asked for.

    `change` is added, modified, removed or empty, against the evening before; `sort` is image, audio, video, text
    or other.
    """

    number: int
    entry: Entry
    change: str = ""
    note: str = ""
    diff: tuple[str, ...] = ()
    sort: str = "other"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The files; the changed ones first."""

    files: tuple[File, ...]
    removed: tuple[File, ...]
    left_out: int
    trouble: str


def workspace(episode: Episode, day: Day, moment: str, manifest: Manifest) -> Workspace:
    """The files of one moment of a day."""
    trouble, changed = "", {}
    try:
        changed = {change["path"]: change for change in episode.file_changes(day, moment)}
    except (Missing, Damaged) as error:
        trouble = f"what changed cannot be told: {error}"
    found = list(_files(episode, manifest, changed))
    found.sort(key=lambda file: (not file.change, file.entry.path))
    gone = [
        File(
            number=-1,
            entry=Entry(path=path, type="file", mode=0, rank=0),
            change="removed",
            note=change["note"],
            diff=tuple(change["diff"].splitlines()),
        )
        for path, change in changed.items()
        if change["change"] == "removed"
    ]
    return Workspace(
        files=tuple(found[:MAX_FILES]),
        removed=tuple(gone),
        left_out=max(len(found) - MAX_FILES, 0),
        trouble=trouble,
    )


def _files(episode: Episode, manifest: Manifest, changed: Any) -> Iterator[File]:
    room = MAX_SHOWN
    holding = {entry.path.rpartition("/")[0] for entry in manifest.files}
    for number, entry in enumerate(manifest.files):
        if entry.type == "directory" and entry.path in holding:
            continue
        change = changed.get(entry.path)
        sort, text = _shown(episode, entry, room)
        room -= len(text)
        yield File(
            number=number,
            entry=entry,
            change=change["change"] if change else "",
            note=change["note"] if change else entry.note or "",
            diff=tuple(change["diff"].splitlines()) if change and change["change"] == "modified" else (),
            sort=sort,
            text=text,
        )


def _shown(episode: Episode, entry: Entry, room: int) -> tuple[str, str]:
    """How a file is shown, and its text where it is one that fits."""
    if entry.type != "file" or entry.digest is None:
        return "other", ""
    try:
        path = episode.place.inside(episode.place.folder.blobs.path(entry.digest))
        with path.open("rb") as file:
            head = file.read(media.HEAD)
        sort: str = media.sort_of(media.type_of(head))
        if sort != "other" or (entry.size or 0) > min(MAX_TEXT, room):
            return sort, ""
        text = media.text_of(episode.blob(entry.digest))
    except (Missing, Damaged, OSError):
        return "damaged", ""
    return ("other", "") if text is None else ("text", text)


class FilePages:
    """Sends files."""

    def __init__(self, listing: Listing, shelf: Shelf) -> None:
        self._listing, self._shelf = listing, shelf

    def file(self, name: str, key: str) -> Response:
        """File `n` of the moment `at` of a day: shown if it is an image or a recording, else to be saved."""
        from pytest_clawmark.viewer.episode_pages import find

        episode = find(self._listing, self._shelf, name, key)
        day = episode.day(request.args.get("day"))
        manifest = episode.manifest(day, request.args.get("at", "snapshot"))
        number = request.args.get("n", -1, type=int)
        if not 0 <= number < len(manifest.files):
            raise Missing(f"the workspace has no file {number}")
        entry = manifest.files[number]
        if entry.type != "file" or entry.digest is None:
            raise Missing(f"{visible(entry.path)} was not stored: {entry.note or entry.type}")
        path = episode.place.inside(episode.place.folder.blobs.path(entry.digest))
        with path.open("rb") as file:
            found = media.type_of(file.read(media.HEAD))
        return send_file(
            path,
            mimetype=found or "text/plain",
            as_attachment=not found or "save" in request.args,
            download_name=_name(entry.path),
            conditional=True,
            etag=entry.digest,
            max_age=0,
        )


def _name(path: str) -> str:
    """What a browser calls the saved file."""
    shown = visible(path.rpartition("/")[2]).replace("\n", " ").replace("\t", " ")
    return shown or "file"
