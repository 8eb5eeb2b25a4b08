"""Values over the wire: what goes in, what comes out, and what is refused."""

import pytest

GOOD = "USER_ENTERED"


def test_numbers_are_shown_without_a_decimal_point_they_do_not_need(book):
    book.put("A1", [[53, 8000, 1.5, "=3/2", True, 0.1 + 0.2, 2 / 3]], GOOD)
    assert book.values("A1:G1") == [["53", "8000", "1.5", "1.5", "TRUE", "0.3", "0.6666666667"]]


def test_raw_keeps_texts_as_they_are(book):
    book.put("A1", [["5000", "=1+1", "2020-01-01", "TRUE", "'x"]])
    same = [["5000", "=1+1", "2020-01-01", "TRUE", "'x"]]
    assert book.values("A1:E1", valueRenderOption="UNFORMATTED_VALUE") == same
    assert book.values("A1:E1") == same


def test_user_entered_reads_texts_as_if_typed(book):
    book.put("A1", [["0042", "2,000,000.01", "12%", "$3.50", "true", "'007", "abc", " 5 "]], GOOD)
    found = book.values("A1:H1", valueRenderOption="UNFORMATTED_VALUE")
    assert found == [[42, 2000000.01, 0.12, 3.5, True, "007", "abc", 5]]
    assert book.values("B1:D1") == [["2,000,000.01", "12%", "$3.50"]]


def test_a_date_is_a_serial_that_shows_as_it_was_typed(book):
    book.put("A1", [["2020-01-01", "1/2/2020", "2020-01-01 06:00:00"]], GOOD)
    assert book.values("A1:B1") == [["2020-01-01", "1/2/2020"]]
    assert book.values("A1:C1", valueRenderOption="UNFORMATTED_VALUE") == [[43831, 43832, 43831.25]]
    assert book.values("A1", valueRenderOption="FORMULA") == [[43831]]
    given_back = book.values(
        "A1", valueRenderOption="UNFORMATTED_VALUE", dateTimeRenderOption="FORMATTED_STRING"
    )
    assert given_back == [["2020-01-01"]]


def test_no_day_is_invented(book):
    assert book.shown("2021-02-29") == "2021-02-29"
    assert book.values("Z99", valueRenderOption="UNFORMATTED_VALUE") == [["2021-02-29"]]


def test_a_date_keeps_its_format_when_a_plain_number_replaces_it(book):
    book.put("A1", [["2020-01-01"]], GOOD)
    book.put("A1", [[43832]])
    assert book.values("A1") == [["2020-01-02"]]


def test_formulas_come_back_as_formulas_when_asked(book):
    book.put("A1", [["=4/2", "x"]], GOOD)
    assert book.values("A1:B1", valueRenderOption="FORMULA") == [["=4/2", "x"]]


def test_trailing_emptiness_is_trimmed_and_emptiness_inside_is_kept(book):
    book.put("B2", [["x", "", ""], ["", "", ""], ["", "y", ""]])
    assert book.values("A1:F9") == [[], ["", "x"], [], ["", "", "y"]]
    empty = book.get("E1:F9")
    assert empty == {"range": "Sheet1!E1:F9", "majorDimension": "ROWS"}


