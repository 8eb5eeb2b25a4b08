"""Long parts made small: on the reports that carry them through a session, and in the page that shows them.

Everything is zlib's format as base64, which Python and a browser's `DecompressionStream("deflate")` both read.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

_FAST, _SMALL = 3, 7


def packed(value: Any) -> str:
    """JSON, compressed quickly: it is made for every turn while others work."""
    return _encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")), _FAST)


def unpacked(text: str) -> Any:
    """The inverse of `packed`; raises `ValueError` for what is none."""
    try:
        return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except zlib.error as error:
        raise ValueError(f"not a packed value: {error}") from None


def squeezed(html: str) -> str:
    """A piece of a page, for `<script type="text/plain">`: base64 holds nothing that could end it."""
    return _encoded(html, _SMALL)


def size_that_fits(sizes: Iterable[int], budget: int) -> int | None:
    """How large each may be at most, so that all cut to it fit into the budget; None where all fit as they are."""
    left = sorted(sizes)
    if sum(left) <= budget:
        return None
    for place, size in enumerate(left):
        share = budget // (len(left) - place)
        if size > share:
            return share
        budget -= size
    return None


def _encoded(text: str, level: int) -> str:
    data = text.encode("utf-8", "backslashreplace")
    return base64.b64encode(zlib.compress(data, level)).decode("ascii")


def details_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a turn's payload holds packed; as it is where it came unpacked."""
    kept = payload.get("details")
    found = unpacked(kept) if isinstance(kept, str) else payload
    return dict(found) if isinstance(found, Mapping) else {}
