"""Where appended rows go: the tables of a sheet, and the one that an anchor means.

A table is a block of filled cells that touch, by side or corner, grown to its bounding box. Google does
not publish its rule; this one agrees with the reference guide's examples and with recorded traffic.
"""

from __future__ import annotations

from clawmark_services.sheets.a1 import Box
from clawmark_services.sheets.cells import Key
from clawmark_services.sheets.store import Sheet


def tables(sheet: Sheet) -> list[Box]:
    """The tables in reading order of their top left corners."""
    left = {key for key, cell in sheet.cells.items() if not cell.blank}
    found: list[Box] = []
    while left:
        found.append(_grow(left, left.pop()))
    return sorted(_merge(found), key=lambda box: (box.top, box.left))


def _grow(left: set[Key], start: Key) -> Box:
    """Take everything that touches `start` out of `left`."""
    top, bottom = start[0], start[0] + 1
    first, right = start[1], start[1] + 1
    queue = [start]
    while queue:
        row, column = queue.pop()
        top, bottom = min(top, row), max(bottom, row + 1)
        first, right = min(first, column), max(right, column + 1)
        around = {(row + down, column + beside) for down in (-1, 0, 1) for beside in (-1, 0, 1)} & left
        left -= around
        queue.extend(around)
    return Box(top, first, bottom, right)


def _merge(boxes: list[Box]) -> list[Box]:
    """Join boxes that overlap once they are boxes."""
    merged: list[Box] = []
    for box in boxes:
        grown = box
        while meeting := next((other for other in merged if other.meets(grown)), None):
            merged.remove(meeting)
            grown = Box(
                min(grown.top, meeting.top),
                min(grown.left, meeting.left),
                max(grown.bottom, meeting.bottom),
                max(grown.right, meeting.right),
            )
        merged.append(grown)
    return merged


def table_at(sheet: Sheet, anchor: Box) -> Box | None:
    """The last table that the anchor touches; None when rows go to the anchor itself."""
    return next((table for table in reversed(tables(sheet)) if table.meets(anchor)), None)
