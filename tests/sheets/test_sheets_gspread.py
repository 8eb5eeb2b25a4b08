"""The real gspread, unmodified, over a real socket."""

import gspread
import pytest


@pytest.fixture
def sheet(client):
    return client.create("Budget")


@pytest.fixture
def tab(sheet):
    tab = sheet.sheet1
    tab.append_row(["Name", "Amount", "Due"])
    tab.append_rows([["ann", 1.5, "2020-01-01"], ["bob", "=B2*2", ""]], value_input_option="USER_ENTERED")
    return tab


def test_a_spreadsheet_is_opened_by_title_by_key_and_listed(client, sheet):
    assert client.open("Budget").id == sheet.id
    assert client.open_by_key(sheet.id).title == "Budget"
    assert [file["name"] for file in client.list_spreadsheet_files()] == ["Budget"]
    assert [one.id for one in client.openall()] == [sheet.id]


def test_what_is_not_there_is_gspreads_own_error(client, sheet):
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open("Nope")
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open_by_key("nope")
    with pytest.raises(gspread.WorksheetNotFound):
        sheet.worksheet("Nope")


def test_records_are_read_as_they_were_appended(tab):
    assert tab.get_all_records() == [
        {"Name": "ann", "Amount": 1.5, "Due": "2020-01-01"},
        {"Name": "bob", "Amount": 3, "Due": ""},
    ]


def test_cells_are_found_updated_and_read(tab):
    assert tab.find("bob").address == "A3"
    tab.update([["zed", 5]], "A4")
    tab.batch_update([{"range": "A5:B5", "values": [["quinn", 7]]}])
    tab.update_acell("C5", "=SUM(B2:B5)")
    assert tab.acell("C5").value == "16.5"
    assert tab.acell("C5", value_render_option="FORMULA").value == "=SUM(B2:B5)"
    assert tab.batch_get(["A4:B4", "A9"]) == [[["zed", "5"]], []]
    assert tab.row_values(5) == ["quinn", "7", "16.5"]
    assert tab.col_values(1) == ["Name", "ann", "bob", "zed", "quinn"]
    tab.batch_clear(["A4:B5"])
    assert tab.get("A4:C5") == [[], ["", "", "4.5"]]


def test_tabs_are_added_renamed_ordered_and_deleted(sheet):
    other = sheet.add_worksheet("Other tab", 10, 5)
    other.update_title("New")
    sheet.reorder_worksheets([other, sheet.sheet1])
    assert [tab.title for tab in sheet.worksheets()] == ["New", "Sheet1"]
    sheet.worksheet("Sheet1").duplicate(new_sheet_name="Copy")
    sheet.del_worksheet(other)
    assert {tab.title for tab in sheet.worksheets()} == {"Sheet1", "Copy"}


def test_rows_are_inserted_deleted_and_sorted(tab):
    tab.insert_row(["new", 9], 2)
    tab.delete_rows(4)
    tab.sort((2, "asc"), range="A2:C3")
    assert tab.get_all_values() == [["Name", "Amount", "Due"], ["ann", "1.5", "2020-01-01"], ["new", "9", ""]]
    tab.resize(rows=5)
    assert (tab.row_count, len(tab.range("A1:B5"))) == (5, 10)


def test_looks_and_notes_are_kept(tab):
    tab.format("A1:B1", {"textFormat": {"bold": True}, "backgroundColor": {"red": 1}})
    tab.freeze(rows=1)
    tab.merge_cells("D1:E1")
    tab.update_note("A1", "hello")
    assert tab.get_note("A1") == "hello"
    assert tab.frozen_row_count == 1


def test_sharing_and_copying(client, sheet, tab):
    sheet.share("bob@company.example", perm_type="user", role="writer")
    assert [p["role"] for p in sheet.list_permissions()] == ["owner", "writer"]
    sheet.remove_permissions("bob@company.example")
    copied = client.copy(sheet.id, title="Copy")
    assert copied.sheet1.get_all_values() == tab.get_all_values()
    client.del_spreadsheet(copied.id)
    assert len(client.list_spreadsheet_files()) == 1


def test_csv_is_exported_and_imported(client, sheet, tab):
    assert client.export(sheet.id, gspread.utils.ExportFormat.CSV).startswith(b"Name,Amount,Due\r\n")
    client.import_csv(sheet.id, "x,1\ny,2")
    assert sheet.sheet1.get_all_values() == [["x", "1"], ["y", "2"]]


def test_refusals_arrive_as_api_errors(sheet, tab):
    with pytest.raises(gspread.exceptions.APIError, match="already exists") as refusal:
        sheet.add_worksheet("sheet1", 1, 1)
    assert refusal.value.code == 400
    with pytest.raises(gspread.exceptions.APIError, match="exceeds grid limits"):
        tab.update([[1]], "A5000")
    with pytest.raises(gspread.exceptions.APIError, match="tried writing to row"):
        tab.update([[1], [2]], "A1:B1")


def test_titles_and_time_zone_can_be_changed(client, sheet):
    sheet.update_title("Plan")
    sheet.update_timezone("Asia/Tokyo")
    assert client.open("Plan").timezone == "Asia/Tokyo"
