"""Field masks: `a.b`, `a/b`, `a(b,c)`, `*`, separated by commas."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

Mask = dict[str, Any]
"""Names with the masks below them; an empty one takes everything."""

_DEPTH = 30


class MaskSyntaxError(ValueError):
    """The text is no field mask."""


@lru_cache(maxsize=512)
def parse(text: str) -> Mask:
    """The mask as a tree. Raises `MaskSyntaxError`."""
    tokens = re.findall(r"[A-Za-z_][\w-]*|[*(),./]|\S", text)
    mask, at = _list(tokens, 0, 0)
    if at != len(tokens):
        raise MaskSyntaxError(text)
    return mask


def _list(tokens: list[str], at: int, depth: int) -> tuple[Mask, int]:
    mask: Mask = {}
    if depth > _DEPTH:
        raise MaskSyntaxError("nested too deeply")
    while True:
        at = _path(tokens, at, mask, depth)
        if at >= len(tokens) or tokens[at] != ",":
            return mask, at
        at += 1


def _path(tokens: list[str], at: int, mask: Mask, depth: int) -> int:
    """Read `a.b(c,d)` into the mask; a name given before with everything below keeps everything."""
    if at >= len(tokens) or not (tokens[at] == "*" or tokens[at][0].isidentifier()):
        raise MaskSyntaxError("a name is missing")
    name = tokens[at]
    known = mask.get(name)
    below: Mask = {}
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    if following in (".", "/"):
        if depth > _DEPTH:
            raise MaskSyntaxError("nested too deeply")
        at = _path(tokens, at + 2, below, depth + 1)
    elif following == "(":
        below, at = _list(tokens, at + 2, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise MaskSyntaxError("a closing parenthesis is missing")
        at += 1
    else:
        at += 1
    mask[name] = below if known is None else _union(known, below)
    return at


def _union(one: Mask, other: Mask) -> Mask:
    if not one or not other:
        return {}
    names = [*one, *(name for name in other if name not in one)]
    return {
        name: _union(one[name], other[name])
        if name in one and name in other
        else one.get(name, other.get(name))
        for name in names
    }


def select(mask: Mask, value: Any) -> Any:
    """The parts of a JSON value that the mask names; lists are looked through."""
    if not mask or "*" in mask:
        below = mask.get("*") if mask else None
        if not below:
            return value
        mask = {**dict.fromkeys(value, below), **mask} if isinstance(value, dict) else mask
    if isinstance(value, list):
        return [select(mask, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(mask[name], part) for name, part in value.items() if name in mask}


def names(mask: Mask, below: str) -> bool:
    """Whether the mask takes something at a dotted path."""
    for name in below.split("."):
        if not mask or "*" in mask:
            return True
        if name not in mask:
            return False
        mask = mask[name]
    return True
