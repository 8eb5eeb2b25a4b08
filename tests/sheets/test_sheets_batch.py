"""spreadsheets.get and batchUpdate."""

import pytest

ROWS = {"sheetId": 0, "dimension": "ROWS"}


def grid(top, bottom, left, right, sheet=0):
    return {
        "sheetId": sheet,
        "startRowIndex": top,
        "endRowIndex": bottom,
        "startColumnIndex": left,
        "endColumnIndex": right,
    }


def test_a_new_spreadsheet_looks_as_googles_do(office):
    made = office.ok("POST", "/v4/spreadsheets", {"properties": {"title": "Budget"}})
    assert len(made["spreadsheetId"]) == 44
    properties = made["properties"]
    assert (properties["title"], properties["locale"], properties["timeZone"], properties["autoRecalc"]) == (
        "Budget",
        "en_US",
        "Etc/GMT",
        "ON_CHANGE",
    )
    assert made["sheets"] == [
        {
            "properties": {
                "sheetId": 0,
                "title": "Sheet1",
                "index": 0,
                "sheetType": "GRID",
                "gridProperties": {"rowCount": 1000, "columnCount": 26},
            }
        }
    ]
    url = f"https://docs.google.com/spreadsheets/d/{made['spreadsheetId']}/edit"
    assert made["spreadsheetUrl"] == url


def test_a_spreadsheet_may_be_created_with_sheets_and_data(office):
    cells = {"rowData": [{"values": [{"userEnteredValue": {"numberValue": 4}}]}]}
    body = {"sheets": [{"properties": {"title": "A"}, "data": [cells]}, {"properties": {"title": "B"}}]}
    made = office.ok("POST", "/v4/spreadsheets", body)
    assert [sheet["properties"]["title"] for sheet in made["sheets"]] == ["A", "B"]
    assert made["properties"]["title"] == "Untitled spreadsheet"
    found = office.ok("GET", f"/v4/spreadsheets/{made['spreadsheetId']}/values/A!A1")
    assert found["values"] == [["4"]]


def test_a_field_mask_chooses_what_is_sent(book):
    path = f"/v4/spreadsheets/{book.id}"
    title = {"properties": {"title": "Sheet1"}}
    assert book.office.ok("GET", path, fields="sheets.properties.title") == {"sheets": [title]}
    asked = "spreadsheetId,sheets(properties(title,index))"
    assert book.office.ok("GET", path, fields=asked) == {
        "spreadsheetId": book.id,
        "sheets": [{"properties": {"title": "Sheet1", "index": 0}}],
    }
    assert book.office.ok("GET", path, fields="sheets/properties/title") == {"sheets": [title]}
    assert book.office.ok("GET", path, fields="namedRanges") == {}


@pytest.mark.parametrize("mask", ["nope", "sheets(", "sheets..x", ",", "a(b"])
def test_a_mask_that_means_nothing_is_refused(book, mask):
    code, _ = book.office.refused("GET", f"/v4/spreadsheets/{book.id}", fields=mask)
    assert code == 400


def test_grid_data_tells_what_was_entered_and_what_it_comes_to(book):
    book.put("B2", [["=1+1", "x"]], "USER_ENTERED")
    found = book.office.ok(
        "GET", f"/v4/spreadsheets/{book.id}", includeGridData="true", ranges="Sheet1!B2:C3"
    )
    data = found["sheets"][0]["data"][0]
    assert (data["startRow"], data["startColumn"], len(data["rowData"])) == (1, 1, 1)
    two, x = data["rowData"][0]["values"]
    assert two["userEnteredValue"] == {"formulaValue": "=1+1"}
    assert (two["effectiveValue"], two["formattedValue"]) == ({"numberValue": 2}, "2")
    assert x["userEnteredValue"] == {"stringValue": "x"}


