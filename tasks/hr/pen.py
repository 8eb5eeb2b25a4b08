"""Draws paper: printed lines, handwriting, and what a scanner or a telephone's camera makes of them.

Everything is drawn from strokes given here and from a seed, with Pillow alone: no font of the machine, no
clock and no picture of anybody's. The same Pillow release gives the same bytes; another one may bring
another FreeType or JPEG library, and with it other bytes for the same picture.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Point = tuple[float, float]

CAP_HEIGHT = 6.0
_GAP = 1.1
_SPACE = 2.6

# One glyph is its strokes, one stroke its points "x,y"; the baseline is y=0, capitals reach 6, descenders -2.
# Strokes are drawn as smooth curves through their points, so a corner is where one stroke ends.
_GLYPHS = {
    "A": "0,0 2,6|2,6 4,0|0.7,2.1 3.4,2.2",
    "B": "0,0 0,6|0,6 2.4,5.9 3,4.6 2.2,3.3 0,3.1|0,3.1 2.7,3 3.5,1.5 2.6,0.1 0,0",
    "C": "3.7,5 2.4,6 0.7,5 0,3 0.7,0.9 2.3,0 3.8,1",
    "D": "0,0 0,6|0,6 2.3,5.6 3.7,3.2 2.4,0.5 0,0",
    "E": "3.3,6 0,6|0,6 0,0|0,0 3.4,0|0,3.1 2.6,3.2",
    "F": "3.4,6 0,6|0,6 0,0|0,3.1 2.6,3.2",
    "G": "3.7,5 2.4,6 0.7,5 0,3 0.7,0.9 2.3,0 3.7,0.9|3.7,0.9 3.8,2.7|3.8,2.7 2.2,2.7",
    "H": "0,6 0,0|3.6,6 3.6,0|0,3.1 3.6,3.2",
    "I": "0.8,6 0.8,0|0,6 1.6,6|0,0 1.6,0",
    "J": "2.6,6 2.6,1.4 1.6,0 0.3,0.6 0,1.5",
    "K": "0,6 0,0|3.4,6 0,2.7|1,3.5 3.6,0",
    "L": "0,6 0,0|0,0 3.2,0.1",
    "M": "0,0 0.3,6|0.3,6 2.3,2|2.3,2 4.3,6|4.3,6 4.7,0",
    "N": "0,0 0,6|0,6 3.6,0|3.6,0 3.6,6",
    "O": "2,6 0.5,5 0,3 0.6,0.9 2,0 3.5,0.9 4,3 3.5,5.1 2,6",
    "P": "0,0 0,6|0,6 2.5,5.9 3.4,4.4 2.5,2.9 0,2.7",
    "Q": "2,6 0.5,5 0,3 0.6,0.9 2,0 3.5,0.9 4,3 3.5,5.1 2,6|2.5,1.5 4.2,-0.5",
    "R": "0,0 0,6|0,6 2.5,5.9 3.3,4.5 2.4,3.1 0,2.9|1.3,3 3.6,0",
    "S": "3.3,5.2 2.1,6 0.5,5.4 0.4,4 1.8,3.2 3.2,2.3 3.1,0.7 1.6,0 0,0.9",
    "T": "0,6 4,6|2,6 2,0",
    "U": "0,6 0,1.8 0.8,0.2 2.4,0.1 3.5,1.4 3.6,6",
    "V": "0,6 1.9,0|1.9,0 3.9,6",
    "W": "0,6 1.2,0|1.2,0 2.6,4.4|2.6,4.4 3.9,0|3.9,0 5.2,6",
    "X": "0,6 3.7,0|3.6,6 0,0",
    "Y": "0,6 1.9,3|3.9,6 1.9,3|1.9,3 1.8,0",
    "Z": "0,6 3.6,6|3.6,6 0,0|0,0 3.7,0.1",
    "a": "2.7,3.4 1.2,3.9 0,2.3 0.4,0.4 1.6,0.1 2.7,1.6|2.7,3.6 2.7,0.8 3.2,0",
    "b": "0,6 0,0.3|0,2.6 1.5,3.8 2.9,2.7 2.7,0.8 1.4,0 0,0.6",
    "c": "2.5,3.2 1.4,3.8 0.2,2.8 0.1,1.1 1.2,0 2.6,0.7",
    "d": "2.7,3 1.2,3.8 0,2.3 0.4,0.4 1.6,0 2.7,1.4|2.7,6 2.7,0.8 3.2,0",
    "e": "0.1,1.9 2.6,2.2 2.2,3.6 0.9,3.7 0,2 0.8,0.2 2.6,0.6",
    "f": "2.4,5.5 1.6,6 0.9,5 0.8,0|0,3.4 2,3.5",
    "g": "2.6,3.3 1.2,3.8 0,2.4 0.5,0.6 1.6,0.4 2.6,1.7|2.6,3.6 2.6,-1 1.4,-2 0.2,-1.5",
    "h": "0,6 0,0|0,2.3 1.4,3.7 2.5,2.9 2.6,0",
    "i": "0.2,3.7 0.2,0.6 0.6,0|0.2,5.1 0.3,5.3",
    "j": "1.1,3.7 1.1,-1 0.4,-2 -0.4,-1.5|1.1,5.1 1.2,5.3",
    "k": "0,6 0,0|2.3,3.7 0.1,1.7|0.8,2.3 2.5,0",
    "l": "0.2,6 0.2,0.7 0.7,0",
    "m": "0,3.7 0,0|0,2.4 1.1,3.7 1.9,2.9 1.9,0|1.9,2.4 3,3.7 3.9,2.9 3.9,0",
    "n": "0,3.7 0,0|0,2.3 1.4,3.7 2.5,2.9 2.6,0",
    "o": "1.4,3.8 0.2,2.8 0.1,1 1.4,0 2.7,1 2.7,2.8 1.4,3.8",
    "p": "0,3.7 0,-2|0,2.6 1.5,3.8 2.8,2.7 2.6,0.8 1.4,0.1 0,0.8",
    "q": "2.6,3.2 1.2,3.8 0,2.4 0.5,0.5 1.6,0.3 2.6,1.7|2.6,3.7 2.6,-2 3.2,-1.3",
    "r": "0,3.7 0,0|0,2.2 1,3.6 2,3.5",
    "s": "2.2,3.3 1.2,3.8 0.3,3.1 1.2,2.1 2.2,1.2 1.4,0 0,0.5",
    "t": "0.9,5.4 0.9,0.8 1.6,0 2.3,0.5|0,3.7 2,3.8",
    "u": "0,3.7 0.1,0.9 1.2,0 2.5,1.4|2.5,3.7 2.5,0.7 3,0",
    "v": "0,3.7 1.3,0|1.3,0 2.7,3.7",
    "w": "0,3.7 0.9,0|0.9,0 1.9,2.9|1.9,2.9 2.9,0|2.9,0 3.9,3.7",
    "x": "0,3.7 2.5,0|2.5,3.7 0,0",
    "y": "0,3.7 1.4,0.4|2.7,3.7 1.2,-0.4 0,-2",
    "z": "0,3.7 2.4,3.7|2.4,3.7 0,0|0,0 2.5,0.1",
    "0": "1.7,6 0.4,5 0,3 0.4,0.9 1.7,0 3,0.9 3.4,3 3,5.1 1.7,6",
    "1": "0.2,4.5 1.6,6|1.6,6 1.6,0",
    "2": "0.1,4.7 0.9,5.9 2.5,5.7 3,4.3 2.1,2.5 0,0.1|0,0.1 3.4,0.1",
    "3": "0.2,5.3 1.6,6 2.9,5.1 2.5,3.6 1.2,3.2|1.2,3.2 2.9,2.7 3.1,1 1.6,0 0,0.8",
    "4": "2.2,6 0,2|0,2 3.5,2|2.5,3.8 2.4,0",
    "5": "3,6 0.5,6|0.5,6 0.3,3.4|0.3,3.4 1.9,3.8 3.2,2.6 2.8,0.7 1.4,0 0,0.7",
    "6": "2.7,5.8 1.2,4.7 0.1,2.4 0.5,0.5 1.8,0 3.1,1 2.9,2.8 1.6,3.2 0.2,2",
    "7": "0,6 3.3,6|3.3,6 1.2,0",
    "8": "1.7,3.2 0.3,4.3 0.8,5.8 2.3,5.9 3,4.6 1.7,3.2 0.2,2 0.4,0.4 1.8,0 3.2,0.8 3,2.2 1.7,3.2",
    "9": "3.1,4.4 2,3 0.4,3.5 0.2,5 1.5,6 2.9,5.5 3.1,4.4 2.8,1.9 1.7,0",
    ".": "0.7,0.1 1.2,0.1 1.2,0.6 0.7,0.6 0.7,0.1 1.2,0.6",
    ",": "0.4,0.4 0,-0.9",
    ":": "0.2,0.6 0.3,0.7|0.2,3 0.3,3.1",
    "-": "0,2.4 1.9,2.5",
    "/": "0,-0.4 2.3,6.3",
    "(": "1.2,6.4 0.2,4.4 0.2,1.6 1.2,-0.6",
    ")": "0,6.4 1,4.4 1,1.6 0,-0.6",
    "+": "0,2.6 2.6,2.6|1.3,3.9 1.3,1.2",
    "=": "0,3.2 2.4,3.3|0,1.8 2.4,1.9",
    "%": "0,0 3.6,6|0.8,6 0.1,5.2 0.8,4.4 1.5,5.2 0.8,6|2.9,1.6 2.2,0.8 2.9,0 3.6,0.8 2.9,1.6",
    "'": "0.2,6.2 0.1,4.9",
    "!": "0.2,6 0.2,1.9|0.2,0.1 0.3,0.3",
    "?": "0,5 1,6 2.4,5.3 2.3,4 1.2,3 1.2,1.9|1.2,0.1 1.3,0.3",
}


def _parse(glyph: str) -> list[list[Point]]:
    return [[_point(pair) for pair in stroke.split()] for stroke in glyph.split("|")]


def _point(pair: str) -> Point:
    x, y = pair.split(",")
    return float(x), float(y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """One person's handwriting: how large (capitals, in pixels), how slanted, how unsteady, which ink."""

    size: float = 30.0
    slant: float = 0.12
    unsteady: float = 0.10
    width: float = 3.2
    ink: tuple[int, int, int] = (28, 38, 96)


