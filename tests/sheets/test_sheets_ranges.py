"""Requests that shift, fill, split, clean and frame ranges."""

import pytest

RANGE = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 1}


def span(top, bottom, left, right):
    return {
        "sheetId": 0,
        "startRowIndex": top,
        "endRowIndex": bottom,
        "startColumnIndex": left,
        "endColumnIndex": right,
    }


def test_appended_cells_go_below_the_last_filled_row_and_let_the_grid_grow(book):
    book.put("B1000", [["last"]])
    rows = [
        {"values": [{"userEnteredValue": {"stringValue": "a"}}, {"userEnteredValue": {"numberValue": 2}}]}
    ]
    book.batch({"appendCells": {"sheetId": 0, "rows": rows, "fields": "userEnteredValue"}})
    assert book.values("A1000:B1001") == [["", "last"], ["a", "2"]]


def test_an_inserted_range_pushes_its_column_down_and_its_formulas_follow(book):
    book.put("A1", [["a", "x"], ["b", "y"], ["=A2", "=A1:A1"]], "USER_ENTERED")
    book.batch({"insertRange": {"range": span(1, 2, 0, 1), "shiftDimension": "ROWS"}})
    assert book.values("A1:B4", valueRenderOption="FORMULA") == [
        ["a", "x"],
        ["", "y"],
        ["b", "=A1:A1"],
        ["=A3"],
    ]


def test_a_deleted_range_pulls_its_row_left_and_lost_references_show(book):
    book.put("A1", [["a", "b", "c"], ["=C1", "=A1"]], "USER_ENTERED")
    book.batch({"deleteRange": {"range": span(0, 1, 0, 1), "shiftDimension": "COLUMNS"}})
    assert book.values("A1:C2", valueRenderOption="FORMULA") == [["b", "c"], ["=B1", "=#REF!"]]


@pytest.mark.parametrize(("to", "rows"), [(0, "cab"), (1, "acb"), (5, "abc")])
def test_moved_rows_take_their_references_along(book, to, rows):
    book.put("A1", [["a"], ["b"], ["c"]])
    book.put("D1", [["=A3"]], "USER_ENTERED")
    source = {"sheetId": 0, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}
    book.batch({"moveDimension": {"source": source, "destinationIndex": to}})
    assert "".join(row[0] for row in book.values("A1:A9") if row) == rows
    formulas = book.values("D1:D9", valueRenderOption="FORMULA")
    assert [f"=A{rows.index('c') + 1}" if to < 5 else "=A5"] in formulas


def test_borders_frame_a_range_and_can_be_taken_away(book):
    line = {"style": "SOLID", "width": 1}
    book.batch({"updateBorders": {"range": span(0, 2, 0, 2), "top": line, "innerVertical": line}})
    rows = book.office.ok("GET", f"/v4/spreadsheets/{book.id}", includeGridData="true")["sheets"][0]["data"][
        0
    ]
    first = rows["rowData"][0]["values"][0]["userEnteredFormat"]["borders"]
    assert first == {"top": line, "right": line}
    none = {"style": "NONE"}
    book.batch({"updateBorders": {"range": span(0, 2, 0, 2), "top": none, "innerVertical": none}})
    assert book.office.service.freeze()["drive"]["files"][0]["spreadsheet"]["sheets"][0]["cells"] == {}


def test_pasted_data_is_entered_as_typed(book):
    where = {"sheetId": 0, "rowIndex": 1, "columnIndex": 1}
    book.batch({"pasteData": {"coordinate": where, "data": "a;1.50\n=1+1;$5", "delimiter": ";"}})
    assert book.values("B2:C3") == [["a", "1.5"], ["2", "$5"]]
    assert "delimiter" in book.batch_refused({"pasteData": {"coordinate": where, "data": "x"}})


@pytest.mark.parametrize(
    "how", [{}, {"delimiterType": "SEMICOLON"}, {"delimiterType": "CUSTOM", "delimiter": ";"}]
)
def test_text_is_split_to_columns(book, how):
    book.put("A1", [["a;b"], ["1;2"], [""]])
    book.batch({"textToColumns": {"source": RANGE, **how}})
    assert book.values("A1:B3", valueRenderOption="UNFORMATTED_VALUE") == [["a", "b"], [1, 2]]