def test_sheets_are_added_duplicated_moved_and_deleted(book):
    book.put("A1", [["a"]])
    added, copied = book.batch(
        {"addSheet": {"properties": {"title": "B", "gridProperties": {"rowCount": 5, "columnCount": 2}}}},
        {"duplicateSheet": {"sourceSheetId": 0, "newSheetName": "C", "insertSheetIndex": 0}},
    )
    properties = added["addSheet"]["properties"]
    assert (properties["index"], properties["gridProperties"]) == (1, {"rowCount": 5, "columnCount": 2})
    assert copied["duplicateSheet"]["properties"]["index"] == 0
    assert book.values("C!A1") == [["a"]]
    moved = {"properties": {"sheetId": properties["sheetId"], "index": 0}, "fields": "index"}
    book.batch({"updateSheetProperties": moved}, {"deleteSheet": {"sheetId": 0}})
    sheets = book.office.ok("GET", f"/v4/spreadsheets/{book.id}")["sheets"]
    assert [sheet["properties"]["title"] for sheet in sheets] == ["B", "C"]


def test_what_a_document_cannot_do_without_is_kept(book):
    hide = {"properties": {"sheetId": 0, "hidden": True}, "fields": "hidden"}
    assert book.batch_refused({"updateSheetProperties": hide}) == (
        "Invalid requests[0].updateSheetProperties: You can't hide all the sheets in a document."
    )
    assert "can't remove all the" in book.batch_refused({"deleteSheet": {"sheetId": 0}})
    all_rows = {"deleteDimension": {"range": {**ROWS, "startIndex": 0, "endIndex": 1000}}}
    assert "You can't delete all the rows" in book.batch_refused(all_rows)


def test_a_batch_is_done_whole_or_not_at_all(book):
    message = book.batch_refused(
        {"updateSpreadsheetProperties": {"properties": {"title": "New"}, "fields": "title"}},
        {"addSheet": {"properties": {"title": "B"}}},
        {"addSheet": {"properties": {"title": "b"}}},
    )
    assert message == (
        'Invalid requests[2].addSheet: A sheet with the name "b" already exists. Please enter another name.'
    )
    found = book.office.ok("GET", f"/v4/spreadsheets/{book.id}")
    assert (found["properties"]["title"], len(found["sheets"])) == ("Budget", 1)


def test_a_request_of_an_unknown_kind_is_refused_in_googles_words(book):
    assert book.batch_refused({"paintItBlack": {}}) == (
        "Invalid JSON payload received. Unknown name \"paintItBlack\" at 'requests[0]': Cannot find field."
    )
    assert book.batch_refused({"deleteSheet": {"sheet": 0}}) == (
        "Invalid JSON payload received. Unknown name \"sheet\" at 'requests[0].delete_sheet': "
        "Cannot find field."
    )
    assert "Invalid value at 'requests[0].delete_sheet.sheet_id' (TYPE_INT32), \"x\"" in book.batch_refused(
        {"deleteSheet": {"sheetId": "x"}}
    )
    assert "oneof" in book.batch_refused({"deleteSheet": {"sheetId": 0}, "addSheet": {}})
    assert book.batch_refused({}) == "Invalid requests[0]: No request set."
    assert book.batch_refused() == "Must specify at least one request."


def test_rows_and_columns_are_inserted_appended_and_deleted(book):
    book.put("A1", [["a", "b"], ["c", "d"]])
    columns = {"sheetId": 0, "dimension": "COLUMNS"}
    book.batch(
        {"insertDimension": {"range": {**columns, "startIndex": 1, "endIndex": 2}}},
        {"deleteDimension": {"range": {**ROWS, "startIndex": 0, "endIndex": 1}}},
        {"appendDimension": {**ROWS, "length": 5}},
    )
    assert book.values("A1:C1") == [["c", "", "d"]]
    assert book.get("Sheet1")["range"] == "Sheet1!A1:AA1004"


def test_cells_are_updated_under_a_mask(book):
    book.put("A1", [["old", "gone"]])
    cells = {
        "range": grid(0, 1, 0, 2),
        "rows": [{"values": [{"userEnteredValue": {"numberValue": 5}, "note": "n"}]}],
    }
    book.batch({"updateCells": {**cells, "fields": "userEnteredValue"}})
    assert book.values("A1:B1") == [["5"]]
    book.batch({"updateCells": {**cells, "fields": "note"}})
    found = book.office.ok("GET", f"/v4/spreadsheets/{book.id}", fields="sheets.data.rowData.values.note")
    assert found == {"sheets": [{"data": [{"rowData": [{"values": [{"note": "n"}]}]}]}]}
    assert "At least one field" in book.batch_refused({"updateCells": cells})