def write(image: Image.Image, at: Point, text: str, hand: Hand, rng: random.Random) -> float:
    """Write `text` by hand with its baseline beginning at `at`; returns where it ends (x, in pixels).

    Raises `KeyError` for a character that has no strokes here.
    """
    draw = ImageDraw.Draw(image)
    unit = hand.size / CAP_HEIGHT
    x, baseline = at
    for character in text:
        if character == " ":
            x += _SPACE * unit
            continue
        strokes = _parse(_GLYPHS[character])
        lift = rng.uniform(-0.25, 0.25) * unit
        grown = unit * rng.uniform(0.95, 1.06)
        for stroke in strokes:
            points = [
                (
                    x + (px + hand.slant * py + rng.uniform(-1, 1) * hand.unsteady) * grown,
                    baseline - lift - (py + rng.uniform(-1, 1) * hand.unsteady) * grown,
                )
                for px, py in stroke
            ]
            _trace(draw, points, hand, rng)
        x += (max(px for stroke in strokes for px, _ in stroke) + _GAP) * grown
    return x


def strike(image: Image.Image, start: Point, end: Point, hand: Hand, rng: random.Random) -> None:
    """Cross something out with one line."""
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + rng.uniform(-2, 2))
    _trace(ImageDraw.Draw(image), [start, middle, end], hand, rng)


