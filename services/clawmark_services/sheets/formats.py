"""Numbers as people type and read them: what a typed text means, and how a number shows.

Follows the en_US locale. Dates are days since 1899-12-30; times are fractions of a day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Any, Literal

Kind = Literal["NUMBER", "CURRENCY", "PERCENT", "SCIENTIFIC", "DATE", "TIME", "DATE_TIME"]
Number = int | float

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - serials are local times without a zone
_DAY = 86_400
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Typed:
    """A number that somebody typed, and how it is to show; no kind means as a plain number."""

    value: Number
    kind: Kind | None = None
    pattern: str = ""

    @property
    def format(self) -> dict[str, str] | None:
        """The API's NumberFormat."""
        return {"type": self.kind, "pattern": self.pattern} if self.kind else None


def tidy(value: float) -> Number:
    """A whole number as int, so that equal numbers are written equally."""
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


@cache
def _number() -> re.Pattern[str]:
    return re.compile(
        r"(?P<sign>[-+]?)(?P<open>\(?)(?P<currency>\$?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)?(?P<part>\.\d*)?"
        r"(?P<power>[eE][-+]?\d{1,3})?(?P<percent>%?)(?P<close>\)?)"
    )


def parse_number(text: str) -> Typed | None:
    """`42`, `-1,234.5`, `$3.50`, `12%`, `1e3`, `(5)`; None for anything else."""
    match = _number().fullmatch(text)
    if match is None or not (match["whole"] or (match["part"] or "").strip(".")):
        return None
    bracketed = bool(match["open"])
    if bracketed != bool(match["close"]) or (bracketed and match["sign"]):
        return None
    digits = (match["whole"] or "0").replace(",", "") + (match["part"] or "") + (match["power"] or "")
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        return None
    value = value / 100 if match["percent"] else value
    value = -value if match["sign"] == "-" or bracketed else value
    return Typed(tidy(value), *_number_format(match))


def _number_format(match: re.Match[str]) -> tuple[Kind | None, str]:
    """How a number typed like this is to show."""
    decimals = ".00" if (match["part"] or "").strip(".") else ""
    if match["percent"]:
        return "PERCENT", f"0{decimals}%"
    if match["currency"]:
        return "CURRENCY", f'"$"#,##0{decimals}'
    if match["power"]:
        return "SCIENTIFIC", "0.00E+00"
    return ("NUMBER", f"#,##0{decimals}") if "," in (match["whole"] or "") else (None, "")


@cache
def _date_forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    year, month, day, name = r"(?P<y>\d{4})", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})", r"(?P<n>[A-Za-z]{3,9})\.?"
    forms = (
        (rf"{year}-{month}-{day}", "yyyy-mm-dd"),
        (rf"{year}/{month}/{day}", "yyyy/mm/dd"),
        (rf"{month}/{day}/{year}", "m/d/yyyy"),
        (rf"{month}-{day}-{year}", "m-d-yyyy"),
        (rf"{name} {day},? {year}", "mmm d, yyyy"),
        (rf"{day}[ -]{name},?[ -]{year}", "d mmm yyyy"),
    )
    return tuple((re.compile(form), pattern) for form, pattern in forms)


@cache
def _time_form() -> re.Pattern[str]:
    return re.compile(r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?(?: ?(?P<half>[AaPp][Mm]))?")


def parse_moment(text: str) -> Typed | None:
    """A date, a time, or both; None for anything else."""
    time = _parse_time(text)
    if time is not None:
        return Typed(time[0], "TIME", time[1])
    date = _parse_date(text)
    if date is not None:
        return Typed(date[0], "DATE", date[1])
    for at in [found.start() for found in re.finditer(r"[ T]", text)][-2:]:
        date, time = _parse_date(text[:at]), _parse_time(text[at + 1 :])
        if date and time:
            return Typed(tidy(date[0] + time[0]), "DATE_TIME", f"{date[1]} {time[1]}")
    return None


def _parse_date(text: str) -> tuple[int, str] | None:
    for form, pattern in _date_forms():
        match = form.fullmatch(text)
        if match is None:
            continue
        parts = match.groupdict()
        name = parts.get("n")
        if name is not None and name[:3].lower() not in _MONTHS:
            return None
        month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["m"])
        try:
            day = datetime(int(parts["y"]), month, int(parts["d"]))  # noqa: DTZ001 - serials have no zone
        except ValueError:
            return None
        return (day - EPOCH).days, pattern
    return None


def _parse_time(text: str) -> tuple[float, str] | None:
    match = _time_form().fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match["h"]), int(match["m"]), int(match["s"] or 0)
    half = (match["half"] or "").lower()
    if minute > 59 or second > 59 or hour > (12 if half else 23) or (half and hour == 0):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    pattern = "h:mm" + (":ss" if match["s"] else "") + (" am/pm" if half else "")
    return (hour * 3600 + minute * 60 + second) / _DAY, pattern


