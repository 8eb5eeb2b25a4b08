"""File uploads: one part, several, imports; where they are shown, and that their bytes can be read."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from werkzeug.test import Client

from clawmark_services.notion import NotionSpec

NEW = "2025-09-03"


def created(office, **body):
    return office.ok("POST", "file_uploads", body, version=NEW)


def sent(office, upload, content=b"hello", **fields):
    """The status and answer of sending bytes to an upload."""
    form = {"file": (io.BytesIO(content), "a.txt", "text/plain"), **fields}
    response = office.http.post(
        f"/v1/file_uploads/{upload['id']}/send",
        data=form,
        headers={"Authorization": f"Bearer {office.token}", "Notion-Version": NEW},
    )
    return response.status_code, response.json


def uploaded(office, name="a.txt", content=b"hello"):
    upload = created(office, filename=name)
    status, answer = sent(office, upload, content)
    assert (status, answer["status"], answer["content_length"]) == (200, "uploaded", len(content))
    return answer


def bytes_at(office, url):
    assert url.startswith("http://localhost/files/")
    return Client(office.service.door("notion").app).get(url.removeprefix("http://localhost"))


def test_a_file_of_one_part_is_shown_in_a_block_and_can_be_read(office):
    upload = uploaded(office)
    block = {"file": {"type": "file_upload", "file_upload": {"id": upload["id"]}}}
    (made,) = office.ok("PATCH", f"blocks/{office.root}/children", {"children": [block]})["results"]
    assert (made["file"]["type"], made["file"]["name"]) == ("file", "a.txt")
    response = bytes_at(office, made["file"]["file"]["url"])
    assert (response.status_code, response.data, response.mimetype) == (200, b"hello", "text/plain")
    assert office.ok("GET", f"file_uploads/{upload['id']}")["expiry_time"] is None


def test_only_whoever_has_the_address_can_read_a_file(office):
    upload = uploaded(office)
    page = {"parent": {"page_id": office.root}, "properties": {}}
    made = office.ok("POST", "pages", page | {"cover": {"file_upload": {"id": upload["id"]}}})
    url = made["cover"]["file"]["url"]
    assert bytes_at(office, url[:-3] + "000").status_code == 403
    assert bytes_at(office, url.replace(upload["id"], office.root)).status_code == 400


def test_a_file_of_several_parts_is_put_together_in_their_order(office):
    upload = created(office, mode="multi_part", filename="b.txt", number_of_parts=2)
    assert upload["number_of_parts"] == {"total": 2, "sent": 0}
    assert sent(office, upload, b"two", part_number="2")[1]["number_of_parts"]["sent"] == 1
    status, answer = office.send("POST", f"file_uploads/{upload['id']}/complete", {}, version=NEW)
    assert (status, "1 of 2 parts" in answer["message"]) == (400, True)
    assert sent(office, upload, b"one", part_number="1")[0] == 200
    done = office.ok("POST", f"file_uploads/{upload['id']}/complete", {}, version=NEW)
    assert (done["status"], done["content_length"]) == ("uploaded", 6)
    table = office.database("t", Files={"files": {}})
    value = {"files": [{"name": "mine.txt", "file_upload": {"id": upload["id"]}}]}
    (file,) = office.row(table, "r", Files=value)["properties"]["Files"]["files"]
    assert (file["name"], bytes_at(office, file["file"]["url"]).data) == ("mine.txt", b"onetwo")
    again = {"files": [{"name": "again.txt", "type": "file", "file": {"url": file["file"]["url"]}}]}
    (copied,) = office.row(table, "s", Files=again)["properties"]["Files"]["files"]
    assert bytes_at(office, copied["file"]["url"]).data == b"onetwo"
    assert office.view.database("t").row(Name="r")["Files"] == ["mine.txt"]


def test_an_import_begins_and_fails_because_there_is_no_network(office):
    upload = created(office, mode="external_url", filename="x.pdf", external_url="https://example.com/x.pdf")
    assert (upload["status"], upload["content_type"]) == ("pending", "application/pdf")
    later = office.ok("GET", f"file_uploads/{upload['id']}", version=NEW)
    assert later["status"] == "failed"
    assert later["file_import_result"]["error"]["type"] == "download_error"


def test_uploads_are_listed_newest_first_and_expire(office):
    first, second = created(office, filename="1.txt"), created(office, filename="2.txt")
    listed = office.ok("GET", "file_uploads?page_size=1", version=NEW)
    assert [each["id"] for each in listed["results"]] == [second["id"]]
    assert listed["next_cursor"] == first["id"]
    office.clock.set(datetime.fromisoformat("2024-03-20T09:00+08:00"), "wednesday")
    assert office.ok("GET", "file_uploads?status=pending", version=NEW)["results"] == []
    assert office.ok("GET", f"file_uploads/{first['id']}", version=NEW)["status"] == "expired"
    assert sent(office, first)[0] == 400


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"mode": "by post"}, "body.mode"),
        ({"mode": "multi_part"}, "body.filename should be defined"),
        ({"mode": "multi_part", "filename": "a", "number_of_parts": 0}, "body.number_of_parts"),
        ({"mode": "external_url", "filename": "a", "external_url": "http://a.b"}, "a valid HTTPS URL"),
        ({"mode": "external_url", "filename": "a", "external_url": "https://[x"}, "a valid HTTPS URL"),
        ({"filename": "a" * 901}, "body.filename.length"),
        ({"number_of_parts": 2}, "body.number_of_parts should be not present"),
        ({"colour": "red"}, "body.colour should be not present"),
    ],
)
def test_uploads_that_are_refused(office, body, complaint):
    assert complaint in office.refused("POST", "file_uploads", body, version=NEW)


def test_a_file_that_was_not_sent_cannot_be_shown(office):
    upload = created(office, filename="a.txt")
    block = {"image": {"file_upload": {"id": upload["id"]}}}
    before = office.service.freeze()
    complaint = office.refused("PATCH", f"blocks/{office.root}/children", {"children": [block]})
    assert "its status is pending" in complaint
    assert office.service.freeze() == before
    status, _ = office.send(
        "PATCH",
        f"blocks/{office.root}/children",
        {"children": [{"image": {"file_upload": {"id": office.root}}}]},
    )
    assert status == 404


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data", b""),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nt\r\n--x--',
        ),
        ("application/json", b"{}"),
    ],
)
def test_forms_without_a_file_are_refused(office, kind, data):
    upload = created(office, filename="a.txt")
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": NEW, "Content-Type": kind}
    response = office.http.post(f"/v1/file_uploads/{upload['id']}/send", data=data, headers=headers)
    assert (response.status_code, response.json["code"]) == (400, "validation_error")


def test_files_survive_freezing_and_the_audit_does_not_hold_their_bytes(office, new_office):
    upload = uploaded(office, content=b"\x00\xff secret")
    assert "secret" not in str(office.audit)
    twin = new_office(seed=9)
    twin.service.restore(office.service.freeze())
    assert twin.service.freeze() == office.service.freeze()
    comment = {
        "parent": {"page_id": twin.root},
        "rich_text": [],
        "attachments": [{"file_upload_id": upload["id"]}],
    }
    made = twin.ok("POST", "comments", comment)
    assert bytes_at(twin, made["attachments"][0]["file"]["url"]).data == b"\x00\xff secret"
    (file,) = NotionSpec().view(twin.service.freeze()).files
    assert (file.name, file.content, file.by) == ("a.txt", b"\x00\xff secret", "agent")
    assert office.view.files == ()