def tick(image: Image.Image, box: tuple[float, float, float, float], hand: Hand, rng: random.Random) -> None:
    """Put a cross into a box."""
    left, top, right, bottom = box
    draw = ImageDraw.Draw(image)
    _trace(draw, [(left - 2, top - 1), (right + 3, bottom + 2)], hand, rng)
    _trace(draw, [(right + 2, top - 3), (left - 1, bottom + 1)], hand, rng)


def _trace(draw: ImageDraw.ImageDraw, points: Sequence[Point], hand: Hand, rng: random.Random) -> None:
    pressure = rng.uniform(0.85, 1.15)
    for number, (x, y) in enumerate(_curve(points)):
        radius = hand.width / 2 * (pressure + 0.12 * math.sin(number / 5))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=hand.ink)


def _curve(points: Sequence[Point]) -> Iterator[Point]:
    """A Catmull-Rom spline through `points`, about one position per pixel."""
    padded = [points[0], *points, points[-1]]
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        steps = max(2, round(math.dist(p1, p2)))
        for step in range(steps + 1):
            t = step / steps
            yield (_spline(p0[0], p1[0], p2[0], p3[0], t), _spline(p0[1], p1[1], p2[1], p3[1], t))


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def paper(width: int, height: int, tone: tuple[int, int, int] = (250, 249, 244)) -> Image.Image:
    """A blank sheet."""
    return Image.new("RGB", (width, height), tone)


