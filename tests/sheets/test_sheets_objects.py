"""Conditional formats, banding, filter views, charts, slicers and tables are kept and follow the cells."""

import copy

import pytest

from clawmark_services.sheets.batch import REQUESTS
from clawmark_services.sheets.messages import fields

RANGE = {"startRowIndex": 2, "endRowIndex": 5, "startColumnIndex": 0, "endColumnIndex": 2}
POSITION = {"overlayPosition": {"anchorCell": {"rowIndex": 1, "columnIndex": 3}}}
RULE = {
    "ranges": [RANGE],
    "booleanRule": {
        "condition": {"type": "NUMBER_GREATER", "values": [{"userEnteredValue": "5"}]},
        "format": {"textFormat": {"bold": True}},
    },
}
CASES = [
    ("Banding", "bandedRange", "bandedRanges", {"range": RANGE, "rowProperties": {}}, "bandedRangeId"),
    ("FilterView", "filter", "filterViews", {"range": RANGE, "title": "Open"}, "filterId"),
    ("Table", "table", "tables", {"range": RANGE, "name": "Orders"}, "tableId"),
]


def sheet(book, number=0):
    return book.office.ok("GET", f"/v4/spreadsheets/{book.id}")["sheets"][number]


@pytest.mark.parametrize(("kind", "part", "listed", "given", "id_field"), CASES)
def test_an_object_is_made_moved_changed_and_deleted(book, kind, part, listed, given, id_field):
    made = book.batch({f"add{kind}": {part: given}})[0][f"add{kind}"][part]
    number = next(value for name, value in made.items() if name.endswith("Id"))
    name = next(name for name in made if name.endswith("Id"))
    assert sheet(book)[listed] == [made]
    rows = {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 2}
    book.batch({"insertDimension": {"range": rows}})
    assert sheet(book)[listed][0]["range"] == {**RANGE, "startRowIndex": 4, "endRowIndex": 7}
    wider = {name: number, "range": {**RANGE, "endColumnIndex": 4}}
    book.batch({f"update{kind}": {part: wider, "fields": "range"}})
    assert sheet(book)[listed][0] == {**made, "range": wider["range"]}
    assert "already exists" in book.batch_refused({f"add{kind}": {part: {**given, name: number}}})
    book.batch({f"delete{kind}": {id_field: number}})
    assert listed not in sheet(book)
    assert "with id" in book.batch_refused({f"delete{kind}": {id_field: number}})


def test_charts_and_slicers_are_embedded_objects(book):
    chart = {"spec": {"title": "Sales", "basicChart": {"chartType": "BAR"}}, "position": POSITION}
    slicer = {"spec": {"title": "Pick", "dataRange": RANGE}, "position": POSITION}
    replies = book.batch({"addChart": {"chart": chart}}, {"addSlicer": {"slicer": slicer}})
    number = replies[0]["addChart"]["chart"]["chartId"]
    moved = {"overlayPosition": {"anchorCell": {"rowIndex": 9, "columnIndex": 9}}}
    book.batch(
        {"updateChartSpec": {"chartId": number, "spec": {"title": "Costs"}}},
        {"updateEmbeddedObjectPosition": {"objectId": number, "newPosition": moved, "fields": "anchorCell"}},
        {
            "updateSlicerSpec": {
                "slicerId": replies[1]["addSlicer"]["slicer"]["slicerId"],
                "spec": {"title": "Choose"},
                "fields": "title",
            }
        },
    )
    found = sheet(book)
    assert found["charts"] == [{"chartId": number, "spec": {"title": "Costs"}, "position": moved}]
    assert found["slicers"][0]["spec"] == {"dataRange": RANGE, "title": "Choose"}
    book.batch({"deleteEmbeddedObject": {"objectId": number}})
    assert "charts" not in sheet(book)
    assert "No embedded object" in book.batch_refused({"deleteEmbeddedObject": {"objectId": number}})


def test_conditional_formats_have_an_order(book):
    second = copy.deepcopy(RULE)
    second["booleanRule"]["condition"] = {"type": "BLANK"}
    book.batch({"addConditionalFormatRule": {"rule": RULE}}, {"addConditionalFormatRule": {"rule": second}})
    kinds = [rule["booleanRule"]["condition"]["type"] for rule in sheet(book)["conditionalFormats"]]
    assert kinds == ["BLANK", "NUMBER_GREATER"]
    move = {"sheetId": 0, "index": 0, "newIndex": 1}
    reply = book.batch({"updateConditionalFormatRule": move})[0]["updateConditionalFormatRule"]
    assert reply == {"newRule": second, "newIndex": 1}
    removed = book.batch({"deleteConditionalFormatRule": {"sheetId": 0, "index": 0}})
    assert removed == [{"deleteConditionalFormatRule": {"rule": RULE}}]
    rows = {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 10}
    book.batch({"deleteDimension": {"range": rows}})
    assert "conditionalFormats" not in sheet(book)
    refused = book.batch_refused({"deleteConditionalFormatRule": {"sheetId": 0, "index": 0}})
    assert refused.endswith("No conditional format on sheet at index: 0")


def test_objects_of_a_copied_sheet_speak_of_the_copy_and_are_frozen(book):
    book.batch({"addConditionalFormatRule": {"rule": RULE}})
    copied = book.batch({"duplicateSheet": {"sourceSheetId": 0}})[0]["duplicateSheet"]["properties"][
        "sheetId"
    ]
    ranges = [
        s["conditionalFormats"][0]["ranges"][0].get("sheetId", 0) for s in (sheet(book), sheet(book, 1))
    ]
    assert sorted(ranges) == [0, copied]
    service = book.office.service
    frozen = service.freeze()
    service.restore(frozen)
    assert service.freeze() == frozen


def test_every_kind_of_request_is_done_or_refused_in_googles_words(book):
    for kind in fields("Request"):
        response = book.office.send(
            "POST", f"/v4/spreadsheets/{book.id}:batchUpdate", {"requests": [{kind: {}}]}
        )
        assert response.status_code in (200, 400), response.text
        if response.status_code == 400:
            assert response.json["error"]["message"].startswith(f"Invalid requests[0].{kind}: ")
    assert set(REQUESTS) <= set(fields("Request"))


@pytest.mark.parametrize("kind", ["addDataSource", "insertComment", "createDeveloperMetadata"])
def test_what_is_not_kept_here_is_refused(book, kind):
    assert book.batch_refused({kind: {}}).startswith(f"Invalid requests[0].{kind}: ")
