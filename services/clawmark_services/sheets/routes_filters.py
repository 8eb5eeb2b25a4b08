"""The Sheets API's methods that name cells by data filters: A1 notation, grid ranges, or metadata.

No metadata can be made here, so a filter that looks for some finds nothing.
"""

from __future__ import annotations

from typing import Any

from clawmark_services.sheets import operations
from clawmark_services.sheets.a1 import show_area
from clawmark_services.sheets.calls import Call
from clawmark_services.sheets.edits import Edit, target
from clawmark_services.sheets.operations import Writing
from clawmark_services.sheets.ranges import resolve
from clawmark_services.sheets.resources import spreadsheet_json
from clawmark_services.sheets.store import Spreadsheet

Json = dict[str, Any]


def _ranges(call: Call, filters: list[Json | None]) -> list[tuple[str, Json]]:
    """The ranges that filters name, in A1 notation, each with its filter."""
    file, inside = call.store.spreadsheet(call.path["spreadsheetId"])
    edit = Edit(inside, file.name, call.store.new_number)
    return [(text, given) for given in filters if given and (text := _range(edit, inside, given)) is not None]


def _range(edit: Edit, inside: Spreadsheet, given: Json) -> str | None:
    if given.get("a1Range") is not None:
        found = resolve(inside, given["a1Range"])
    elif given.get("gridRange") is not None:
        found = target(edit, given["gridRange"])
    else:
        return None
    return show_area(found.sheet.title, found.area)


def get(call: Call) -> Any:
    """spreadsheets.getByDataFilter."""
    body = call.body or {}
    file, inside = call.store.spreadsheet(call.path["spreadsheetId"])
    named = _ranges(call, body.get("dataFilters") or [])
    targets = [resolve(inside, text) for text, _ in named]
    return spreadsheet_json(file, inside, targets, grid_data=bool(body.get("includeGridData")))


def values_get(call: Call) -> Any:
    """values.batchGetByDataFilter."""
    body, spreadsheet_id = call.body or {}, call.path["spreadsheetId"]
    options = operations.reading(
        body.get("valueRenderOption"), body.get("dateTimeRenderOption"), body.get("majorDimension")
    )
    named = _ranges(call, body.get("dataFilters") or [])
    found = operations.get_values(call.store, spreadsheet_id, [text for text, _ in named], options)
    matched = [
        {"valueRange": values, "dataFilters": [given]}
        for values, (_, given) in zip(found, named, strict=True)
    ]
    return {"spreadsheetId": spreadsheet_id} | ({"valueRanges": matched} if matched else {})


def values_update(call: Call) -> Any:
    """values.batchUpdateByDataFilter."""
    body, spreadsheet_id = call.body or {}, call.path["spreadsheetId"]
    echo = operations.reading(
        body.get("responseValueRenderOption"), body.get("responseDateTimeRenderOption"), None
    )
    how = Writing(
        option=operations.input_option(body.get("valueInputOption")),
        echo=echo if body.get("includeValuesInResponse") else None,
    )
    data: list[tuple[str, Json, str]] = []
    filters: list[Json] = []
    for number, given in enumerate(body.get("data") or []):
        for text, wanted in _ranges(call, [(given or {}).get("dataFilter")]):
            data.append((text, given or {}, f"data[{number}]"))
            filters.append(wanted)
    responses = operations.update_values(call.store, call.at, spreadsheet_id, data, how)
    answer = operations.total(spreadsheet_id, responses)
    for response, wanted in zip(responses, filters, strict=True):
        del response["spreadsheetId"]
        response["dataFilter"] = wanted
    return answer


def values_clear(call: Call) -> Any:
    """values.batchClearByDataFilter."""
    spreadsheet_id = call.path["spreadsheetId"]
    named = _ranges(call, (call.body or {}).get("dataFilters") or [])
    cleared = operations.clear_values(call.store, call.at, spreadsheet_id, [text for text, _ in named])
    return {"spreadsheetId": spreadsheet_id} | ({"clearedRanges": cleared} if cleared else {})
