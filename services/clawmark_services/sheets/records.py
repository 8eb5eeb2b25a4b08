"""Rows read as records: the first row of a tab names the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawmark_services.sheets.values import shown_as_typed


@dataclass(frozen=True, slots=True)
class Headed:
    """A row with its zero-based index in the sheet and its shown texts by header."""

    index: int
    named: dict[str, str]


def header(values: Sequence[Sequence[Any]]) -> list[Headed]:
    """The rows below the first, each with every column; wholly empty rows are passed over.

    Of columns that share a name the first counts; columns without a name are left out.
    """
    if not values:
        return []
    names = [str(name) for name in values[0]]
    found = []
    for index, row in enumerate(values[1:], 1):
        if any(value != "" for value in row):
            padded = [str(value) for value in row] + [""] * (len(names) - len(row))
            named: dict[str, str] = {}
            for name, value in zip(names, padded, strict=False):
                if name:
                    named.setdefault(name, value)
            found.append(Headed(index, named))
    return found


def matches(row: Mapping[str, str], equal: Mapping[str, Any]) -> bool:
    """Whether the named columns show these values; numbers and truth values as Sheets shows them."""
    return all(row.get(name) == shown_as_typed(value) for name, value in equal.items())


def find_one(
    rows: Sequence[Headed], equal: Mapping[str, Any], title: str, failure: type[Exception]
) -> Headed:
    """The one row that matches; raises `failure`, naming what there is, for none or several."""
    found = [row for row in rows if matches(row.named, equal)]
    if len(found) == 1:
        return found[0]
    columns = list(rows[0].named) if rows else []
    unknown = [name for name in equal if rows and name not in columns]
    if unknown:
        raise failure(f"tab {title!r} has no column {unknown[0]!r}; its columns are {columns}")
    asked = ", ".join(f"{name}={value!r}" for name, value in equal.items())
    if found:
        lines = ", ".join(str(row.index + 1) for row in found)
        raise failure(f"tab {title!r} has {len(found)} rows with {asked}: rows {lines}")
    values = [{name: row.named.get(name, "") for name in equal} for row in rows[:20]]
    raise failure(f"tab {title!r} has no row with {asked}; its {len(rows)} rows show {values}")
