"""Which kind of image or recording some bytes are, told by their first bytes and never by a file's name."""

from __future__ import annotations

KINDS = "PNG, JPEG, GIF or WebP"
SOUNDS = "WAV, MP3, FLAC or Ogg"


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


def sound_type(data: bytes) -> str | None:
    """The media type of a WAV, MP3, FLAC or Ogg recording, or None for anything else."""
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "audio/wav"
    if data.startswith(b"ID3") or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "audio/mp3"
    if data.startswith(b"fLaC"):
        return "audio/flac"
    if data.startswith(b"OggS"):
        return "audio/ogg"
    return None
