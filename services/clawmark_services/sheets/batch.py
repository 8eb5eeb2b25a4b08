"""spreadsheets.batchUpdate: all of its requests are done, in order, or none is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services.sheets import (
    batch_cells,
    batch_dimensions,
    batch_looks,
    batch_objects,
    batch_ranges,
    batch_sheets,
)
from clawmark_services.sheets.edits import Apply, Edit
from clawmark_services.sheets.errors import GoogleError, bad_field, invalid
from clawmark_services.sheets.store import DriveFile, Spreadsheet, Store

REQUESTS: Mapping[str, Apply] = {
    **batch_sheets.REQUESTS,
    **batch_dimensions.REQUESTS,
    **batch_cells.REQUESTS,
    **batch_looks.REQUESTS,
    **batch_objects.REQUESTS,
    **batch_ranges.REQUESTS,
}


def update(store: Store, file: DriveFile, inside: Spreadsheet, requests: list[Any]) -> list[dict[str, Any]]:
    """Do the requests and give their replies; a refusal leaves the spreadsheet as it was."""
    if not requests:
        raise invalid("Must specify at least one request.")
    known = [_known(number, request) for number, request in enumerate(requests)]
    edit = Edit(inside.clone(), file.name, store.new_number)
    replies = []
    for number, (kind, payload) in enumerate(known):
        replies.append(_apply(edit, number, kind, payload))
        # After each: a few that copy sheets would fill the memory before the last is done.
        store.require_room(file, edit.inside)
    store.keep(file, edit.inside)
    file.name = edit.title
    return replies


def _known(number: int, request: Any) -> tuple[str, dict[str, Any]]:
    path = f"requests[{number}]"
    given = [(kind, payload) for kind, payload in (request or {}).items() if payload is not None]
    if len(given) > 1:
        already = f"oneof field 'kind' is already set. Cannot set '{given[1][0]}'"
        raise bad_field(path, f"Invalid value at '{path}' (oneof), {already}")
    if not given:
        raise invalid(f"Invalid {path}: No request set.")
    return given[0]


def _apply(edit: Edit, number: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    try:
        if kind not in REQUESTS:
            raise invalid("This request is not supported for this spreadsheet.")
        return REQUESTS[kind](edit, payload)
    except GoogleError as refusal:
        raise invalid(f"Invalid requests[{number}].{kind}: {refusal.message}") from None
