"""Folder names on the wire: modified UTF-7 (RFC 3501, 5.1.3), read as clients write it."""

from __future__ import annotations

import re

from pymap.parsing.command import auth
from pymap.parsing.specials import mailbox

_ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")


def decoded(name: bytes) -> str:
    """The name that a client means; an ampersand that begins nothing is one, as in `R&D`."""
    return _ENCODED.sub(_decoded, name.decode("utf-8", "replace"))


def read_leniently() -> None:
    """Make pymap read folder names by `decoded`.

    Its own reading never ends at an ampersand without a hyphen after it, and would block every world.
    """
    for module in (auth, mailbox):
        vars(module)["modutf7_decode"] = decoded


def _decoded(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    try:
        text = f"+{match[1].replace(',', '/')}-".encode().decode("utf-7")
        text.encode()
    except UnicodeError:
        return match[0]
    return text
