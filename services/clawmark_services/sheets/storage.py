"""How much the Drive of one world holds, and how much it may.

Google's own bound is 15 GB of a free account; this one keeps a client from filling the memory of the host,
which other worlds share. The limits of a single spreadsheet are Google's own: see `store.MAX_CELLS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from clawmark_services.sheets.errors import GoogleError

if TYPE_CHECKING:
    from clawmark_services.sheets.store import DriveFile, Sheet, Spreadsheet

MAX_STORAGE = 256 * 1024 * 1024
"""Bytes that all files of a world may take together, as counted here."""

MAX_CONTENT = 64 * 1024 * 1024
"""Bytes of content among them that are kept as they were sent."""

OF_A_FILE = 4096
OF_A_SHEET = 1024
OF_A_CELL = 256
"""About what the smallest of each takes in memory."""

_OF_A_LINE = 256


def used(files: Iterable[DriveFile]) -> int:
    """What files take."""
    return sum(
        OF_A_FILE + len(file.content or b"") + of_spreadsheet(file.spreadsheet) + len(str(file.permissions))
        for file in files
    )


def of_spreadsheet(inside: Spreadsheet | None) -> int:
    """What the inside of a spreadsheet takes."""
    if inside is None:
        return 0
    return _OF_A_LINE * len(inside.names) + sum(_of_sheet(sheet) for sheet in inside.sheets)


def _of_sheet(sheet: Sheet) -> int:
    layout = sheet.layout
    lines = sum(len(lines) for lines in layout.lines.values())
    lines += len(layout.groups) + len(layout.protections) + len(sheet.merges)
    objects = len(str(layout.objects)) if layout.objects else 0
    return OF_A_SHEET + OF_A_CELL * len(sheet.cells) + sheet.cells.length + _OF_A_LINE * lines + objects


def full() -> GoogleError:
    """The refusal of more (Google's guide "Resolve errors")."""
    message = "The user's Drive storage quota has been exceeded."
    return GoogleError(403, message, reason="storageQuotaExceeded")
