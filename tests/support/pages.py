"""What an HTML report says: of itself, and in the parts that it keeps compressed."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path

_PART = re.compile(r'<script[^>]*id="cm-part-\d+"[^>]*data-checks="(\d+)"[^>]*>([^<]*)')


def turns_told(page: Path) -> str:
    """What the compressed parts say, one after the other: the turns, each with its checkers."""
    parts = _PART.findall(page.read_text("utf-8"))
    assert parts, f"{page} has no turn"
    return "".join(
        zlib.decompress(base64.b64decode(text)).decode()
        for length, packed in parts
        for text in (packed[: len(packed) - int(length)], packed[len(packed) - int(length) :])
        if text
    )


def page_told(page: Path) -> str:
    """Everything that a page says."""
    return page.read_text("utf-8") + turns_told(page)