def test_whitespace_is_trimmed_and_counted(book):
    book.put("A1", [["  a  b "], ["c"], ["   "]])
    assert book.batch({"trimWhitespace": {"range": RANGE}}) == [{"trimWhitespace": {"cellsChangedCount": 2}}]
    assert book.values("A1:A3") == [["a b"], ["c"]]


def test_duplicates_are_removed_and_the_rest_moves_up(book):
    book.put("A1", [["a", 1], ["A", 2], ["b", 1], ["a", 1], ["c", 3]])
    area = span(0, 5, 0, 2)
    reply = book.batch({"deleteDuplicates": {"range": area}})
    assert reply == [{"deleteDuplicates": {"duplicatesRemovedCount": 1}}]
    first = {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}
    reply = book.batch({"deleteDuplicates": {"range": area, "comparisonColumns": [first]}})
    assert reply == [{"deleteDuplicates": {"duplicatesRemovedCount": 1}}]
    assert book.values("A1:B5") == [["a", "1"], ["b", "1"], ["c", "3"]]


def test_a_random_order_loses_nothing_and_hangs_on_the_seed(book):
    book.put("A1", [[number] for number in range(30)])
    before = book.office.service.freeze()
    orders = []
    for _ in range(2):
        book.office.service.restore(before)
        book.batch({"randomizeRange": {"range": span(0, 1000, 0, 1)}})
        orders.append([int(row[0]) for row in book.values("A1:A1000")])
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == [*range(30)] != orders[0]


@pytest.mark.parametrize(
    ("dimension", "length", "cells", "expected"),
    [
        ("ROWS", 2, "A1:A4", [["1"], ["3"], ["5"], ["7"]]),
        ("ROWS", -2, "A1:A4", [["1"], ["3"]]),
    ],
)
def test_an_even_series_goes_on(book, dimension, length, cells, expected):
    source = span(0, 2, 0, 1) if length > 0 else span(2, 4, 0, 1)
    book.put("A1" if length > 0 else "A3", [[1], [3]])
    fill = {"source": source, "dimension": dimension, "fillLength": length}
    book.batch({"autoFill": {"sourceAndDestination": fill}})
    found = book.values(cells)
    assert found == (expected if length > 0 else [["-3"], ["-1"], ["1"], ["3"]])


def test_formulas_and_texts_are_filled_along(book):
    book.put("A1", [[1, "=A1*2", "x"], [2]], "USER_ENTERED")
    fill = {"source": span(0, 1, 1, 3), "dimension": "ROWS", "fillLength": 1}
    book.batch({"autoFill": {"sourceAndDestination": fill}})
    assert book.values("B2:C2", valueRenderOption="FORMULA") == [["=A2*2", "x"]]
    right = {"source": span(0, 1, 1, 2), "dimension": "COLUMNS", "fillLength": 3}
    book.batch({"autoFill": {"sourceAndDestination": right}})
    assert book.values("E1", valueRenderOption="FORMULA") == [["=D1*2"]]
    book.batch({"autoFill": {"range": span(1, 4, 1, 2)}})
    assert book.values("B4", valueRenderOption="FORMULA") == [["=A4*2"]]


def test_groups_fold_and_protections_change(book):
    lines = {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 3}
    guard = {"range": RANGE, "warningOnly": True, "description": "careful"}
    replies = book.batch(
        {"addDimensionGroup": {"range": lines}}, {"addProtectedRange": {"protectedRange": guard}}
    )
    number = replies[1]["addProtectedRange"]["protectedRange"]["protectedRangeId"]
    changed = {"protectedRangeId": number, "description": "hands off", "warningOnly": False}
    folded = {"range": lines, "depth": 1, "collapsed": True}
    book.batch(
        {"updateDimensionGroup": {"dimensionGroup": folded, "fields": "collapsed"}},
        {"updateProtectedRange": {"protectedRange": changed, "fields": "description,warningOnly"}},
    )
    sheet = book.office.ok("GET", f"/v4/spreadsheets/{book.id}")["sheets"][0]
    assert sheet["rowGroups"][0]["collapsed"] is True
    assert sheet["protectedRanges"][0]["description"] == "hands off"
    assert "warningOnly" not in sheet["protectedRanges"][0]