def printed(
    image: Image.Image, at: Point, text: str, size: int = 22, grey: int = 40, anchor: str = "ls"
) -> None:
    """Print `text` in the typeface that Pillow carries; `anchor` as Pillow names it (`ls`: left, baseline)."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(at, text, font=font, fill=(grey, grey, grey), anchor=anchor)


def rule(image: Image.Image, start: Point, end: Point, width: int = 2, grey: int = 90) -> None:
    """A printed line."""
    ImageDraw.Draw(image).line((start, end), fill=(grey, grey, grey), width=width)


def frame(image: Image.Image, box: tuple[float, float, float, float], width: int = 2, grey: int = 90) -> None:
    """A printed rectangle."""
    ImageDraw.Draw(image).rectangle(box, outline=(grey, grey, grey), width=width)


def grain(image: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """`image` with a sensor's noise; `strength` is about the standard deviation in grey levels."""
    # The sum of two flat distributions is near enough to a bell, and needs no arithmetic per pixel.
    size = image.width * image.height
    flat = bytes(max(0, min(255, round(128 + (v - 127.5) / 127.5 * strength * 1.7))) for v in range(256))
    for _ in range(2):
        noise = Image.frombytes("L", image.size, rng.randbytes(size).translate(flat))
        layer = noise if image.mode == "L" else Image.merge("RGB", [noise] * 3)
        image = ImageChops.add(image, layer, 1, -128)
    return image


def scan(page: Image.Image, *, degrees: float, seed: int) -> Image.Image:
    """A page as a tired office scanner gives it: grey, askew, speckled, dark along one edge."""
    rng = random.Random(seed)
    grey = page.convert("L").rotate(degrees, Image.Resampling.BICUBIC, fillcolor=196)
    grey = grey.filter(ImageFilter.GaussianBlur(0.7))
    edge = Image.linear_gradient("L").rotate(90).resize((70, grey.height))
    shade = Image.new("L", grey.size, 255)
    shade.paste(edge.point([min(255, 150 + v) for v in range(256)]), (0, 0))
    grey = ImageChops.multiply(grey, shade)
    draw = ImageDraw.Draw(grey)
    for _ in range(160):
        x, y, r = rng.uniform(0, grey.width), rng.uniform(0, grey.height), rng.uniform(0.4, 1.3)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.choice((60, 110, 215)))
    return grain(grey, rng, 9)


