"""An agent's steps, read a page at a time: a trajectory may be larger than memory should hold."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.reports.text import middle_cut, one_line
from pytest_clawmark.reports.transcript import Step, steps
from pytest_clawmark.viewer.places import Damaged, Missing, Place
from pytest_clawmark.viewer.remembering import Memory, version

PAGE = 200
LONGEST_LINE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
_HINT = 140
_TELLING = (
    *("command", "path", "query", "subject", "to", "title", "database", "page", "spreadsheet", "range"),
    *("calendar", "uid", "summary", "resource", "id", "url"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One step on the page. `number` is its line in trajectory.jsonl, counted from 0.

    `hint` says in a few words what a tool was asked. `image` is the digest of a picture that it was shown.
    """

    number: int
    step: Step
    hint: str = ""
    image: str = ""
    wakeup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of a turn's steps: `total` there are, these begin with `start`."""

    total: int
    start: int
    shown: tuple[Shown, ...]

    @property
    def end(self) -> int:
        """The number of the first step after these."""
        return self.start + len(self.shown)


def page(place: Place, path: Path, memory: Memory, *, start: int, count: int = PAGE) -> Page:
    """Steps from `start` on, none where there is no trajectory. Raises `Damaged` where it cannot be read."""
    try:
        found = place.inside(path)
    except Missing:
        return Page(total=0, start=0, shown=())
    ends: array[int] = memory.recall(("lines", found), version([found]), lambda: _line_ends(place, found))
    start = min(max(start, 0), len(ends))
    end = min(start + count, len(ends))
    return Page(total=len(ends), start=start, shown=tuple(_read(place, found, ends, start, end)))


def _line_ends(place: Place, path: Path) -> array[int]:
    """Where each whole line ends; one that is still being written does not count."""
    ends, position = array("q"), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                at = chunk.find(b"\n")
                while at >= 0:
                    ends.append(position + at + 1)
                    at = chunk.find(b"\n", at + 1)
                position += len(chunk)
    except OSError as error:
        raise Damaged(f"{place.within(path)} cannot be read: {error.strerror}") from error
    return ends


def _read(place: Place, path: Path, ends: Sequence[int], start: int, end: int) -> Iterator[Shown]:
    try:
        with path.open("rb") as file:
            for number in range(start, end):
                begin = ends[number - 1] if number else 0
                file.seek(begin)
                size = ends[number] - begin
                yield _shown(number, file.read(size) if size <= LONGEST_LINE else b"", size)
    except OSError as error:
        raise Damaged(f"{place.within(path)} cannot be read: {error.strerror}") from error


def _shown(number: int, line: bytes, size: int) -> Shown:
    if not line:
        return Shown(number=number, step=Step(kind="gap", title=f"a step of {size:,} bytes is not shown"))
    try:
        record = _object(line)
    except (ValueError, TypeError, RecursionError) as error:
        text = middle_cut(line.decode("utf-8", "replace"), 2_000)
        return Shown(
            number=number,
            step=Step(
                kind="other", title=f"a damaged line: {one_line(str(error))[:100]}", text=text, wrong=True
            ),
        )
    if record.get("type") == "wakeup":
        return Shown(
            number=number, step=Step(kind="wakeup", title="wake-up"), wakeup=_text(record.get("message"))
        )
    image = record.get("image")
    return Shown(
        number=number,
        step=steps([record])[0],
        hint=_hint(record.get("arguments")) if record.get("type") == "tool" else "",
        image=str(image.get("sha256", "")) if isinstance(image, Mapping) else "",
    )


def _object(line: bytes) -> Mapping[str, Any]:
    record = json.loads(line)
    if not isinstance(record, Mapping):
        raise TypeError("it is no JSON object")
    return record


def _hint(arguments: Any) -> str:
    """What a folded tool call was about."""
    if not isinstance(arguments, Mapping):
        return one_line(_text(arguments)[:_HINT])
    telling = [name for name in _TELLING if name in arguments] or list(arguments)
    return one_line(" · ".join(_named(name, arguments[name]) for name in telling[:3]))[:_HINT]


def _named(name: Any, value: Any) -> str:
    """Texts speak for themselves; numbers and truth values need their names."""
    said = _text(value)[:_HINT]
    return said if isinstance(value, str) and value else f"{name} {said}"


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
