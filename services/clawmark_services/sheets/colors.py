"""Colors as Google keeps them: eight bits a part, parts of 0 left out, each said in two ways."""

from __future__ import annotations

import struct
from typing import Any

_PARTS = ("red", "green", "blue", "alpha")


def color(given: Any) -> dict[str, float]:
    """A Color as it comes back."""
    given = given if isinstance(given, dict) else {}
    parts = {name: _eight_bits(given.get(name)) for name in _PARTS}
    return {name: part for name, part in parts.items() if part}


def _eight_bits(part: Any) -> float:
    """The value that eight bits keep, written as the shortest number that a 32-bit float tells apart."""
    if not isinstance(part, int | float):
        return 0
    step = int(min(max(part, 0), 1) * 255)
    if step in (0, 255):
        return step // 255
    exact = struct.pack("f", step / 255)
    return next(
        number
        for digits in range(1, 18)
        if struct.pack("f", number := float(f"{step / 255:.{digits}g}")) == exact
    )


def colored(part: Any) -> Any:
    """JSON with every `...Color` in it as it comes back, and its `...ColorStyle` beside it; a color that
    is only said as a style is said plainly as well. Names are sorted."""
    if isinstance(part, list):
        return [colored(item) for item in part]
    if not isinstance(part, dict):
        return part
    found: dict[str, Any] = {}
    for name, value in part.items():
        if name.endswith("ColorStyle") and isinstance(value, dict) and "rgbColor" in value:
            plain = color(value["rgbColor"])
            found |= {name: {"rgbColor": plain}, name.removesuffix("Style"): plain}
        elif name.endswith("Color") and isinstance(value, dict):
            if f"{name}Style" not in part:
                found |= {name: color(value), f"{name}Style": {"rgbColor": color(value)}}
        elif value is not None:
            found[name] = colored(value)
    return {name: found[name] for name in sorted(found)}