def test_columns_come_first_when_asked(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    body = {"majorDimension": "COLUMNS", "values": [["a", "b"], ["c"]]}
    done = book.office.ok("PUT", path, body, valueInputOption="RAW")
    assert done["updatedRange"] == "Sheet1!A1:B2"
    assert book.values("A1:B2") == [["a", "c"], ["b"]]
    assert book.values("A1:B2", majorDimension="COLUMNS") == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("Sheet1", "Sheet1!A1:Z1000"),
        ("Sheet1!A1:C", "Sheet1!A1:C1000"),
        ("Sheet1!A1:1", "Sheet1!A1:Z1"),
        ("Sheet1!D4:A1", "Sheet1!A1:D4"),
        ("Sheet1!B:B", "Sheet1!B1:B1000"),
        ("Sheet1!2:3", "Sheet1!A2:Z3"),
        ("sheet1!$B$2", "Sheet1!B2"),
        ("A1:ZZ2000", "Sheet1!A1:Z1000"),
        ("My tab!A1", "'My tab'!A1"),
        ("'My tab'", "'My tab'!A1:J10"),
        ("'D3'!A1:D4", "'D3'!A1:D4"),
        ("D3", "Sheet1!D3"),
        ("'It''s'!A1", "'It''s'!A1"),
        ("年度!A1", "'年度'!A1"),
    ],
)
def test_the_answered_range_is_expanded_to_the_grid_and_quoted_where_needed(book, asked, answered):
    small = {"rowCount": 10, "columnCount": 10}
    titles = ("My tab", "D3", "It's", "年度")
    book.batch(*({"addSheet": {"properties": {"title": t, "gridProperties": small}}} for t in titles))
    assert book.get(asked)["range"] == answered


@pytest.mark.parametrize(
    "text", ["Nope!A1", "Sheet1!A1:", "Sheet1!A0", "1A", "Nope", "Sheet1!A:1x", "'Sheet1"]
)
def test_a_range_that_means_nothing_is_refused_in_googles_words(book, text):
    path = f"/v4/spreadsheets/{book.id}/values/{text}"
    assert book.office.refused("GET", path) == (400, f"Unable to parse range: {text}")


def test_a_range_that_begins_beyond_the_grid_is_refused(book):
    code, message = book.office.refused("GET", f"/v4/spreadsheets/{book.id}/values/A1001:B")
    assert code == 400
    assert message == "Range (Sheet1!A1001:B) exceeds grid limits. Max rows: 1000, max columns: 26"


