"""Files that blocks, properties, icons and covers show: elsewhere on the web, or uploaded.

Kept is `{"external": url}` or `{"upload": id}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from clawmark_services.notion.errors import MISSING, any_of, mismatch, undefined
from clawmark_services.notion.grammar import TEXT_LIMIT, as_object, as_text, as_uuid, named_kind

Json = Any

KINDS = ("external", "file_upload", "file")
"""How requests may name a file; `file` is what an answer said of one that was uploaded."""

ICON_COLORS = (*("gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red"),)

_OWN_ADDRESS = re.compile(r"https?://[^/]+/files/[0-9a-f-]{36}/([0-9a-f-]{36})/")


class Links(Protocol):
    """What showing a file needs: the address of an upload."""

    def file(self, upload_id: str) -> Json:
        """`{url, expiry_time}` of an upload."""


def parse(value: Mapping[str, Json], path: str) -> dict[str, Json]:
    """Where the file of a request is, in kept form."""
    kind = named_kind(value, KINDS, path)
    if kind not in KINDS:
        raise any_of("body", [undefined(f"{path}.{name}") for name in KINDS[:2]])
    place = f"{path}.{kind}"
    said = as_object(value.get(kind, MISSING), place)
    if kind == "file_upload":
        return {"upload": as_uuid(said.get("id", MISSING), f"{place}.id")}
    url = as_text(said.get("url", MISSING), f"{place}.url", TEXT_LIMIT)
    if kind == "external":
        return {"external": url}
    known = _OWN_ADDRESS.match(url)
    if known is None:
        raise mismatch(f"{place}.url", "the URL of a file hosted by Notion", url)
    return {"upload": known.group(1)}


def show(kept: Mapping[str, Json], links: Links) -> dict[str, Json]:
    """A file of the wire: its type and where to read it."""
    if "upload" in kept:
        return {"type": "file", "file": links.file(kept["upload"])}
    return {"type": "external", "external": {"url": kept.get("external", "")}}


def uploads_in(kept: Json) -> Iterator[str]:
    """The ids of all uploads that something kept speaks of."""
    if isinstance(kept, Mapping):
        if isinstance(kept.get("upload"), str):
            yield kept["upload"]
        for each in kept.values():
            yield from uploads_in(each)
    elif isinstance(kept, list | tuple):
        for each in kept:
            yield from uploads_in(each)
