"""Content of files as clients send it: alone, or behind the file's description.

Source: Google's guide "Upload file data": `uploadType=media` and `uploadType=multipart`.
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import json
from dataclasses import dataclass
from typing import Any

from clawmark_services.sheets.errors import GoogleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What came: the file's description, if any, its content and the content's type."""

    content: bytes
    content_type: str
    described: dict[str, Any]


def read(content: bytes, content_type: str, kind: str) -> Upload:
    """The upload of a request; `kind` is its `uploadType`."""
    if kind == "multipart":
        return _multipart(content, content_type)
    if kind in ("media", ""):
        plain = content_type.partition(";")[0].strip().lower()
        return Upload(content=content, content_type=plain, described={})
    raise GoogleError(400, f"Upload type {kind} is not supported here.", reason="badRequest")


def _multipart(content: bytes, content_type: str) -> Upload:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if len(parts) != 2:
        raise GoogleError(400, "Malformed multipart body.", reason="badContent")
    described, sent = parts
    try:
        body = json.loads(_bytes(described) or b"{}")
    except (ValueError, RecursionError):
        raise GoogleError(400, "Parse Error", reason="parseError") from None
    if not isinstance(body, dict):
        raise GoogleError(400, "Parse Error", reason="parseError")
    return Upload(
        content=_bytes(sent),
        content_type=sent.get_content_type(),
        described=body,
    )


def _bytes(part: email.message.Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