def test_formats_are_merged_and_numbers_shown_by_them(book):
    book.put("A1", [[1234.5]])
    pattern = {"type": "CURRENCY", "pattern": '"$"#,##0.00'}
    number = {"cell": {"userEnteredFormat": {"numberFormat": pattern}}, "range": grid(0, 1, 0, 1)}
    bold = {"cell": {"userEnteredFormat": {"textFormat": {"bold": True}}}, "range": grid(0, 1, 0, 1)}
    book.batch(
        {"repeatCell": {**number, "fields": "userEnteredFormat.numberFormat"}},
        {"repeatCell": {**bold, "fields": "userEnteredFormat(textFormat(bold))"}},
    )
    found = book.office.ok(
        "GET", f"/v4/spreadsheets/{book.id}", fields="sheets.data.rowData.values.userEnteredFormat"
    )
    style = found["sheets"][0]["data"][0]["rowData"][0]["values"][0]["userEnteredFormat"]
    assert style == {"numberFormat": pattern, "textFormat": {"bold": True}}
    assert book.values("A1") == [["$1,234.50"]]


def test_a_repeated_formula_moves_along(book):
    book.put("A1", [[1], [2]])
    cell = {"userEnteredValue": {"formulaValue": "=A1*10+$A$1"}}
    book.batch({"repeatCell": {"range": grid(0, 2, 1, 2), "cell": cell, "fields": "userEnteredValue"}})
    assert book.values("B1:B2", valueRenderOption="FORMULA") == [["=A1*10+$A$1"], ["=A2*10+$A$1"]]
    assert book.values("B1:B2") == [["11"], ["21"]]


def test_rows_are_sorted_by_several_columns_with_empty_ones_last(book):
    book.put("A1", [["b", 1], ["", 9], ["a", 2], ["A", 1], [5, 5]])
    specs = [{"dimensionIndex": 0, "sortOrder": "ASCENDING"}, {"dimensionIndex": 1}]
    book.batch({"sortRange": {"range": grid(0, 5, 0, 2), "sortSpecs": specs}})
    assert book.values("A1:B5") == [["5", "5"], ["A", "1"], ["a", "2"], ["b", "1"], ["", "9"]]
    specs = [{"dimensionIndex": 1, "sortOrder": "DESCENDING"}]
    book.batch({"sortRange": {"range": grid(0, 5, 0, 2), "sortSpecs": specs}})
    assert [row[1] for row in book.values("A1:B5")] == ["9", "5", "2", "1", "1"]


def test_merges_keep_the_first_value_and_are_undone_whole(book):
    book.put("A1", [["a", "b"], ["c", "d"]])
    book.batch({"mergeCells": {"range": grid(0, 2, 0, 2), "mergeType": "MERGE_ROWS"}})
    merges = book.office.ok("GET", f"/v4/spreadsheets/{book.id}")["sheets"][0]["merges"]
    assert merges == [
        {"startRowIndex": row, "endRowIndex": row + 1, "startColumnIndex": 0, "endColumnIndex": 2}
        for row in (0, 1)
    ]
    assert book.values("A1:B2") == [["a"], ["c"]]
    assert "must select all cells" in book.batch_refused({"unmergeCells": {"range": grid(0, 1, 0, 1)}})
    book.batch({"unmergeCells": {"range": grid(0, 2, 0, 2)}})
    assert "merges" not in book.office.ok("GET", f"/v4/spreadsheets/{book.id}")["sheets"][0]


