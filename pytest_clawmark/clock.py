"""In-universe time: how turns are dated, and how a person would say it."""

from __future__ import annotations

from datetime import datetime

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def parse_turn_time(text: str) -> datetime:
    """An ISO 8601 time with an offset, such as `2024-03-19T09:00+08:00`.

    Raises `ValueError` saying what is wrong with it.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("it is not an ISO 8601 time") from error
    if moment.tzinfo is None:
        raise ValueError("it has no time zone")
    return moment


def spoken(moment: datetime) -> str:
    """`Tuesday, 19 March 2024, 09:00 (UTC+08:00)`, in English whatever the locale."""
    zone = moment.strftime("%z")
    offset = f"UTC{zone[:3]}:{zone[3:5]}"
    return (
        f"{_WEEKDAYS[moment.weekday()]}, {moment.day} {_MONTHS[moment.month - 1]} {moment.year}, "
        f"{moment:%H:%M} ({offset})"
    )
