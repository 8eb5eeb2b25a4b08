"""Content of files, sent to Drive and read back."""

import json
import os

import pytest

from clawmark_services.sheets import SheetsSpec

SPREADSHEET = "application/vnd.google-apps.spreadsheet"


def multipart(described, content, kind):
    head = f"--b\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(described)}\r\n"
    return f"{head}--b\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n--b--"


def upload(office, described, content, kind, *, file_id="", fields="*"):
    return office.send(
        "PATCH" if file_id else "POST",
        f"/upload/drive/v3/files{'/' if file_id else ''}{file_id}",
        data=multipart(described, content, kind),
        headers={"Content-Type": "multipart/related; boundary=b"},
        query_string={"uploadType": "multipart", "fields": fields},
    )


def shown(office, file_id):
    return office.ok("GET", f"/v4/spreadsheets/{file_id}/values/A1:C9")["values"]


@pytest.mark.parametrize(("kind", "separator"), [("text/csv", ","), ("text/tab-separated-values", "\t")])
def test_a_table_becomes_a_spreadsheet_where_one_is_asked_for(office, kind, separator):
    table = f"name{separator}n\r\nü{separator}=1+1\r\n".encode()
    made = upload(office, {"name": "up", "mimeType": SPREADSHEET}, table, kind).json
    assert (made["name"], made["mimeType"]) == ("up", SPREADSHEET)
    assert shown(office, made["id"]) == [["name", "n"], ["ü", "2"]]
    again = upload(office, {"name": "new"}, b"x", kind, file_id=made["id"]).json
    assert (again["id"], again["name"]) == (made["id"], "new")
    assert shown(office, made["id"]) == [["x"]]


def test_any_other_content_is_kept_to_the_byte(office):
    content = os.urandom(5000) + b"\r\n\n\r--b\x00"
    made = upload(office, {"name": "photo.png"}, content, "image/png").json
    assert (made["mimeType"], made["size"]) == ("image/png", str(len(content)))
    path = f"/drive/v3/files/{made['id']}"
    found = office.send("GET", path, query_string={"alt": "media"})
    assert (found.data, found.content_type) == (content, "image/png")
    copied = office.ok("POST", f"{path}/copy", {})
    restored = office.service.freeze()
    office.service.restore(json.loads(json.dumps(restored)))
    assert office.service.freeze() == restored
    found = office.send("GET", f"/drive/v3/files/{copied['id']}", query_string={"alt": "media"})
    assert found.data == content


def test_content_may_come_alone(office):
    made = office.send(
        "POST",
        "/upload/drive/v3/files",
        data=b"hello",
        headers={"Content-Type": "text/plain"},
        query_string={"uploadType": "media"},
    ).json
    assert (made["name"], made["mimeType"]) == ("Untitled", "text/plain")


@pytest.mark.parametrize(
    ("described", "kind", "code", "reason"),
    [
        ({"mimeType": SPREADSHEET}, "image/png", 400, "badRequest"),
        ({"name": 3}, "text/plain", 400, None),
        ([], "text/plain", 400, "parseError"),
    ],
)
def test_what_cannot_be_taken_in_leaves_no_file(office, described, kind, code, reason):
    before = office.ok("GET", "/drive/v3/files")
    refused = upload(office, described, b"x", kind)
    assert refused.status_code == code
    if reason:
        assert refused.json["error"]["errors"][0]["reason"] == reason
    assert office.ok("GET", "/drive/v3/files") == before


@pytest.mark.parametrize("data", [b"", b"--b--", b"nothing", b"--b\r\n\r\n{}\r\n--b--"])
def test_a_body_that_is_not_of_two_parts_is_refused(office, data):
    response = office.send(
        "POST",
        "/upload/drive/v3/files",
        data=data,
        headers={"Content-Type": "multipart/related; boundary=b"},
        query_string={"uploadType": "multipart"},
    )
    assert response.status_code == 400


def test_a_spreadsheet_has_no_content_to_download(book):
    found = book.office.send("GET", f"/drive/v3/files/{book.id}", query_string={"alt": "media"})
    assert found.json["error"]["errors"][0]["reason"] == "fileNotDownloadable"


def test_a_drive_can_be_full(office, monkeypatch):
    monkeypatch.setattr("clawmark_services.sheets.store.MAX_CONTENT", 10)
    made = upload(office, {}, b"x" * 10, "text/plain").json
    refused = upload(office, {}, b"x", "text/plain")
    assert refused.json["error"]["errors"][0]["reason"] == "storageQuotaExceeded"
    assert upload(office, {}, b"y" * 10, "text/plain", file_id=made["id"]).status_code == 200


def test_there_are_no_shared_drives(office):
    assert office.ok("GET", "/drive/v3/drives") == {"kind": "drive#driveList", "drives": []}


def test_a_change_of_content_is_told_in_short(office):
    kept = upload(office, {}, b"hello", "text/plain").json["id"]
    told = []
    for content in (b"changed", b"\xff" * 9000, b"long " * 1000):
        before = office.service.freeze()
        upload(office, {}, content, "text/plain", file_id=kept)
        (change,) = SheetsSpec().changes(before, office.service.freeze())
        told.append(change.fields["content"])
    assert told[0] == ("hello", "changed")
    assert told[1][1].startswith("9000 bytes, SHA-256 ")
    assert told[2] == (told[1][1], told[2][1])
    assert told[2][1].startswith("5000 bytes, SHA-256 ")
