"""Sizes, groups, filters, protection and validation: kept, given back, and moved along."""

import pytest

ROWS = {"sheetId": 0, "dimension": "ROWS"}


@pytest.fixture
def looks(client, book):
    """A sheet with something of each, made by gspread."""
    tab = client.open_by_key(book.id).sheet1
    tab.update([["a long heading", "b"], ["1", "2"]])
    tab.columns_auto_resize(0, 1)
    tab.hide_rows(4, 6)
    tab.add_dimension_group_rows(7, 9)
    tab.set_basic_filter("A1:B9")
    tab.add_protected_range("A1:B1", description="headings", editor_users_emails=["bob@company.example"])
    rule = {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "y"}]}, "strict": True}
    cell = {"sheetId": 0, "startRowIndex": 2, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 1}
    book.batch({"setDataValidation": {"range": cell, "rule": rule}})
    return book


def sheet(book):
    return book.office.ok("GET", f"/v4/spreadsheets/{book.id}", includeGridData="true")["sheets"][0]


def test_they_are_given_back(looks):
    found = sheet(looks)
    data = found["data"][0]
    assert data["columnMetadata"][0]["pixelSize"] > 100
    assert data["columnMetadata"][1] == {"pixelSize": 100}
    hidden = [number for number, row in enumerate(data["rowMetadata"]) if row.get("hiddenByUser")]
    assert hidden == [4, 5]
    group = {"range": {"dimension": "ROWS", "startIndex": 7, "endIndex": 9}, "depth": 1}
    assert found["rowGroups"] == [group]
    assert found["basicFilter"]["range"]["endRowIndex"] == 9
    assert found["protectedRanges"][0]["editors"] == {
        "users": ["mia.chen@company.example", "bob@company.example"]
    }
    assert data["rowData"][2]["values"][0]["dataValidation"]["strict"] is True


def test_they_move_with_inserted_and_deleted_rows(looks):
    looks.batch({"insertDimension": {"range": {**ROWS, "startIndex": 0, "endIndex": 2}}})
    found = sheet(looks)
    hidden = [number for number, row in enumerate(found["data"][0]["rowMetadata"]) if row.get("hiddenByUser")]
    assert hidden == [6, 7]
    assert found["rowGroups"][0]["range"]["startIndex"] == 9
    assert found["basicFilter"]["range"]["startRowIndex"] == 2
    assert found["protectedRanges"][0]["range"]["startRowIndex"] == 2
    looks.batch({"deleteDimension": {"range": {**ROWS, "startIndex": 0, "endIndex": 11}}})
    found = sheet(looks)
    assert not {"rowGroups", "basicFilter", "protectedRanges"} & set(found)


def test_they_are_taken_away_again(looks):
    number = sheet(looks)["protectedRanges"][0]["protectedRangeId"]
    looks.batch(
        {"clearBasicFilter": {"sheetId": 0}},
        {"deleteProtectedRange": {"protectedRangeId": number}},
        {"deleteDimensionGroup": {"range": {**ROWS, "startIndex": 7, "endIndex": 9}}},
    )
    assert not {"rowGroups", "basicFilter", "protectedRanges"} & set(sheet(looks))
    assert "No protected range" in looks.batch_refused({"deleteProtectedRange": {"protectedRangeId": number}})


def test_they_survive_freezing_and_a_copy_of_the_tab(looks):
    before = sheet(looks)
    looks.office.service.restore(looks.office.service.freeze())
    assert sheet(looks) == before
    looks.batch({"duplicateSheet": {"sourceSheetId": 0}})
    copied = looks.office.ok("GET", f"/v4/spreadsheets/{looks.id}")["sheets"][1]
    assert copied["basicFilter"]["range"]["sheetId"] == copied["properties"]["sheetId"]


def test_values_stay_free_to_change(looks):
    looks.put("A1:A3", [["new"], ["x"], ["n"]])
    assert looks.values("A1:A3") == [["new"], ["x"], ["n"]]
    assert sheet(looks)["data"][0]["rowData"][2]["values"][0]["dataValidation"]["strict"] is True
