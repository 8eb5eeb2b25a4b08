"""What the Drive of a world may hold: Google's limits and refusals, and the author of the task without any."""

import pytest

from clawmark_services.sheets import storage, store

FULL = (403, "The user's Drive storage quota has been exceeded.")


@pytest.fixture
def small(monkeypatch):
    """A Drive of 64 KiB."""
    monkeypatch.setattr(store, "MAX_STORAGE", 64 * 1024)


def test_a_request_to_sheets_has_at_most_ten_mebibytes(office, book):
    path = f"/v4/spreadsheets/{book.id}/values/A1"
    found = office.refused("PUT", path, "x" * 10_485_760, valueInputOption="RAW")
    assert found == (400, "Request payload size exceeds the limit: 10485760 bytes.")


@pytest.mark.usefixtures("small")
def test_cells_fill_the_drive_and_clearing_them_makes_room(office, book):
    lines = [["a long text " * 50] for _ in range(60)]
    book.put("A1", lines)
    path = f"/v4/spreadsheets/{book.id}/values/B1"
    before = office.service.freeze()
    assert office.refused("PUT", path, {"values": lines}, valueInputOption="RAW") == FULL
    assert office.refused("POST", f"{path}:append", {"values": lines}, valueInputOption="RAW") == FULL
    assert office.service.freeze() == before
    office.ok("POST", f"/v4/spreadsheets/{book.id}/values/A1:A60:clear", {})
    book.put("B1", lines)


@pytest.mark.usefixtures("small")
def test_no_way_of_copying_passes_the_quota_by(office, book):
    book.put("A1", [["a long text " * 50] for _ in range(60)])
    before = office.service.freeze()["drive"]["files"]
    again = {"duplicateSheet": {"sourceSheetId": 0}}
    code, message = office.refused(
        "POST", f"/v4/spreadsheets/{book.id}:batchUpdate", {"requests": [{"addSheet": {}}, again]}
    )
    assert code == 403
    assert message == FULL[1]
    assert office.refused("POST", f"/drive/v3/files/{book.id}/copy", {}) == FULL
    copied = {"destinationSpreadsheetId": book.id}
    assert office.refused("POST", f"/v4/spreadsheets/{book.id}/sheets/0:copyTo", copied) == FULL
    assert office.service.freeze()["drive"]["files"] == before


@pytest.mark.usefixtures("small")
def test_files_without_content_fill_the_drive_too(office):
    for _ in range(64 * 1024 // storage.OF_A_FILE):
        answered = office.send("POST", "/drive/v3/files", {"name": "x"})
    assert answered.status_code == 403
    assert answered.json["error"]["errors"][0]["reason"] == "storageQuotaExceeded"


@pytest.mark.usefixtures("small")
def test_the_author_of_the_task_has_no_quota_and_a_full_drive_can_be_emptied(office):
    book = office.service.author.create("Large", tabs={"Sheet1": [["text " * 100] for _ in range(500)]})
    assert office.refused("POST", "/drive/v3/files", {"name": "x"}) == FULL
    office.ok("POST", f"/v4/spreadsheets/{book.id}/values/A1:A500:clear", {})
    office.ok("POST", "/drive/v3/files", {"name": "x"})


def test_a_spreadsheet_has_at_most_ten_million_cells(office, book):
    more = {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 400_000}}
    code, message = office.refused("POST", f"/v4/spreadsheets/{book.id}:batchUpdate", {"requests": [more]})
    assert code == 400
    assert message.endswith("above the limit of 10000000 cells.")
