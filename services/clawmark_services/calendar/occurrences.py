"""When a series takes place: its first time, its rules and single dates, without what is left out."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from clawmark_services.evidence import EvidenceError

_UNTIL = re.compile(r"UNTIL=(\d{8}(?:T\d{6}Z?)?)", re.I)
_COUNT = re.compile(r"COUNT=(\d+)", re.I)


def beginnings(rules: Iterable[str], dates: Iterable[datetime], start: datetime) -> Iterator[datetime]:
    """Each moment at which a series begins anew, once and in order; what is left out is still in it.

    `start` always counts (RFC 5545, 3.8.5.3); where it does not meet a rule it uses up one of the rule's
    COUNT, as in Radicale.
    """
    last: datetime | None = None
    for moment in heapq.merge([start], *(_repeated(rule, start) for rule in rules), sorted(dates)):
        if last is None or moment > last:
            yield moment
            last = moment


def _repeated(rrule: str, start: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrulestr

    try:
        rule: Iterable[datetime] = rrulestr(_until_with_zone(rrule, start), dtstart=start)
        count = _COUNT.search(rrule)
        if count is None:
            yield from rule
            return
        met = next(iter(rule), start) == start
        yield from islice(rule, int(count[1]) - (not met))
    except ValueError as error:
        raise EvidenceError(f"the repetition {rrule!r} is unreadable: {error}") from error


def _until_with_zone(rrule: str, start: datetime) -> str:
    """dateutil wants UNTIL in UTC where the start has a zone; clients also write a plain date or time."""

    def in_utc(match: re.Match[str]) -> str:
        value = match[1].upper()
        naive = datetime.strptime(value[:15], "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d")  # noqa: DTZ007 - zoned below
        if "T" not in value:
            naive = naive.replace(hour=23, minute=59, second=59)
        moment = naive.replace(tzinfo=UTC if value.endswith("Z") else start.tzinfo)
        return f"UNTIL={moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    return _UNTIL.sub(in_utc, rrule)