def test_cells_are_copied_cut_found_and_replaced(book):
    book.put("A1", [["cat", "=LEN(A1)"], ["Cat fish", 1]], "USER_ENTERED")
    book.batch({"copyPaste": {"source": grid(0, 1, 0, 2), "destination": grid(4, 6, 0, 2)}})
    assert book.values("A5:B6", valueRenderOption="FORMULA") == [["cat", "=LEN(A5)"], ["cat", "=LEN(A6)"]]
    cut = {"source": grid(4, 5, 0, 1), "destination": {"sheetId": 0, "rowIndex": 9, "columnIndex": 3}}
    book.batch({"cutPaste": cut})
    assert (book.values("A5"), book.values("D10")) == ([], [["cat"]])
    (reply,) = book.batch({"findReplace": {"find": "cat", "replacement": "dog", "sheetId": 0}})
    assert reply["findReplace"] == {
        "valuesChanged": 4,
        "rowsChanged": 4,
        "sheetsChanged": 1,
        "occurrencesChanged": 4,
    }
    assert book.values("A1:A2") == [["dog"], ["dog fish"]]


def test_named_ranges_can_be_read_and_used_in_formulas(book):
    book.put("A1", [[1, 2], [3, 4]])
    (reply,) = book.batch({"addNamedRange": {"namedRange": {"name": "Total", "range": grid(0, 2, 0, 1)}}})
    named = reply["addNamedRange"]["namedRange"]
    assert "sheetId" not in named["range"]
    assert book.get("Total")["values"] == [["1"], ["3"]]
    assert book.shown("=SUM(total)") == "4"
    book.batch({"deleteNamedRange": {"namedRangeId": named["namedRangeId"]}})
    assert book.shown("=SUM(total)") == "#NAME?"


def test_a_grid_stays_within_googles_limit(book):
    huge = {"title": "huge", "gridProperties": {"rowCount": 1_000_000, "columnCount": 1_000}}
    assert "limit of 10000000 cells" in book.batch_refused({"addSheet": {"properties": huge}})


def test_a_tab_is_copied_to_another_spreadsheet(book):
    book.put("A1", [["a"]])
    other = book.office.ok("POST", "/v4/spreadsheets", {})["spreadsheetId"]
    body = {"destinationSpreadsheetId": other}
    copied = book.office.ok("POST", f"/v4/spreadsheets/{book.id}/sheets/0:copyTo", body)
    assert (copied["title"], copied["index"]) == ("Copy of Sheet1", 1)
    assert book.office.ok("GET", f"/v4/spreadsheets/{other}/values/Copy of Sheet1!A1")["values"] == [["a"]]


def test_nothing_is_put_outside_a_grid(book):
    here = {"sheetId": 0, "rowIndex": -1, "columnIndex": 0}
    cut = {"cutPaste": {"source": grid(0, 1, 0, 1), "destination": here}}
    assert "exceeds the grid" in book.batch_refused(cut)
    update = {"rows": [{"values": [{"note": "x"}]}], "fields": "note", "start": here}
    assert "outside the grid" in book.batch_refused({"updateCells": update})
    data = {"startRow": -1, "rowData": [{"values": [{"note": "x"}]}]}
    body = {"sheets": [{"data": [data]}]}
    assert book.office.refused("POST", "/v4/spreadsheets", body)[0] == 400
    wide = {"rowCount": 1, "columnCount": 18_279}
    assert "18278 columns" in book.batch_refused({"addSheet": {"properties": {"gridProperties": wide}}})
    assert "must be before" in book.batch_refused({"mergeCells": {"range": grid(3, 2, 0, 1)}})


@pytest.mark.parametrize(
    "request_",
    [
        {"repeatCell": {"cell": {"userEnteredFormat": {"numberFormat": "x"}}, "fields": "*"}},
        {"repeatCell": {"cell": {"userEnteredFormat": 5}, "fields": "*"}},
        {"sortRange": {"range": grid(0, 1, 0, 1), "sortSpecs": ["x"]}},
        {"setDataValidation": {"range": grid(0, 1, 0, 1), "rule": {"condition": "x"}}},
        {"updateSheetProperties": {"properties": {"tabColor": "red"}, "fields": "tabColor"}},
        {"addProtectedRange": {"protectedRange": {"editors": "me"}}},
        "x",
        None,
    ],
)
def test_a_request_of_the_wrong_shape_is_refused_and_leaves_nothing_behind(book, request_):
    before = book.office.service.freeze()
    assert book.batch_refused(request_)
    assert book.office.service.freeze() == before
