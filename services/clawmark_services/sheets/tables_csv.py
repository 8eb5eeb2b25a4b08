"""Spreadsheets out of CSV and into it."""

from __future__ import annotations

import csv
import io

from clawmark_services.sheets.a1 import Area
from clawmark_services.sheets.calculation import Calculation
from clawmark_services.sheets.ranges import Target
from clawmark_services.sheets.store import DriveFile, Sheet, Spreadsheet
from clawmark_services.sheets.values import read, write


def export(inside: Spreadsheet, separator: str = ",") -> bytes:
    """The first sheet as text, with every row as wide as the widest."""
    sheet = inside.sheets[0]
    rows = read(Calculation(inside), sheet, sheet.box)
    width = max((len(row) for row in rows), default=0)
    output = io.StringIO()
    writer = csv.writer(output, delimiter=separator, lineterminator="\r\n")
    writer.writerows([*row, *[""] * (width - len(row))] for row in rows)
    return output.getvalue().removesuffix("\r\n").encode()


def load(file: DriveFile, content: bytes, separator: str = ",") -> Spreadsheet:
    """A spreadsheet whose one sheet holds the rows, as if they had been typed; it takes the file's name."""
    rows = list(
        csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""), delimiter=separator)
    )
    width = max((len(row) for row in rows), default=0)
    sheet = Sheet(id=0, title=file.name, rows=max(1000, len(rows)), columns=max(26, width))
    # A conversion leaves the properties of the file behind: recorded.
    inside = Spreadsheet(sheets=[sheet], time_zone="America/Los_Angeles")
    inside.require_room(0)
    write(Target(sheet, Area()), rows, "USER_ENTERED")
    return inside
