"""The time that programs in a world see: a small library that every program loads moves it (`clock.c`).

Beside its calendar a program's clocks are the machine's: what waits for a while waits that long. Out of reach are
programs that are linked statically, or ask the kernel by themselves, as Go's do; and the times of files.
"""

from __future__ import annotations

import os
import struct
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

FOLDER = "/opt/clock"
INSIDE = f"{FOLDER}/clock.so"
PRELOAD = "/etc/ld.so.preload"
PRELOADED = f"{INSIDE}\n".encode()

_MARK = b"clawmark-offset\0"
_LIBRARIES = Path(__file__).parent


def library() -> bytes:
    """The library for programs of this machine's kind; empty where there is none."""
    path = _LIBRARIES / f"{os.uname().machine}.elf"
    return path.read_bytes() if path.exists() else b""


def set_clock(descriptor: int, moment: datetime) -> None:
    """Let programs see `moment`, and the time that has passed since; `descriptor` is the world's library."""
    seconds, nanoseconds = divmod(int(moment.timestamp() * 10**6) * 1000 - time.time_ns(), 10**9)
    os.pwrite(descriptor, struct.pack("=qq", seconds, nanoseconds), mark_in_library())


def mark_in_library() -> int:
    """Where in the library the difference to the machine's time belongs; 0 where there is none."""
    content = library()
    return content.index(_MARK) + len(_MARK) if content else 0


def zone_of(moment: datetime) -> str:
    """What TZ must be for programs to tell the time with the moment's offset.

    The names of whole hours are those that every database of time zones has, Node's own included.
    """
    if isinstance(moment.tzinfo, ZoneInfo) and moment.tzinfo.key:
        return moment.tzinfo.key
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    # In both spellings the sign counts westwards.
    sign = "-" if minutes > 0 else "+"
    if rest:
        return f"<{'+' if minutes > 0 else '-'}{hours:02}{rest:02}>{sign}{hours}:{rest:02}"
    return f"Etc/GMT{sign}{hours}" if hours else "UTC"
