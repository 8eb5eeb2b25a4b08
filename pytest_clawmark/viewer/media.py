"""What a file is by its first bytes, and as what it may be sent to a browser.

A browser gets only what can hold no script: raster images, sound and film under their own types. All else, SVG and
HTML among it, is sent as plain text to be saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

HEAD = 64
Sort = Literal["image", "audio", "video", "other"]

_BEGINNINGS: Sequence[tuple[int, bytes, str]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)
_FRAMED = {"image/webp", "audio/wav"}


def type_of(head: bytes) -> str:
    """The media type of what may be shown or played, else an empty text."""
    for place, beginning, found in _BEGINNINGS:
        if head[place : place + len(beginning)] == beginning and _is_whole(head, found):
            return found
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head else "audio/ogg"
    return ""


def _is_whole(head: bytes, found: str) -> bool:
    if found in _FRAMED:
        return head.startswith(b"RIFF")
    # Two letters are no mark: a bitmap's header also tells its own offsets, whose upper bytes are empty.
    return found != "image/bmp" or head[6:10] == bytes(4)


def sort_of(media_type: str) -> Sort:
    """How a page shows it."""
    first = media_type.partition("/")[0]
    return first if first in ("image", "audio", "video") else "other"  # type: ignore[return-value]  # it is one of them


def text_of(content: bytes) -> str | None:
    """The text that a file is, None for what is none."""
    if b"\0" in content[:4096]:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
