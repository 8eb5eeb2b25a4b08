"""What a range in a request means in one spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass

from clawmark_services.sheets.a1 import Area, Box, parse_cells, show_area, split
from clawmark_services.sheets.errors import GoogleError, invalid, unparsable_range
from clawmark_services.sheets.store import NamedRange, Sheet, Spreadsheet


@dataclass(frozen=True, slots=True)
class Target:
    """Cells of one sheet."""

    sheet: Sheet
    area: Area

    @property
    def box(self) -> Box:
        """The part of it on the grid; refuses a target that begins beyond it."""
        sheet, area = self.sheet, self.area
        if area.top >= sheet.rows or area.left >= sheet.columns:
            raise self.beyond()
        return area.within(sheet.rows, sheet.columns)

    @property
    def whole(self) -> Box:
        """All of it; refuses a target of which any part lies beyond the grid."""
        box, area = self.box, self.area
        if (area.bottom or 0) > box.bottom or (area.right or 0) > box.right:
            raise self.beyond()
        return box

    def beyond(self) -> GoogleError:
        """The refusal of a target that leaves the grid."""
        return invalid(
            f"Range ({show_area(self.sheet.title, self.area)}) exceeds grid limits. "
            f"Max rows: {self.sheet.rows}, max columns: {self.sheet.columns}"
        )


def resolve(spreadsheet: Spreadsheet, text: str) -> Target:
    """The cells that a text in A1 notation means: cells, a named range or a whole sheet, in this order.

    Raises Google's "Unable to parse range".
    """
    title, cells = split(text)
    if title is None:
        return _bare(spreadsheet, text, cells or "")
    sheet = spreadsheet.titled(title)
    if sheet is None:
        raise unparsable_range(text)
    if cells is None:
        return Target(sheet, Area())
    area = parse_cells(cells)
    if area is not None:
        return Target(sheet, area)
    named = spreadsheet.named(cells)
    if named is None or named.sheet != sheet.id:
        raise unparsable_range(text)
    return Target(sheet, named.area)


def _bare(spreadsheet: Spreadsheet, text: str, cells: str) -> Target:
    area = parse_cells(cells)
    if area is not None:
        return Target(spreadsheet.first, area)
    named = spreadsheet.named(cells)
    if named is not None:
        return _named(spreadsheet, named)
    sheet = spreadsheet.titled(cells)
    if sheet is None:
        raise unparsable_range(text)
    return Target(sheet, Area())


def _named(spreadsheet: Spreadsheet, named: NamedRange) -> Target:
    sheet = spreadsheet.numbered(named.sheet)
    if sheet is None:
        raise unparsable_range(named.name)
    return Target(sheet, named.area)
