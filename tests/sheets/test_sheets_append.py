"""Where appended rows go."""

import pytest


@pytest.fixture
def two_tables(book):
    """The reference guide's example: tables A1:C2 and B4:D6."""
    book.put("A1:C2", [["x", "y", "z"], ["x", "y", "z"]])
    book.put("B4:D6", [["x", "y", "z"], ["x", "y", "z"], ["x", "y", "z"]])
    return book


@pytest.mark.parametrize(
    ("asked", "written", "table"),
    [
        ("Sheet1", "Sheet1!B7", "Sheet1!B4:D6"),
        ("B4", "Sheet1!B7", "Sheet1!B4:D6"),
        ("C5:D5", "Sheet1!B7", "Sheet1!B4:D6"),
        ("B2:D4", "Sheet1!B7", "Sheet1!B4:D6"),
        ("A3:G10", "Sheet1!B7", "Sheet1!B4:D6"),
        ("A1", "Sheet1!A3", "Sheet1!A1:C2"),
        ("A:C", "Sheet1!B7", "Sheet1!B4:D6"),
        ("E4", "Sheet1!E4", None),
        ("A4", "Sheet1!A4", None),
    ],
)
def test_rows_go_below_the_last_table_that_the_range_touches(two_tables, asked, written, table):
    done = two_tables.append(asked, [["new"]])
    assert done["updates"]["updatedRange"] == written
    assert done.get("tableRange") == table


def test_the_first_row_of_an_empty_sheet_goes_to_its_top(book):
    assert book.append("Sheet1", [["a", "b"]])["updates"]["updatedRange"] == "Sheet1!A1:B1"


def test_a_gap_in_a_row_splits_it_into_two_tables(book):
    book.append("Sheet1", [["1", "", "3"]])
    done = book.append("Sheet1", [["1", "", "3"]])
    assert (done["tableRange"], done["updates"]["updatedRange"]) == ("Sheet1!C1", "Sheet1!C2:E2")


def test_appending_grows_the_grid(book):
    book.put("A1000", [["last"]])
    assert book.append("A1000", [["a"], ["b"]])["updates"]["updatedRange"] == "Sheet1!A1001:A1002"
    assert book.get("Sheet1")["range"] == "Sheet1!A1:Z1002"


def test_rows_can_be_inserted_instead_of_overwriting_what_lies_below(two_tables):
    two_tables.append("A1", [["n1"], ["n2"]], insertDataOption="INSERT_ROWS")
    assert two_tables.values("A3:B6") == [["n1"], ["n2"], [], ["", "x"]]


def test_appended_values_are_read_as_the_option_says(book):
    book.append("Sheet1", [["=1+1", "5"]], "USER_ENTERED")
    book.append("Sheet1", [["=1+1", "5"]])
    assert book.values("A1:B2", valueRenderOption="UNFORMATTED_VALUE") == [[2, 5], ["=1+1", "5"]]
