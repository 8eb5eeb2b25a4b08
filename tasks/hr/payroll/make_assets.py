"""Makes `assets/overtime_week37.jpg` and `assets/expenses_september.xlsx`.

Origin: a time sheet drawn here, stroke by stroke, filled in by nobody's hand and photographed by no camera;
and a workbook of invented claims. Run from the repository's root: `python -m tasks.hr.payroll.make_assets`.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from xml.etree.ElementTree import canonicalize

from openpyxl import Workbook
from openpyxl.styles import Font
from PIL import Image

from tasks.hr.pen import Hand, frame, jpeg, paper, photograph, printed, rule, strike, write

ASSETS = Path(__file__).resolve().parent / "assets"

CREW = Hand(size=27, slant=0.10, unsteady=0.12, width=3.2, ink=(26, 36, 104))
OFFICER = Hand(size=26, slant=0.28, unsteady=0.10, width=2.8, ink=(34, 34, 38))
DAYS = ("Mon 8", "Tue 9", "Wed 10", "Thu 11", "Fri 12", "Sat 13", "Sun 14")

# Name, hours by day, and whether the duty officer has put his initials to the line.
LINES: tuple[tuple[str, dict[int, str], bool], ...] = (
    ("Lena Strand", {0: "2", 3: "1.5"}, True),
    ("Rui Capela", {1: "3", 6: "4"}, True),
    ("Agnes Mohr", {2: "2", 4: "2.5", 6: "2"}, True),
    ("Pavel Hudec", {0: "2", 5: "3"}, False),
    ("Dunja Saric", {3: "1", 5: "2.5", 6: "3"}, True),
)
STRUCK = {("Agnes Mohr", 2): "3"}

LEFT, TOP, NAME, DAY, ROW = 60, 300, 300, 128, 92


def draw_sheet() -> Image.Image:
    """The time sheet as it hangs in the mess."""
    rng = random.Random(20250914)
    page = paper(1500, 1000)
    printed(page, (LEFT, 90), "BRACKWATER FERRIES", 26, 60)
    printed(page, (LEFT, 150), "Overtime sheet: MV Ardent Tern, week 37 (8 to 14 September 2025)", 34)
    printed(page, (LEFT, 205), "Hours beyond the roster. A struck-out number does not count.", 22, 80)
    printed(page, (LEFT, 238), "The duty officer puts initials to every line.", 22, 80)
    _grid(page)
    for index, (name, hours, initialled) in enumerate(LINES):
        baseline = TOP + ROW * (index + 1) + 60
        write(page, (LEFT + 16, baseline), name, CREW, rng)
        for day, text in hours.items():
            _hours(page, (name, day), (LEFT + NAME + DAY * day + 22, baseline), text, rng)
        if initialled:
            write(page, (LEFT + NAME + DAY * 7 + 30, baseline), "JV", OFFICER, rng)
    printed(page, (LEFT, 930), "Duty officer", 22, 80)
    rule(page, (LEFT + 150, 936), (LEFT + 520, 936), 1, 130)
    write(page, (LEFT + 170, 926), "J. Verbeek", OFFICER, rng)
    return page


def _grid(page: Image.Image) -> None:
    right = LEFT + NAME + DAY * 8
    for line in range(len(LINES) + 2):
        rule(page, (LEFT, TOP + ROW * line), (right, TOP + ROW * line))
    frame(page, (LEFT, TOP, right, TOP + ROW * (len(LINES) + 1)), 3)
    printed(page, (LEFT + 16, TOP + 56), "Name", 25)
    for column, label in enumerate((*DAYS, "Officer")):
        x = LEFT + NAME + DAY * column
        rule(page, (x, TOP), (x, TOP + ROW * (len(LINES) + 1)))
        printed(page, (x + 16, TOP + 56), label, 25)


def _hours(
    page: Image.Image, place: tuple[str, int], at: tuple[float, float], text: str, rng: random.Random
) -> None:
    x, y = at
    if place in STRUCK:
        end = write(page, (x - 4, y), STRUCK[place], CREW, rng)
        strike(page, (x - 12, y - 4), (end + 2, y - 24), OFFICER, rng)
        end = write(page, (end + 12, y), text, OFFICER, rng)
        write(page, (end + 8, y), "JV", Hand(size=15, slant=0.28, width=2.0, ink=OFFICER.ink), rng)
    else:
        write(page, at, text, CREW, rng)


CLAIMS = (
    # claim, employee, day, what for, kilometres, amount (None: kilometres times the rate)
    ("C-01", "E104", date(2025, 9, 2), "Own car, spare pump to the north quay", 120, None),
    ("C-02", "E117", date(2025, 9, 3), "Hotel, safety course", None, 118.00),
    ("C-03", "E123", date(2025, 9, 5), "Own car, customs office", 85, None),
    ("C-04", "E131", date(2025, 9, 8), "Torque wrench", None, 64.90),
    ("C-05", "E117", date(2025, 9, 10), "Hotel", None, 118.00),
    ("C-06", "E140", date(2025, 9, 11), "Train ticket", None, 27.40),
    ("C-07", "E104", date(2025, 6, 27), "Own car, handed in late", 50, None),
    ("C-08", "E131", date(2025, 9, 12), "Own car, dry dock", 60, None),
)
OLD_RATE, NEW_RATE = 0.30, 0.38
STAMP = datetime(2025, 9, 19, 16, 5)  # noqa: DTZ001 - a workbook's times have no zone


def make_workbook() -> bytes:
    """The claims, with a total that ends too early and rates taken from a hidden sheet's first line."""
    book = Workbook()
    claims = book.active
    claims.title = "Claims"
    claims.append(["Claim", "Employee", "Date", "What for", "Km", "Rate", "Amount"])
    shown: dict[str, float] = {}
    for row, (claim, employee, day, purpose, km, amount) in enumerate(CLAIMS, 2):
        rate = None if km is None else "=Rates!$B$2"
        claims.append([claim, employee, day, purpose, km, rate, amount if km is None else f"=E{row}*F{row}"])
        if km is not None:
            shown[f"F{row}"], shown[f"G{row}"] = OLD_RATE, round(km * OLD_RATE, 2)
    claims.append([None, None, None, "Total", None, None, "=SUM(G2:G7)"])
    shown["G10"] = round(sum(amount or shown[f"G{row}"] for row, (*_, amount) in enumerate(CLAIMS[:6], 2)), 2)
    rates = book.create_sheet("Rates")
    rates.append(["Own car, EUR per km, by the day of the trip", "Rate"])
    rates.append(["until 30 June 2025", OLD_RATE])
    rates.append(["from 1 July 2025", NEW_RATE])
    remarks = book.create_sheet("Audit remarks")
    remarks.append(["Claim", "Remark", "By"])
    remarks.append(["C-05", "Same receipt as C-02. Rejected.", "O. Vance"])
    remarks.append(["C-07", "Late, but the receipt is in order. Accepted.", "O. Vance"])
    rates.sheet_state = remarks.sheet_state = "hidden"
    for sheet in book.worksheets:
        for cell in sheet[1]:
            cell.font = Font(bold=True)
    claims.column_dimensions["D"].width = 40
    book.properties.creator = "Expenses desk"
    book.properties.created = STAMP
    stream = io.BytesIO()
    book.save(stream)
    return _settled(stream.getvalue(), shown)