def show_number(value: Number) -> str:
    """A number without a format, as Sheets shows it: whole, or about ten significant digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not 1e-9 <= abs(value) < 1e15:
        mantissa, _, power = f"{value:.5E}".partition("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{power[0]}{power[1:].zfill(2)}"
    digits = format(Decimal(f"{value:.10g}"), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def show_formatted(value: Number, number_format: dict[str, Any] | None) -> str:
    """A number under a NumberFormat."""
    kind = (number_format or {}).get("type")
    pattern = (number_format or {}).get("pattern") or DEFAULT_PATTERNS.get(str(kind), "")
    if not pattern or kind in (None, "TEXT"):
        return show_number(value)
    if kind in ("DATE", "TIME", "DATE_TIME"):
        return _show_moment(value, pattern)
    return _show_pattern(value, pattern)


DEFAULT_PATTERNS = {
    "NUMBER": "#,##0.00",
    "CURRENCY": '"$"#,##0.00',
    "PERCENT": "0.00%",
    "SCIENTIFIC": "0.00E+00",
    "DATE": "m/d/yyyy",
    "TIME": "h:mm:ss am/pm",
    "DATE_TIME": "m/d/yyyy h:mm:ss",
}


@cache
def _digits() -> re.Pattern[str]:
    return re.compile(r"[#0,]*[#0](?:\.(?P<decimals>[#0]*))?(?P<power>E\+0+)?")


def _show_pattern(value: Number, pattern: str) -> str:
    sections = pattern.split(";")
    section = sections[1] if value < 0 and len(sections) > 1 else sections[0]
    sign = "-" if value < 0 and len(sections) == 1 else ""
    match = _digits().search(section)
    if match is None:
        return show_number(value)
    scaled = abs(Decimal(str(value))) * (100 if "%" in section else 1)
    if match["power"]:
        return f"{sign}{float(scaled):.{len(match['decimals'] or '')}E}"
    shown = _show_digits(scaled, match[0], match["decimals"] or "")
    around = (section[: match.start()], section[match.end() :])
    before, after = (re.sub(r'"([^"]*)"|\\(.)|[_*].', r"\1\2", part) for part in around)
    return f"{sign if any(digit in '123456789' for digit in shown) else ''}{before}{shown}{after}"


def quantized(value: Decimal, places: int, rounding: str) -> Decimal:
    """The value to so many decimal places; exact for every double, unlike in the default context."""
    return value.quantize(Decimal(1).scaleb(-places), rounding, Context(prec=800))


def _show_digits(value: Decimal, digits: str, decimals: str) -> str:
    rounded = quantized(value, len(decimals), ROUND_HALF_UP)
    whole, _, part = format(rounded, "f").partition(".")
    least = digits.partition(".")[0].count("0")
    whole = whole.lstrip("0").zfill(least)
    if "," in digits.partition(".")[0]:
        whole = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", whole)
    kept = decimals.count("0")
    part = part[:kept] + part[kept:].rstrip("0")
    return f"{whole}.{part}" if part else whole


@cache
def _moment_tokens() -> re.Pattern[str]:
    return re.compile(r'"[^"]*"|\\.|am/pm|a/p|y+|m+|d+|h+|s+|.', re.IGNORECASE | re.DOTALL)


def as_datetime(value: Number) -> datetime:
    """The moment of a serial, to the second."""
    return EPOCH + timedelta(seconds=round(value * _DAY))


def _show_moment(value: Number, pattern: str) -> str:
    try:
        moment = as_datetime(value)
    except OverflowError:
        return show_number(value)
    tokens = _moment_tokens().findall(pattern)
    twelve = any(token.lower() in ("am/pm", "a/p") for token in tokens)
    shown: list[str] = []
    clock = False  # an `m` after hours, or before seconds, is minutes
    for at, token in enumerate(tokens):
        kind = token[0].lower()
        if kind in "hs" and token.isalpha():
            clock = True
        minutes = kind == "m" and (clock or _seconds_follow(tokens[at + 1 :]))
        shown.append(_show_token(moment, token, minutes=minutes, twelve=twelve))
        if kind in "myd" and token.isalpha():
            clock = False
    return "".join(shown)


def _seconds_follow(tokens: list[str]) -> bool:
    following = next((token for token in tokens if token.isalpha()), "")
    return following[:1].lower() == "s"


def _show_token(moment: datetime, token: str, *, minutes: bool, twelve: bool) -> str:
    kind, width = token[0].lower(), len(token)
    if token.lower() in ("am/pm", "a/p"):
        half = "AM" if moment.hour < 12 else "PM"
        return half if width == 5 else half[0]
    if minutes:
        return f"{moment.minute:0{min(width, 2)}d}"
    if kind in "ymd" and token.isalpha():
        return _show_day(moment, kind, width)
    if kind in "hs" and token.isalpha():
        hour = (moment.hour % 12 or 12) if twelve else moment.hour
        return f"{hour if kind == 'h' else moment.second:0{min(width, 2)}d}"
    return token[1:] if token[0] == "\\" else token.strip('"')


def _show_day(moment: datetime, kind: str, width: int) -> str:
    if kind == "y":
        return f"{moment.year:04d}" if width > 2 else f"{moment.year % 100:02d}"
    name = _MONTH_NAMES[moment.month - 1] if kind == "m" else _DAY_NAMES[moment.weekday()]
    if width > 2:
        return name[0] if width == 5 else name if width > 3 else name[:3]
    return f"{moment.month if kind == 'm' else moment.day:0{width}d}"
