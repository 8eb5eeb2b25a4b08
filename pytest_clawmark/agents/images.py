"""Which kind of image some bytes are, told by their first bytes and never by a file's name."""

from __future__ import annotations

KINDS = "PNG, JPEG, GIF or WebP"


def image_type(data: bytes) -> str | None:
    """The media type of a PNG, JPEG, GIF or WebP, or None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None
