"""The Sheets API v4 on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clawmark_services.sheets import masks, operations, routes_filters
from clawmark_services.sheets.calls import Call, Route
from clawmark_services.sheets.errors import bad_field, invalid
from clawmark_services.sheets.messages import method
from clawmark_services.sheets.operations import Writing
from clawmark_services.sheets.ranges import resolve
from clawmark_services.sheets.resources import spreadsheet_json
from clawmark_services.sheets.values import Reading


def _create(call: Call) -> Any:
    return operations.create(call.store, call.at, call.body or {})


def _get(call: Call) -> Any:
    file, inside = call.store.spreadsheet(call.path["spreadsheetId"])
    targets = [resolve(inside, text) for text in call.query.getlist("ranges")]
    # With a field mask, the mask alone decides whether grid data is sent.
    text = call.query.get("fields")
    grid = masks.names(_mask(text), "sheets.data") if text else call.flag("includeGridData")
    return spreadsheet_json(file, inside, targets, grid_data=grid)


def _mask(text: str) -> masks.Mask:
    try:
        return masks.parse(text)
    except masks.MaskSyntaxError:
        raise invalid(f"Invalid field selection {text}") from None


def _batch_update(call: Call) -> Any:
    return operations.batch_update(call.store, call.at, call.path["spreadsheetId"], call.body or {})


def _copy_to(call: Call) -> Any:
    path = call.path
    return operations.copy_sheet(call.store, call.at, path["spreadsheetId"], path["sheetId"], call.body or {})


def _reading(call: Call) -> Reading:
    query = call.query
    return operations.reading(
        query.get("valueRenderOption"), query.get("dateTimeRenderOption"), query.get("majorDimension")
    )


def _values_get(call: Call) -> Any:
    found = operations.get_values(
        call.store, call.path["spreadsheetId"], [call.path["range"]], _reading(call)
    )
    return found[0]


def _values_batch_get(call: Call) -> Any:
    ranges = call.query.getlist("ranges")
    spreadsheet_id = call.path["spreadsheetId"]
    found = operations.get_values(call.store, spreadsheet_id, ranges, _reading(call))
    return {"spreadsheetId": spreadsheet_id} | ({"valueRanges": found} if found else {})


def _writing(call: Call) -> Writing:
    query = call.query
    echo = operations.reading(
        query.get("responseValueRenderOption"), query.get("responseDateTimeRenderOption"), None
    )
    return Writing(
        option=operations.input_option(query.get("valueInputOption")),
        echo=echo if call.flag("includeValuesInResponse") else None,
        insert_rows=query.get("insertDataOption") == "INSERT_ROWS",
    )


def _values_update(call: Call) -> Any:
    data = [(call.path["range"], call.body or {}, "data")]
    spreadsheet_id = call.path["spreadsheetId"]
    return operations.update_values(call.store, call.at, spreadsheet_id, data, _writing(call))[0]


def _values_append(call: Call) -> Any:
    path = call.path
    return operations.append_values(
        call.store, call.at, path["spreadsheetId"], (path["range"], call.body or {}), _writing(call)
    )


def _values_clear(call: Call) -> Any:
    spreadsheet_id = call.path["spreadsheetId"]
    cleared = operations.clear_values(call.store, call.at, spreadsheet_id, [call.path["range"]])
    return {"spreadsheetId": spreadsheet_id, "clearedRange": cleared[0]}


def _values_batch_update(call: Call) -> Any:
    body, spreadsheet_id = call.body or {}, call.path["spreadsheetId"]
    echo = operations.reading(
        body.get("responseValueRenderOption"), body.get("responseDateTimeRenderOption"), None
    )
    how = Writing(
        option=operations.input_option(body.get("valueInputOption")),
        echo=echo if body.get("includeValuesInResponse") else None,
    )
    data = [
        ((values or {}).get("range") or "", values or {}, f"data[{number}]")
        for number, values in enumerate(body.get("data") or [])
    ]
    responses = operations.update_values(call.store, call.at, spreadsheet_id, data, how)
    return operations.total(spreadsheet_id, responses)


def _values_batch_clear(call: Call) -> Any:
    spreadsheet_id, ranges = call.path["spreadsheetId"], (call.body or {}).get("ranges") or []
    if not ranges:
        raise bad_field("ranges", "Must specify at least one range.")
    cleared = operations.clear_values(call.store, call.at, spreadsheet_id, ranges)
    return {"spreadsheetId": spreadsheet_id, "clearedRanges": cleared}


_ONE = "/v4/spreadsheets/{spreadsheetId}"


def _route(template: str, name: str, handler: Callable[[Call], Any], bound: str = "") -> Route:
    """A method of the discovery document; the audit leaves out what all names begin with."""
    known = f"spreadsheets.{name}"
    operation = name if "." in name else known
    return Route(method(known, "sheets")["http"], template, operation, handler, "sheets", known, bound)


ROUTES = (
    _route("/v4/spreadsheets", "create", _create, "spreadsheet"),
    _route(_ONE, "get", _get),
    _route(f"{_ONE}:batchUpdate", "batchUpdate", _batch_update),
    _route(f"{_ONE}/sheets/{{sheetId}}:copyTo", "sheets.copyTo", _copy_to),
    _route(f"{_ONE}/values:batchGet", "values.batchGet", _values_batch_get),
    _route(f"{_ONE}/values:batchUpdate", "values.batchUpdate", _values_batch_update),
    _route(f"{_ONE}/values:batchClear", "values.batchClear", _values_batch_clear),
    _route(f"{_ONE}:getByDataFilter", "getByDataFilter", routes_filters.get),
    _route(f"{_ONE}/values:batchGetByDataFilter", "values.batchGetByDataFilter", routes_filters.values_get),
    _route(
        f"{_ONE}/values:batchUpdateByDataFilter",
        "values.batchUpdateByDataFilter",
        routes_filters.values_update,
    ),
    _route(
        f"{_ONE}/values:batchClearByDataFilter", "values.batchClearByDataFilter", routes_filters.values_clear
    ),
    _route(f"{_ONE}/values/{{range*}}:append", "values.append", _values_append, "data"),
    _route(f"{_ONE}/values/{{range*}}:clear", "values.clear", _values_clear),
    _route(f"{_ONE}/values/{{range*}}", "values.get", _values_get),
    _route(f"{_ONE}/values/{{range*}}", "values.update", _values_update, "data"),
)
