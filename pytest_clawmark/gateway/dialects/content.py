"""Pictures and files as parts of a chat message."""

from __future__ import annotations

import re
from typing import Any

from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.json_reading import table, text

_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def text_part(said: str) -> Body:
    """A part of text."""
    return {"type": "text", "text": said}


def image_part(url: str) -> Body:
    """A picture, by its data URL."""
    return {"type": "image_url", "image_url": {"url": url}}


def data_url(media_type: str, encoded: str) -> str:
    """A URL that holds what it names."""
    return f"data:{media_type};base64,{encoded}"


def split_data_url(url: str) -> tuple[str, str] | None:
    """The media type and the base64 of a data URL; None for any other."""
    found = _DATA_URL.fullmatch(url)
    return (found[1], found[2]) if found else None


def image_url(part: Any) -> str:
    """The URL of a picture's part: chat has it in an object, responses as it is."""
    given = table(part).get("image_url")
    return text(given) or text(table(given).get("url"))