def photograph(
    page: Image.Image, corners: Sequence[Point], size: tuple[int, int], *, seed: int
) -> Image.Image:
    """A page lying on a dark table, seen by a telephone: askew, unevenly lit, a little unsharp.

    `corners` are where the page's upper left, upper right, lower right and lower left come to lie.
    """
    rng = random.Random(seed)
    table = _table(size, rng)
    coefficients = _perspective(corners, page.size)
    warped = page.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    mask = Image.new("L", page.size, 255).transform(size, Image.Transform.PERSPECTIVE, coefficients)
    shadow = ImageChops.offset(mask, 14, 18).filter(ImageFilter.GaussianBlur(16))
    table = Image.composite(table.point([v // 2 for v in range(256)] * 3), table, shadow)
    table.paste(warped, (0, 0), mask)
    return grain(_lit(table).filter(ImageFilter.GaussianBlur(0.8)), rng, 7)


def _table(size: tuple[int, int], rng: random.Random) -> Image.Image:
    table = Image.new("RGB", size, (92, 66, 46))
    draw = ImageDraw.Draw(table)
    for _ in range(90):
        y, shade = rng.uniform(0, size[1]), rng.randint(-14, 14)
        points = [
            (0.0, y),
            (size[0] / 2, y + rng.uniform(-12, 12)),
            (float(size[0]), y + rng.uniform(-16, 16)),
        ]
        draw.line(points, fill=(92 + shade, 66 + shade, 46 + shade), width=rng.randint(1, 5))
    return table


def _lit(image: Image.Image) -> Image.Image:
    """Light from the upper left, a shadow over the lower right."""
    glow = Image.radial_gradient("L").resize((image.width * 2, image.height * 2))
    box = (round(image.width * 0.55), round(image.height * 0.6))
    glow = glow.crop((*box, box[0] + image.width, box[1] + image.height))
    light = glow.point([max(0, round(255 - v * 0.62)) for v in range(256)])
    return ImageChops.multiply(
        image, Image.merge("RGB", [light, light, light.point([max(0, round(v * 0.96)) for v in range(256)])])
    )


def _perspective(corners: Sequence[Point], size: tuple[int, int]) -> list[float]:
    """The eight numbers by which Pillow maps a picture's position back to the page's."""
    width, height = size
    page = [(0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))]
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, page, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    return _solve(rows)


def _solve(rows: list[list[float]]) -> list[float]:
    """Gauss-Jordan on an augmented matrix, with partial pivoting."""
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda r: abs(rows[r][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for other in range(size):
            if other != column:
                factor = rows[other][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [row[-1] for row in rows]


def jpeg(image: Image.Image, quality: int) -> bytes:
    """`image` as a JPEG without any metadata."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, subsampling=2 if image.mode == "RGB" else 0)
    return stream.getvalue()


def image_pdf(pages: Sequence[Image.Image], *, dpi: int, quality: int) -> bytes:
    """A PDF of nothing but grey pictures, one a page: no text layer, no date, no metadata.

    Written object by object (ISO 32000-1, 7.5), because Pillow's own PDF writer stamps the time.
    """
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids: list[str] = []
    for page in pages:
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        width, height = page.width * 72 / dpi, page.height * 72 / dpi
        content = f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /Scan Do Q".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}] /Contents {number + 1} 0 R "
            f"/Resources << /XObject << /Scan {number + 2} 0 R >> >> >>".encode()
        )
        objects.append(_stream("", content))
        objects.append(
            _stream(
                f"/Type /XObject /Subtype /Image /Width {page.width} /Height {page.height} "
                "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode ",
                jpeg(page.convert("L"), quality),
            )
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    return _assembled(objects)


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries}/Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _assembled(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
