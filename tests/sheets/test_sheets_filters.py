"""Cells named by data filters instead of ranges."""

import pytest


@pytest.fixture
def table(book):
    book.put("A1", [["a", 1], ["b", 2], ["c", 3]])
    return book


GRID = {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 1, "endColumnIndex": 2}
METADATA = {"developerMetadataLookup": {"metadataKey": "k"}}


def ask(book, path, body):
    return book.office.ok("POST", f"/v4/spreadsheets/{book.id}{path}", body)


def test_values_are_read_by_range_and_by_grid(table):
    filters = [{"a1Range": "Sheet1!A1:B1"}, {"gridRange": GRID}, METADATA]
    found = ask(
        table,
        "/values:batchGetByDataFilter",
        {"dataFilters": filters, "valueRenderOption": "UNFORMATTED_VALUE", "majorDimension": "COLUMNS"},
    )["valueRanges"]
    assert [one["dataFilters"] for one in found] == [[filters[0]], [filters[1]]]
    assert [one["valueRange"]["range"] for one in found] == ["Sheet1!A1:B1", "Sheet1!B2:B3"]
    assert [one["valueRange"]["values"] for one in found] == [[["a"], [1]], [[2, 3]]]


def test_a_spreadsheet_is_read_by_filters_through_the_slash_that_a_client_writes(table):
    body = {"dataFilters": [{"gridRange": GRID}], "includeGridData": True}
    for path in (":getByDataFilter", "/:getByDataFilter"):
        (sheet,) = ask(table, path, body)["sheets"]
        (data,) = sheet["data"]
        assert (data["startRow"], data["startColumn"]) == (1, 1)
        assert [row["values"][0]["formattedValue"] for row in data["rowData"]] == ["2", "3"]


def test_values_are_written_and_cleared_by_filters(table):
    data = [
        {"dataFilter": {"gridRange": GRID}, "values": [[7], [8]]},
        {"dataFilter": METADATA, "values": [["z"]]},
    ]
    answer = ask(table, "/values:batchUpdateByDataFilter", {"valueInputOption": "RAW", "data": data})
    assert answer["totalUpdatedCells"] == 2
    assert answer["responses"] == [
        {
            "updatedRange": "Sheet1!B2:B3",
            "updatedRows": 2,
            "updatedColumns": 1,
            "updatedCells": 2,
            "dataFilter": {"gridRange": GRID},
        }
    ]
    assert table.values("A1:B3") == [["a", "1"], ["b", "7"], ["c", "8"]]
    cleared = ask(table, "/values:batchClearByDataFilter", {"dataFilters": [{"a1Range": "A1:A2"}]})
    assert cleared["clearedRanges"] == ["Sheet1!A1:A2"]
    assert table.values("A1:B3") == [["", "1"], ["", "7"], ["c", "8"]]


@pytest.mark.parametrize(
    "given",
    [{"a1Range": "Nope!A1"}, {"gridRange": {"sheetId": 99}}, {"gridRange": {**GRID, "endRowIndex": 1}}],
)
def test_a_filter_that_names_no_cells_is_refused(table, given):
    path = f"/v4/spreadsheets/{table.id}/values:batchGetByDataFilter"
    code, _ = table.office.refused("POST", path, {"dataFilters": [given]})
    assert code == 400