def _settled(data: bytes, shown: dict[str, float]) -> bytes:
    """The workbook with what its formulas showed when it was saved, and nothing of the time it was made.

    openpyxl writes formulas without values, stamps the time of saving, and spells XML as lxml does where
    that is installed; so each part is made canonical, and stored uncompressed lest zlib's taste show.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as settled:
        for name in made.namelist():
            text = canonicalize(made.read(name).decode())
            if name == "docProps/core.xml":
                text = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{STAMP.isoformat()}Z", text)
            if name == "xl/worksheets/sheet1.xml":
                for cell, value in shown.items():
                    text = _showing(text, cell, value)
            info = zipfile.ZipInfo(name, date_time=STAMP.timetuple()[:6])
            info.external_attr = 0o644 << 16
            settled.writestr(info, text)
    return out.getvalue()


def _showing(sheet: str, cell: str, value: float) -> str:
    """The sheet's XML, with what a formula's cell shows."""
    empty = rf'(<c r="{cell}"[^>]*><f>[^<]*</f>)<v></v>'
    sheet, count = re.subn(empty, rf"\g<1><v>{value:.10g}</v>", sheet)
    if count != 1:
        raise ValueError(f"cell {cell} was written in an unexpected way: {sheet[:400]}")
    return sheet


def main() -> None:
    """Write the assets."""
    ASSETS.mkdir(exist_ok=True)
    corners = ((168, 118), (1492, 62), (1574, 1010), (92, 1096))
    photo = photograph(draw_sheet(), corners, (1640, 1180), seed=37)
    (ASSETS / "overtime_week37.jpg").write_bytes(jpeg(photo, 72))
    (ASSETS / "expenses_september.xlsx").write_bytes(make_workbook())


if __name__ == "__main__":
    main()
