"""Makes `assets/evaluation_forms.pdf`: five evaluation forms, filled in by hand and scanned.

Origin: drawn here, stroke by stroke, from the table below; nobody's form and nobody's handwriting.
Run from the repository's root: `python -m tasks.hr.interns.make_assets`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tasks.hr.pen import Hand, frame, image_pdf, paper, printed, rule, scan, strike, tick, write

ASSETS = Path(__file__).resolve().parent / "assets"
WIDTH, HEIGHT = 1000, 1414
CRITERIA = ("Quality of work", "Reliability", "Initiative", "Teamwork")

GRETA = Hand(size=27, slant=0.22, unsteady=0.09, width=3.0, ink=(24, 30, 92))
TOMASZ = Hand(size=29, slant=0.02, unsteady=0.13, width=3.8, ink=(22, 22, 26))
DALIA = Hand(size=25, slant=0.30, unsteady=0.11, width=2.8, ink=(30, 52, 120))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One filled-in form. `struck` maps a criterion's index to what was written there at first."""

    name: str
    number: str
    team: str
    supervisor: str
    initials: str
    hand: Hand
    scores: tuple[int, int, int, int]
    remarks: tuple[str, ...]
    concern: str = ""
    struck: tuple[tuple[int, int], ...] = ()
    degrees: float = 0.0


FORMS = (
    Form(
        name="Noor Khalil",
        number="I01",
        team="Calibration Lab",
        supervisor="G. Lindholm",
        initials="GL",
        hand=GRETA,
        scores=(22, 21, 19, 23),
        degrees=1.6,
        remarks=("Careful with the reference cells,", "explains her work well to others."),
    ),
    Form(
        name="Felix Brandt",
        number="I02",
        team="Firmware",
        supervisor="T. Wrona",
        initials="TW",
        hand=TOMASZ,
        scores=(20, 17, 14, 21),
        struck=((2, 18),),
        degrees=-2.1,
        remarks=("Solid coder. Waits to be told", "what comes next."),
    ),
    Form(
        name="Sora Tanabe",
        number="I03",
        team="Firmware",
        supervisor="T. Wrona",
        initials="TW",
        hand=TOMASZ,
        scores=(23, 20, 22, 18),
        degrees=0.9,
        remarks=("Found the bootloader fault", "alone. Quiet in meetings."),
    ),
    Form(
        name="Marta Solano",
        number="I04",
        team="Field Service",
        supervisor="D. Shaked",
        initials="DS",
        hand=DALIA,
        scores=(18, 22, 20, 19),
        degrees=-1.3,
        remarks=("Customers ask for her by name.", "Reports sometimes late."),
    ),
    Form(
        name="Evan Pryor",
        number="I05",
        team="Calibration Lab",
        supervisor="G. Lindholm",
        initials="GL",
        hand=GRETA,
        scores=(24, 23, 24, 22),
        degrees=2.4,
        concern="see register",
        remarks=("Fastest learner of the year.", "But: where do run 7 data come from?"),
    ),
)


def draw(form: Form, rng: random.Random) -> Image.Image:
    """One sheet, before it is scanned."""
    page = paper(WIDTH, HEIGHT)
    _head(page, form, rng)
    for index, criterion in enumerate(CRITERIA):
        _criterion(page, form, index, criterion, rng)
    _remarks(page, form, rng)
    return page


def _head(page: Image.Image, form: Form, rng: random.Random) -> None:
    printed(page, (90, 130), "TARNVALE METROLOGY", 24, 70)
    printed(page, (90, 190), "Supervisor's evaluation of an intern", 38)
    printed(page, (910, 130), "Form HR-22", 20, 90, "rs")
    rule(page, (90, 215), (910, 215), 3)
    fields = (
        ("Intern", form.name),
        ("No.", form.number),
        ("Team", form.team),
        ("Supervisor", form.supervisor),
    )
    for index, (label, value) in enumerate(fields):
        x, y = (90, 570)[index % 2], 300 + 90 * (index // 2)
        printed(page, (x, y), label, 22, 80)
        rule(page, (x + 120, y + 6), (x + (440 if x == 90 else 340), y + 6), 1, 130)
        write(page, (x + 128, y - 2), value, form.hand, rng)


def _criterion(page: Image.Image, form: Form, index: int, name: str, rng: random.Random) -> None:
    if index == 0:
        printed(page, (90, 490), "Criterion", 22, 80)
        printed(page, (600, 490), "Points (0 to 25)", 22, 80)
    top = 510 + 95 * index
    frame(page, (90, top, 910, top + 95))
    rule(page, (580, top), (580, top + 95))
    printed(page, (115, top + 58), name, 27)
    x = 640.0
    for struck, first in form.struck:
        if struck == index:
            end = write(page, (x, top + 62), str(first), form.hand, rng)
            strike(page, (x - 10, top + 56), (end + 6, top + 38), form.hand, rng)
            x = end + 40
    end = write(page, (x, top + 62), str(form.scores[index]), form.hand, rng)
    if any(struck == index for struck, _ in form.struck):
        write(page, (end + 34, top + 62), form.initials, form.hand, rng)


def _remarks(page: Image.Image, form: Form, rng: random.Random) -> None:
    printed(page, (90, 945), "Total: to be added up by HR", 22, 80)
    printed(page, (90, 1015), "Remarks", 22, 80)
    for index, line in enumerate(form.remarks):
        y = 1075 + 62 * index
        rule(page, (90, y + 8), (910, y + 8), 1, 150)
        write(page, (100, y), line, form.hand, rng)
    box = (90, 1206, 116, 1232)
    frame(page, box)
    printed(page, (132, 1228), "Concern about integrity", 22, 80)
    if form.concern:
        tick(page, box, form.hand, rng)
        write(page, (430, 1226), form.concern, form.hand, rng)
    printed(page, (90, 1312), "Signed", 22, 80)
    rule(page, (180, 1318), (480, 1318), 1, 130)
    write(page, (200, 1310), form.supervisor, form.hand, rng)
    write(page, (600, 1310), "11 June", form.hand, rng)


def main() -> None:
    """Write the assets."""
    rng = random.Random(20250611)
    pages = [scan(draw(form, rng), degrees=form.degrees, seed=seed) for seed, form in enumerate(FORMS, 1)]
    ASSETS.mkdir(exist_ok=True)
    (ASSETS / "evaluation_forms.pdf").write_bytes(image_pdf(pages, dpi=121, quality=58))


if __name__ == "__main__":
    main()