def test_an_update_never_grows_the_grid(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1000"
    refusal = book.office.refused("PUT", path, {"values": [["a"], ["b"]]}, valueInputOption="RAW")
    assert refusal == (
        400,
        "Range (Sheet1!A1000:A1001) exceeds grid limits. Max rows: 1000, max columns: 26",
    )
    assert book.values("A1000") == []


@pytest.mark.parametrize(("values", "where"), [([[1], [2]], "row [2]"), ([[1, 2, 3]], "column [C]")])
def test_values_must_fit_a_range_that_says_where_it_ends(book, values, where):
    path = f"/v4/spreadsheets/{book.id}/values/A1:B1"
    refusal = book.office.refused("PUT", path, {"values": values}, valueInputOption="RAW")
    assert refusal == (
        400,
        f"Requested writing within range [Sheet1!A1:B1], but tried writing to {where}",
    )


def test_null_skips_a_cell_and_an_empty_text_clears_it(book):
    book.put("A1", [["a", "b", "c"]])
    done = book.put("A1:D2", [["x", None, ""], [None, None, None]])
    assert done == {
        "spreadsheetId": book.id,
        "updatedRange": "Sheet1!A1:C2",
        "updatedRows": 1,
        "updatedColumns": 2,
        "updatedCells": 2,
    }
    assert book.values("A1:C1") == [["x", "b"]]


def test_an_update_gives_back_what_it_wrote_when_asked(book):
    done = book.put(
        "A1", [["=1+1"]], GOOD, includeValuesInResponse="true", responseValueRenderOption="UNFORMATTED_VALUE"
    )
    assert done["updatedData"] == {"range": "Sheet1!A1", "majorDimension": "ROWS", "values": [[2]]}


def test_many_ranges_are_read_written_and_cleared_at_once(book):
    base = f"/v4/spreadsheets/{book.id}/values"
    body = {
        "valueInputOption": "RAW",
        "data": [{"range": "A1:B1", "values": [["a", "b"]]}, {"range": "A4", "values": [["c"]]}],
    }
    total = book.office.ok("POST", f"{base}:batchUpdate", body)
    assert (total["totalUpdatedCells"], total["totalUpdatedRows"], total["totalUpdatedSheets"]) == (3, 2, 1)
    response = book.office.send("GET", f"{base}:batchGet?ranges=A1:B1&ranges=A4")
    assert [part["values"] for part in response.json["valueRanges"]] == [[["a", "b"]], [["c"]]]
    cleared = book.office.ok("POST", f"{base}:batchClear", {"ranges": ["A1", "A4:B9"]})
    assert cleared["clearedRanges"] == ["Sheet1!A1", "Sheet1!A4:B9"]
    assert book.values("A1:B9") == [["", "b"]]


def test_a_batch_with_one_bad_range_writes_nothing(book):
    body = {
        "valueInputOption": "RAW",
        "data": [{"range": "A1", "values": [["a"]]}, {"range": "Nope!A1", "values": [["c"]]}],
    }
    path = f"/v4/spreadsheets/{book.id}/values:batchUpdate"
    assert book.office.refused("POST", path, body) == (400, "Unable to parse range: Nope!A1")
    assert book.values("A1") == []


def test_the_input_option_must_be_said(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    message = "'valueInputOption' is required but not specified"
    assert book.office.refused("PUT", path, {"values": [["a"]]}) == (400, message)


def test_values_must_be_lists_of_plain_values(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    response = book.office.send("PUT", path, {"values": "X"}, query_string={"valueInputOption": "RAW"})
    message = "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), \"X\""
    assert response.json["error"]["message"] == message
    assert response.json["error"]["details"][0]["fieldViolations"] == [
        {"field": "data.values", "description": message}
    ]
    _, message = book.office.refused("PUT", path, {"values": [[{"a": 1}]]}, valueInputOption="RAW")
    assert message.startswith("Invalid values[0][0]: struct_value")


def test_unknown_fields_and_parameters_are_refused(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    _, message = book.office.refused("PUT", path, {"valuez": []}, valueInputOption="RAW")
    assert message == "Invalid JSON payload received. Unknown name \"valuez\" at 'data': Cannot find field."
    _, message = book.office.refused("GET", path, foo="1")
    assert 'Unknown name "foo": Cannot bind query parameter' in message


@pytest.mark.parametrize("body", [b"{", b"[1, NaN]", b"\xff", b'{"values": ' + b"[" * 100_000])
def test_a_broken_body_is_refused(book, body):
    response = book.office.send(
        "PUT", f"/v4/spreadsheets/{book.id}/values/A1?valueInputOption=RAW", data=body
    )
    assert response.status_code == 400
    assert response.json["error"]["status"] == "INVALID_ARGUMENT"


def test_half_a_surrogate_pair_does_no_harm(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1?valueInputOption=RAW"
    response = book.office.send("PUT", path, data=b'{"values": [["a\\ud800b"]]}')
    assert response.status_code == 200
    assert book.values("A1") == [["a?b"]]


def test_a_cell_holds_at_most_fifty_thousand_characters(book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    _, message = book.office.refused("PUT", path, {"values": [["x" * 50_001]]}, valueInputOption="RAW")
    assert "more than the maximum of 50000 characters" in message


def test_a_long_get_may_come_as_a_post(book):
    book.put("A1", [["a"]])
    response = book.office.send(
        "POST",
        f"/v4/spreadsheets/{book.id}/values:batchGet",
        data={"ranges": ["A1", "B1"]},
        headers={"X-HTTP-Method-Override": "GET"},
    )
    assert [part["range"] for part in response.json["valueRanges"]] == ["Sheet1!A1", "Sheet1!B1"]


def test_a_spreadsheet_that_is_not_there_is_not_found(office):
    assert office.refused("GET", "/v4/spreadsheets/nope") == (404, "Requested entity was not found.")
    response = office.send("GET", "/v4/spreadsheets/nope/values/A1")
    assert response.json["error"]["status"] == "NOT_FOUND"


def test_an_address_that_no_api_has_is_googles_404(office):
    response = office.send("GET", "/v4/nonsense")
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert office.audit[-1]["operation"] == "unknown"
