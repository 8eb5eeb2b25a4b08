"""Bodies, parameters and field masks are held to Google's own discovery documents."""

import pytest

from clawmark_services.sheets import messages
from clawmark_services.sheets.errors import GoogleError


@pytest.mark.parametrize("name", ["messages_sheets.json", "messages_drive.json"])
def test_our_tables_say_what_googles_discovery_documents_say(name):
    pytest.importorskip(
        "googleapiclient", reason="pip install google-api-python-client: it carries the documents"
    )
    import discovery_tables

    ours = (discovery_tables.HOME / name).read_text(encoding="utf-8")
    assert ours == discovery_tables.written(name), "run: python tests/sheets/discovery_tables.py"


def refused(body, message="BatchUpdateSpreadsheetRequest"):
    with pytest.raises(GoogleError) as refusal:
        messages.read(body, message)
    assert refusal.value.code == 400
    return refusal.value


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            {"mergeCells": {"mergeType": "SIDEWAYS"}},
            (
                "Invalid value at 'requests[0].merge_cells.merge_type' "
                '(type.googleapis.com/google.apps.sheets.v4.MergeCellsRequest.MergeType), "SIDEWAYS"'
            ),
        ),
        (
            {"addSheet": "x"},
            (
                "Invalid value at 'requests[0].add_sheet' "
                '(type.googleapis.com/google.apps.sheets.v4.AddSheetRequest), "x"'
            ),
        ),
        (
            {"addSheet": []},
            (
                "Invalid JSON payload received. Unknown name \"add_sheet\" at 'requests[0]': "
                "Proto field is not repeating, cannot start list."
            ),
        ),
        (
            {"deleteSheet": {"sheetId": 2**31}},
            "Invalid value at 'requests[0].delete_sheet.sheet_id' (TYPE_INT32), 2147483648",
        ),
        (
            {"addSheet": {"properties": {"hidden": "yes", "title": 5}}},
            (
                "Invalid value at 'requests[0].add_sheet.properties.hidden' (TYPE_BOOL), \"yes\"\n"
                "Invalid value at 'requests[0].add_sheet.properties.title' (TYPE_STRING), 5"
            ),
        ),
    ],
)
def test_what_a_message_does_not_allow_is_named_all_at_once(payload, message):
    refusal = refused({"requests": [payload]})
    assert refusal.message == message
    violations = refusal.details[0]["fieldViolations"]
    assert "\n".join(violation["description"] for violation in violations) == message


def test_both_spellings_and_numbers_written_as_texts_are_understood():
    body = {"requests": [{"delete_sheet": {"sheet_id": "7"}}, {"deleteSheet": {"sheetId": 7.0}}]}
    assert messages.read(body, "BatchUpdateSpreadsheetRequest") == {
        "requests": [{"deleteSheet": {"sheetId": 7}}, {"deleteSheet": {"sheetId": 7}}]
    }


def test_null_is_no_value():
    assert messages.read(None, "ValueRange") == {}
    assert messages.read({"values": None}, "ValueRange") == {"values": None}


def test_null_is_no_item_of_a_list():
    refusal = refused({"requests": [None]})
    wanted = "(type.googleapis.com/google.apps.sheets.v4.Request), null"
    assert refusal.message == f"Invalid value at 'requests[0]' {wanted}"


def test_the_bound_field_is_part_of_the_path(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    code, message = book.office.refused("PUT", path, {"rows": []}, valueInputOption="RAW")
    assert (code, message) == (
        400,
        "Invalid JSON payload received. Unknown name \"rows\" at 'data': Cannot find field.",
    )


@pytest.mark.parametrize("fields", ["sheets.nothing", "properties(title,colour)", "nope"])
def test_a_field_mask_that_names_no_field_of_the_answer_is_refused(book, fields):
    code, message = book.office.refused("GET", f"/v4/spreadsheets/{book.id}", fields=fields)
    assert code == 400
    assert message.startswith("Error expanding 'fields' parameter. Cannot find matching fields for path")
    code, message = book.office.refused("GET", f"/drive/v3/files/{book.id}", fields="colour")
    assert (code, message) == (400, "Invalid field selection colour")


def test_a_field_mask_may_name_what_happens_to_be_absent(book):
    assert book.office.ok("GET", f"/v4/spreadsheets/{book.id}", fields="namedRanges,sheets.charts") == {
        "sheets": [{}]
    }
